"""Each layer of the sandbox alone, and without any right."""

import json
import struct
import subprocess
import sys

import pytest

from tests.unit.transcription.sandbox import plain
from transcription.sandbox import syscalls
from transcription.sandbox.confinement import Level

# By the kernel's headers; open and fork do not exist on aarch64.
NUMBERS = {
    "x86_64": {
        "read": 0, "open": 2, "socket": 41, "connect": 42, "fork": 57, "vfork": 58, "execve": 59,
        "kill": 62, "ptrace": 101, "openat": 257, "prlimit64": 302, "clone": 56, "clone3": 435,
        "execveat": 322, "recvmsg": 47, "sendmsg": 46, "tgkill": 234, "futex": 202,
        "io_uring_setup": 425, "socketpair": 53,
    },
    "aarch64": {
        "read": 63, "socket": 198, "connect": 203, "execve": 221, "kill": 129, "ptrace": 117,
        "openat": 56, "prlimit64": 261, "clone": 220, "clone3": 435, "execveat": 281,
        "recvmsg": 212, "sendmsg": 211,
        "tgkill": 131, "io_uring_setup": 425, "futex": 98, "socketpair": 199,
    },
}  # fmt: skip
AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
PROCESS, OTHER = 4711, 4712
ALLOWED = {"read", "futex", "recvmsg"}
REFUSED, MISSING = syscalls.refusal(1), syscalls.refusal(38)


def verdict(machine: str, audit: int, number: int, argument: int = 0) -> int:
    """What the kernel would make of a call: runs the filter as the kernel does."""
    code = syscalls.program(machine, PROCESS)
    assert code is not None
    steps = [struct.unpack("HBBI", code[at : at + 8]) for at in range(0, len(code), 8)]
    data = struct.pack("iIQQ", number, audit, 0, argument)
    held = at = 0
    while True:
        operation, yes, no, operand = steps[at]
        at += 1
        match operation:
            case 0x20:
                (held,) = struct.unpack_from("I", data, operand)
            case 0x06:
                return int(operand)
            case 0x15:
                at += yes if held == operand else no
            case 0x35:
                at += yes if held >= operand else no
            case 0x45:
                at += yes if held & operand else no


@pytest.mark.parametrize("machine", NUMBERS)
def test_the_filter_allows_what_decoding_takes_and_no_more(machine: str) -> None:
    audit = AUDIT[machine]
    for name, number in NUMBERS[machine].items():
        found = verdict(machine, audit, number, OTHER)
        wanted = {"clone3": MISSING}.get(name, syscalls.ALLOW if name in ALLOWED else REFUSED)
        assert found == wanted, name
    clone, signal = NUMBERS[machine]["clone"], NUMBERS[machine]["tgkill"]
    assert verdict(machine, audit, clone, 0x3D0F00) == syscalls.ALLOW, "a thread of the C library"
    assert verdict(machine, audit, clone, 0x1200011) == REFUSED, "a fork of the C library"
    assert verdict(machine, audit, signal, PROCESS) == syscalls.ALLOW
    assert verdict(machine, audit, NUMBERS[machine]["prlimit64"], 0) == syscalls.ALLOW, "its own"


def test_calls_of_another_machine_end_the_process() -> None:
    assert verdict("x86_64", 0x40000003, 5) == syscalls.KILL, "open of 32 bits"
    assert verdict("x86_64", AUDIT["x86_64"], 0x40000000 | 41) == syscalls.KILL, "x32"


def test_a_machine_that_is_not_known_has_no_filter() -> None:
    assert syscalls.program("riscv64", PROCESS) is None


ATTEMPTS = ("read /etc/passwd", "pair", "fork", "execute", f"allocate {8 << 30}", "crash")


@pytest.mark.skipif(sys.platform != "linux", reason="landlock and seccomp are Linux's")
def test_a_plain_user_is_enough() -> None:
    """No capabilities, no namespaces: as in a pod, and under Docker."""
    rights, level, *found = plain.run(*ATTEMPTS, "RIFF")
    assert json.loads(rights) == {"capabilities": 0, "namespaces": False}
    assert level.endswith("seccomp, limits")
    assert "landlock" in level
    *refused, crashed, recording = found
    assert all(each.startswith("refused:") for each in refused), found
    assert "does not survive" in crashed
    assert recording == "a recording"


LAYERS = {
    "limits": "confinement._landlock, confinement.program = lambda _: 0, lambda *_: None",
    "landlock": "confinement._limit, confinement.program = lambda *_, **__: None, lambda *_: None",
    "seccomp": "confinement._landlock, confinement._limit = lambda _: 0, lambda *_, **__: None",
}
ALONE = """
import os, socket
from transcription.sandbox import confinement
{layer}
os.open("/etc/passwd", os.O_RDONLY)
bounds = confinement.Bounds(seconds=5, memory=1 << 28, result=1 << 20)
confined = confinement.Confinement()
confined.complete(bounds)
found = []
for attempt in (
    lambda: os.open("/etc/passwd", os.O_RDONLY),
    lambda: socket.socket().connect(("127.0.0.1", 1)),
):
    try:
        attempt()
    except OSError as error:
        found.append(type(error).__name__)
print(confined.level, *found, sep=";")
"""


@pytest.mark.parametrize("layer", LAYERS)
def test_each_layer_alone_keeps_files_and_addresses_away(layer: str) -> None:
    code = ALONE.format(layer=LAYERS[layer])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    level, opened, connected = done.stdout.strip().split(";")
    assert layer in level
    assert opened in ("PermissionError", "OSError")
    assert connected in ("PermissionError", "OSError")


def test_a_level_says_what_is_missing() -> None:
    assert not Level(landlock=0, seccomp=True).full
    assert not Level(landlock=3, seccomp=False).full
    assert str(Level(landlock=0, seccomp=False)) == "limits"
