"""An engine without models: what it hears depends on loudness alone."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from transcription.audio import SAMPLE_RATE, Samples, seconds
from transcription.errors import InvalidInput, ModelUnavailable
from transcription.findings import (
    Alignment,
    Diarization,
    Language,
    Progress,
    Recognized,
    Voice,
    Window,
    ignore_progress,
)
from transcription.options import Options
from transcription.timing import RoughWord, settle
from transcription.transcript import Character, Segment, Turn, Word
from transcription.windows import windows_of_speech

SENTENCES = ("Good morning.", "How are you?")
_BLOCK = SAMPLE_RATE // 20


@dataclass
class ScriptedEngine:
    """Every window says SENTENCES; speakers take turns window by window."""

    model: str = "scripted"
    language: str = "en"
    has_diarizer: bool = True
    loads: int = 1

    def describe(self) -> Mapping[str, Any]:
        models = {"models": [self.model], "default_model": self.model}
        return {**models, "diarization_available": self.has_diarizer}

    def prepare(self, options: Options) -> None:
        if options.whisper_model not in (None, self.model):
            raise InvalidInput("whisper_model", f"this service was started with: {self.model}")
        if options.diarization and not self.has_diarizer:
            raise ModelUnavailable("diarization", "the model is not here")

    def find_speech(
        self, samples: Samples, options: Options, progress: Progress = ignore_progress
    ) -> Sequence[Window]:
        blocks = samples[: len(samples) // _BLOCK * _BLOCK].reshape(-1, _BLOCK)
        for share in (0.0, 0.5, 1.0):
            progress(share)
        step = _BLOCK / SAMPLE_RATE
        return windows_of_speech(
            (np.abs(blocks).max(axis=1) > 0.01).astype(float).tolist(),
            first=step / 2,
            step=step,
            onset=options.vad_onset,
            offset=options.vad_offset,
            longest=float(options.chunk_size),
        )

    def detect_language(
        self, samples: Samples, windows: Sequence[Window], options: Options
    ) -> Language:
        return Language(self.language, 0.75)

    def recognize(
        self,
        samples: Samples,
        windows: Sequence[Window],
        language: Language,
        options: Options,
        progress: Progress,
        done: int = 0,
    ) -> Iterator[Recognized]:
        rough = options.align_output and language.code != self.language
        for number, window in enumerate(windows[done:], start=done + 1):
            said = self.say(window, language, options)
            progress(number / len(windows))
            yield Recognized(1, tuple(replace(s, words=_evenly(s)) if rough else s for s in said))

    def say(self, window: Window, language: Language, options: Options) -> Sequence[Segment]:
        """What is said in one window. Doubles of tests say something else."""
        return [Segment(" ".join(SENTENCES), window.start, window.end, avg_logprob=-0.25)]

    def align(
        self,
        samples: Samples,
        segments: Sequence[Segment],
        language: str,
        progress: Progress,
        *,
        characters: bool = False,
        model: str | None = None,
    ) -> Alignment:
        warnings: tuple[str, ...] = ()
        if language != self.language:
            warnings = (f"No alignment model for {language!r}.",)
            if not any(segment.words for segment in segments):
                return Alignment(tuple(segments), warnings)
        sentences: list[Segment] = []
        for segment in segments:
            words = segment.words or _evenly(segment)
            if characters:
                words = tuple(map(_with_characters, words))
            for text in SENTENCES:
                own, words = words[: len(text.split())], words[len(text.split()) :]
                sentence = replace(
                    segment, text=text, start=own[0].start, end=own[-1].end, words=own
                )
                sentences.append(sentence)
        progress(1.0)
        return Alignment(tuple(sentences), warnings)

    def diarize(self, samples: Samples, options: Options, progress: Progress) -> Diarization:
        windows = self.find_speech(samples, options)
        turns = tuple(
            Turn(f"SPEAKER_{index % 2:02d}", window.start, min(window.end, seconds(samples)))
            for index, window in enumerate(windows)
        )
        progress(1.0)
        return Diarization(turns, {turn.speaker: (0.5, -0.5) for turn in turns})

    def embed(self, samples: Samples) -> Voice | None:
        """How loud it is, on a circle: alike clips are near each other."""
        loudest = float(np.abs(samples).max())
        return (math.cos(9 * loudest), math.sin(9 * loudest)) if loudest > 0.01 else None


def _evenly(segment: Segment) -> tuple[Word, ...]:
    rough = list(map(RoughWord, segment.text.split()))
    return settle(rough, segment.start, segment.end)


def _with_characters(word: Word) -> Word:
    settled = settle(list(map(RoughWord, word.text)), word.start, word.end)
    return replace(
        word, characters=tuple(Character(each.text, each.start, each.end) for each in settled)
    )
