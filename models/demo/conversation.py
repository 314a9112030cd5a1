"""Conversations whose every word, speaker and time is known.

Run as a script it writes a demo recording, such as ``examples/conversation.wav`` and ``.json``.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import wave
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from models.demo import grammar, noise, synthesis, voices
from models.demo.dialogues import DIALOGUES
from models.demo.synthesis import SAMPLE_RATE, Word

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from models.demo.grammar import Part
    from models.demo.synthesis import Voice

_EXAMPLES: Final = Path(__file__).resolve().parents[2] / "examples"
#: The demo recordings by language, without ending.
RECORDINGS: Final[Mapping[str, Path]] = {
    "en": _EXAMPLES / "conversation",
    "es": _EXAMPLES / "conversation-es",
}

_DEMO_NOISE: Final = 40.0  # dB signal to noise: a quiet room
_EDGE: Final = 0.5  # s of silence before the first and after the last turn
_TURN_GAIN: Final = 3.0  # dB up or down, of one turn against the next
_GAP: Final = (0.3, 0.8)  # s between two turns


@dataclass(frozen=True)
class Turn:
    """What one speaker says before the other answers; times in seconds."""

    speaker: str
    start: float
    end: float
    text: str
    words: tuple[Word, ...]


@dataclass(frozen=True)
class Conversation:
    """Mono float32 samples at 16 kHz and the truth about them."""

    audio: NDArray[np.float32]
    turns: tuple[Turn, ...]

    @property
    def text(self) -> str:
        """All that is said, in order."""
        return " ".join(turn.text for turn in self.turns)

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self.audio) / SAMPLE_RATE


def sentences(text: str) -> list[str]:
    """Split at full stops and question marks."""
    return [part.strip() for part in re.findall(r"[^.?]+[.?]", text)]


def compose(
    lines: Sequence[tuple[str, str]],
    cast: Mapping[str, Voice],
    rng: random.Random,
    *,
    signal_to_noise: float | None = None,
) -> Conversation:
    """Speak ``lines`` (speaker, text) one after the other, each by the speaker's voice."""
    parts = [np.zeros(int(_EDGE * SAMPLE_RATE), np.float32)]
    turns: list[Turn] = []
    for speaker, text in lines:
        begins = sum(map(len, parts)) / SAMPLE_RATE
        speech = synthesis.speak_as(cast[speaker], text, rng)
        words = tuple(
            Word(word.text, round(begins + word.start, 3), round(begins + word.end, 3))
            for word in speech.words
        )
        turns.append(Turn(speaker, words[0].start, words[-1].end, text, words))
        parts.append(noise.amplify(speech.audio, rng.uniform(-_TURN_GAIN, _TURN_GAIN)))
        parts.append(np.zeros(int(rng.uniform(*_GAP) * SAMPLE_RATE), np.float32))
    audio = np.concatenate([*parts, parts[0]])
    if signal_to_noise is not None:
        audio = noise.noisy(audio, rng, signal_to_noise)
    return Conversation(audio, tuple(turns))


def draw(
    pool: Sequence[Voice], rng: random.Random, *, speakers: int, seconds: float, of: Part = "test"
) -> Conversation:
    """A conversation of untrained sentences, about ``seconds`` long, 40 % of them noisy."""
    names = "ABCD"[:speakers]
    cast = dict(zip(names, rng.sample(pool, speakers), strict=True))
    lines: list[tuple[str, str]] = []
    for turn in range(int(seconds / 4)):  # a turn takes about 4 s
        others = [name for name in names if not lines or name != lines[-1][0]] or [*names]
        speaker = names[turn] if turn < speakers else rng.choice(others)
        count = rng.choice((1, 1, 2))
        language = cast[speaker].language
        text = " ".join(grammar.draw(rng, of, language) for _ in range(count))
        lines.append((speaker, text))
    noisy = rng.random() < noise.SHARE
    ratio = rng.uniform(*noise.SIGNAL_TO_NOISE) if noisy else None
    return compose(lines, cast, rng, signal_to_noise=ratio)


def demo(language: str) -> Conversation:
    """A demo recording: a low and a high voice."""
    spoken = [sentence for _, text in DIALOGUES[language] for sentence in sentences(text)]
    if trained := [sentence for sentence in spoken if not grammar.held_out(sentence)]:
        raise ValueError(f"trained on: {trained}")
    cast = dict(zip("AB", voices.DEMO[language], strict=True))
    return compose(DIALOGUES[language], cast, random.Random(0), signal_to_noise=_DEMO_NOISE)


def write(conversation: Conversation, stem: Path) -> None:
    """Write ``stem.wav``, 16-bit mono, and the truth as ``stem.json``."""
    samples = np.clip(conversation.audio * 32767, -32768, 32767).astype("<i2")
    with wave.open(str(stem.with_suffix(".wav")), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(samples.tobytes())
    turns = [asdict(turn) for turn in conversation.turns]
    for turn in turns:
        turn["words"] = [{"word": w.pop("text"), **w} for w in turn["words"]]
    truth = {
        "audio": stem.with_suffix(".wav").name,
        "sample_rate": SAMPLE_RATE,
        "duration": round(conversation.duration, 3),
        "text": conversation.text,
        "turns": turns,
    }
    stem.with_suffix(".json").write_text(json.dumps(truth, indent=1) + "\n")


def load(path: Path) -> NDArray[np.float32]:
    """The samples of a 16-bit mono file at 16 kHz."""
    with wave.open(str(path)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    return samples.astype(np.float32) / np.float32(32768)


def read(stem: Path) -> Conversation:
    """Read what `write` wrote."""
    truth = json.loads(stem.with_suffix(".json").read_text())
    turns = tuple(
        Turn(
            turn["speaker"],
            turn["start"],
            turn["end"],
            turn["text"],
            tuple(Word(word["word"], word["start"], word["end"]) for word in turn["words"]),
        )
        for turn in truth["turns"]
    )
    return Conversation(load(stem.with_suffix(".wav")), turns)


def main() -> None:
    """Write a demo recording."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--language", choices=RECORDINGS, default="en")
    language = parser.parse_args().language
    write(demo(language), RECORDINGS[language])


if __name__ == "__main__":
    main()
