"""Corrections: what people change in a transcript after it was recognized.

A revision is a list of edits of the first output, which itself never changes. To undo an edit is
to leave it out, so any revision leads back to the first output. What an edit may say and what it
does stands in one table, `EDITS`. ``bridge/api/page/static/revision.js`` holds the same table for
the page, and a test compares the two.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from transcription.errors import InvalidInput
from transcription.language import WITHOUT_SPACES
from transcription.retiming import CONTROL, SPACES, followed, tokens
from transcription.transcript import Segment, Transcript, Word

MAX_EDITS: Final = 10_000  # of one revision
MAX_TEXT: Final = 20_000  # characters of one segment
MAX_NAME: Final = 80  # characters of a speaker's name
Segments = tuple[Segment, ...]
Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Room:
    """What a field's check may look at: the segments, and the edit as it was sent."""

    segments: Segments
    edit: Fields


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of edit: its fields with what is wrong with a value, and what it does."""

    fields: Mapping[str, Callable[[Any, _Room], str | None]]
    apply: Callable[[Transcript, Fields], Transcript]


def revised(transcript: Transcript, edits: Iterable[Any]) -> Transcript:
    """``transcript`` after all ``edits``. Raises InvalidInput naming the first impossible one."""
    for number, edit in enumerate(edits):
        kind = _checked(transcript, edit, f"edits[{number}]")
        # The decoder wrote another text than this.
        transcript = replace(kind.apply(transcript, edit), tokens=())
    return transcript


def _checked(transcript: Transcript, edit: Any, path: str) -> Kind:
    if not isinstance(edit, Mapping):
        raise InvalidInput(path, "must be an object")
    kind = EDITS.get(edit["edit"]) if isinstance(edit.get("edit"), str) else None
    if kind is None:
        raise InvalidInput(f"{path}.edit", f"must be one of {', '.join(EDITS)}")
    if unknown := sorted(map(str, edit.keys() - kind.fields.keys() - {"edit"})):
        raise InvalidInput(f"{path}.{unknown[0][:60]}", "is not a field of this edit")
    room = _Room(transcript.segments, edit)
    for name, check in kind.fields.items():
        if name not in edit:
            raise InvalidInput(f"{path}.{name}", "is required")
        if wrong := check(edit[name], room):
            raise InvalidInput(f"{path}.{name}", wrong)
    return kind


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _segment(value: Any, room: _Room) -> str | None:
    if _is_whole(value) and 0 <= value < len(room.segments):
        return None
    return f"must be the number of a segment, from 0 to {len(room.segments) - 1}"


def _last(value: Any, room: _Room) -> str | None:
    if _is_whole(value) and room.edit["first"] <= value < len(room.segments):
        return None
    return "must be the number of a segment, not before the first"


def _followed(value: Any, room: _Room) -> str | None:
    if _segment(value, room) is None and value < len(room.segments) - 1:
        return None
    return "must be the number of a segment that another follows"


def _within(value: Any, room: _Room) -> str | None:
    units = len(_tokens_of(room.segments[room.edit["segment"]]))
    if _is_whole(value) and 0 < value < units:
        return None
    return f"must be the number of a word of the segment, from 1 to {units - 1}"


def _text(value: Any, _: _Room) -> str | None:
    if isinstance(value, str) and len(value) <= MAX_TEXT:
        return None
    return f"must be text of at most {MAX_TEXT} characters"


def _name(value: Any, _: _Room) -> str | None:
    if isinstance(value, str) and value.strip() == value and 0 < len(value) <= MAX_NAME:
        return "must not hold control characters" if CONTROL.search(value) else None
    return f"must be text of 1 to {MAX_NAME} characters without spaces around it"


def _name_or_nobody(value: Any, room: _Room) -> str | None:
    return None if value is None else _name(value, room)


def _heard(value: Any, room: _Room) -> str | None:
    known = {segment.speaker for segment in room.segments}
    return None if isinstance(value, str) and value in known else "must be a speaker who is heard"


def _write(transcript: Transcript, edit: Fields) -> Transcript:
    segment = transcript.segments[edit["segment"]]
    pieces = tokens(edit["text"], transcript.language)
    words: tuple[Word, ...] = ()
    if segment.words:
        words = followed(segment, pieces)
    text = _space(transcript.language).join(pieces)
    return _spliced(transcript, edit["segment"], 1, replace(segment, text=text, words=words))


def _rename(transcript: Transcript, edit: Fields) -> Transcript:
    old, new = edit["speaker"], edit["name"]
    segments = tuple(
        _spoken(segment, new) if segment.speaker == old else segment
        for segment in transcript.segments
    )
    embeddings = transcript.speaker_embeddings
    if embeddings is not None and old in embeddings and new not in embeddings:
        embeddings = {new if name == old else name: v for name, v in embeddings.items()}
    return replace(transcript, segments=segments, speaker_embeddings=embeddings)


def _assign(transcript: Transcript, edit: Fields) -> Transcript:
    first, last = edit["first"], edit["last"]
    given = [_spoken(s, edit["speaker"]) for s in transcript.segments[first : last + 1]]
    return _spliced(transcript, first, len(given), *given)


def _split(transcript: Transcript, edit: Fields) -> Transcript:
    at, word = edit["segment"], edit["word"]
    segment = transcript.segments[at]
    if segment.words:
        offset = _offset(segment, word)
        until, since = segment.words[word - 1].end, segment.words[word].start
    else:
        offset = _token_offset(segment.text, word)
        share = len(segment.text[:offset].strip()) / max(1, len(segment.text.strip()))
        until = since = segment.start + (segment.end - segment.start) * share
    left = replace(
        segment, text=segment.text[:offset].strip(), words=segment.words[:word], end=until
    )
    right = replace(
        segment, text=segment.text[offset:].strip(), words=segment.words[word:], start=since
    )
    return _spliced(transcript, at, 1, left, right)


def _merge(transcript: Transcript, edit: Fields) -> Transcript:
    at = edit["segment"]
    left, right = transcript.segments[at : at + 2]
    space = _space(transcript.language)
    words = left.words + _spoken(right, left.speaker).words
    if not all(word.characters for word in words):  # a segment has those of all words, or none
        words = tuple(replace(word, characters=()) for word in words)
    joined = replace(
        left,
        text=space.join(filter(None, (left.text.strip(), right.text.strip()))),
        words=words,
        start=min(left.start, right.start),
        end=max(left.end, right.end),
        avg_logprob=None,  # each was measured over a stretch of its own
        no_speech_prob=None,
    )
    if not (left.words and right.words):  # half of the words would look like all of them
        joined = replace(joined, words=())
    return _spliced(transcript, at, 2, joined)


EDITS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "text": Kind({"segment": _segment, "text": _text}, _write),
        "rename": Kind({"speaker": _heard, "name": _name}, _rename),
        "assign": Kind({"first": _segment, "last": _last, "speaker": _name_or_nobody}, _assign),
        "split": Kind({"segment": _segment, "word": _within}, _split),
        "merge": Kind({"segment": _followed}, _merge),
    }
)


def _tokens_of(segment: Segment) -> Sequence[object]:
    """What a segment can be split between: its words, or those of its text."""
    return segment.words or [piece for piece in SPACES.split(segment.text) if piece]


def _offset(segment: Segment, word: int) -> int:
    """Where in the text a word begins; words that the text does not hold take no room."""
    position = 0
    for spoken in segment.words[:word]:
        found = segment.text.find(spoken.text, position)
        position = position if found < 0 else found + len(spoken.text)
    return position


def _token_offset(text: str, number: int) -> int:
    passed, position = 0, 0
    for piece in SPACES.split(text):
        if piece:
            position = text.index(piece, position)
            if passed == number:
                break
            position += len(piece)
            passed += 1
    return position


def _spoken(segment: Segment, speaker: str | None) -> Segment:
    words = tuple(replace(word, speaker=speaker) for word in segment.words)
    return replace(segment, speaker=speaker, words=words)


def _spliced(transcript: Transcript, at: int, count: int, *new: Segment) -> Transcript:
    segments = transcript.segments
    return replace(transcript, segments=(*segments[:at], *new, *segments[at + count :]))


def _space(language: str) -> str:
    return "" if language in WITHOUT_SPACES else " "
