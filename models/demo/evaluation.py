"""Measurement of the demo models with the service's own settings; the script ``evaluate``.

Everything that is measured consists of sentences that training leaves out by their hash.
"""

from __future__ import annotations

import argparse
import logging
import random
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import whisperx
from whisperx.diarize import DiarizationPipeline

from models.demo import conversation, grammar, noise, pipeline, scoring, synthesis, voices
from models.demo.scoring import Heard, Tally
from models.demo.synthesis import SAMPLE_RATE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from models.demo.conversation import Conversation
    from models.demo.synthesis import Speech

HERE: Final = Path(__file__).parent
SEED: Final = 2026  # of the test set; development uses another
CHUNK: Final = 30  # s, whisperx's default
BATCH: Final = 8
GAINS: Final = (-25.0, 0.0, 6.0)  # dB
CLOSE: Final = 0.06  # s; a word start within this is called right
_SPEAKERS: Final = (2, 2, 2, 2, 1, 1, 3, 3, 4, 4)  # of the conversations
_MARGIN: Final = 0.4  # s of silence around a single sentence


@dataclass(frozen=True)
class Result:
    """What the models made of one conversation."""

    tally: Tally
    said: int  # speakers
    found: int
    language: str
    misses: tuple[float, ...]  # s, of the starts of the words heard right


class Models:
    """The demo models, loaded as the service loads them."""

    def __init__(self, folder: Path, assembled: Path) -> None:
        self.recognizer = whisperx.load_model(
            str(folder / "whisper"), "cpu", compute_type="int8", threads=2
        )
        self.aligner, self.metadata = whisperx.load_align_model(
            "en", "cpu", model_name=str(folder / "align" / "en")
        )
        pipeline.assemble(assembled, folder / "diarization")
        self.diarizer = DiarizationPipeline(model_name=str(assembled), device="cpu")

    def transcribe(self, audio: NDArray[np.float32]) -> dict[str, Any]:
        """Segments and language."""
        try:
            result: dict[str, Any] = self.recognizer.transcribe(
                audio, batch_size=BATCH, chunk_size=CHUNK
            )
        except (IndexError, ValueError):  # whisperx on audio without detected speech
            return {"segments": [], "language": ""}
        return result

    def align(self, segments: list[dict[str, Any]], audio: NDArray[np.float32]) -> dict[str, Any]:
        """Segments with timed words."""
        aligned: dict[str, Any] = whisperx.align(
            segments, self.aligner, self.metadata, audio, "cpu"
        )
        return aligned

    def attribute(self, aligned: dict[str, Any], audio: NDArray[np.float32]) -> dict[str, Any]:
        """The same with speakers."""
        turns = self.diarizer(audio)
        assigned: dict[str, Any] = whisperx.assign_word_speakers(turns, aligned)
        return assigned


def converse(models: Models, truth: Conversation) -> Result:
    """The whole pipeline on one conversation."""
    transcript = models.transcribe(truth.audio)
    aligned = models.align(transcript["segments"], truth.audio)
    words = models.attribute(aligned, truth.audio)["word_segments"]
    got = [h for w in words for h in scoring.heard(w["word"], w.get("start"), w.get("speaker"))]
    said = [
        h
        for turn in truth.turns
        for word in turn.words
        for h in scoring.heard(word.text, word.start, turn.speaker)
    ]
    return Result(
        scoring.score(said, got),
        len({turn.speaker for turn in truth.turns}),
        len({word.speaker for word in got} - {None}),
        transcript["language"],
        tuple(_misses(said, got)),
    )


def _misses(said: Sequence[Heard], got: Sequence[Heard]) -> Iterable[float]:
    for i, j in scoring.matched(said, got)[1]:
        true, found = said[i].start, got[j].start
        if true is not None and found is not None:
            yield abs(found - true)


def sentences(count: int) -> list[Speech]:
    """Held-out sentences of the trained voices, 40 % of them noisy, with silence around."""
    rng = random.Random(SEED)
    margin = np.zeros(int(_MARGIN * SAMPLE_RATE), np.float32)
    drawn: list[Speech] = []
    for _ in range(count):
        text = grammar.draw(rng, unseen=True)
        speech = synthesis.speak_as(rng.choice(voices.TRAINED), text, rng)
        audio = np.concatenate([margin, speech.audio, margin])
        if rng.random() < noise.SHARE:
            audio = noise.noisy(audio, rng)
        words = tuple(
            synthesis.Word(w.text, w.start + _MARGIN, w.end + _MARGIN) for w in speech.words
        )
        drawn.append(synthesis.Speech(text, audio, words, ()))
    return drawn


def recognize(models: Models, speeches: Sequence[Speech]) -> tuple[Tally, int]:
    """Errors of single sentences, and how many were taken for English."""
    total, english = Tally(), 0
    for speech in speeches:
        transcript = models.transcribe(speech.audio)
        text = " ".join(segment["text"] for segment in transcript["segments"])
        total.add(scoring.score(scoring.heard(speech.text), scoring.heard(text)))
        english += transcript["language"] == "en"
    return total, english


def starts(models: Models, speeches: Sequence[Speech], gain: float) -> list[float]:
    """Misses of word starts (s) where the text is given, at a loudness."""
    misses: list[float] = []
    for speech in speeches:
        audio = noise.amplify(speech.audio, gain)
        segment = {"text": speech.text, "start": 0.0, "end": len(audio) / SAMPLE_RATE}
        words = models.align([segment], audio)["word_segments"]
        got = [h for word in words for h in scoring.heard(word["word"], word.get("start"))]
        said = [h for word in speech.words for h in scoring.heard(word.text, word.start)]
        misses += _misses(said, got)
    return misses


def spread(misses: Sequence[float]) -> str:
    """Median, and share of close ones."""
    close = 100 * sum(miss < CLOSE for miss in misses) / max(1, len(misses))
    return f"median {1000 * statistics.median(misses or [0]):.0f} ms, {close:.0f} % < 60 ms"


def conversations(seed: int) -> list[Conversation]:
    """One to four trained voices for one to two minutes each."""
    rng = random.Random(seed)
    return [
        conversation.draw(voices.TRAINED, rng, speakers=speakers, seconds=rng.uniform(60, 110))
        for speakers in _SPEAKERS
    ]


def _row(name: str, value: str) -> None:
    print(f"| {name} | {value} |", flush=True)


def _describe(result: Result) -> str:
    return (
        f"WER {result.tally.error_rate:.1f} % of {result.tally.words} words, right word and "
        f"speaker {result.tally.speaker_rate:.1f} %, speakers {result.found} of {result.said}, "
        f"word starts {spread(result.misses)}, language {result.language}"
    )


def measure(models: Models, count: int) -> None:
    """Print the table."""
    _row("what", "result")
    _row("---", "---")
    speeches = sentences(count)
    tally, english = recognize(models, speeches)
    _row(
        f"{count} sentences",
        f"WER {tally.error_rate:.1f} % of {tally.words} words, language en {english}/{count}",
    )
    for gain in GAINS:
        misses = starts(models, speeches[: count // 2], gain)
        _row(f"word starts at {gain:+.0f} dB, text given", spread(misses))
    results = [converse(models, each) for each in conversations(SEED)]
    for result in results:
        _row(f"conversation, {result.said} voices", _describe(result))
    total, pairs = Tally(), Tally()
    for result in results:
        total.add(result.tally)
        if result.said == 2:
            pairs.add(result.tally)
    _row(f"{len(results)} conversations", f"WER {total.error_rate:.1f} % of {total.words} words")
    _row("two voices told apart", f"right word and speaker {pairs.speaker_rate:.1f} %")
    _row("speaker count right", f"{sum(r.found == r.said for r in results)} of {len(results)}")
    _row("demo recording", _describe(converse(models, conversation.read(conversation.RECORDING))))


def main() -> None:
    """Measure the demo models on sentences they were not trained on."""
    parser = argparse.ArgumentParser(prog="models/demo/evaluate", description=main.__doc__)
    parser.add_argument("--models", type=Path, default=HERE, help="directory of the models")
    parser.add_argument("--sentences", type=int, default=200)
    parser.add_argument("--demo-only", action="store_true", help="the demo recording alone")
    arguments = parser.parse_args()
    logging.getLogger("whisperx").setLevel(logging.ERROR)  # it warns of every short recording
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        models = Models(arguments.models, Path(folder))
        if arguments.demo_only:
            print(_describe(converse(models, conversation.read(conversation.RECORDING))))
        else:
            measure(models, arguments.sentences)
    print(f"measured in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
