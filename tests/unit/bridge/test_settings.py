"""The bridge's environment: secrets that are not secret stop it, naming the variable."""

import pytest

from bridge.records.tenants import Tenant
from bridge.settings import Settings
from transcription.environment import SettingsError

GOOD = {"BRIDGE_TOKEN": "a-good-token", "WEBHOOK_SECRET": "a-good-secret"}


def test_secrets_are_enough() -> None:
    settings = Settings.from_env(GOOD)
    assert settings.bearer_tokens == ("a-good-token",)
    assert settings.port == 8080


def test_the_seed_systems_name_for_the_token_is_understood() -> None:
    environ = {"BRIDGE_AUTH_TOKEN": "a-good-token", "WEBHOOK_SECRET": "a-good-secret"}
    assert Settings.from_env(environ).bearer_tokens == ("a-good-token",)


def test_several_tokens_are_valid_at_once() -> None:
    settings = Settings.from_env({**GOOD, "BRIDGE_TOKEN": "old-token-1, new-token-2"})
    assert settings.bearer_tokens == ("old-token-1", "new-token-2")


def test_the_password_of_redis_may_stand_alone() -> None:
    settings = Settings.from_env({**GOOD, "REDIS_PASSWORD": "a:good/password@"})
    assert settings.redis_address == "redis://:a%3Agood%2Fpassword%40@127.0.0.1:6379/0"
    assert "a:good/password@" not in repr(settings)
    with pytest.raises(SettingsError, match="REDIS_PASSWORD"):
        Settings.from_env({**GOOD, "REDIS_PASSWORD": "<put yours here>"})


@pytest.mark.parametrize("variable", ["BRIDGE_TOKEN", "WEBHOOK_SECRET"])
@pytest.mark.parametrize(
    "value", ["", "short", "changeme-please", "default_secret", "<your token>", "REPLACE_ME_NOW"]
)
def test_a_useless_secret_is_refused_by_name_and_not_shown(variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=variable) as caught:
        Settings.from_env({**GOOD, variable: value})
    assert not value or value == "short" or value not in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("BRIDGE_PORT", "many"),
        ("REDIS_URL", "http://redis"),
        ("COG_URL", "cog:5000"),
        ("ALLOWED_PRIVATE_HOSTS", "10.0.0.0/99"),
        ("CORS_ALLOWED_ORIGINS", "example.org"),
        ("CORS_ALLOWED_ORIGINS", "https://example.org/page"),
        ("MODEL_ALIASES", "best=nothing"),
        ("MODEL_NAME", "no-owner"),
        ("MODELS", ","),
        ("LOG_LEVEL", "LOUD"),
        ("PUBLIC_URL", "example.org"),
        ("PUBLIC_URL", "https://"),
        ("COG_URL", "http://[::1"),
        ("REDIS_URL", "redis://redis:99999/0"),
        ("BRIDGE_TOKEN", '"in-quotes-it-is-another"'),
        ("BRIDGE_TOKEN", "a token with spaces"),
        ("BRIDGE_TOKEN", "schlüsselbund"),
    ],
)
def test_an_unusable_value_is_refused_by_name(variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=variable):
        Settings.from_env({**GOOD, variable: value})


def test_a_carriage_return_of_a_file_from_windows_is_no_part_of_a_value() -> None:
    read = Settings.from_env({name: f"{value}\r" for name, value in GOOD.items()})
    assert read == Settings.from_env(GOOD)
    files = Settings.from_env({**GOOD, "FILES_DIR": "/files\r", "LOG_LEVEL": "debug\r"})
    assert (str(files.files_dir), files.log_level) == ("/files", "debug")


def test_what_leaves_no_record_has_no_tenant() -> None:
    forwarding = {**GOOD, "CLIENT_WEBHOOKS": "forward"}
    assert Settings.from_env(forwarding).client_webhooks == "forward"
    with pytest.raises(SettingsError, match="cannot be used with API_KEYS_FILE"):
        Settings.from_env({**forwarding, "API_KEYS_FILE": "/keys"})


def test_secrets_do_not_show_when_settings_are_printed() -> None:
    shown = repr(Settings.from_env(GOOD))
    assert "a-good-token" not in shown
    assert "a-good-secret" not in shown


def test_webhooks_are_signed_with_derived_keys_of_all_secrets() -> None:
    both = {"WEBHOOK_SECRET": "new-one-of-tests,old-one-of-tests"}
    changing = Settings.from_env({**GOOD, **both})
    for tenant in (Tenant("default"), Tenant("acme")):
        old = Settings.from_env({**GOOD, "WEBHOOK_SECRET": "old-one-of-tests"})
        assert changing.retired_signing_keys_of(tenant) == (old.signing_key_of(tenant),)
        assert old.retired_signing_keys_of(tenant) == ()
    own = {
        "WEBHOOK_SIGNING_KEY": f"whsec_{'A' * 32}",
        "WEBHOOK_SECRET": "new-one-of-tests,old-one-of-tests",
    }
    given = Settings.from_env({**GOOD, **own})
    assert given.retired_signing_keys_of(Tenant("default")) == ()


def test_several_secrets_are_each_checked() -> None:
    with pytest.raises(SettingsError, match="WEBHOOK_SECRET is shorter"):
        Settings.from_env({**GOOD, "WEBHOOK_SECRET": "a-good-new-one,short"})
