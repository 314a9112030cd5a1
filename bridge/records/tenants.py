"""Whose a thing is: the one place that decides it.

A tenant names what it has as it likes; two tenants may use the same id for different things. All
that is kept is named by a `Key`, the id together with its tenant, and only `Tenant.key` makes one
from what a client sent. So another tenant's thing is not refused: it is not there. The keys of
the tenant ``default`` are the ids alone, as they were before there were tenants.
"""

import re
from base64 import b32encode
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Self
from uuid import uuid4

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]{0,31}", re.ASCII)
_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}", re.ASCII)
_MARK = "."  # between tenant and id; in neither of them


class Key(str):
    """The name of a prediction or file among those of all tenants."""

    __slots__ = ()

    @property
    def tenant(self) -> "Tenant":
        """Whose it is."""
        name, mark, _ = self.partition(_MARK)
        return Tenant(name) if mark else DEFAULT

    def belongs_to(self, tenant: "Tenant") -> bool:
        """Whether it is that tenant's, also where it is no key that we would make."""
        name, mark, _ = self.partition(_MARK)
        return (name if mark else DEFAULT.name) == tenant.name

    @property
    def public(self) -> str:
        """The id by which its tenant knows it."""
        return self.rpartition(_MARK)[2]


@dataclass(frozen=True, slots=True)
class Tenant:
    """An owner of predictions and files that no other tenant sees."""

    name: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError("a tenant's name has 1-32 letters, digits, _ or -")

    @classmethod
    def read(cls, name: str) -> Self | None:
        """The tenant of that name, None where it cannot be one."""
        return cls(name) if _NAME.fullmatch(name) else None

    def key(self, public_id: str) -> Key:
        """The key of what the tenant calls ``public_id``. Raises ValueError where it is no id."""
        if not _ID.fullmatch(public_id):
            raise ValueError("an id has 1-64 characters from [a-zA-Z0-9_-]")
        return Key(public_id if self == DEFAULT else f"{self.name}{_MARK}{public_id}")

    def own(self, index: str) -> str:
        """The tenant's own index of that name in Redis."""
        return index if self == DEFAULT else f"{index}:{self.name}"


DEFAULT: Final = Tenant("default")
ANONYMOUS: Final = Tenant("anonymous")  # whoever sends no token, where ALLOW_ANONYMOUS lets them in


def new_id() -> str:
    """26 letters and digits, as Replicate's ids look."""
    return b32encode(uuid4().bytes).decode().lower().rstrip("=")


class Scope(StrEnum):
    """What a key may do."""

    READ = "read"
    """See what its tenant has."""
    WRITE = "write"
    """Create, change and delete it."""
    OPERATOR = "operator"
    """See what crosses tenants: the metrics, and all dead letters."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one key may use; None: as much as the service has."""

    requests: int | None = None
    """Requests in any second."""
    unfinished: int | None = None
    """Unfinished predictions at once."""
    minutes: int | None = None
    """Minutes of recordings a day, in UTC."""
    bytes: int | None = None
    """Bytes of recordings and files at once."""

    @classmethod
    def parse(cls, texts: list[str]) -> Self:
        """``name=number`` each, a number of at least 1. Raises ValueError."""
        given: dict[str, int] = {}
        for text in texts:
            name, _, number = text.partition("=")
            known = name in cls.__slots__ and name not in given
            if not known or not number.isdecimal() or int(number) < 1:
                raise ValueError(f"limits are {', '.join(cls.__slots__)}, as in requests=10")
            given[name] = int(number)
        return cls(**given)

    def __str__(self) -> str:
        given = {name: getattr(self, name) for name in self.__slots__}
        return " ".join(f"{name}={number}" for name, number in given.items() if number is not None)


@dataclass(frozen=True, slots=True)
class Principal:
    """Who sent a request: the holder of a key, of BRIDGE_TOKEN (without an id), or anybody."""

    tenant: Tenant = DEFAULT
    key_id: str = ""
    scopes: frozenset[Scope] = frozenset({Scope.READ, Scope.WRITE})
    limits: Limits = field(default_factory=Limits)
