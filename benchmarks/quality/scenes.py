"""Generated conversations, each kind difficult in its own way, with every word's truth.

Sentences are held out from the demo models' training, the voices are not; half of the voices of a
conversation are low, half high, as the demo models can tell only those apart. ``dev`` is for
choosing things, ``test`` was looked at for the published table alone.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluation.account import Account
from evaluation.truth import Recording, truth_of
from models.demo import conversation, english, grammar, noise, synthesis, voices
from models.demo.conversation import Conversation, Turn
from models.demo.synthesis import SAMPLE_RATE, Voice, Word
from transcription.audio import Samples

SPLITS = {"dev": 1, "test": 2}  # their seeds
_EDGE = 0.5  # s of silence before and after
_NUMERALS = frozenset(
    word for slot in ("one", "teen", "ten", "digit") for word in english.SLOTS[slot]
)


@dataclass(frozen=True, slots=True)
class Scene:
    """A kind of conversation. ``gap``: seconds between turns, negative where they overlap."""

    kind: str
    gap: tuple[float, float]
    speakers: int = 2
    turns: int = 10
    signal_to_noise: tuple[float, float] | None = None  # dB
    numerals: bool = False


SCENES = (
    Scene("alternating speakers", (0.3, 0.8)),
    Scene("quick answers", (0.02, 0.15)),
    Scene("overlapping speakers", (-1.0, -0.3)),
    Scene("long pauses", (2.0, 5.0), turns=8),
    Scene("noise", (0.3, 0.8), signal_to_noise=(10.0, 25.0)),
    Scene("numerals", (0.3, 0.8), numerals=True),
    Scene("three speakers", (0.1, 0.6), speakers=3),
    Scene("one speaker", (0.3, 1.5), speakers=1),
)
NO_SPEECH = ("silence", "noise alone", "tones")


def recordings(folder: Path, split: str, count: int) -> Iterator[Recording]:
    """``count`` conversations of every kind, written to ``folder``."""
    for scene in SCENES:
        for number in range(count):
            rng = random.Random(f"{SPLITS[split]} {scene.kind} {number}")
            stem = folder / f"{scene.kind.replace(' ', '-')}-{number}"
            conversation.write(draw(scene, rng), stem)
            audio = stem.with_suffix(".wav")
            yield Recording(audio.stem, scene.kind, audio, truth_of(audio))


def without_speech(folder: Path, seconds: float = 15.0) -> Iterator[Recording]:
    """Recordings in which nobody speaks; whatever is heard there is invented."""
    for kind in NO_SPEECH:
        stem = folder / kind.replace(" ", "-")
        conversation.write(Conversation(_sound(kind, seconds), ()), stem)
        yield Recording(stem.name, kind, stem.with_suffix(".wav"), Account((), ()))


def draw(scene: Scene, rng: random.Random) -> Conversation:
    """One conversation."""
    cast = _cast(scene.speakers, rng)
    spoken: list[tuple[float, synthesis.Speech, str]] = []
    ends: dict[str, float] = {}
    cursor = _EDGE
    for index in range(scene.turns):
        speaker = list(cast)[index % len(cast)]
        speech = synthesis.speak_as(cast[speaker], _text(scene, rng), rng)
        # Nobody speaks over himself.
        start = max(cursor + rng.uniform(*scene.gap), ends.get(speaker, _EDGE) + 0.1)
        spoken.append((start, speech, speaker))
        cursor = ends[speaker] = start + speech.words[-1].end
    audio = _mixed(spoken, rng)
    if scene.signal_to_noise:
        audio = noise.noisy(audio, rng, rng.uniform(*scene.signal_to_noise))
    turns = sorted((_turn(*each) for each in spoken), key=lambda turn: turn.start)
    return Conversation(audio, tuple(turns))


def _cast(speakers: int, rng: random.Random) -> dict[str, Voice]:
    low = rng.sample([voice for voice in voices.TRAINED if voice.male], 2)
    high = rng.sample([voice for voice in voices.TRAINED if not voice.male], 2)
    return dict(zip("ABCD"[:speakers], [low[0], high[0], low[1], high[1]], strict=False))


def _text(scene: Scene, rng: random.Random) -> str:
    while True:
        text = grammar.sentence(rng)
        wanted = not scene.numerals or _NUMERALS & set(grammar.normalise(text).split())
        if wanted and grammar.held_out(text):
            return text


def _mixed(spoken: Sequence[tuple[float, synthesis.Speech, str]], rng: random.Random) -> Samples:
    length = max(start + len(speech.audio) / SAMPLE_RATE for start, speech, _ in spoken) + _EDGE
    audio = np.zeros(int(length * SAMPLE_RATE) + 1, np.float32)
    for start, speech, _ in spoken:
        begin = int(start * SAMPLE_RATE)
        audio[begin : begin + len(speech.audio)] += noise.amplify(
            speech.audio, rng.uniform(-3.0, 3.0)
        )
    return np.clip(audio, -1.0, 1.0)


def _turn(start: float, speech: synthesis.Speech, speaker: str) -> Turn:
    words = tuple(
        Word(word.text, round(start + word.start, 3), round(start + word.end, 3))
        for word in speech.words
    )
    return Turn(speaker, words[0].start, words[-1].end, speech.text, words)


def _sound(kind: str, seconds: float) -> Samples:
    times = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    if kind == "silence":
        return np.zeros(len(times), np.float32)
    if kind == "noise alone":
        return np.random.default_rng(0).normal(0, 0.05, len(times)).astype(np.float32)
    # A chord that changes every half second and dies away, as struck strings do.
    steps = (times // 0.5).astype(int)
    roots = np.array([220.0, 247.0, 262.0, 330.0])[steps % 4]
    chord = np.sin(2 * np.pi * np.outer((1.0, 1.25, 1.5), roots * times)).sum(axis=0)
    sound: Samples = (0.1 * chord * np.exp(-4 * (times % 0.5))).astype(np.float32)
    return sound
