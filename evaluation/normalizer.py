"""Words as Whisper's authors count them: their normalizers, as transformers carries them.

English: contractions written out, numbers in digits, titles in full. Other languages: lower case,
no punctuation, and no accents, because some references of people's speech are written without.
Imported where texts are scored alone: transformers takes seconds to import.
"""

from functools import cache
from typing import Any

# British spelling is not mapped to American: references are written as Whisper writes.
_SPELLINGS: dict[str, str] = {}


def counted_words(text: str, language: str) -> list[str]:
    """The words of ``text`` that count, in the form in which they are compared."""
    normalized: str = _normalizer(language == "en")(text.replace("…", " ").replace("...", " "))
    return normalized.split()


@cache
def _normalizer(english: bool) -> Any:  # noqa: FBT001 - the key of a cache
    from transformers.models.whisper.english_normalizer import (  # noqa: PLC0415 - see above
        BasicTextNormalizer,
        EnglishTextNormalizer,
    )

    if english:
        return EnglishTextNormalizer(_SPELLINGS)  # type: ignore[no-untyped-call]
    return BasicTextNormalizer(remove_diacritics=True)
