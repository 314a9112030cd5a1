"""People's clips: the same words on the card as on the processor, also in a memory that is full."""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import numpy as np
from rapidfuzz.distance import Levenshtein

from benchmarks.gpu import card
from evaluation.normalizer import counted_words
from evaluation.people import CORPUS, Clip, clips
from evaluation.sounds import as_wav, in_a_row
from transcription.audio import Samples, decode
from transcription.engine.device import choose
from transcription.engine.settings import Settings
from transcription.engine.whisperx_engine import WhisperxEngine
from transcription.errors import OutOfMemory
from transcription.findings import Language, ignore_progress, segments_of
from transcription.options import Options
from transcription.pipeline import Pipeline
from transcription.transcript import Transcript

_EXACT = "float32"  # what the card is compared with, on the processor
_LEFT = (4000.0, 1500.0, 800.0, 400.0)  # megabytes
_MINUTES = 5.0


@dataclass(frozen=True, slots=True)
class Heard:
    """What one engine made of all clips, and of the English ones as one conversation."""

    clips: Mapping[Clip, Transcript]
    conversation: Transcript
    seconds: float


def compare() -> Iterator[str]:
    """A table: each engine's words, beside the truth and beside the card's."""
    settings = Settings.from_environment(os.environ)
    spoken = clips(CORPUS)
    ours = _heard(settings, spoken)
    yield "| engine | WER | words | clips alike | starts apart, median | language | speakers |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    here = choose(settings)
    yield _line(f"{here.torch}, {here.compute_type}", ours, ours)
    exact = replace(settings, device="cpu", compute_type=_EXACT)
    yield _line(f"cpu, {_EXACT}", _heard(exact, spoken), ours)


def _heard(settings: Settings, spoken: Sequence[Clip]) -> Heard:
    pipeline = Pipeline(WhisperxEngine(settings))
    started = time.perf_counter()
    each = {
        clip: pipeline.transcribe(as_wav(decode(clip.audio)), Options(diarization=False)).transcript
        for clip in spoken
    }
    whole = pipeline.transcribe(as_wav(_english(spoken)), Options(language="en")).transcript
    return Heard(each, whole, time.perf_counter() - started)


def _english(spoken: Sequence[Clip]) -> Samples:
    return in_a_row(*(decode(clip.audio) for clip in spoken if clip.language == "en" and clip.text))


def _line(name: str, heard: Heard, ours: Heard) -> str:
    wrong = total = right = 0
    alike = 0
    apart: list[float] = []
    for clip, transcript in heard.clips.items():
        truth = counted_words(clip.text, clip.language)
        wrong += Levenshtein.distance(truth, counted_words(_text(transcript), clip.language))
        total += len(truth)
        right += bool(clip.text) and transcript.language == clip.language
        other = ours.clips[clip]
        if _text(transcript) == _text(other):
            alike += 1
            pairs = zip(_starts(transcript), _starts(other), strict=True)
            apart += [abs(one - two) for one, two in pairs]
    cells = [
        f"{name} ({heard.seconds:.0f} s)",
        f"{100 * wrong / total:.2f} % ({wrong})",
        str(total),
        f"{alike} of {len(heard.clips)}",
        f"{1000 * median(apart):.1f} ms",
        str(right),
        _speakers(heard.conversation, ours.conversation),
    ]
    return f"| {' | '.join(cells)} |"


def _speakers(transcript: Transcript, other: Transcript) -> str:
    """How many speakers, and how many words have another one than in ``other``."""
    mine, theirs = (
        [word for one in each.segments for word in one.words] for each in (transcript, other)
    )
    if [word.text for word in mine] != [word.text for word in theirs]:
        differ = "other words"
    else:
        count = sum(a.speaker != b.speaker for a, b in zip(mine, theirs, strict=True))
        differ = f"{count} words of another"
    return f"{len({word.speaker for word in mine})}, {differ}"


def _text(transcript: Transcript) -> str:
    return " ".join(segment.text for segment in transcript.segments)


def _starts(transcript: Transcript) -> list[float]:
    return [word.start for segment in transcript.segments for word in segment.words]


def full() -> Iterator[str]:
    """A table: the same recording with less and less of the card's memory left."""
    engine = WhisperxEngine(Settings.from_environment(os.environ))
    samples = np.resize(_english(clips(CORPUS)), int(60 * _MINUTES * 16000))
    options = Options(language="en", batch_size=64)
    free = _stages(engine, samples, options)
    yield "| megabytes left | batches of recognition | text | words' times | speakers |"
    yield "| --- | --- | --- | --- | --- |"
    yield f"| all | {free['batches']} | | | |"
    for megabytes in _LEFT:
        with card.only(megabytes):
            found = _stages(engine, samples, options)
        same = [
            "the same" if found[each] == free[each] else f"{found[each]!s:.60}" for each in _PARTS
        ]
        yield f"| {megabytes:.0f} | {found['batches']} | {' | '.join(same)} |"


_PARTS = ("text", "times", "turns")


def _stages(engine: WhisperxEngine, samples: Samples, options: Options) -> dict[str, Any]:
    """What came of each stage; the error where one gave up."""
    found: dict[str, Any] = dict.fromkeys(_PARTS)
    recognizer = engine._recognizer(options)  # noqa: SLF001 - its batches have no public name
    batch, sizes = recognizer._batch, list[str]()  # noqa: SLF001

    def counted(samples: Samples, windows: Sequence[Any], *others: Any, **named: Any) -> Any:
        sizes.append(f"{len(windows)} failed")
        heard = batch(samples, windows, *others, **named)
        sizes[-1] = str(len(windows))
        return heard

    recognizer._batch = counted  # type: ignore[method-assign]  # noqa: SLF001
    try:
        windows = engine.find_speech(samples, options)
        batches = engine.recognize(samples, windows, Language("en"), options, ignore_progress)
        heard = list(segments_of(batches))
        found["text"] = [segment.text for segment in heard]
        aligned = engine.align(samples, heard, "en", ignore_progress)
        found["times"] = [
            round(word.start, 1) for segment in aligned.segments for word in segment.words
        ]
        found["turns"] = len(engine.diarize(samples, options, ignore_progress).turns)
    except (OutOfMemory, RuntimeError) as error:
        found = {name: value or repr(error) for name, value in found.items()}
    finally:
        del recognizer._batch  # noqa: SLF001
    return {**found, "batches": ", ".join(sizes)}
