"""What the grammars of all languages share: words that fill slots, numbers, and digits read out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping, Sequence

    # Draws the text of a slot.
    Composer = Callable[[random.Random], str]


def split(words: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """The words that fill each slot, which ``words`` has in one text."""
    return {slot: tuple(text.split()) for slot, text in words.items()}


@dataclass(frozen=True)
class Cardinals:
    """Numbers below a hundred in words.

    ``few`` of them are one of ``ones``, ``small`` of them of ``ones`` or ``teens``, the others of
    ``tens``; three in five of these with one of ``ones`` after ``joint``.
    """

    ones: Sequence[str]
    teens: Sequence[str]
    tens: Sequence[str]
    joint: str
    few: float
    small: float

    def __call__(self, rng: random.Random) -> str:
        """Draws one."""
        draw = rng.random()
        if draw < self.few:
            return rng.choice(self.ones)
        if draw < self.small:
            return rng.choice(self.teens)
        tens = rng.choice(self.tens)
        return tens if rng.random() < 0.4 else f"{tens}{self.joint}{rng.choice(self.ones)}"


def read_out(digits: Sequence[str]) -> Composer:
    """Three to six of ``digits``, as a telephone number is read."""
    return lambda rng: " ".join(rng.choice(digits) for _ in range(rng.randint(3, 6)))
