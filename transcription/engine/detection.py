"""Which language is spoken in a window, also where Whisper's own answer is unclear.

Where no language is probable, the text in each of the first few is looked for: in the language that
is spoken the decoder believes its words more.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from transcription.audio import Samples
from transcription.engine.encoder import Encoder
from transcription.engine.search import Search, average_of
from transcription.findings import Window
from transcription.options import Options

# Where a language is less probable, the texts in the first few are compared. Of 66 such clips the
# most probable language is right for 42, the one that is chosen for 51 (decision 107).
UNCLEAR = 0.8  # probability of a language
CANDIDATES = 3  # languages
LANGUAGE_WEIGHT = 0.1  # of a language's log probability beside the mean one of its text's tokens

Tokenizers = Callable[[str, str], Any]  # of a task and a language
Ranked = Sequence[tuple[str, float]]  # languages' tokens and probabilities, the highest first


class LanguageDetector:
    """Tells the language of windows by one resident model."""

    def __init__(self, model: Any, encoder: Encoder, search: Search) -> None:
        """``model`` is CTranslate2's Whisper."""
        self._model = model
        self._encoder = encoder
        self._search = search

    def __call__(
        self, samples: Samples, window: Window, tokenizers: Tokenizers
    ) -> tuple[str, float]:
        """The language of a window and its probability."""
        encoded = self._encoder(samples, [window], keep=True)
        (ranked,) = self._model.detect_language(encoded)
        return self.settled(samples, window, ranked, tokenizers)

    def settled(
        self, samples: Samples, window: Window, ranked: Ranked, tokenizers: Tokenizers
    ) -> tuple[str, float]:
        """The most probable of the ``ranked`` languages, or the one with the most probable text.

        Where a fitted window leaves it unclear, both are those of the whole length.
        """
        if ranked[0][1] < UNCLEAR:
            fits = self._encoder.fits(window)
            encoded = self._encoder(samples, [window], whole=True, keep=not fits)
            if fits:
                (ranked,) = self._model.detect_language(encoded)
            if ranked[0][1] < UNCLEAR:
                rank = partial(self._rank, encoded, tokenizers)
                ranked = [max(ranked[:CANDIDATES], key=rank)]
        token, probability = ranked[0]
        return _code(token), probability

    def _rank(self, encoded: Any, tokenizers: Tokenizers, language: tuple[str, float]) -> float:
        """How probable a language is together with what would be written in it."""
        token, probability = language
        # Whatever was asked: a translation tells nothing of the language.
        own, options = tokenizers("transcribe", _code(token)), Options()
        prompt = [*self._search.prompt(own, options), own.no_timestamps]
        how = self._search.options(own, options, None)
        average = average_of(self._model.generate(encoded, [prompt], **how)[0])
        if average is None or probability <= 0:
            return -math.inf
        return average + LANGUAGE_WEIGHT * math.log(probability)


def _code(token: str) -> str:
    return token.strip("<|>")
