"""A user without any right: `python -m tests.unit.transcription.sandbox.plain MODULE ATTEMPT …`.

Prints how the sandbox is confined and what became of each attempt, a line each. The process has no
capabilities, and calls that make namespaces are refused, as Kubernetes and Ubuntu do.
"""

import ctypes
import json
import os
import struct
import subprocess
import sys
from pathlib import Path

from transcription.errors import InvalidAudio
from transcription.sandbox.client import Sandbox
from transcription.sandbox.confinement import Bounds

CALLS = (56, 272, 308)  # clone with a flag of namespaces, unshare, setns; x86-64
NAMESPACES = 0x7E020000
DROP, NO_NEW_PRIVILEGES, SECCOMP = 24, 38, 22


def run(*attempts: str) -> list[str]:
    """The lines that such a process prints."""
    command = [sys.executable, "-m", __spec__.name, *attempts]
    done = subprocess.run(
        command, preexec_fn=give_up_rights, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def give_up_rights() -> None:
    libc = ctypes.CDLL(None)
    for capability in range(64):  # beyond the last one it fails
        libc.prctl(DROP, capability, 0, 0, 0)
    assert libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0
    clone, unshare, setns = CALLS
    refuse, allow = (0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7FFF0000)
    steps = [(0x20, 0, 0, 0)]
    steps += [step for call in (unshare, setns) for step in ((0x15, 0, 1, call), refuse)]
    steps += [(0x15, 0, 3, clone), (0x20, 0, 0, 16), (0x45, 0, 1, NAMESPACES), refuse, allow]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = struct.pack("HP", len(steps), ctypes.addressof(code))
    assert libc.prctl(SECCOMP, 2, ctypes.c_char_p(program), 0, 0) == 0


def main(attempts: list[str]) -> None:
    status = Path("/proc/self/status").read_text().splitlines()
    rights = next(line.split()[1] for line in status if line.startswith("CapEff"))
    spaces = ctypes.CDLL(None, use_errno=True).unshare(0x10000000)
    print(json.dumps({"capabilities": int(rights, 16), "namespaces": spaces == 0}))
    sandbox = Sandbox("tests.unit.transcription.sandbox.villain")
    print(sandbox.report(required=True).level)
    bounds = Bounds(seconds=20, memory=1 << 28, result=1 << 21)
    for attempt in attempts:
        try:
            with sandbox.asked(attempt.encode(), {}, bounds) as answer:
                print(answer.description["found"])
        except InvalidAudio as error:
            print(error.reason)
    sandbox.close()


if __name__ == "__main__":
    os.environ["BRIDGE_TOKEN"] = "a secret"
    main(sys.argv[1:])
