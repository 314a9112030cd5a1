"""The voices of the demo models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from models.demo.synthesis import Voice

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The English voices the recogniser is trained on: five low ones, five high ones, three accents.
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

#: The same ten in Spanish, of Spain and of Latin America in turn.
SPANISH: Final[tuple[Voice, ...]] = tuple(
    Voice(f"{accent}+{voice.name.partition('+')[2]}", voice.pitch, voice.male)
    for voice, accent in zip(TRAINED, ("es", "es-419") * 5, strict=True)
)

#: The trained voices by language.
SPEAKERS: Final[Mapping[str, tuple[Voice, ...]]] = {"en": TRAINED, "es": SPANISH}

#: The two voices of each demo recording, a low and a high one.
DEMO: Final[Mapping[str, tuple[Voice, Voice]]] = {
    language: (speakers[0], speakers[5]) for language, speakers in SPEAKERS.items()
}

_ACCENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "en": ("en-us", "en", "en-gb-scotland"),
    "es": ("es", "es-419"),
}
_VARIANTS: Final = {
    True: (
        "m1 m2 m3 m4 m5 m6 m7 m8 Alex Andy adam benjamin boris david edward john Lee Mario max "
        "Michael paul pedro quincy rob robert travis victor zac"
    ),
    False: "f1 f2 f3 f4 f5 Alicia Andrea Annie anika aunty belinda linda shelby steph",
}


def wide(language: str = "en") -> tuple[Voice, ...]:
    """A wide pool of one language: every variant at two pitches, accents in turn."""
    accents = _ACCENTS[language]
    names = [(name, male) for male, variants in _VARIANTS.items() for name in variants.split()]
    pool = [
        Voice(f"{accents[(index + turn) % len(accents)]}+{variant}", pitch, male)
        for index, (variant, male) in enumerate(names)
        for turn, pitch in enumerate((35, 60))
    ]
    return tuple(dict.fromkeys((*SPEAKERS[language], *pool)))
