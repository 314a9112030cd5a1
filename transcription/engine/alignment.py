"""When each word was said: forced alignment by whisperx with a wav2vec2 model per language."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import huggingface_hub
import nltk
import torch
import torchaudio
from torch import nn
from transformers import Wav2Vec2FeatureExtractor
from whisperx.alignment import align, load_align_model

from models.registry import Model, Place
from transcription.audio import SAMPLE_RATE, Samples
from transcription.findings import Window
from transcription.timing import RoughWord, settle, split_words
from transcription.transcript import Segment, Word


class SentencesMissing(RuntimeError):
    """NLTK's tables of abbreviations, which tell sentence ends, are neither here nor fetchable."""


class Aligner:
    """One resident acoustic model for one language."""

    def __init__(
        self, model: Model, language: str, device: str, *, only_local: bool = False
    ) -> None:
        """Loads ``model``; from its publisher where it is not on this machine, if it may."""
        self._language = language
        self._device = device
        network, self._metadata = load_align_model(
            language, device, model_name=model.source, model_cache_only=only_local
        )
        if model.place is not Place.TORCHAUDIO and _wants_unit_variance(model.source, only_local):
            network = UnitVariance(network)
        self._network = network.eval()

    def align(self, samples: Samples, segment: Segment) -> list[Segment]:
        """``segment`` as sentences with timed words, all within its bounds."""
        rough = align(
            [{"start": segment.start, "end": segment.end, "text": segment.text}],
            self._network,
            self._metadata,
            torch.from_numpy(samples),
            self._device,
        )["segments"]
        window = Window(segment.start, min(segment.end, len(samples) / SAMPLE_RATE))
        return _sentences(segment, rough, window, self._language)


class UnitVariance(nn.Module):
    """Scales each input to mean 0 and variance 1, as its model was trained.

    whisperx passes raw audio to every model of the hub; one whose feature extractor says
    ``do_normalize`` then hardly beats guessing.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, waveform: torch.Tensor) -> Any:
        """What the model makes of ``waveform``, shape (batch, samples)."""
        # No learned scale, and the epsilon of transformers' own feature extractor.
        return self.network(nn.functional.layer_norm(waveform, waveform.shape[-1:], eps=1e-7))


def find_sentence_tables(directory: Path | None) -> None:
    """Makes NLTK find its sentence tables without a network at prediction time.

    They are looked for in ``directory`` and NLTK's own path (NLTK_DATA), and fetched once if
    allowed. Raises SentencesMissing.
    """
    if directory is not None and str(directory) not in nltk.data.path:
        nltk.data.path.insert(0, str(directory))
    for attempt in (lambda: None, lambda: nltk.download("punkt_tab", quiet=True)):
        attempt()
        try:
            nltk.data.find("tokenizers/punkt_tab/english/")
        except LookupError:
            continue
        return
    raise SentencesMissing(
        "NLTK's punkt_tab is missing: put it into a directory named by NLTK_DATA"
    )


def is_on_disk(model: Model) -> bool:
    """Whether ``model`` can be loaded without a network."""
    if model.place is Place.DIRECTORY:
        return model.path.is_dir()
    if model.place is Place.TORCHAUDIO:
        bundle = getattr(torchaudio.pipelines, model.source)
        file = Path(str(torch.hub.get_dir()), "checkpoints", str(bundle._path))  # noqa: SLF001
        return file.is_file()
    return isinstance(huggingface_hub.try_to_load_from_cache(model.source, "config.json"), str)


def _wants_unit_variance(source: str, only_local: bool) -> bool:  # noqa: FBT001 - private
    extractor: Any = Wav2Vec2FeatureExtractor.from_pretrained(source, local_files_only=only_local)
    return bool(extractor.do_normalize)


def _sentences(
    segment: Segment, rough: list[Mapping[str, Any]], window: Window, language: str
) -> list[Segment]:
    """Sentences of whisperx with times settled over the whole window."""
    sentences = [_rough_words(sentence, language) for sentence in rough]
    words = settle([word for sentence in sentences for word in sentence], window.start, window.end)
    result: list[Segment] = []
    position = 0
    for sentence, source in zip(sentences, rough, strict=True):
        if not sentence:
            continue
        own = words[position : position + len(sentence)]
        position += len(sentence)
        result.append(_sentence(segment, str(source["text"]).strip(), own))
    return result


def _sentence(segment: Segment, text: str, words: tuple[Word, ...]) -> Segment:
    return Segment(text, words[0].start, words[-1].end, words, avg_logprob=segment.avg_logprob)


def _rough_words(sentence: Mapping[str, Any], language: str) -> list[RoughWord]:
    """The words of whisperx; unscored ones, which it gives a neighbour's times, without times."""
    words = sentence["words"]
    if not words:
        return [RoughWord(text) for text in split_words(sentence["text"], language)]
    return [
        RoughWord(word["word"], word.get("start"), word.get("end"), word["score"])
        if "score" in word
        else RoughWord(word["word"])
        for word in words
    ]
