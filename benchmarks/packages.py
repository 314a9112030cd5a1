"""Recordings from Debian's packages, which are fetched and unpacked, and never installed."""

import json
import subprocess
import wave
from collections.abc import Sequence
from pathlib import Path

from transcription.audio import SAMPLE_RATE


def unpacked(scratch: Path, names: Sequence[str]) -> Path:
    """The packages' ``usr/share``. Raises CalledProcessError where apt-get or dpkg-deb fails."""
    # apt's own user may not write here.
    command = ["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", *names]
    subprocess.run(command, check=True, cwd=scratch, stdout=subprocess.DEVNULL)
    for package in scratch.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", str(package), str(scratch / "unpacked")], check=True)
        package.unlink()
    return scratch / "unpacked" / "usr" / "share"


def write(path: Path, sound: bytes) -> None:
    """A WAV file of signed 16-bit samples at `SAMPLE_RATE`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        file.writeframes(sound)


def quoted(text: str) -> str:
    """As a string of TOML, which escapes as JSON does."""
    return json.dumps(text, ensure_ascii=False)
