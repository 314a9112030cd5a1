"""People reading telephone prompts in five languages: ``python -m benchmarks.prompts FOLDER``.

Fetched from Debian's packages with apt-get and dpkg-deb; nothing is installed and nothing of it is
committed. FOLDER gets a WAV file for each chosen clip, and the manifest that `evaluation.people`
reads. ``prompts.toml`` beside this program corrects the texts that are not what is said. ``--all``
takes every clip from `SHORTEST` on, whose texts nobody has compared with what is said.
"""

import argparse
import gzip
import re
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import av
import numpy as np

from benchmarks.packages import quoted, unpacked, write
from evaluation.people import MANIFEST
from transcription.audio import SAMPLE_RATE

CORRECTIONS = Path(__file__).with_name("prompts.toml")
LONGEST = 28.0  # s; what fits into one of Whisper's windows
SHORTEST = 1.5  # s
_BY_SHARE_ALIKE, _BY = "CC-BY-SA-3.0", "CC-BY-3.0"
_NOT_SAID = re.compile(r"[\[\](){}*#/]")


@dataclass(frozen=True, slots=True)
class Voice:
    """Who reads the prompts of a language: ``count`` of those that last ``shortest`` seconds."""

    code: str
    speaker: str
    licence: str
    count: int
    shortest: float

    @property
    def packages(self) -> tuple[str, str]:
        """Debian's packages of the recordings and of the texts."""
        return f"asterisk-core-sounds-{self.code}-g722", f"asterisk-core-sounds-{self.code}"


VOICES = (
    Voice("en", "Allison Smith", _BY_SHARE_ALIKE, count=150, shortest=2.0),
    Voice("es", "Allison Smith", _BY_SHARE_ALIKE, count=30, shortest=3.0),
    Voice("fr", "June Wallack", _BY_SHARE_ALIKE, count=30, shortest=3.0),
    Voice("it", "Carlo Flora", _BY, count=30, shortest=3.0),
    Voice("ru", "Maxim Topal", _BY, count=30, shortest=3.0),
)


@dataclass(frozen=True, slots=True)
class Prompt:
    """One recording: signed 16-bit samples at `SAMPLE_RATE`."""

    name: str
    text: str
    sound: bytes

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.sound) / 2 / SAMPLE_RATE


def fetch(folder: Path, voices: Sequence[Voice] = VOICES) -> None:
    """Fills ``folder``. Raises CalledProcessError where apt-get or dpkg-deb fails."""
    with tempfile.TemporaryDirectory() as scratch:
        names = [package for voice in voices for package in voice.packages]
        share = unpacked(Path(scratch), names)
        tables = [_written(voice, _chosen(voice, share), folder) for voice in voices]
    (folder / MANIFEST).write_text("\n".join(tables))


def _chosen(voice: Voice, share: Path) -> list[Prompt]:
    """The voice's prompts, evenly spread over all that there are: no kind of them prevails."""
    with CORRECTIONS.open("rb") as file:
        known = tomllib.load(file).get(voice.code, {})
    every = [
        prompt
        for prompt in _prompts(voice, share, known.get("said", {}))
        if voice.shortest <= prompt.seconds <= LONGEST
    ]
    count = min(voice.count, len(every))
    spread = [every[len(every) * number // count] for number in range(count)]
    return [prompt for prompt in spread if prompt.name not in known.get("left_out", ())]


def _prompts(voice: Voice, share: Path, corrected: Mapping[str, str]) -> Iterator[Prompt]:
    """Every prompt of which it is known what is said."""
    (sounds,) = (share / "asterisk" / "sounds").glob(f"{voice.code}_*")
    (texts,) = (share / "doc" / voice.packages[1]).glob("core-sounds-*.txt.gz")
    for line in gzip.decompress(texts.read_bytes()).decode("utf-8-sig").splitlines():
        name, colon, written = line.partition(":")
        text = corrected.get(name.replace("/", "-"), written.strip())
        sound = sounds / f"{name}.g722"
        # Whisper's normalizer writes numbers as digits in English alone.
        unclear = _NOT_SAID.search(text) or (voice.code != "en" and re.search(r"\d", text))
        here = sound.is_file() and sound.stat().st_size
        if here and colon and text and not unclear:
            yield Prompt(name.replace("/", "-"), text, _decoded(sound))


def _decoded(sound: Path) -> bytes:
    # G.722 without a container: nothing in the file tells its format.
    with av.open(str(sound), format="g722") as container:
        frames = [frame.to_ndarray().ravel() for frame in container.decode(audio=0)]
    return np.concatenate(frames).astype("<i2").tobytes() if frames else b""


def _written(voice: Voice, prompts: Sequence[Prompt], folder: Path) -> str:
    """The voice's table of the manifest; its recordings are written to ``folder``."""
    (folder / voice.code).mkdir(parents=True, exist_ok=True)
    about = {
        "language": voice.code,
        "speaker": voice.speaker,
        "licence": voice.licence,
        "source": f"Debian's {voice.packages[0]}",
    }
    lines = [f"[{voice.code}]", *(f"{key} = {quoted(value)}" for key, value in about.items())]
    for prompt in prompts:
        path = f"{voice.code}/{prompt.name}.wav"
        write(folder / path, prompt.sound)
        lines.append(f"clips.{quoted(path)} = {quoted(prompt.text)}")
    return "\n".join([*lines, ""])


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.prompts")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--all", action="store_true", help="not only a choice of them")
    asked = parser.parse_args()
    every = [replace(voice, count=sys.maxsize, shortest=SHORTEST) for voice in VOICES]
    fetch(asked.folder, every if asked.all else VOICES)


if __name__ == "__main__":
    main()
