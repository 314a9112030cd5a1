"""The sentences the demo models know: patterns with slots, in two languages.

The models learn this small English and Spanish, not the languages. One rule, obeyed by training
and by evaluation, keeps them honest: the hash of a sentence's normalised text decides whether it is
for training, for choices made on the way (development), or for the figures that are published
(test).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from models.demo import english, spanish

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

    from models.demo.slots import Composer

Part: TypeAlias = Literal["training", "development", "test"]
HELD_OUT_MODULUS: Final = 10  # one sentence in ten is never trained on
_DEVELOPMENT_MODULUS: Final = 4  # of these, one in four is for development


@dataclass(frozen=True)
class Grammar:
    """The sentences of one language."""

    slots: Mapping[str, tuple[str, ...]]
    patterns: tuple[str, ...]
    composed: Mapping[str, Composer]

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Every word that fills a slot."""
        return tuple(sorted({word for words in self.slots.values() for word in words}))

    def fill(self, slot: str, rng: random.Random) -> str:
        """Draw what stands in a slot."""
        if slot == "shuffled":
            return " ".join(rng.choice(self.words) for _ in range(rng.randint(2, 6)))
        if slot in self.composed:
            return self.composed[slot](rng)
        return rng.choice(self.slots[slot])


GRAMMARS: Final[Mapping[str, Grammar]] = {
    "en": Grammar(english.SLOTS, english.PATTERNS, english.COMPOSED),
    "es": Grammar(spanish.SLOTS, spanish.PATTERNS, spanish.COMPOSED),
}


def sentence(rng: random.Random, language: str = "en") -> str:
    """Draw one sentence, capitalised and with its marks."""
    grammar = GRAMMARS[language]
    text = re.sub(r"{(\w+)}", lambda slot: grammar.fill(slot[1], rng), rng.choice(grammar.patterns))
    first = 1 if text.startswith("¿") else 0
    text = text[:first] + text[first].upper() + text[first + 1 :]
    return text if text.endswith("?") else text + "."


def normalise(text: str) -> str:
    """Lower-case words separated by single spaces, without marks; accents stay."""
    return " ".join(re.sub(r"[^a-záéíóúüñ ]", "", text.lower()).split())


def part(text: str) -> Part:
    """What a sentence is for, decided by the hash of its normalised text."""
    digest = hashlib.sha256(normalise(text).encode()).digest()
    rest, draw = divmod(int.from_bytes(digest[:8]), HELD_OUT_MODULUS)
    if draw:
        return "training"
    return "test" if rest % _DEVELOPMENT_MODULUS else "development"


def held_out(text: str) -> bool:
    """Whether the sentence is never trained on."""
    return part(text) != "training"


def draw(rng: random.Random, of: Part, language: str = "en") -> str:
    """Draw a sentence of one part."""
    while part(text := sentence(rng, language)) != of:
        pass
    return text
