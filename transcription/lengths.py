"""How long a recording is in bytes, by what its own head says."""

import re
from typing import BinaryIO, Literal

from transcription.sources import found_at

_HEAD = 40  # bytes, which hold the length in the formats below
_RIFF = re.compile(rb"RIFF(....)(?:WAVE|AVI )", re.DOTALL)
_RF64 = re.compile(rb"RF64....WAVEds64....(.{8})", re.DOTALL)
_W64 = re.compile(rb"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00(.{8})", re.DOTALL)
_AIFF = re.compile(rb"FORM(....)AIF[FC]", re.DOTALL)
_AU = re.compile(rb"\.snd(....)(....)", re.DOTALL)
_CAF = re.compile(rb"caff\x00\x01\x00\x00desc")
_AMR = re.compile(rb"#!AMR(?:-WB)?\n")
_FLV = re.compile(rb"FLV\x01[\x01\x04\x05]\x00\x00\x00\x09\x00\x00\x00\x00")
_MP4 = re.compile(rb"\x00\x00..ftyp", re.DOTALL)
_FLAC = re.compile(rb"fLaC[\x00\x80]\x00\x00\x22")
_TTA = re.compile(rb"TTA[12][\x01\x03]\x00")
_ASF = re.compile(rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c")
_ASF_PROPERTIES = b"\xa1\xdc\xab\x8c\x47\xa9\xcf\x11\x8e\xe4\x00\xc0\x0c\x20\x53\x65"
_ASF_HEAD = 4096  # bytes, within which they stand
# The block with the first sample; of several that share its channels the first one.
_INITIAL = bytes(flags for flags in range(256) if flags & 8)
_WV = re.compile(rb"wvpk.{12}\x00{4}.{5}[%b]" % re.escape(_INITIAL), re.DOTALL)
# The first page of a stream.
_OGG = re.compile(rb"OggS\x00[\x02\x06]", re.DOTALL)
_TO_THE_NEXT = (_AMR, _FLV, _FLAC, _TTA, _WV)  # their heads say no length in bytes
_ALL = (_RIFF, _RF64, _W64, _AIFF, _AU, _CAF, _MP4, _OGG, _ASF, *_TO_THE_NEXT)
_UNFINISHED = (_RIFF, _AIFF, _ASF, *_TO_THE_NEXT)
# A head that was never completed, because its writer could not go back, says this or next to
# nothing.
_UNKNOWN = 0x7FFF0000
_NEVER = 1 << 60  # bytes that no file has: the same in eight bytes


def is_alike(file: BinaryIO, start: int) -> bool:
    """Whether a recording begins here, of the format that the file begins with."""
    first, here = _at(file, 0, _HEAD), _at(file, start, _HEAD)
    return any(pattern.match(first) and pattern.match(here) for pattern in _ALL)


def end_of(file: BinaryIO, start: int, size: int) -> int | None:
    """Where the recording ends that begins at ``start``; None where its head does not say."""
    head = _at(file, start, _HEAD)
    pattern = next((each for each in _ALL if each.match(head)), None)
    if pattern is _MP4:
        return _end_of_boxes(file, start, size)
    if pattern is _CAF:
        return _end_of_chunks(file, start, size)
    if pattern is _OGG:
        return _next(file, _end_of_first_pages(file, start), _OGG)
    if pattern is _ASF:
        length = _length_of_asf(_at(file, start, _ASF_HEAD))
    else:
        length = None if pattern is None else _length(pattern, head)
    if length is None and pattern in _UNFINISHED:
        return _next(file, start, pattern)
    return None if length is None else start + length


def _length(pattern: re.Pattern[bytes], head: bytes) -> int | None:
    """The bytes that the head says there are, None where it was never completed."""
    order: Literal["little", "big"] = "big" if pattern in (_AIFF, _AU) else "little"
    found = pattern.match(head)
    assert found is not None
    said = [int.from_bytes(each, order) for each in found.groups() if each]
    if said and max(said) >= _NEVER:
        return None
    if pattern is _W64:
        return -(-said[0] // 8) * 8
    if pattern is _AU:
        return sum(said) if said[1] < _UNKNOWN else None
    if pattern is _RF64:
        return 8 + said[0]
    known = pattern not in _TO_THE_NEXT and _HEAD < said[0] < _UNKNOWN
    return 8 + said[0] + said[0] % 2 if known else None


def _length_of_asf(head: bytes) -> int | None:
    """The bytes that an object of the head says there are; None where it was never completed."""
    _, properties, after = head.partition(_ASF_PROPERTIES)
    length = int.from_bytes(after[24:32], "little")
    return length if properties and _HEAD < length < _NEVER else None


def _end_of_boxes(file: BinaryIO, start: int, size: int) -> int | None:
    """The next MP4's beginning: a box of type ftyp on the first level."""
    position = start
    while position < size:
        box = _at(file, position, 16)
        length = int.from_bytes(box[:4], "big")
        if length == 1:  # it follows, in eight bytes
            length = int.from_bytes(box[8:16], "big")
        if length < 8:
            return None
        position += length
        if _MP4.match(_at(file, position, 8)):
            return position
    return position


def _end_of_chunks(file: BinaryIO, start: int, size: int) -> int | None:
    """The next CAF's beginning, behind this one's chunks."""
    position = start + 8
    while position < size:
        chunk = _at(file, position, 12)
        if chunk.startswith(b"caff"):
            return position
        length = int.from_bytes(chunk[4:12], "big", signed=True)
        if length < 0:  # to the end of the file, wherever that will be
            return None
        position += 12 + length
    return position


def _end_of_first_pages(file: BinaryIO, start: int) -> int:
    """The page behind the first ones of all streams of an Ogg file, which stand together."""
    position = start
    while _OGG.match(page := _at(file, position, 27 + 255)):
        count = page[26]
        position += 27 + count + sum(page[27 : 27 + count])
    return position


def _next(file: BinaryIO, start: int, pattern: re.Pattern[bytes]) -> int | None:
    """Where the next recording of the format begins, wherever that is."""
    magic = _at(file, start, 4)
    position = found_at(file, magic, start + 4)
    while position >= 0 and not pattern.match(_at(file, position, _HEAD)):
        position = found_at(file, magic, position + 4)
    return position if position >= 0 else None


def _at(file: BinaryIO, position: int, size: int) -> bytes:
    if position >= _NEVER:
        return b""
    file.seek(position)
    return file.read(size)
