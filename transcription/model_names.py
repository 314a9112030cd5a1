"""The names by which people know a Whisper model: ours, the hub's, and the operator's own."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from transcription.reading import bare

# Who publishes the original weights, or the same in the format of another program.
_PUBLISHERS = re.compile(
    r"(@cf/)?(openai|systran|guillaumekln|mobiuslabsgmbh|deepdml|dropbox-dash|xenova"
    r"|(mlx|onnx)-community|ggml-org|ggerganov)/"
)
_HEAD = re.compile(r"(openai-)?((faster-)?whisper-|ggml-)")
_TAIL = re.compile(r"(-ct2|-mlx|\.bin|\.pt)$")
# As Whisper itself calls them, and two hosts whose API is OpenAI's.
_SHORT = {
    **dict.fromkeys(("large", "v3"), "large-v3"),
    **dict.fromkeys(("turbo", "v3-turbo"), "large-v3-turbo"),
}


@dataclass(frozen=True, slots=True)
class Names:
    """The models of a service, and other names for them that its operator chose."""

    offered: Sequence[str]
    aliases: Mapping[str, str] = field(default_factory=dict)

    def resolve(self, name: str) -> str | None:
        """The offered model that ``name`` means; None where there is none."""
        name = bare(name)
        name = self.aliases.get(name, name)
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
    own = _PUBLISHERS.sub("", name.lower(), count=1)
    if "/" in own:
        return name
    own = _TAIL.sub("", _HEAD.sub("", re.sub("[ _]", "-", own), count=1))
    return _SHORT.get(own, own)
