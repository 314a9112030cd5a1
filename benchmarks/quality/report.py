"""The scores as Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.measures import CLOSE, Score


@dataclass(frozen=True, slots=True)
class Row:
    """Both programs' scores of recordings of one kind. ``length`` in seconds."""

    kind: str
    length: float
    ours: Score
    stock: Score

    def __add__(self, other: "Row") -> "Row":
        return Row(
            self.kind,
            self.length + other.length,
            self.ours + other.ours,
            self.stock + other.stock,
        )


_HEAD = (
    "recordings",
    "audio",
    "words",
    "",
    "WER",
    "cpWER",
    "of segments",
    "DER",
    "boundaries, median",
    f"F1 at {CLOSE:g} s",
    "words timed",
    "words attributed",
)


def table(rows: Sequence[Row]) -> str:
    """A pair of lines per kind, and one for all of them."""
    kinds = summed(rows)
    if len(kinds) > 1:
        kinds.append(_total(kinds))
    lines = [_line(_HEAD), _line(["---"] * len(_HEAD))]
    for row in kinds:
        about = (row.kind, f"{row.length:.0f} s", str(row.ours.words))
        lines += [
            _line([*about, "ours", *_figures(row.ours)]),
            _line(["", "", "", "stock", *_figures(row.stock)]),
        ]
    return "\n".join(lines)


def no_speech_table(rows: Sequence[Row]) -> str:
    """How many words were heard where nobody speaks."""
    head = ("nobody speaks", "audio", "words invented by ours", "words invented by stock")
    lines = [_line(head), _line(["---"] * len(head))]
    for row in rows:
        about = (row.kind, f"{row.length:.0f} s")
        lines.append(_line([*about, str(row.ours.heard), str(row.stock.heard)]))
    return "\n".join(lines)


def summed(rows: Sequence[Row]) -> list[Row]:
    """One row per kind, in the order they first come."""
    kinds: dict[str, Row] = {}
    for row in rows:
        kinds[row.kind] = kinds[row.kind] + row if row.kind in kinds else row
    return list(kinds.values())


def _total(rows: Sequence[Row]) -> Row:
    return sum(rows, start=Row("all", 0.0, Score(), Score()))


def _figures(score: Score) -> list[str]:
    miss = score.median_miss
    return [
        *map(_percent, (score.wer, score.cpwer, score.shown_cpwer, score.der)),
        "–" if miss is None else f"{1000 * miss:.0f} ms",
        *map(_percent, (score.f1, score.timed_share, score.attributed_share)),
    ]


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
