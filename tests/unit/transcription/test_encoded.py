"""Recordings as text, in every way that encoders write them."""

import base64
import textwrap
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from transcription import encoded
from transcription.encoded import decoded, is_encoded, media_type
from transcription.errors import InvalidAudio

HEAD = "data:audio/wav;base64,"


def plain(content: bytes) -> str:
    return base64.b64encode(content).decode()


def written(content: bytes) -> list[str]:
    """``content`` as all the encoders write it."""
    text = plain(content)
    safe = base64.urlsafe_b64encode(content).decode()
    return [
        HEAD + text,
        HEAD + safe,
        HEAD + text.rstrip("="),
        HEAD + safe.rstrip("="),
        HEAD + base64.encodebytes(content).decode(),
        HEAD + "\r\n".join(textwrap.wrap(text, 64)),
        HEAD + quote(text),
        f" {HEAD}{text}\n",
        f"DATA:Audio/WAV;BASE64,{text}",
        f"data:;base64,{text}",
        f"data:audio/webm;codecs=opus;name=a.webm;base64,{text}",
        f"data:video/webm;codecs=vp8,opus;base64,{text}",
        f'data:audio/webm; codecs="opus, pcm"; base64, {text}',
        f"data:audio/wav,{quote(content)}",
        text,
        safe,
        text.rstrip("="),
        base64.encodebytes(content).decode(),
        f"audio/wav;base64,{text}",
        f"audio/webm;codecs=opus;base64,{text}",
        f"base64,{text}",
        f"'{HEAD}{text}'",
        f'"{text}"',
        f"b'{text}'",
        f"\ufeff{text}",
        HEAD + base64.encodebytes(content).decode().replace("\n", "\\n"),
        HEAD + text.replace("/", "\\/"),
    ]


@pytest.mark.parametrize("head", [HEAD, "", "base64,"])
def test_spaces_are_line_ends_or_what_a_form_makes_of_a_plus(head: str) -> None:
    content = bytes(range(256)) * 4
    text = plain(content)
    lines = " ".join(textwrap.wrap(text, 76))
    for spaced in (lines, lines.replace("+", "-"), text.replace("+", " ")):
        assert " " in spaced
        assert is_encoded(head + spaced)
        assert b"".join(decoded(head + spaced, "audio")) == content


@given(st.binary(max_size=300))
@example(bytes(range(256)))
@example(b"\xfb\xff" * 100)
def test_every_spelling_is_decoded_to_the_byte(content: bytes) -> None:
    for text in written(content):
        assert b"".join(decoded(text, "audio")) == content, text


def test_long_texts_are_decoded_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    content = bytes(range(256)) * 3
    for size in (1, 2, 3, 5, 76, 77):
        monkeypatch.setattr(encoded, "_CHUNK", size)
        for text in written(content):
            assert b"".join(decoded(text, "audio")) == content


def test_what_is_a_recording_is_told_from_an_address() -> None:
    for text in written(bytes(range(256))):
        assert is_encoded(text), text
    for text in (
        "https://example.org/" + "a" * 200,
        "/data/recordings/" + "a" * 200 + ".wav",
        "a short word",
        "short",
        "",
        "words of a sentence " * 20,
    ):
        assert not is_encoded(text), text


@pytest.mark.parametrize(
    "text",
    [f"{HEAD}A", f"{HEAD}A=AA", f"{HEAD}AA AA", f"{HEAD}é", "data:audio/wav"],
)
def test_what_is_broken_names_its_field(text: str) -> None:
    with pytest.raises(InvalidAudio, match="audio: ") as raised:
        list(decoded(text, "audio"))
    assert raised.value.field == "audio"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("data:audio/webm;codecs=opus;base64,AAAA", "audio/webm"),
        ("DATA:audio/wav;base64,AAAA", "audio/wav"),
        ("data:;base64,AAAA", "application/octet-stream"),
        ("AAAA", "application/octet-stream"),
    ],
)
def test_the_media_type_is_what_the_uri_claims(text: str, found: str) -> None:
    assert media_type(text) == found
