"""Measurement of the demo models with the service's own settings; the script ``evaluate``.

Everything that is measured consists of sentences that training leaves out by their hash, and that
no choice was made by (`models.demo.grammar.part`).
"""

from __future__ import annotations

import argparse
import json
import logging
import multiprocessing
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, get_args

import pyannote.audio
import torch
from pyannote.core import Annotation, Segment

from models.demo import conversation, grammar, trials
from models.demo.grammar import Part
from models.demo.measuring import Models, Result, diarization_error, measure
from models.demo.scoring import Tally
from models.demo.synthesis import SAMPLE_RATE
from models.demo.trials import Trial

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE: Final = Path(__file__).parent
SENTENCES: Final = 504  # as many of each language and level, and the whole in ten minutes
CLOSE: Final = 0.06  # s; a word start within this is called right
SPEAKERS_RIGHT: Final = 90.0  # percent of the words heard right that must have the right speaker
_DEMO: Final = "demo recording"
_loaded: list[Models] = []  # of this process


def _load(folder: Path, assembled: Path) -> None:
    _quiet()
    _loaded.append(Models(folder, assembled, threads=1))


def _quiet() -> None:
    logging.getLogger("whisperx").setLevel(logging.ERROR)  # it warns of every short recording


def _measure(trial: Trial) -> Result:
    return measure(_loaded[0], trial)


def measured(drawn: Sequence[Trial], folder: Path, processes: int) -> list[Result]:
    """Results in the order of ``drawn``; one thread a process."""
    with tempfile.TemporaryDirectory() as assembled:
        arguments = (folder, Path(assembled))
        context = multiprocessing.get_context("spawn")
        with context.Pool(processes, _load, arguments) as pool:
            return pool.map(_measure, drawn, chunksize=1)


def human(folder: Path) -> float:
    """Diarization error in percent on a human recording, its two speakers' number given."""
    with tempfile.TemporaryDirectory() as assembled:
        models = Models(folder, Path(assembled), threads=1)
    sample = Path(pyannote.audio.__file__).with_name("sample") / "sample.wav"
    audio = conversation.load(sample)
    truth = Annotation()
    for number, line in enumerate(sample.with_suffix(".rttm").read_text().splitlines()):
        _, _, _, start, length, _, _, speaker, *_ = line.split()
        truth[Segment(float(start), float(start) + float(length)), number] = speaker
    turns = models.diarizer(audio, num_speakers=2)
    wrong, spoken = diarization_error(truth, turns, len(audio) / SAMPLE_RATE)
    return 100 * wrong / spoken


def spread(results: Sequence[Result]) -> str:
    """Median miss of the word starts, and the share of close ones."""
    misses = [miss for result in results for miss in result.misses]
    close = 100 * sum(miss < CLOSE for miss in misses) / max(1, len(misses))
    return f"{1000 * statistics.median(misses or [0]):.0f} ms, {close:.1f} %"


def speakers_right(result: Result) -> bool:
    """Whether the number of speakers is right, and nearly every word right has its speaker."""
    tally = result.tally
    share = 100 * tally.right_speaker / max(1, tally.matched)
    return result.found == result.said and share >= SPEAKERS_RIGHT


def total(results: Sequence[Result]) -> Tally:
    """All counts together."""
    tally = Tally()
    for result in results:
        tally.add(result.tally)
    return tally


def _row(*cells: str) -> None:
    print("| " + " | ".join(cells) + " |", flush=True)


def _head(*cells: str) -> None:
    print()
    _row(*cells)
    _row(*("---" for _ in cells))


def _languages(results: Sequence[Result]) -> list[str]:
    return list(dict.fromkeys(r.language for r in results))


def _sentences(results: Sequence[Result]) -> None:
    _head("sentences", "number", "WER", "language right", "word starts: median, < 60 ms")
    for language in _languages(results):
        for gain in trials.GAINS:
            chosen = [r for r in results if (r.language, r.gain) == (language, gain)]
            _sentence_row(f"{language}, {gain:+.0f} dB", chosen)
    for language in _languages(results):
        _sentence_row(language, [r for r in results if r.language == language])
    if len(_languages(results)) > 1:
        _sentence_row("all", results)


def _sentence_row(name: str, results: Sequence[Result]) -> None:
    right = sum(r.heard_language == r.language for r in results)
    rate = f"{total(results).error_rate:.1f} %"
    _row(name, str(len(results)), rate, f"{right} of {len(results)}", spread(results))


def _conversations(results: Sequence[Result]) -> None:
    _head(
        *("conversations", "number", "WER", "word starts: median, < 60 ms", "language right"),
        *("speaker count right", "told apart", "right word and speaker", "DER"),
    )
    kinds = list(dict.fromkeys(r.group for r in results))
    for language in _languages(results):
        for kind in kinds:
            chosen = [r for r in results if (r.language, r.group) == (language, kind)]
            _conversation_row(f"{language}, {kind}", chosen)
    for language in _languages(results):
        _conversation_row(language, [r for r in results if r.language == language])
    if len(_languages(results)) > 1:
        for kind in kinds:
            _conversation_row(kind, [r for r in results if r.group == kind])
        _conversation_row("all", results)


def _conversation_row(name: str, results: Sequence[Result]) -> None:
    tally, number = total(results), len(results)
    counted = sum(r.found == r.said for r in results)
    apart = sum(map(speakers_right, results))
    right = sum(r.heard_language == r.language for r in results)
    error = 100 * sum(r.confused for r in results) / max(1, sum(r.spoken for r in results))
    _row(
        *(name, str(number), f"{tally.error_rate:.1f} %", spread(results)),
        *(f"{right} of {number}", f"{counted} of {number}", f"{apart} of {number}"),
        *(f"{tally.speaker_rate:.1f} %", f"{error:.1f} %"),
    )


def show(results: Sequence[Result]) -> None:
    """Print the tables."""
    single = [r for r in results if r.group == "sentences"]
    if single:
        _sentences(single)
    held = [r for r in results if r.group not in ("sentences", _DEMO)]
    if held:
        _conversations(held)
    _head("other", "WER", "speakers", "right word and speaker", "DER")
    for r in results:
        if r.group == _DEMO:
            tally, error = r.tally, 100 * r.confused / r.spoken
            counts = f"{r.found} of {r.said}"
            rates = f"{tally.speaker_rate:.1f} %", f"{error:.1f} %"
            _row(f"{_DEMO}, {r.language}", f"{tally.error_rate:.1f} %", counts, *rates)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="models/demo/evaluate", description=main.__doc__)
    parser.add_argument("--models", type=Path, default=HERE, help="directory of the models")
    parser.add_argument("--sentences", type=int, default=SENTENCES)
    parser.add_argument("--share", type=float, default=1.0, help="of the conversations")
    parser.add_argument("--of", choices=get_args(Part)[1:], default="test", help="which sentences")
    parser.add_argument("--language", choices=grammar.GRAMMARS, help="one instead of all")
    parser.add_argument("--demo-only", action="store_true", help="the demo recordings alone")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--json", type=Path, help="write every result here too")
    return parser.parse_args()


def main() -> None:
    """Measure the demo models on sentences they were not trained on."""
    arguments = _arguments()
    _quiet()
    torch.set_num_threads(1)
    began = time.monotonic()
    languages = [arguments.language] if arguments.language else list(grammar.GRAMMARS)
    drawn = [
        Trial(_DEMO, language, conversation.read(conversation.RECORDINGS[language]))
        for language in languages
    ]
    if not arguments.demo_only:
        drawn += trials.conversations(arguments.share, arguments.of, languages)
        drawn += trials.sentences(arguments.sentences, arguments.of, languages)
    results = measured(drawn, arguments.models, arguments.processes)
    show(results)
    if not arguments.demo_only:
        _row("human recording, speakers given", "", "2", "", f"{human(arguments.models):.1f} %")
    if arguments.json:
        arguments.json.write_text(json.dumps(results, default=vars))
    seconds = time.monotonic() - began
    print(f"\n{datetime.now(UTC):%Y-%m-%d}, {arguments.of} set, measured in {seconds:.0f} s")


if __name__ == "__main__":
    main()
