"""The filter for seccomp: which calls of the kernel a decoder may make. All others fail.

What is not listed here is refused, so calls that do not exist yet are, too. Linux on x86-64 and on
aarch64; numbers as the kernel's headers have them.
"""

import struct
from typing import Final, NamedTuple

EPERM, ENOSYS = 1, 38
CLONE_THREAD = 0x10000


class _Machine(NamedTuple):
    audit: int  # AUDIT_ARCH_…
    column: int


_MACHINES = {
    "x86_64": _Machine(0xC000003E, 0),
    "aarch64": _Machine(0xC00000B7, 1),
}
# Memory, the files that are open, time, threads, signals to itself, its end.
_ALLOWED: Final = {
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "lseek": (8, 62),
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "munmap": (11, 215),
    "brk": (12, 214),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "recvmsg": (47, 212),  # by which the recording comes
    "pread64": (17, 67),
    "pwrite64": (18, 68),
    "readv": (19, 65),
    "writev": (20, 66),
    "sched_yield": (24, 124),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "nanosleep": (35, 101),
    "getpid": (39, 172),
    "exit": (60, 93),
    "gettimeofday": (96, 169),
    "getrusage": (98, 165),
    "sigaltstack": (131, 132),
    "gettid": (186, 178),
    "futex": (202, 98),
    "sched_getaffinity": (204, 123),
    "restart_syscall": (219, 128),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
    "exit_group": (231, 94),
    "set_robust_list": (273, 99),
    "getcpu": (309, 168),
    "getrandom": (318, 278),
    "rseq": (334, 293),
}
_CLONE, _CLONE3, _TGKILL = (56, 220), (435, 435), (234, 131)
_PRLIMIT = (302, 261)  # of this process, which is 0; nobody can raise a limit without rights
_OTHER_TABLE = 0x40000000  # x32's calls, on x86-64

# Instructions of classic BPF.
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # in struct seccomp_data; its lower half
ALLOW, KILL, _REFUSE = 0x7FFF0000, 0x80000000, 0x00050000


def refusal(error: int) -> int:
    """What the filter returns for a call that fails with ``error``."""
    return _REFUSE | error


def program(machine: str, process: int) -> bytes | None:
    """The filter for ``process``; None for a machine whose calls are not known here."""
    if machine not in _MACHINES:
        return None
    audit, column = _MACHINES[machine]
    steps = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, audit),
        (_RETURN, 0, 0, KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _OTHER_TABLE),
        (_RETURN, 0, 0, KILL),
    ]
    for numbers in _ALLOWED.values():
        steps += [(_EQUAL, 0, 1, numbers[column]), (_RETURN, 0, 0, ALLOW)]
    # The C library tries clone3 first, whose arguments no filter can read.
    steps += [(_EQUAL, 0, 1, _CLONE3[column]), (_RETURN, 0, 0, refusal(ENOSYS))]
    steps += _if_first_argument(_CLONE[column], (_ANY_BIT, 0, 1, CLONE_THREAD))
    steps += _if_first_argument(_TGKILL[column], (_EQUAL, 0, 1, process))
    steps += _if_first_argument(_PRLIMIT[column], (_EQUAL, 0, 1, 0))
    steps.append((_RETURN, 0, 0, refusal(EPERM)))
    return b"".join(struct.pack("HBBI", *step) for step in steps)


def _if_first_argument(
    number: int, holds: tuple[int, int, int, int]
) -> list[tuple[int, int, int, int]]:
    """The call ``number`` is allowed when its first argument passes the test ``holds``."""
    return [
        (_EQUAL, 0, 4, number),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        holds,
        (_RETURN, 0, 0, ALLOW),
        (_RETURN, 0, 0, refusal(EPERM)),
    ]
