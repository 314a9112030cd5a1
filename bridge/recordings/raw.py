"""Samples without any header, as some clients send them."""

import wave
from pathlib import Path

RATE = 16_000  # a second; each is 16 bits, little end first, of one channel
_CHUNK = 1 << 20
_WAVE = (b"RIFF", b"WAVE")


def as_wave(path: Path) -> None:
    """Turn a file of bare samples into a recording. One that says what it is stays as it is."""
    arriving = path.with_name(f"{path.name}.part")
    with path.open("rb") as raw:
        head = raw.read(12)
        if (head[:4], head[8:]) == _WAVE or not head:
            return
        raw.seek(0)
        with wave.open(str(arriving), "wb") as file:
            file.setparams((1, 2, RATE, 0, "NONE", ""))
            while chunk := raw.read(_CHUNK):
                file.writeframesraw(chunk[: len(chunk) // 2 * 2])
    arriving.rename(path)
