"""Takes a process's rights away, irrevocably. Needs no rights itself, and no namespaces.

Three layers, of which each alone keeps a decoder from other files and from calling others: limits
on resources everywhere (no further descriptor can be opened), a filter for the kernel's calls
(seccomp) and rules for files, addresses and signals (landlock) where Linux has them.
"""

import ctypes
import os
import platform
import resource
import signal
import struct
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from transcription.sandbox.syscalls import program

_PARENT_DEATH_SIGNAL, _NO_NEW_PRIVILEGES, _SECCOMP = 1, 38, 22  # of prctl
_FILTER = 2
_CAPABILITIES = 0x20080522  # the version of capset's arguments
_CREATE_RULESET, _RESTRICT_SELF = 444, 446  # landlock's calls, on all machines
_VERSION = 1
# What each version of landlock can forbid: files, TCP ports, sockets and signals of others.
_FILES = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
_PORTS, _SCOPES = {4: 0b11}, {6: 0b11}


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one recording may take."""

    seconds: float
    memory: int  # bytes, beside what the process has at its start
    result: int  # bytes


@dataclass(frozen=True, slots=True)
class Level:
    """What stands between a decoder and the machine, beside limits on resources."""

    landlock: int  # its version; 0 where the kernel has none
    seccomp: bool

    @property
    def full(self) -> bool:
        """Whether nothing is missing."""
        return self.landlock > 0 and self.seccomp

    def __str__(self) -> str:
        layers = [f"landlock {self.landlock}"] if self.landlock else []
        return ", ".join([*layers, *(["seccomp"] if self.seccomp else []), "limits"])


class Confinement:
    """Takes the rights of this process, which must have one thread, in two steps.

    The first leaves it what it takes to receive a recording; the second knows what that may take.
    """

    def __init__(self) -> None:
        self._mapped = _mapped()
        libc = _libc()
        landlock = _landlock(libc) if libc else 0
        # Last: behind it nothing can be prepared.
        self.level = Level(landlock, seccomp=libc is not None and _seccomp(libc))

    def complete(self, bounds: Bounds) -> None:
        """The second step."""
        _limit(bounds, self._mapped, forks=self.level.seccomp)


def die_with_parent() -> None:
    """This process ends with the one that forked it, where Linux sees to it."""
    if sys.platform == "linux":
        _prctl(ctypes.CDLL(None), _PARENT_DEATH_SIGNAL, signal.SIGKILL)


def _libc() -> ctypes.CDLL | None:
    """The C library, where this process could give up gaining rights."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    libc.syscall.restype = ctypes.c_long
    # Root's own rights, where a container runs as root: with them limits could be raised again.
    libc.capset(struct.pack("Ii", _CAPABILITIES, 0), bytes(24))
    return libc if _prctl(libc, _NO_NEW_PRIVILEGES, 1) else None


def _prctl(libc: ctypes.CDLL, option: int, *arguments: int) -> bool:
    padded = (*arguments, 0, 0, 0, 0)[:4]
    return bool(libc.prctl(option, *map(ctypes.c_ulong, padded)) == 0)


def _limit(bounds: Bounds, mapped: int, *, forks: bool) -> None:
    """``forks``: new processes are refused by a filter, which tells them from threads."""
    limits = {
        resource.RLIMIT_AS: mapped + bounds.memory,
        resource.RLIMIT_CPU: int(bounds.seconds) + 1,
        resource.RLIMIT_FSIZE: bounds.result,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 0,
    } | ({} if forks else {resource.RLIMIT_NPROC: 0})
    for kind, most in limits.items():
        # Some systems know not all of them, and a lower one stays.
        with suppress(ValueError, OSError):
            resource.setrlimit(kind, (most, most))


def _mapped() -> int:
    """Bytes of address space that this process has."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:
        return 1 << 40
    return pages * os.sysconf("SC_PAGE_SIZE")


def _landlock(libc: ctypes.CDLL) -> int:
    version = int(libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION))
    if version < 1:
        return 0
    files, ports, scopes = (_up_to(version, known) for known in (_FILES, _PORTS, _SCOPES))
    members = (files, ports, scopes)[: 1 if version < 4 else 2 if version < 6 else 3]
    rules = struct.pack(f"{len(members)}Q", *members)
    made = int(libc.syscall(_CREATE_RULESET, rules, ctypes.c_size_t(len(rules)), 0))
    if made < 0:
        return 0
    refused = libc.syscall(_RESTRICT_SELF, made, 0)
    os.close(made)
    return 0 if refused else version


def _up_to(version: int, known: dict[int, int]) -> int:
    return max((rights for since, rights in known.items() if since <= version), default=0)


def _seccomp(libc: ctypes.CDLL) -> bool:
    code = program(platform.machine(), os.getpid())
    if code is None:
        return False
    steps = ctypes.create_string_buffer(code, len(code))
    described = struct.pack("HP", len(code) // 8, ctypes.addressof(steps))
    place = ctypes.create_string_buffer(described, len(described))
    return _prctl(libc, _SECCOMP, _FILTER, ctypes.addressof(place))
