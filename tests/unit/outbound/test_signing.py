"""Signatures that Replicate's own client accepts, and keys that every client can read."""

import base64

import pytest
from replicate.webhook import (
    InvalidSignatureError,
    Webhooks,
    WebhookSigningSecret,
)

from outbound.signing import check_key, derive_key, headers

BODY = '{"id":"x","ü":"…"}'.encode()


def test_the_official_client_accepts_them() -> None:
    key = derive_key("a-good-secret")
    signed = headers(key, "msg_1", 1_700_000_000, BODY)
    Webhooks.validate(headers=signed, body=BODY.decode(), secret=WebhookSigningSecret(key=key))


def test_who_has_the_retired_key_accepts_them_as_well() -> None:
    new, old = derive_key("a-new-secret"), derive_key("an-old-secret")
    signed = headers(new, "msg_1", 1_700_000_000, BODY, [old])
    for key in (new, old):
        Webhooks.validate(headers=signed, body=BODY.decode(), secret=WebhookSigningSecret(key=key))
    other = WebhookSigningSecret(key=derive_key("another-secret"))
    with pytest.raises(InvalidSignatureError):
        Webhooks.validate(headers=signed, body=BODY.decode(), secret=other)


def test_it_refuses_another_body() -> None:
    key = derive_key("a-good-secret")
    signed = headers(key, "msg_1", 1_700_000_000, BODY)
    with pytest.raises(InvalidSignatureError):
        Webhooks.validate(headers=signed, body="{}", secret=WebhookSigningSecret(key=key))


def test_derived_keys_are_stable_and_differ() -> None:
    assert derive_key("one-secret") == derive_key("one-secret") != derive_key("two-secret")
    for number in range(200):
        key = derive_key(f"secret-{number}")
        check_key(key)
        assert key.count("_") == 1, "a client splits the key at the underscore"


@pytest.mark.parametrize(
    "key",
    [
        "",
        "whsec_",
        "whsec_abc",
        base64.b64encode(b"x" * 24).decode(),
        "whsec_" + base64.b64encode(b"x" * 23).decode(),
        "whsec_" + base64.b64encode(b"x" * 65).decode(),
        "whsec_" + "_" * 32,
    ],
)
def test_unusable_keys_are_refused(key: str) -> None:
    with pytest.raises(ValueError, match="base64"):
        check_key(key)
