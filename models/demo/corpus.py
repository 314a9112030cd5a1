"""The training corpus on disk: log-mel features of spoken sentences with word and phone times.

One shard is two files: ``N.npy``, all frames of the shard in a row, and ``N.json``, what is
said where. Shards are seeded and written once: the same sentences by the same voices each time,
though espeak-ng varies a little with what it spoke before.
"""

from __future__ import annotations

import functools
import json
import multiprocessing
import random
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from models.demo import grammar, noise, synthesis
from models.demo.features import FRAME_RATE, MELS, log_mel

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from models.demo.synthesis import Speech, Voice

MARGIN: Final = 0.1  # s of silence before and after each sentence, for whole mel frames
_ROOM_SHARE: Final = 0.2  # of the sentences get a slight room response


@dataclass(frozen=True)
class Utterance:
    """A spoken sentence of the corpus; times in seconds from its first frame."""

    mel: NDArray[np.float16]  # (frames, MELS), log10 of mel power
    text: str
    voice: str
    words: tuple[tuple[float, float], ...]
    phones: tuple[tuple[str, float], ...]

    @property
    def language(self) -> str:
        """Code of the language spoken."""
        return synthesis.language(self.voice)


def _frames(speech: Speech, rng: random.Random) -> NDArray[np.float16]:
    margin = np.zeros(int(MARGIN * synthesis.SAMPLE_RATE), np.float32)
    audio = np.concatenate([margin, speech.audio, margin])
    if rng.random() < _ROOM_SHARE:
        audio = noise.roomy(audio, rng)
    return log_mel(audio).T.astype(np.float16)


def _write_shard(folder: Path, voices: Sequence[Voice], size: int, shard: int) -> None:
    rng = random.Random(f"{folder.name} {shard}")
    frames: list[NDArray[np.float16]] = []
    entries: list[dict[str, object]] = []
    for _ in range(size):
        voice = rng.choice(voices)
        speech = synthesis.speak_as(voice, grammar.draw(rng, "training", voice.language), rng)
        frames.append(_frames(speech, rng))
        entries.append(
            {
                "frames": len(frames[-1]),
                "text": speech.text,
                "voice": voice.label,
                "words": [(w.start + MARGIN, w.end + MARGIN) for w in speech.words],
                "phones": [(p.name, p.start + MARGIN) for p in speech.phones],
            }
        )
    np.save(folder / f"{shard}.npy", np.concatenate(frames))
    # written last: its presence says that the shard is complete
    (folder / f"{shard}.json").write_text(json.dumps(entries))


def build(
    folder: Path, voices: Sequence[Voice], *, shards: int, size: int, processes: int = 2
) -> None:
    """Write the missing ones of ``shards`` shards of ``size`` training sentences each."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [n for n in range(shards) if not (folder / f"{n}.json").exists()]
    if not missing:
        return
    write = functools.partial(_write_shard, folder, voices, size)
    # one thread each: with more, the small transforms wait for each other most of the time
    context = multiprocessing.get_context("spawn")
    with context.Pool(processes, torch.set_num_threads, (1,)) as pool:
        for _ in pool.imap_unordered(write, missing):
            pass


def load(folder: Path) -> list[Utterance]:
    """Read every complete shard, in order; features stay on disk until used."""
    return [
        utterance
        for path in sorted(folder.glob("*.json"), key=lambda path: int(path.stem))
        for utterance in _read_shard(path)
    ]


def _read_shard(path: Path) -> Iterable[Utterance]:
    frames = np.load(path.with_suffix(".npy"), mmap_mode="r").reshape(-1, MELS)
    first = 0
    for entry in json.loads(path.read_text()):
        after = first + entry["frames"]
        yield Utterance(
            frames[first:after],
            entry["text"],
            entry["voice"],
            tuple((start, end) for start, end in entry["words"]),
            tuple((name, start) for name, start in entry["phones"]),
        )
        first = after


def hours(utterances: Iterable[Utterance]) -> float:
    """Total duration in hours."""
    return sum(len(utterance.mel) for utterance in utterances) / FRAME_RATE / 3600
