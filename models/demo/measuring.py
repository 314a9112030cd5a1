"""The demo models at the service's own settings, and what they make of a recording."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import torch
import whisperx
from pyannote.core import Annotation, Segment
from pyannote.metrics.diarization import DiarizationErrorRate
from whisperx.diarize import DiarizationPipeline

from models.demo import grammar, pipeline, scoring
from models.demo.conversation import Conversation

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from models.demo.scoring import Heard, Tally
    from models.demo.trials import Trial

CHUNK: Final = 30  # s, whisperx's default
BATCH: Final = 8
_JOINED: Final = 0.3  # s: a shorter gap between two words of a turn is no pause


@dataclass(frozen=True)
class Result:
    """What the models made of one recording."""

    group: str
    language: str
    heard_language: str
    gain: float  # dB
    tally: Tally
    misses: tuple[float, ...]  # s, of the starts of the words heard right
    said: int = 0  # speakers
    found: int = 0
    confused: float = 0.0  # s of speech missed, added, or given to the wrong speaker
    spoken: float = 0.0  # s of speech


class Models:
    """The demo models, loaded as the service loads them."""

    def __init__(self, folder: Path, assembled: Path, threads: int) -> None:
        torch.set_num_threads(threads)
        self.recognizer = whisperx.load_model(
            str(folder / "whisper"), "cpu", compute_type="int8", threads=threads
        )
        self.aligners = {
            language: whisperx.load_align_model(
                language, "cpu", model_name=str(folder / "align" / language)
            )
            for language in grammar.GRAMMARS
            if (folder / "align" / language).is_dir()
        }
        pipeline.assemble(assembled, folder / "diarization")
        self.diarizer = DiarizationPipeline(model_name=str(assembled), device="cpu")

    def transcribe(self, audio: NDArray[Any]) -> dict[str, Any]:
        """Segments and language."""
        try:
            result: dict[str, Any] = self.recognizer.transcribe(
                audio, batch_size=BATCH, chunk_size=CHUNK
            )
        except (IndexError, ValueError):  # whisperx on audio without detected speech
            return {"segments": [], "language": ""}
        return result

    def align(self, transcript: dict[str, Any], audio: NDArray[Any]) -> dict[str, Any]:
        """Segments with timed words; a language without an aligner gives no words."""
        if transcript["language"] not in self.aligners:
            return {"segments": transcript["segments"], "word_segments": []}
        aligner, metadata = self.aligners[transcript["language"]]
        aligned: dict[str, Any] = whisperx.align(
            transcript["segments"], aligner, metadata, audio, "cpu"
        )
        return aligned


def measure(models: Models, trial: Trial) -> Result:
    """Transcribe, align and, for a conversation, tell the speakers apart."""
    audio = trial.audio
    transcript = models.transcribe(audio)
    text = " ".join(segment["text"] for segment in transcript["segments"])
    aligned = models.align(transcript, audio)
    if not isinstance(trial.truth, Conversation):
        said = [h for w in trial.truth.words for h in scoring.heard(w.text, w.start)]
        tally = scoring.score(said, scoring.heard(text))
        misses = tuple(_misses(said, _timed(aligned)))
        return Result(
            trial.group, trial.language, transcript["language"], trial.gain, tally, misses
        )
    turns = models.diarizer(audio)
    got = _timed(whisperx.assign_word_speakers(turns, aligned)) or scoring.heard(text)
    said = _said(trial.truth)
    confused, spoken = diarization_error(_reference(trial.truth), turns, trial.truth.duration)
    return Result(
        trial.group,
        trial.language,
        transcript["language"],
        trial.gain,
        scoring.score(said, got),
        tuple(_misses(said, got)),
        len({turn.speaker for turn in trial.truth.turns}),
        turns["speaker"].nunique(),
        confused,
        spoken,
    )


def diarization_error(
    truth: Annotation, turns: pd.DataFrame, duration: float
) -> tuple[float, float]:
    """Seconds wrong and seconds spoken; no collar, overlap scored."""
    found = Annotation()
    for index, turn in enumerate(turns.itertuples()):
        found[Segment(turn.start, turn.end), index] = turn.speaker
    whole = Segment(0, duration)
    parts = DiarizationErrorRate(collar=0.0, skip_overlap=False)(
        truth, found, uem=whole, detailed=True
    )
    wrong = parts["confusion"] + parts["missed detection"] + parts["false alarm"]
    return float(wrong), float(parts["total"])


def _said(truth: Conversation) -> list[Heard]:
    return [
        heard
        for turn in truth.turns
        for word in turn.words
        for heard in scoring.heard(word.text, word.start, turn.speaker)
    ]


def _reference(truth: Conversation) -> Annotation:
    """Who speaks when: the words of a turn, joined where there is no pause."""
    reference = Annotation()
    for number, turn in enumerate(truth.turns):
        start = turn.words[0].start
        for word, following in zip(turn.words, (*turn.words[1:], None), strict=True):
            if following is None or following.start - word.end > _JOINED:
                reference[Segment(start, word.end), number] = turn.speaker
                start = following.start if following else start
    return reference


def _timed(aligned: dict[str, Any]) -> list[Heard]:
    return [
        heard
        for word in aligned["word_segments"]
        for heard in scoring.heard(word["word"], word.get("start"), word.get("speaker"))
    ]


def _misses(said: Sequence[Heard], got: Sequence[Heard]) -> Iterable[float]:
    for i, j in scoring.matched(said, got)[1]:
        true, found = said[i].start, got[j].start
        if true is not None and found is not None:
            yield abs(found - true)
