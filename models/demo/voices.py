"""The voices of the demo models."""

from __future__ import annotations

from typing import Final

from models.demo.synthesis import Voice

#: The voices the recogniser is trained on: five low ones and five high ones, three accents.
#: Few on purpose: these models demonstrate a service, and training has minutes, not days.
TRAINED: Final[tuple[Voice, ...]] = (
    Voice("en-us+m3", 40, male=True),
    Voice("en-us+m7", 50, male=True),
    Voice("en+m2", 58, male=True),
    Voice("en-gb-scotland+m4", 45, male=True),
    Voice("en-us+Andy", 30, male=True),
    Voice("en+f2", 55, male=False),
    Voice("en-us+f3", 65, male=False),
    Voice("en-gb-scotland+f1", 45, male=False),
    Voice("en-us+Annie", 45, male=False),
    Voice("en+belinda", 35, male=False),
)

#: The two voices of the demo recording.
DEMO: Final[tuple[Voice, Voice]] = (TRAINED[0], TRAINED[5])

_ACCENTS: Final = ("en-us", "en", "en-gb-scotland")
_VARIANTS: Final = {
    True: (
        "m1 m2 m3 m4 m5 m6 m7 m8 Alex Andy adam benjamin boris david edward john Lee Mario max "
        "Michael paul pedro quincy rob robert travis victor zac"
    ),
    False: "f1 f2 f3 f4 f5 Alicia Andrea Annie anika aunty belinda linda shelby steph",
}


def wide() -> tuple[Voice, ...]:
    """A wide pool for the speaker embedding: every variant at two pitches, accents in turn."""
    names = [(name, male) for male, variants in _VARIANTS.items() for name in variants.split()]
    pool = [
        Voice(f"{_ACCENTS[(index + turn) % len(_ACCENTS)]}+{variant}", pitch, male)
        for index, (variant, male) in enumerate(names)
        for turn, pitch in enumerate((35, 60))
    ]
    return tuple(dict.fromkeys((*TRAINED, *pool)))
