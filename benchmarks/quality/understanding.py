"""The tables of what people said and what programs heard."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from rapidfuzz.distance import Levenshtein

from evaluation.normalizer import counted_words

OURS, STOCK = "ours", "stock"
BATCHED, SEQUENTIAL = "faster-whisper, batched", "faster-whisper, sequential"
PROGRAMS = (OURS, STOCK, BATCHED, SEQUENTIAL)
KINDS = CLIP, WHOLE, NOTHING = "clip", "whole", "nothing"
DRAWS = 4000  # selections of clips
LIKELY = (2.5, 97.5)  # per cent of them


@dataclass(frozen=True, slots=True)
class Heard:
    """What a program understood, and the seconds that it took."""

    text: str
    language: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Task:
    """One recording: ``length`` seconds, and what is said in it."""

    kind: str
    name: str
    language: str
    said: str
    length: float


@dataclass(frozen=True, slots=True)
class Result:
    """What each program heard in one recording."""

    task: Task
    heard: Mapping[str, Heard]

    def errors(self, program: str) -> int:
        """Words wrong, missing or too many."""
        heard = counted_words(self.heard[program].text, self.task.language)
        return int(Levenshtein.distance(self.words, heard))

    @property
    def words(self) -> list[str]:
        """What was said, as it is counted."""
        return counted_words(self.task.said, self.task.language)


def tables(results: Sequence[Result]) -> str:
    """Clips by language, whole recordings by language, and where nobody speaks."""
    of = {kind: [one for one in results if one.task.kind == kind] for kind in KINDS}
    parts = [
        _by_language(of[kind], kind, head)
        for kind in (CLIP, WHOLE)
        for head in (FIGURES if kind == WHOLE else CLIP_FIGURES)
        if of[kind]
    ]
    return "\n\n".join([*parts, *([_invented(of[NOTHING])] if of[NOTHING] else [])])


def _wer(results: Sequence[Result], program: str) -> str:
    wrong = sum(result.errors(program) for result in results)
    return f"{100 * wrong / sum(len(result.words) for result in results):.2f} %"


def _right(results: Sequence[Result], program: str) -> str:
    right = sum(result.heard[program].language == result.task.language for result in results)
    return f"{right} of {len(results)}"


def _time(results: Sequence[Result], program: str) -> str:
    return f"{sum(result.heard[program].seconds for result in results):.0f} s"


def _more(results: Sequence[Result], program: str) -> str:
    """Words that ours has wrong beyond another program's, and 95 % of what other clips would say.

    Others: as many, drawn from the same ones with repetition.
    """
    if program == OURS:
        return ""
    more = np.array([result.errors(OURS) - result.errors(program) for result in results])
    drawn = np.random.default_rng(0).choice(more, (DRAWS, len(more))).sum(axis=1)
    low, high = np.percentile(drawn, LIKELY)
    return f"{more.sum():+d} ({low:+.0f} to {high:+.0f})"


FIGURES: Mapping[str, Callable[[Sequence[Result], str], str]] = {
    "word error rate": _wer,
    "language right": _right,
    "wall time": _time,
}
CLIP_FIGURES = {**FIGURES, "more words wrong by ours (95 %)": _more}


def _by_language(results: Sequence[Result], kind: str, head: str) -> str:
    """A row per language and one for all, a column per program."""
    programs = sorted(results[0].heard, key=PROGRAMS.index)
    rows = [[head, "recordings", "audio", "words", *programs]]
    languages = list(dict.fromkeys(result.task.language for result in results))
    for name, chosen in [*((each, {each}) for each in languages), ("all", set(languages))]:
        own = [result for result in results if result.task.language in chosen]
        about = [
            f"{name}, {kind}",
            str(len(own)),
            f"{sum(result.task.length for result in own):.0f} s",
            str(sum(len(result.words) for result in own)),
        ]
        rows.append([*about, *(CLIP_FIGURES[head](own, program) for program in programs)])
    return _table(rows)


def _invented(results: Sequence[Result]) -> str:
    """Words heard where nobody speaks, by the first part of the recordings' names."""
    programs = sorted(results[0].heard, key=PROGRAMS.index)
    rows = [["words invented", "recordings", "audio", *programs]]
    names = list(dict.fromkeys(map(_source, results)))
    every = [(name, [one for one in results if _source(one) == name]) for name in names]
    for name, own in [*every, ("all", list(results))]:
        length = sum(result.task.length for result in own)
        cells = (_words_in(own, program) for program in programs)
        rows.append([name, str(len(own)), f"{length:.0f} s", *cells])
    return _table(rows)


def _source(result: Result) -> str:
    return result.task.name.partition("/")[0]


def _words_in(results: Sequence[Result], program: str) -> str:
    """How many words in how many of several recordings."""
    counts = [len(result.heard[program].text.split()) for result in results]
    several = f" in {sum(map(bool, counts))}" if any(counts) and len(counts) > 1 else ""
    return f"{sum(counts)}{several}"


def _table(rows: Sequence[Sequence[str]]) -> str:
    lines = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
