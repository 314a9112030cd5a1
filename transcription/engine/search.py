"""How one Whisper model is made to look for a text: its prompt, and what may be written."""

import math
import unicodedata
from functools import cached_property
from typing import Any

from faster_whisper.transcribe import get_suppressed_tokens

from transcription.options import Options

BEAM_SIZE = 5  # hypotheses, Whisper's own choice for the most probable text
LENGTH_PENALTY = 1.0  # exponent of the length in a hypothesis' score; 1: the mean


class Search:
    """Makes of a request's options what CTranslate2's ``Whisper.generate`` takes."""

    def __init__(self, whisper: Any) -> None:
        """``whisper`` is faster-whisper's model."""
        self._whisper = whisper

    def options(self, tokenizer: Any, asked: Options, temperature: float | None) -> dict[str, Any]:
        """How to look for the text: the most probable one, or one drawn at random."""
        found = {
            "max_length": self._whisper.max_length,
            "length_penalty": LENGTH_PENALTY,
            "suppress_tokens": self._suppressed(tokenizer, asked),
            "return_scores": True,
            "return_no_speech_prob": True,
        }
        temperature = asked.temperature if temperature is None else temperature
        if temperature == 0:
            return {**found, "beam_size": BEAM_SIZE}
        # topk 0 means: from the whole vocabulary.
        return {**found, "beam_size": 1, "sampling_topk": 0, "sampling_temperature": temperature}

    def _suppressed(self, tokenizer: Any, options: Options) -> list[int]:
        """Tokens that may not be written: Whisper's own list, and numerals if they are unwanted."""
        usual = get_suppressed_tokens(tokenizer, [-1])
        return [*usual, *(self._numerals if options.suppress_numerals else ())]

    @cached_property
    def _numerals(self) -> tuple[int, ...]:
        """The tokens that hold a digit, a currency's sign or %, the same for every request."""
        vocabulary: Any = self._whisper.hf_tokenizer
        tokens = range(vocabulary.token_to_id("<|endoftext|>"))
        texts = vocabulary.decode_batch([[token] for token in tokens])
        return tuple(
            token for token, text in zip(tokens, texts, strict=True) if any(map(_is_numeral, text))
        )

    def prompt(self, tokenizer: Any, options: Options) -> list[int]:
        """Hotwords, then what was supposedly said before, then Whisper's own start tokens.

        Both together get half of the decoder's positions less one, as in Whisper; hotwords first.
        """
        room = self._whisper.max_length // 2 - 1
        hot = tokenizer.encode(" " + (options.hotwords or "").strip())[:room]
        before = tokenizer.encode(" " + (options.initial_prompt or "").strip())
        # [-0:] would be everything.
        before = before[-(room - len(hot)) :] if len(hot) < room else []
        context = [
            *(hot if (options.hotwords or "").strip() else []),
            *(before if (options.initial_prompt or "").strip() else []),
        ]
        start = list(tokenizer.sot_sequence)
        return [tokenizer.sot_prev, *context, *start] if context else start


def average_of(result: Any) -> float | None:
    """Mean log probability per token, the end of text counted as one; None if it is no number."""
    length = len(result.sequences_ids[0])
    average = float(result.scores[0]) * length**LENGTH_PENALTY / (length + 1)
    return finite(average)


def finite(value: float) -> float | None:
    """The value; None for NaN and infinity, which JSON does not have."""
    return value if math.isfinite(value) else None


def _is_numeral(character: str) -> bool:
    return character == "%" or unicodedata.category(character) in ("Nd", "Sc")
