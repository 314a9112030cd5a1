"""A form's fields, read in one way at every route."""

import re
from collections.abc import Collection, Mapping
from typing import Any, Final

from bridge.context import Context
from transcription.errors import InvalidInput, not_one_of
from transcription.reading import bare, items, says_nothing, value_of, words

_ITEM = re.compile(r"\[\d*\]$")  # what clients write behind the name of a list


class Fields:
    """Texts by their names. The name of a list may end in ``[]``, ``[0]`` … or not."""

    def __init__(self, texts: Mapping[str, list[str]], context: Context) -> None:
        self._context: Final = context
        self.texts: Final[dict[str, list[str]]] = {}
        for name, found in texts.items():
            self.texts.setdefault(_ITEM.sub("", name), []).extend(found)

    def one(self, name: str) -> str | None:
        """The last value, None where there is none or it is empty."""
        return (self.texts.get(name) or [""])[-1] or None

    def many(self, name: str) -> list[str]:
        """All values that are not empty; each may be a JSON list of several."""
        found: list[str] = []
        for text in filter(None, self.texts.get(name, ())):
            several = items(text)
            found += map(str, several) if isinstance(several, list) else [text]
        return found

    def words(self, name: str) -> list[str]:
        """All values of a list whose items hold no comma."""
        return [word for text in self.texts.get(name, ()) for word in words(text)]

    def choice(self, name: str, otherwise: str, choices: Collection[str]) -> str:
        """One of ``choices``, in any case. Raises InvalidInput."""
        given = self.one(name) or ""
        found = otherwise if says_nothing(given) else bare(given).lower()
        if found not in choices:
            raise not_one_of(name, given, choices)
        return found

    def choices(self, name: str, choices: Collection[str]) -> list[str]:
        """A list of ``choices``, in any case. Raises InvalidInput."""
        found = self.words(name)
        for word in found:
            if word.lower() not in choices:
                raise not_one_of(name, word, choices)
        return [word.lower() for word in found]

    def boolean(self, name: str, *, otherwise: bool = False) -> bool:
        """Whether it is true; ``otherwise`` where it is absent. Raises InvalidInput."""
        given = value_of("boolean", self.one(name) or "")
        if isinstance(given, str):
            raise InvalidInput(name, f"{given[:60]!r} is not true or false")
        return otherwise if given is None else bool(given)

    def inputs(self, names: Collection[str]) -> dict[str, Any]:
        """Those of ``names`` that are there, as the types that our inputs have."""
        known = self._context.intake.inputs
        return {
            name: self.many(name) if known.is_list(name) else known.from_text(name, text)
            for name in names
            if (text := self.one(name)) is not None
        }
