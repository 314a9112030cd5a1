"""Words as Whisper's authors count them: their normalizers, as transformers carries them.

English: contractions written out, numbers in digits, titles in full. Other languages: lower case
without punctuation; without accents too, because some references are written so, but in Russian
(where й is a letter of its own, and ё may be written е).
Imported where texts are scored alone: transformers takes seconds to import.
"""

from functools import cache
from typing import Any

# British spelling is not mapped to American: references are written as Whisper writes.
_SPELLINGS: dict[str, str] = {}


def counted_words(text: str, language: str) -> list[str]:
    """The words of ``text`` that count, in the form in which they are compared."""
    plain = text.replace("…", " ").replace("...", " ")
    if language == "ru":
        plain = plain.replace("ё", "е").replace("Ё", "Е")
    normalized: str = _normalizer(language)(plain)
    return normalized.split()


@cache
def _normalizer(language: str) -> Any:
    from transformers.models.whisper.english_normalizer import (  # noqa: PLC0415 - see above
        BasicTextNormalizer,
        EnglishTextNormalizer,
    )

    if language == "en":
        return EnglishTextNormalizer(_SPELLINGS)  # type: ignore[no-untyped-call]
    return BasicTextNormalizer(remove_diacritics=language != "ru")
