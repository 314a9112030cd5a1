"""Why a file cannot be read, found by its first bytes."""

import re
from codecs import BOM_UTF8
from collections.abc import Iterator

from transcription.sources import Source, as_file

_HEAD = 4096  # bytes
_DAMAGED = "is a damaged {} file: nothing of it can be decoded"
_OTHER = "is {}, not a recording"
# Comments are matched without a choice, so that no page makes the search slow.
_PAGE = rb"(?i)\s*(<!--((?!-->).)*-->\s*)*<(!doctype\s+html|html|head|body)\b"
_PLAYLIST = rb"\s*(#EXTM3U|ffconcat|\[playlist\]|v=0\r?\no=|(<\?xml[^>]*>\s*)?<(MPD|smil)\b)"
_OTHERS = {
    _PAGE: "an HTML page",
    _PLAYLIST: "a playlist",
    rb"%PDF": "a PDF document",
    rb"PK\x03\x04": "a ZIP archive or an office document",
    rb"\x1f\x8b": "a gzip archive",
    rb"7z\xbc\xaf": "a 7z archive",
    rb"Rar!": "a RAR archive",
    rb"BZh[1-9]1AY&SY": "a bzip2 archive",
    rb"\xfd7zXZ\x00": "an xz archive",
    rb"\x28\xb5\x2f\xfd": "a zstd archive",
    rb".{257}ustar": "a tar archive",
    rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an office document",
    rb"\xff\xd8\xff": "a JPEG image",
    rb"\x89PNG": "a PNG image",
    rb"GIF8": "a GIF image",
    rb"BM....\x00\x00\x00\x00": "a BMP image",
    rb"II\*\x00|MM\x00\*": "a TIFF image",
    rb"MZ|\x7fELF|#!/": "a program",
    rb"SQLite format 3\x00": "a database",
    rb"\s*(<\?xml|<svg|<Error>)": "an XML document",
    rb"\s*[{\[]\s*[\"{\[\]}]": "a JSON document",
    rb"WEBVTT|\d+\s+\d\d:\d\d:\d\d,\d\d\d -->": "a file of subtitles",
    rb"\xff\xfe[^\x00]\x00|\xfe\xff\x00[^\x00]": "a text",
    rb"RIFF....WEBP": "a WebP image",
    rb"....ftyp(hei[cx]|mif1|avif)": "a HEIF or AVIF image",
    rb"MThd": "a MIDI file",
}
_RECORDINGS = {
    rb"RIFF....WAVE|RF64....WAVE": "WAV",
    rb"RIFF....AVI ": "AVI",
    rb"FORM....AIF[FC]": "AIFF",
    rb"OggS": "Ogg",
    rb"fLaC": "FLAC",
    rb"\x1aE\xdf\xa3": "Matroska or WebM",
    rb"ID3|\xff[\xe2-\xe7\xf2-\xf7\xfa-\xff]": "MP3",
    rb"\xff[\xf0\xf1\xf8\xf9]": "AAC",
    rb"#!AMR": "AMR",
    rb"FLV\x01": "FLV",
    rb"caff": "CAF",
    rb"\x30\x26\xb2\x75": "WMA",
    rb"\x0b\x77": "AC-3",
}
_SENTENCES = [(pattern, _OTHER.format(name)) for pattern, name in _OTHERS.items()]
_SENTENCES += [(rb"\x02?#!SILK", "is a voice message in SILK, which is not decoded here")]
_SENTENCES += [(pattern, _DAMAGED.format(name)) for pattern, name in _RECORDINGS.items()]
_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"moof", b"styp"})


def reason(source: Source) -> str:
    """What the file seems to be, and why that cannot be transcribed."""
    head = _read(source, 0, _HEAD).removeprefix(BOM_UTF8)
    for pattern, sentence in _SENTENCES:
        if re.match(pattern, head, re.DOTALL):
            return sentence
    if head[4:8] in _BOXES:
        return _of_boxes(source)
    if _is_text(head):
        return _OTHER.format("a text")
    return (
        "is not a recording in a format that can be read; raw samples need a header, such as WAV's"
    )


def _of_boxes(source: Source) -> str:
    if b"moov" in _boxes(source):
        return _DAMAGED.format("MP4 or QuickTime")
    return (
        "is an MP4 or QuickTime file without its index (moov): the recording was not finished, or "
        "its end is missing"
    )


def _boxes(source: Source) -> Iterator[bytes]:
    """The types of the boxes on the first level."""
    position = 0
    while len(box := _read(source, position, 16)) >= 8:
        size = int.from_bytes(box[:4], "big")
        if size == 1:  # the size follows, in eight bytes
            size = int.from_bytes(box[8:16], "big")
        yield box[4:8]
        if size < 8:
            return
        position += size


def _read(source: Source, position: int, size: int) -> bytes:
    with as_file(source) as file:
        file.seek(position)
        return file.read(size)


def _is_text(head: bytes) -> bool:
    """Whether it is one in UTF-8; a character may be cut off at the end."""
    try:
        text = head[: max(len(head) - 3, 1)].decode()
    except UnicodeDecodeError as error:
        if error.start < len(head) - 7:
            return False
        text = head[: error.start].decode()
    return all(character.isprintable() or character.isspace() for character in text)
