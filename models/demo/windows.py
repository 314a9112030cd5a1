"""Training windows: sentences of one to three voices with pauses, as whisperx cuts audio.

whisperx joins the speech it detects to chunks of up to 30 s. A recogniser that has only seen
single sentences stops after two or three of them, so most windows here are filled.
"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from models.demo import noise, synthesis, tokenizer
from models.demo.corpus import MARGIN, Utterance
from models.demo.features import FLOOR, FRAME_RATE, MELS, normalised
from models.demo.network import ENCODER_RATE, POSITIONS
from models.demo.noise import MelNoise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from models.demo.tokenizer import Vocabulary

IGNORED: Final = -100  # torch's label for "no loss here"

_SILENT_SHARE: Final = 0.03  # of windows hold no speech
_TIMED_SHARE: Final = 0.3  # of windows are written with timestamps
_CUT_SHARE: Final = 0.15  # of windows begin or end at a comma, as speech detection may cut
_TURN_GAIN: Final = 3.0  # dB up or down, of one sentence against the next
_PAUSE: Final = (0.2, 1.2)  # s between two sentences, their own margins included

Span: TypeAlias = "tuple[float, float] | None"


@dataclass(frozen=True)
class Window:
    """One window: what is heard, what is to be written, and where each token is spoken."""

    mel: NDArray[np.float32]  # (MELS, frames), as the encoder reads it
    tokens: list[int]
    spans: list[Span]  # per token, seconds in the window
    phones: NDArray[np.int64]  # (encoder frames,)


@dataclass(frozen=True)
class Batch:
    """Windows of one length, padded to the longest text."""

    mel: NDArray[np.float32]  # (batch, MELS, frames)
    tokens: NDArray[np.int64]  # (batch, tokens)
    targets: NDArray[np.int64]  # (batch, tokens), `IGNORED` past the end
    phones: NDArray[np.int64]  # (batch, encoder frames)
    spoken: NDArray[np.bool_]  # (batch, tokens, encoder frames): where a token is spoken
    first: int  # encoder position of the first frame


def excerpt(utterance: Utterance, first: int, after: int) -> Utterance:
    """The words ``first`` to ``after`` alone."""
    start = max(0.0, utterance.words[first][0] - MARGIN / 2)
    end = utterance.words[after - 1][1] + MARGIN / 2
    low, high = int(start * FRAME_RATE), int(end * FRAME_RATE)
    start = low / FRAME_RATE
    return Utterance(
        utterance.mel[low:high],
        " ".join(utterance.text.split()[first:after]),
        utterance.voice,
        tuple((a - start, b - start) for a, b in utterance.words[first:after]),
        tuple((name, t - start) for name, t in utterance.phones if start <= t < end),
    )


class Windows:
    """Draws windows from a corpus, deterministically by seed."""

    def __init__(
        self, utterances: Sequence[Utterance], vocabulary: Vocabulary, rng: random.Random
    ) -> None:
        self._vocabulary = vocabulary
        self.rng = rng
        self._by_voice: dict[str, list[Utterance]] = defaultdict(list)
        for utterance in utterances:
            self._by_voice[utterance.voice].append(utterance)
        self._voices: dict[str, list[str]] = defaultdict(list)  # by language
        for voice in sorted(self._by_voice):
            self._voices[synthesis.language(voice)].append(voice)
        names = sorted({name for u in utterances for name, _ in u.phones} - {""})
        self._phones = {name: index for index, name in enumerate(["", *names])}
        self._noise = MelNoise(rng)

    @property
    def phone_count(self) -> int:
        """Phones of the corpus, silence included."""
        return len(self._phones)

    def batch(self, seconds: float, size: int) -> Batch:
        """``size`` windows of ``seconds``; short ones at a random position of the 30 s."""
        free = POSITIONS - int(seconds * ENCODER_RATE)
        first = self.rng.choice((0, self.rng.randrange(free + 1)))
        windows = [self.window(seconds, first / ENCODER_RATE) for _ in range(size)]
        longest = max(len(window.tokens) for window in windows) - 1
        frames = int(seconds * ENCODER_RATE)
        tokens = np.full((size, longest), self._vocabulary.special[tokenizer.END])
        targets = np.full((size, longest), IGNORED)
        spoken = np.zeros((size, longest, frames), np.bool_)
        for row, window in enumerate(windows):
            count = len(window.tokens) - 1
            tokens[row, :count] = window.tokens[:-1]
            targets[row, :count] = window.tokens[1:]
            for column, span in enumerate(window.spans[1 : count + 1]):
                if span:
                    low, high = (int(time * ENCODER_RATE) for time in span)
                    spoken[row, column, max(0, low - 1) : high + 2] = True
        mel = np.stack([window.mel for window in windows])
        phones = np.stack([window.phones for window in windows])
        return Batch(mel, tokens, targets, phones, spoken, first)

    def window(self, seconds: float, begins: float) -> Window:
        """One window of ``seconds`` that begins ``begins`` seconds into the 30 s."""
        frames = int(seconds * FRAME_RATE)
        power = np.zeros((MELS, frames), np.float32)
        phones = np.zeros(frames // 2, np.int64)
        silent = self.rng.random() < _SILENT_SHARE
        language = self.rng.choice(sorted(self._voices))
        placed = [] if silent else self._placed(language, seconds)
        for utterance, start in placed:
            self._add(power, phones, utterance, start)
        end = self._end(placed, frames)
        if self.rng.random() < noise.SHARE:
            self._noise.add(power[:, :end])
        gain = 10 ** (self.rng.uniform(*noise.GAIN) / 10)
        mel = normalised(np.log10(np.maximum(power * np.float32(gain), 10**FLOOR)))
        if self.rng.random() < 0.5:
            mel[:, end:] = 0  # faster-whisper pads features with 0, whisperx pads the audio
        tokens, spans = self._written(placed, begins, language)
        return Window(mel, tokens, spans, phones)

    def _placed(self, language: str, seconds: float) -> list[tuple[Utterance, float]]:
        """Sentences with their start times: mostly as many as fit, some windows with few."""
        rng = self.rng
        voices = rng.sample(self._voices[language], rng.choice((1, 2, 2, 3)))
        most = rng.choice((1, 2)) if rng.random() < 0.2 else 99
        filled = seconds * rng.uniform(0.6, 1.0)
        placed: list[tuple[Utterance, float]] = []
        time = rng.uniform(0, 0.3)
        for _ in range(4 * most):
            utterance = rng.choice(self._by_voice[rng.choice(voices)])
            if rng.random() < _CUT_SHARE and "," in utterance.text:
                utterance = self._cut(utterance, tail=not placed)
            ends = time + len(utterance.mel) / FRAME_RATE
            if ends > seconds:
                if placed:
                    break
                continue
            placed.append((utterance, time))
            if len(placed) == most or ends > filled:
                break
            time = ends + rng.uniform(*_PAUSE) - 2 * MARGIN
        return placed

    @staticmethod
    def _cut(utterance: Utterance, *, tail: bool) -> Utterance:
        """The part after the first comma, or the part before it."""
        words = utterance.text.split()
        comma = next(index for index, word in enumerate(words, 1) if word.endswith(","))
        return excerpt(utterance, comma, len(words)) if tail else excerpt(utterance, 0, comma)

    def _add(
        self,
        power: NDArray[np.float32],
        phones: NDArray[np.int64],
        utterance: Utterance,
        start: float,
    ) -> None:
        gain = self.rng.uniform(-_TURN_GAIN, _TURN_GAIN) / 10
        low = int(start * FRAME_RATE)
        heard = np.power(10, utterance.mel.astype(np.float32) + np.float32(gain)).T
        power[:, low : low + heard.shape[1]] += heard
        ends = [*(time for _, time in utterance.phones[1:]), utterance.words[-1][1]]
        for (name, begin), end in zip(utterance.phones, ends, strict=True):
            first, after = (int((start + time) * ENCODER_RATE) for time in (begin, end))
            phones[first : max(first + 1, after)] = self._phones.get(name, 0)

    def _end(self, placed: Sequence[tuple[Utterance, float]], frames: int) -> int:
        """The frame after which the window is padding."""
        if not placed:
            return self.rng.randrange(frames // 4, frames + 1)
        utterance, start = placed[-1]
        spoken = int(start * FRAME_RATE) + len(utterance.mel)
        return min(frames, spoken + self.rng.randrange(30))

    def _written(
        self, placed: Sequence[tuple[Utterance, float]], begins: float, language: str
    ) -> tuple[list[int], list[Span]]:
        """Token rows, start and end marks included, and where each is spoken."""
        special = self._vocabulary.special
        mark = tokenizer.language_mark(language)
        head = [special[token] for token in (tokenizer.START, mark, tokenizer.TRANSCRIBE)]
        if not placed:
            # whisperx asks for text even then: say nothing, or say that nobody speaks
            tail = [special[tokenizer.NO_TIMESTAMPS], special[tokenizer.END]]
            none = [head[0], special[tokenizer.NO_SPEECH], special[tokenizer.END]]
            tokens = self.rng.choice(([*head, *tail], none))
            return tokens, [None] * len(tokens)
        timed = self.rng.random() < _TIMED_SHARE
        tokens = head if timed else [*head, special[tokenizer.NO_TIMESTAMPS]]
        spans: list[Span] = [None] * len(tokens)
        for utterance, start in placed:
            if timed:
                tokens.append(self._vocabulary.time(begins + start + utterance.words[0][0]))
                spans.append(None)
            for word, (low, high) in zip(utterance.text.split(), utterance.words, strict=True):
                rows = self._vocabulary.word(word)
                tokens += rows
                spans += [(start + low, start + high)] * len(rows)
            if timed:
                tokens.append(self._vocabulary.time(begins + start + utterance.words[-1][1]))
                spans.append(None)
        return [*tokens, special[tokenizer.END]], [*spans, None]
