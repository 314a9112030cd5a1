"""The recordings that the demo models are measured on; no sentence of them is trained on.

The same seed draws the same texts, voices, loudness and noise each time.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from models.demo import conversation, grammar, noise, synthesis, voices
from models.demo.synthesis import SAMPLE_RATE, Speech, Word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from models.demo.conversation import Conversation
    from models.demo.grammar import Part
    from models.demo.synthesis import Voice

SEEDS: Final[dict[Part, int]] = {"test": 2026, "development": 1995}
GAINS: Final = (-25.0, 0.0, 6.0)  # dB, each for a third of the sentences
_MARGIN: Final = 0.4  # s of silence around a single sentence
#: The conversations of one language: voices, and whether a pair is alike (both low or both high).
_CASTS: Final = (
    *((1, False),) * 3,
    *((2, False),) * 6,
    *((2, True),) * 4,
    *((3, False),) * 4,
    *((4, False),) * 3,
)
_SECONDS: Final = (62.0, 110.0)  # of most conversations; whole in ten minutes, see `evaluation`
_LONG: Final = 300.0  # s of the first one with two and the first one with three voices


@dataclass(frozen=True)
class Trial:
    """One recording, its truth, and what it is an example of."""

    group: str
    language: str
    truth: Conversation | Speech
    gain: float = 0.0  # dB

    @property
    def audio(self) -> NDArray[np.float32]:
        """Mono samples at 16 kHz as they are to be heard."""
        return noise.amplify(self.truth.audio, self.gain)


def _sentence(voice: Voice, of: Part, rng: random.Random) -> Speech:
    """A sentence with silence around, noisy in 40 % of the cases."""
    margin = np.zeros(int(_MARGIN * SAMPLE_RATE), np.float32)
    speech = synthesis.speak_as(voice, grammar.draw(rng, of, voice.language), rng)
    audio = np.concatenate([margin, speech.audio, margin])
    if rng.random() < noise.SHARE:
        audio = noise.noisy(audio, rng)
    words = tuple(Word(w.text, w.start + _MARGIN, w.end + _MARGIN) for w in speech.words)
    return Speech(speech.text, audio, words, ())


def sentences(
    count: int, of: Part = "test", languages: Sequence[str] = tuple(grammar.GRAMMARS)
) -> list[Trial]:
    """``count`` sentences of the trained voices, the languages and levels in turn."""
    rng = random.Random(SEEDS[of])
    drawn: list[Trial] = []
    for index in range(count):
        language = languages[index % len(languages)]
        gain = GAINS[index // len(languages) % len(GAINS)]
        speech = _sentence(rng.choice(voices.SPEAKERS[language]), of, rng)
        drawn.append(Trial("sentences", language, speech, gain))
    return drawn


def cast(pool: Sequence[Voice], count: int, rng: random.Random, *, alike: bool) -> list[Voice]:
    """Distinct voices of ``pool``; a pair is either alike or one low and one high voice."""
    if count != 2:
        return rng.sample(pool, count)
    while True:
        pair = rng.sample(pool, 2)
        if (pair[0].male == pair[1].male) == alike:
            return pair


def group(count: int, *, alike: bool) -> str:
    """The name of a kind of conversation."""
    if count == 1:
        return "1 voice"
    kind = {(2, True): ", alike", (2, False): ", low and high"}.get((count, alike), "")
    return f"{count} voices{kind}"


def conversations(
    share: float = 1.0, of: Part = "test", languages: Sequence[str] = tuple(grammar.GRAMMARS)
) -> list[Trial]:
    """All conversations of each language, or the first ``share`` of each kind."""
    rng = random.Random(SEEDS[of])
    drawn: list[Trial] = []
    for language in languages:
        pool = voices.SPEAKERS[language]
        for number, (count, alike) in enumerate(_CASTS):
            earlier = _CASTS.index((count, alike))
            if number - earlier >= share * _CASTS.count((count, alike)):
                continue
            long = count in (2, 3) and not alike and number == earlier
            seconds = _LONG if long else rng.uniform(*_SECONDS)
            chosen = cast(pool, count, rng, alike=alike)
            spoken = conversation.draw(chosen, rng, speakers=count, seconds=seconds, of=of)
            drawn.append(Trial(group(count, alike=alike), language, spoken))
    return drawn
