"""The names by which people know a Whisper model: ours, the hub's, and the operator's own."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

# Who publishes the original weights, or those of faster-whisper made from them.
_PUBLISHERS = re.compile(r"(openai|systran|guillaumekln|mobiuslabsgmbh|deepdml|dropbox-dash)/")
_HEAD = re.compile(r"(faster-)?whisper-")
_TAIL = re.compile(r"-ct2$")
_SHORT = {"large": "large-v3", "turbo": "large-v3-turbo"}  # as Whisper itself calls them


@dataclass(frozen=True, slots=True)
class Names:
    """The models of a service, and other names for them that its operator chose."""

    offered: Sequence[str]
    aliases: Mapping[str, str] = field(default_factory=dict)

    def resolve(self, name: str) -> str | None:
        """The offered model that ``name`` means; None where there is none."""
        name = self.aliases.get(name.strip(), name.strip())
        if name in self.offered:
            return name
        return next((one for one in self.offered if _plain(one) == _plain(name)), None)


def read_aliases(text: str, offered: Sequence[str]) -> dict[str, str]:
    """``name=model`` pairs between commas. Raises ValueError that says which one is wrong."""
    found: dict[str, str] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        name, _, model = (part.strip() for part in entry.partition("="))
        meant = Names(offered).resolve(model)
        if not name or meant is None:
            raise ValueError(f"{entry!r} is not name=model with one of {', '.join(offered)}")
        found[name] = meant
    return found


def _plain(name: str) -> str:
    """``large-v3`` for ``Systran/faster-whisper-large-v3`` and the like, others as they are."""
    bare = _PUBLISHERS.sub("", name.lower(), count=1)
    if "/" in bare:
        return name
    bare = _TAIL.sub("", _HEAD.sub("", bare, count=1))
    return _SHORT.get(bare, bare)
