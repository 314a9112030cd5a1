"""What cannot be read is refused with what it is, in a sentence of its own."""

import random
from pathlib import Path

import pytest

from tests.fixtures.media import Voice, bursts, film
from transcription.audio import decode
from transcription.errors import InvalidAudio
from transcription.probe import probe

SOUND = bursts([0.5], 2.0)
MP4 = film("mp4", Voice(SOUND, "aac"))
NOISE = random.Random(1).randbytes(60_000)
PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>login</body></html>"


def beheaded(container: str, codec: str) -> bytes:
    """A file whose first bytes alone are as they were."""
    return film(container, Voice(SOUND, codec))[:16] + NOISE


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (PAGE, "is an HTML page, not a recording"),
        (b"\n <!-- a --><!-- b -->\n<HTML lang=en>" + b" " * 500, "is an HTML page"),
        ("\ufeff<html><body>".encode() + b" " * 500, "is an HTML page"),
        (b"\x00\x00\x00\x18ftypheic" + NOISE, "is a HEIF or AVIF image, not a recording"),
        (b"RIFF\x00\xea\x00\x00WEBPVP8 " + NOISE, "is a WebP image"),
        (b"MThd\x00\x00\x00\x06\x00\x01" + NOISE, "is a MIDI file"),
        (b'{"error": "not found"}' * 30, "is a JSON document, not a recording"),
        (b'[{"error": "not found"}]', "is a JSON document"),
        (b'<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code></Error>', "is an XML document"),
        ("\ufeff<html><body>".encode("utf-16-le") * 9, "is a text"),
        (b"1\r\n00:00:01,000 --> 00:00:02,000\r\nHi\r\n", "is a file of subtitles"),
        (bytes(257) + b"ustar\x0000" + NOISE, "is a tar archive"),
        (b"BZh91AY&SY" + NOISE, "is a bzip2 archive"),
        (b"II*\x00" + NOISE, "is a TIFF image"),
        (b"MZ\x90\x00" + NOISE, "is a program"),
        (b"\x02#!SILK_V3" + NOISE, "is a voice message in SILK"),
        ("Grüße! ".encode() * 900, "is a text, not a recording"),
        (b"%PDF-1.7\n" + NOISE, "is a PDF document"),
        (b"PK\x03\x04" + NOISE, "is a ZIP archive"),
        (b"\x89PNG\r\n\x1a\n" + NOISE, "is a PNG image"),
        (b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n", "is a playlist"),
        (MP4[: MP4.index(b"moov") - 4], "without its index (moov)"),
        (MP4[: len(MP4) // 2], "without its index (moov)"),
        (beheaded("matroska", "aac"), "is a damaged Matroska or WebM file"),
        (beheaded("ogg", "libopus"), "is a damaged Ogg file"),
        (beheaded("wav", "pcm_s16le"), "is a damaged WAV file"),
        (beheaded("flac", "flac"), "is a damaged FLAC file"),
        ((SOUND * 32767).astype("<i2").tobytes(), "raw samples need a header"),
    ],
)
def test_each_has_its_own_reason(data: bytes, said: str, tmp_path: Path) -> None:
    file = tmp_path / "recording"
    file.write_bytes(data)
    for look in (decode, probe):
        with pytest.raises(InvalidAudio) as caught:
            look(file)
        assert said in caught.value.reason
    with pytest.raises(InvalidAudio, match=caught.value.reason.partition("(")[0]):
        decode(data)


def test_no_page_makes_the_search_slow() -> None:
    with pytest.raises(InvalidAudio, match="is a text"):
        decode(b"<!-- --> " * 400 + b"<p>")
