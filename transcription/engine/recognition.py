"""What was said: Whisper by CTranslate2, windows of speech in batches, nothing kept in between."""

import math
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import chain
from typing import Any

from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import get_suppressed_tokens
from whisperx.asr import WhisperModel

from transcription.audio import Samples
from transcription.engine import attention
from transcription.engine.device import Device
from transcription.engine.features import log_mels
from transcription.engine.lanes import Lanes
from transcription.engine.memory import fitting, without_echo
from transcription.findings import Language, Progress, Recognized, Window
from transcription.options import Options
from transcription.transcript import Segment, Word

CPU_BATCH = 8  # windows; more only take memory where cores, not batches, make it fast
# Batches under way on a CPU: between two operations of one, its cores compute for the other.
AT_ONCE = 2
BEAM_SIZE = 5  # hypotheses, Whisper's own choice for the most probable text
LENGTH_PENALTY = 1.0  # exponent of the length in a hypothesis' score; 1: the mean

_Work = Callable[[Sequence[Window]], list[Segment]]


class Recognizer:
    """One resident Whisper model."""

    def __init__(self, model: str, device: Device, lanes: Lanes, token: str | None = None) -> None:
        """Loads the CTranslate2 model in directory or hub repository ``model``.

        ``lanes`` wait for its batches and compute little: one for each that is under way.
        """
        self._device = device
        self._model: Any = WhisperModel(
            model,
            device=device.whisper,
            compute_type=device.compute_type,
            cpu_threads=device.threads,
            num_workers=lanes.count,
            use_auth_token=token,
        )
        self._mels: int = self._model.model.n_mels
        self._lanes = lanes

    @property
    def is_multilingual(self) -> bool:
        """Whether the model knows more languages than English."""
        return bool(self._model.model.is_multilingual)

    def detect(self, samples: Samples, window: Window) -> Language:
        """The most probable language of one window. A model of English only answers so."""
        if not self.is_multilingual:
            return Language("en", 1.0)
        encoded = self._encoded(samples, [window])
        token, probability = self._model.model.detect_language(encoded)[0][0]
        return Language(token.strip("<|>"), probability)

    def recognize(  # noqa: PLR0913 - all but five by keyword
        self,
        samples: Samples,
        windows: Sequence[Window],
        language: str,
        options: Options,
        progress: Progress,
        *,
        done: int = 0,
        timed: bool = False,
    ) -> Iterator[Recognized]:
        """Yields a segment for each window in which something was said, batch by batch.

        Without the first ``done`` windows. With ``timed`` segments have words, timed by the
        model's own attention. A batch that does not fit into memory is tried again in halves.
        Raises OutOfMemory when one window alone does not fit.
        """
        # Everything that a request may change is made anew here: whisperx's own pipeline object
        # keeps tokenizer and suppressed tokens, and a failed request changes the next one's.
        tokenizer = Tokenizer(
            self._model.hf_tokenizer,
            self.is_multilingual,
            task=options.task,
            language=language,
        )
        for batch, heard in self._batches(
            lambda batch: self._batch(samples, batch, tokenizer, options, timed=timed),
            windows,
            options.batch_size,
            done,
        ):
            done += len(batch)
            progress(done / len(windows))
            yield Recognized(len(batch), tuple(heard))

    def _batches(
        self, work: _Work, windows: Sequence[Window], size: int, done: int
    ) -> Iterator[tuple[Sequence[Window], list[Segment]]]:
        """Batches with what ``work`` heard in them, in order; no more than ``size`` at once.

        As if the first ``done`` windows had been among them: the same batches, the same text.
        """
        size = min(size, self._device.windows)
        if self._device.is_gpu or size < AT_ONCE:
            return fitting(work, windows[done:], size)
        share = max(1, min(min(size, CPU_BATCH) // AT_ONCE, math.ceil(len(windows) / AT_ONCE)))
        starts = range(done, len(windows), share)
        return chain.from_iterable(
            self._lanes.map(
                lambda start: list(fitting(work, windows[start : start + share], share)), starts
            )
        )

    def _batch(
        self,
        samples: Samples,
        windows: Sequence[Window],
        tokenizer: Any,
        options: Options,
        *,
        timed: bool,
    ) -> list[Segment]:
        encoded = self._encoded(samples, windows)
        results = self._model.model.generate(
            encoded,
            [self._prompt(tokenizer, options)] * len(windows),
            max_length=self._model.max_length,
            length_penalty=LENGTH_PENALTY,
            suppress_tokens=self._suppressed(tokenizer, options),
            return_scores=True,
            return_no_speech_prob=True,
            **_search(options.temperature),
        )
        texts = [result.sequences_ids[0] for result in results]
        words: Sequence[tuple[Word, ...]] = [()] * len(texts)
        if timed:
            words = attention.timed(self._model.model, encoded, tokenizer, texts, windows)
        return [
            Segment(
                text,
                window.start,
                window.end,
                words=own,
                avg_logprob=_average(result),
                no_speech_prob=_finite(result.no_speech_prob),
            )
            for window, result, own in zip(windows, results, words, strict=True)
            if (text := tokenizer.decode(result.sequences_ids[0]).strip())
        ]

    def _suppressed(self, tokenizer: Any, options: Options) -> list[int]:
        """Tokens that may not be written: Whisper's own list, and numerals if they are unwanted."""
        usual = get_suppressed_tokens(tokenizer, [-1])
        return [*usual, *(self._numerals if options.suppress_numerals else ())]

    @cached_property
    def _numerals(self) -> tuple[int, ...]:
        """The tokens that hold a digit, a currency's sign or %, the same for every request."""
        vocabulary: Any = self._model.hf_tokenizer
        tokens = range(vocabulary.token_to_id("<|endoftext|>"))
        texts = vocabulary.decode_batch([[token] for token in tokens])
        return tuple(
            token for token, text in zip(tokens, texts, strict=True) if any(map(_is_numeral, text))
        )

    def _encoded(self, samples: Samples, windows: Sequence[Window]) -> Any:
        device = "cuda" if self._device.is_gpu else "cpu"
        features = log_mels(samples, windows, self._mels, device)
        return without_echo(lambda: self._model.encode(features))

    def _prompt(self, tokenizer: Any, options: Options) -> list[int]:
        """Hotwords, then what was supposedly said before, then Whisper's own start tokens.

        Both together get half of the decoder's positions less one, as in Whisper; hotwords first.
        """
        room = self._model.max_length // 2 - 1
        hot = tokenizer.encode(" " + (options.hotwords or "").strip())[:room]
        before = tokenizer.encode(" " + (options.initial_prompt or "").strip())
        # [-0:] would be everything.
        before = before[-(room - len(hot)) :] if len(hot) < room else []
        context = [
            *(hot if (options.hotwords or "").strip() else []),
            *(before if (options.initial_prompt or "").strip() else []),
        ]
        start = [*tokenizer.sot_sequence, tokenizer.no_timestamps]
        return [tokenizer.sot_prev, *context, *start] if context else start


def _search(temperature: float) -> dict[str, Any]:
    """How to look for the text: the most probable one, or one drawn at random."""
    if temperature == 0:
        return {"beam_size": BEAM_SIZE}
    # topk 0 means: from the whole vocabulary.
    return {"beam_size": 1, "sampling_topk": 0, "sampling_temperature": temperature}


def _average(result: Any) -> float | None:
    """Mean log probability per token, the end of text counted as one; None if it is no number."""
    length = len(result.sequences_ids[0])
    average = float(result.scores[0]) * length**LENGTH_PENALTY / (length + 1)
    return _finite(average)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _is_numeral(character: str) -> bool:
    return character == "%" or unicodedata.category(character) in ("Nd", "Sc")
