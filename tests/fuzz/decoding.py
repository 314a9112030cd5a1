"""Damages a recording in every format that FFmpeg writes here, and decodes it.

`python -m tests.fuzz.decoding 100` damages each in a hundred ways and prints a table. What FFmpeg
decodes to more than a second must not be refused, be more than 0.3 s shorter, or stand elsewhere
by more than 50 ms. Where the `ffmpeg` program is installed, it is what ours is compared with: also
where bytes are missing, a time stamp among them, so that nothing in the file tells the right time.
"""

import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from tempfile import NamedTemporaryFile

import av
import av.error
import numpy as np

from tests.conftest import RECORDING
from tests.fixtures.media import Sound, Voice, film
from tests.fixtures.shifts import resampled, shifts
from transcription.audio import SAMPLE_RATE, decode
from transcription.containers import opened
from transcription.errors import InvalidAudio

SECONDS = 6
SHORTER, LATE = 0.3, 0.05  # seconds
_LENGTHS = (1, 16, 200, 2000)  # bytes, and a tenth of the file
# A damaged head of a packet moves all stamps after it; nothing tells the right ones.
_UNSURE = frozenset({"rm"})
# Bytes that are missing take their time with them where no stamp says so.
_STAMPED = frozenset({"matroska", "webm", "mpegts", "mpeg", "ogg", "flv", "asf"})


@dataclass(frozen=True, slots=True)
class Kind:
    """A container and a codec."""

    container: str
    codec: str
    options: tuple[tuple[str, str], ...] = ()
    rate: int = 48_000
    layout: str = "mono"

    def __str__(self) -> str:
        return "-".join((self.container, self.codec, *(value for _, value in self.options)))


_FRAGMENTS = (("movflags", "frag_keyframe+empty_moov"),)
KINDS = (
    *(Kind("matroska", codec) for codec in ("aac", "libopus", "wavpack", "flac", "ac3", "mp2")),
    Kind("webm", "libopus"),
    *(Kind("mp4", codec) for codec in ("aac", "alac", "flac", "ac3", "libmp3lame")),
    Kind("mp4", "aac", _FRAGMENTS),
    *(Kind("mov", codec) for codec in ("pcm_s16le", "alac", "adpcm_ima_qt")),
    Kind("3gp", "aac"),
    *(Kind("mpegts", codec) for codec in ("aac", "mp2", "ac3", "libmp3lame")),
    *(Kind("ogg", codec) for codec in ("libopus", "flac")),
    Kind("flv", "aac"),
    Kind("flv", "libmp3lame", rate=44_100),
    *(Kind("avi", codec) for codec in ("libmp3lame", "pcm_s16le", "ac3")),
    *(Kind("mpeg", codec) for codec in ("mp2", "ac3")),
    Kind("nut", "libmp3lame"),
    *(Kind("caf", codec) for codec in ("alac", "pcm_s16le")),
    *(Kind("wav", codec) for codec in ("pcm_s16le", "pcm_f32le", "adpcm_ima_wav", "adpcm_ms")),
    *(Kind("wav", codec) for codec in ("pcm_mulaw", "libmp3lame")),
    *(Kind(name, name) for name in ("flac", "tta", "ac3", "eac3", "mp2")),
    Kind("w64", "pcm_s16le"),
    Kind("wv", "wavpack"),
    Kind("adts", "aac"),
    Kind("latm", "aac"),
    Kind("mp3", "libmp3lame"),
    Kind("aiff", "pcm_s16be"),
    Kind("au", "pcm_mulaw"),
    Kind("voc", "pcm_u8", rate=8_000),
    Kind("sox", "pcm_s32le"),
    Kind("ircam", "pcm_s16le"),
    Kind("rm", "ac3"),
    Kind("wtv", "mp2"),
    Kind("asf", "wmav2", rate=44_100, layout="stereo"),
)


@cache
def speech() -> Sound:
    """The beginning of the demo conversation."""
    return decode(RECORDING)[: SECONDS * SAMPLE_RATE]


@cache
def whole(kind: Kind) -> tuple[bytes, Sound]:
    """The recording, undamaged, and what it sounds like."""
    sound = resampled(speech(), kind.rate)
    if kind.layout == "stereo":
        sound = sound[None].repeat(2, axis=0)
    bits = {"b": "64000"} if kind.codec.startswith("wma") else {}
    voice = Voice(sound, kind.codec, rate=kind.rate, layout=kind.layout, options=bits)
    data = film(kind.container, voice, options=dict(kind.options))
    return data, decode(data)


def damaged(kind: Kind, seed: int) -> tuple[bytes, str]:
    """The recording with noise or zeros in it, or without some of its bytes; which of the three."""
    data, _ = whole(kind)
    chance = random.Random(f"{kind} {seed}")
    start = chance.randrange(len(data) * 15 // 100, len(data) * 85 // 100)
    length = chance.choice((*_LENGTHS, len(data) // 10))
    way = chance.choice(("noise", "zeros", "missing"))
    filling = {"noise": chance.randbytes(length), "zeros": bytes(length), "missing": b""}[way]
    return data[:start] + filling + data[start + length :], way


def problem(kind: Kind, seed: int) -> str:
    """What is worse than it has to be in one damaged file; nothing where all is well."""
    data, way = damaged(kind, seed)
    reference = by_ffmpeg(data)
    if reference <= 1:
        return ""
    try:
        found = decode(data)
    except InvalidAudio as error:
        return f"refused: {error.reason}"
    if len(found) / SAMPLE_RATE < reference - SHORTER:
        return f"short: {len(found) / SAMPLE_RATE:.2f} s for {reference:.2f} s"
    stamped = way != "missing" or kind.container in _STAMPED
    if stamped and kind.container not in _UNSURE:
        late = _late(found, whole(kind)[1])
        if late > LATE and way == "missing" and shutil.which("ffmpeg"):
            late = min(late, _late(found, _placed(data)))
        if late > LATE:
            return f"late: {late:.3f} s"
    return ""


def _late(found: Sound, right: Sound) -> float:
    """The most by which anything is off."""
    return max(map(abs, shifts(found, right)), default=0.0)


def by_ffmpeg(data: bytes) -> float:
    """Seconds that FFmpeg decodes."""
    if (program := shutil.which("ffmpeg")) is None:
        return by_library(data)
    return len(_run(program, data)) / SAMPLE_RATE


def _placed(data: bytes) -> Sound:
    """What FFmpeg hears, put where its time stamps say."""
    return _run("ffmpeg", data, "-af", "aresample=async=1:min_hard_comp=0.01")


def _run(program: str, data: bytes, *options: str) -> Sound:
    with NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        command = [program, "-nostdin", "-v", "quiet", "-i", file.name, "-map", "0:a:0", *options]
        command += ["-f", "f32le", "-ac", "1", "-ar", str(SAMPLE_RATE), "-"]
        done = subprocess.run(command, capture_output=True, check=False)
    return np.frombuffer(done.stdout, dtype=np.float32)


def by_library(data: bytes) -> float:
    """The same by its library, for machines without the program: packet by packet to an error."""
    try:
        with opened(data) as container:
            stream = container.streams.audio[0]
            rates = Counter[int]()
            for samples, rate in _frames(container, stream):
                rates[rate] += samples
            return sum(samples / rate for rate, samples in rates.items())
    except InvalidAudio:
        return 0.0


def _frames(
    container: av.container.InputContainer, stream: av.AudioStream
) -> Iterator[tuple[int, int]]:
    try:
        for packet in container.demux(stream):
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                continue
            yield from ((frame.samples, frame.sample_rate) for frame in frames)
    except av.error.FFmpegError:
        return


def main(times: int) -> int:
    """Prints a row for each kind; 1 where something is worse than it has to be."""
    worse = 0
    for kind in KINDS:
        problems = [problem(kind, seed) for seed in range(times)]
        counts = Counter(each.partition(":")[0] or "ok" for each in problems)
        first = next((f"{seed}: {each}" for seed, each in enumerate(problems) if each), "")
        row = " ".join(f"{name} {counts[name]:4}" for name in ("ok", "refused", "short", "late"))
        sys.stdout.write(f"{kind!s:36} {row}  {first}\n")
        sys.stdout.flush()
        worse += times - counts["ok"]
    return int(worse > 0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10))
