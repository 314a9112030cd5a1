"""What one Whisper model writes for windows of speech, and what its decoder thinks of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from transcription.audio import Samples
from transcription.engine import attention
from transcription.engine.detection import LanguageDetector, Tokenizers
from transcription.engine.encoder import Encode, Encoder
from transcription.engine.features import PER_SECOND, WHOLE
from transcription.engine.memory import without_echo
from transcription.engine.search import Search, average_of, finite
from transcription.engine.sounds import sounds
from transcription.engine.tokens import tokens_of
from transcription.findings import Window
from transcription.options import Options
from transcription.transcript import Segment, Token, Word

_SPACE = (ord(" "),)
# Of 60 windows of read speech in five languages, three lost a sentence and had 2.2 to 4.2 s of
# sound between two tokens; whole ones had 1 s at most.
SKIPPED = 2.0  # seconds
# Below this mean log probability, a text may be another one at the whole length (decision 101).
UNSURE = -0.3
# What is not said within a window is looked for at its end, all at once.
_CROWD = 0.2  # seconds


@dataclass(frozen=True, slots=True)
class Asked:
    """How to write: by a request's options, words ``timed`` by attention.

    ``language`` None is to be detected in every window.
    """

    tokenizers: Tokenizers
    options: Options
    language: str | None = None
    timed: bool = False


@dataclass(frozen=True, slots=True)
class Hearing:
    """What was written for a window.

    ``elsewhere``: the decoder looked for the text behind the window, where nothing is; ``cut``: for
    its end, which is left out; ``unwritten``: seconds at the window's end that no text is for;
    ``skipped``: seconds of sound between two tokens, where they are many.
    """

    window: Window
    text: str
    written: tuple[int, ...]
    tokens: tuple[Token, ...] = ()
    words: tuple[Word, ...] = ()
    avg_logprob: float | None = None
    no_speech_prob: float | None = None
    elsewhere: bool = False
    cut: bool = False
    unwritten: float = 0.0
    skipped: float = 0.0
    language: str | None = None

    @property
    def segment(self) -> Segment:
        """The window with its text."""
        return Segment(
            self.text,
            self.window.start,
            self.window.end,
            words=self.words,
            avg_logprob=self.avg_logprob,
            no_speech_prob=self.no_speech_prob,
            tokens=self.tokens,
            language=self.language,
        )


class Decoder:
    """One resident model's encoder and decoder."""

    def __init__(
        self, whisper: Any, *, gpu: bool, fitted: bool, encode: Encode | None = None
    ) -> None:
        """``whisper`` is faster-whisper's model, as whisperx extends it.

        ``encode`` takes the place of its encoder.
        """
        self._whisper = whisper
        self._model: Any = whisper.model
        encode = encode or self._encode
        self._encoder = Encoder(encode, whisper.model.n_mels, gpu=gpu, fitted=fitted)
        self._search = Search(whisper)
        self.language = LanguageDetector(self._model, self._encoder, self._search)

    def _encode(self, features: Any) -> Any:
        return without_echo(lambda: self._whisper.encode(features))

    def fits(self, window: Window) -> bool:
        """Whether a window is heard at less than the whole length, unless that is asked for."""
        return self._encoder.fits(window)

    def __call__(
        self,
        samples: Samples,
        windows: Sequence[Window],
        asked: Asked,
        *,
        whole: bool = False,
        temperature: float | None = None,
    ) -> list[Hearing]:
        """What is heard in ``windows``; at the request's temperature where none is given."""
        encoded = self._encoder(samples, windows, whole=whole)
        languages = self._languages(samples, encoded, windows, asked)
        tokenizers = [asked.tokenizers(asked.options.task, code) for code in languages]
        prompts = [self._search.prompt(tokenizer, asked.options) for tokenizer in tokenizers]
        results = self._model.generate(
            encoded,
            [
                [*prompt, tokenizer.no_timestamps]
                for prompt, tokenizer in zip(prompts, tokenizers, strict=True)
            ],
            **self._search.options(tokenizers[0], asked.options, temperature),
        )
        texts = [
            # At a temperature the model may write what is no text, such as times.
            [number for number in result.sequences_ids[0] if number < tokenizer.eot]
            for result, tokenizer in zip(results, tokenizers, strict=True)
        ]
        frames = [min(WHOLE, max(2, int(window.duration * PER_SECOND))) for window in windows]
        near = attention.looks(self._model, encoded, prompts, texts, frames)
        looks, behind = near, list(map(_may_be_behind, windows, results, near))
        if any(behind):
            far = attention.looks(self._model, encoded, prompts, texts, [WHOLE] * len(texts))
            looks = [look if may else own for look, may, own in zip(far, behind, near, strict=True)]
        skipped = [_skipped(samples, *one) for one in zip(windows, looks, strict=True)]
        shown = [None if asked.language else language for language in languages]
        heard = [
            replace(self._hearing(*one), skipped=seconds, language=language)
            for *one, seconds, language in zip(
                windows, results, texts, looks, tokenizers, skipped, shown, strict=True
            )
        ]
        if not asked.timed:
            return heard
        if any(one.cut for one in heard):
            texts = [list(one.written) for one in heard]
            near = attention.looks(self._model, encoded, prompts, texts, frames)
        return [
            replace(one, words=attention.timed(tokenizer, one.written, look, one.window))
            for one, look, tokenizer in zip(heard, near, tokenizers, strict=True)
        ]

    def _languages(
        self, samples: Samples, encoded: Any, windows: Sequence[Window], asked: Asked
    ) -> list[str]:
        if asked.language or not self._model.is_multilingual:
            return [asked.language or "en"] * len(windows)
        found = zip(windows, self._model.detect_language(encoded), strict=True)
        return [self.language.settled(samples, *one, asked.tokenizers)[0] for one in found]

    def _hearing(
        self,
        window: Window,
        result: Any,
        text: Sequence[int],
        look: attention.Look,
        tokenizer: Any,
    ) -> Hearing:
        written = tuple(text)
        tokens = tokens_of(self._whisper.hf_tokenizer, written, look.probabilities)
        said = self._said(tokens, look, window)
        # The first token of any text is looked for at the beginning.
        elsewhere = said <= 1 < len(tokens)
        cut = not elsewhere and said < len(tokens)
        if cut:
            written, tokens = written[:said], tokens[:said]
        return Hearing(
            window,
            tokenizer.decode(written).strip(),
            written,
            tokens,
            avg_logprob=average_of(result),
            no_speech_prob=finite(result.no_speech_prob),
            elsewhere=elsewhere,
            cut=cut,
            unwritten=max(0.0, window.duration - look.end),
        )

    def _said(self, tokens: Sequence[Token], look: attention.Look, window: Window) -> int:
        """How many of the tokens are whole words that are looked for within the window."""
        said = look.within(window.duration)
        while 0 < said < len(tokens) and tokens[said].written[:1] != _SPACE:
            said += 1
        return said


def _may_be_behind(window: Window, result: Any, near: attention.Look) -> bool:
    """Whether a part of the text may have been looked for behind the window.

    ``near`` is a look within it.
    """
    average = average_of(result)
    return average is None or average < UNSURE or near.since(window.duration - _CROWD) > 1


def _skipped(samples: Samples, window: Window, look: attention.Look) -> float:
    """Seconds of sound in the stretches without a token that hold more than `SKIPPED` of it.

    Of a sentence that is said twice, Whisper may write one. A window without a text skips nothing.
    """
    if not look.probabilities:
        return 0.0
    gaps = [
        Window(window.start + gap.start, min(window.end, window.start + gap.end))
        for gap in look.without_tokens(SKIPPED, window.duration)
    ]
    heard = sounds(samples, window) if gaps else []
    sounding = (sum(_shared(gap, sound) for sound in heard) for gap in gaps)
    return sum(seconds for seconds in sounding if seconds > SKIPPED)


def _shared(one: Window, other: Window) -> float:
    return max(0.0, min(one.end, other.end) - max(one.start, other.start))
