"""When each word was said: forced alignment with a wav2vec2 network per language.

Texts, words and scores are those of whisperx 3.8.6. It aligns one segment after the other; here
they go through the network in batches, and the path through its frames is found for all
characters at once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import nltk
import numpy as np
from transformers import Wav2Vec2FeatureExtractor
from whisperx.alignment import load_align_model

from models.registry import Model, Place
from transcription.audio import SAMPLE_RATE, Samples
from transcription.engine.emissions import Acoustics, batches
from transcription.engine.lanes import Lanes
from transcription.engine.memory import fitting
from transcription.engine.private_files import private
from transcription.engine.spelling import WILDCARD, Alphabet, Range, Splitter, as_sentences
from transcription.engine.trellis import Frames, Spans, align_tokens, with_wildcard
from transcription.findings import Progress, Window
from transcription.timing import RoughWord, settle
from transcription.transcript import Character, Segment, Word


class Aligner:
    """One resident acoustic model for one language."""

    def __init__(
        self, model: Model, language: str, device: str, lanes: Lanes, *, only_local: bool = False
    ) -> None:
        """Loads ``model``; from its publisher where it is not on this machine, if it may."""
        network, metadata = load_align_model(
            language, device, model_name=model.source, model_cache_only=only_local
        )
        self._lanes = lanes
        self._alphabet = Alphabet(metadata["dictionary"], language)
        self._splitter = Splitter.of(language)
        self._acoustics = Acoustics(
            network,
            metadata["type"],
            device,
            unit_variance=model.place is not Place.TORCHAUDIO
            and _wants_unit_variance(model.source, only_local),
        )

    def align(
        self,
        samples: Samples,
        segments: Sequence[Segment],
        progress: Progress,
        *,
        characters: bool = False,
    ) -> list[Segment]:
        """``segments`` as sentences with timed words, all within their segment's bounds.

        ``progress`` gets the finished share after every segment. ``characters`` says whether
        words carry the times of theirs.
        """
        windows = [_window(segment, samples) for segment in segments]
        pieces = [_piece(samples, window) for window in windows]
        aligned: list[list[Segment]] = [[] for _ in segments]
        total, done = max(1, sum(map(len, pieces))), 0
        for index, frames in self._heard(pieces):
            words = self._words(segments[index].text, frames, windows[index], characters)
            aligned[index] = list(as_sentences(segments[index], words, self._splitter))
            done += len(pieces[index])
            progress(done / total)
        return [sentence for sentences in aligned for sentence in sentences]

    def _heard(self, pieces: Sequence[Samples]) -> Iterator[tuple[int, Frames]]:
        """The frames of every piece with its index, batch by batch."""

        def hear(batch: Sequence[int]) -> list[tuple[int, Frames]]:
            work = fitting(
                lambda part: self._acoustics([pieces[index] for index in part]), batch, len(batch)
            )
            return [pair for part, heard in work for pair in zip(part, heard, strict=True)]

        lengths = [len(piece) for piece in pieces]
        for heard in self._lanes.spread(hear, list(batches(lengths, gpu=self._acoustics.is_gpu))):
            yield from heard

    def _words(
        self,
        text: str,
        frames: Frames,
        window: Window,
        characters: bool,  # noqa: FBT001 - private
    ) -> Sequence[Word]:
        """The words of ``text`` with times that hold together."""
        heard = self._characters(text, frames, window)
        ranges = self._alphabet.words(text)
        rough = [_rough(text, word, heard) for word in ranges]
        words: Sequence[Word] = settle(rough, window.start, window.end)
        if characters:
            words = [
                _with_characters(word, own, heard) for own, word in zip(ranges, words, strict=True)
            ]
        return words

    def _characters(self, text: str, frames: Frames, window: Window) -> dict[int, RoughWord]:
        """The characters that were found, by their position."""
        spelled = self._alphabet.spell(text)
        tokens = np.array(spelled.tokens, dtype=np.intp)
        if WILDCARD in spelled.tokens:
            tokens[tokens == WILDCARD] = frames.shape[1]
            frames = with_wildcard(frames, self._alphabet.blank)
        spans: Spans | None = align_tokens(frames, tokens, self._alphabet.blank)
        if spans is None:
            return {}
        step = window.duration / len(frames)
        return {
            position: RoughWord(
                text[position], window.start + start * step, window.start + end * step, score
            )
            for position, start, end, score in zip(
                spelled.positions,
                spans.starts.tolist(),
                spans.ends.tolist(),
                spans.scores.tolist(),
                strict=True,
            )
        }


def find_sentence_tables(ours: Path, *, first: bool = True) -> None:
    """Makes NLTK look into ``ours`` as well, before or after its own path (NLTK_DATA).

    So the end of a sentence is found without a network, by tables for English at least.
    """
    if (own := str(private(ours))) not in nltk.data.path:
        nltk.data.path.insert(0 if first else len(nltk.data.path), own)


def _wants_unit_variance(source: str, only_local: bool) -> bool:  # noqa: FBT001 - private
    extractor: Any = Wav2Vec2FeatureExtractor.from_pretrained(source, local_files_only=only_local)
    return bool(extractor.do_normalize)


def _window(segment: Segment, samples: Samples) -> Window:
    """The segment's time as far as the recording goes, in whole milliseconds.

    So does whisperx: where two paths are nearly as probable, eight samples decide.
    """
    end = len(samples) / SAMPLE_RATE
    return Window(min(round(segment.start, 3), end), min(round(segment.end, 3), end))


def _piece(samples: Samples, window: Window) -> Samples:
    return samples[int(window.start * SAMPLE_RATE) : int(window.end * SAMPLE_RATE)]


def _rough(text: str, word: Range, heard: dict[int, RoughWord]) -> RoughWord:
    """A word by its characters: their first time, their last, and the mean of their scores."""
    own = [heard[position] for position in range(*word) if position in heard]
    found = text[slice(*word)]
    if not own:
        return RoughWord(found)
    score = sum(character.score or 0.0 for character in own) / len(own)
    return RoughWord(found, own[0].start, own[-1].end, score)


def _with_characters(word: Word, own: Range, heard: dict[int, RoughWord]) -> Word:
    """``word`` with its characters, whose times are settled within its own."""
    rough = [
        heard.get(position, RoughWord(text))
        for position, text in zip(range(*own), word.text, strict=True)
    ]
    settled = settle(rough, word.start, word.end)
    return replace(
        word,
        characters=tuple(
            Character(each.text, each.start, each.end, each.score) for each in settled
        ),
    )
