"""The parts of the real engine that can be tried without real models."""

import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest

pytest.importorskip("whisperx")

import nltk
import torch
import torchaudio

from models import contents, registry, sources
from models.registry import DIARIZERS, Family, Model
from transcription.audio import SAMPLE_RATE, Samples
from transcription.engine import (
    aligners,
    alignment,
    device,
    diarization,
    recognition,
    whisperx_engine,
)
from transcription.engine.device import Device, choose
from transcription.engine.features import log_mels
from transcription.engine.lanes import Lanes
from transcription.engine.memory import memory_guard
from transcription.engine.recognition import AT_ONCE, BEAM_SIZE, CPU_BATCH, Recognizer
from transcription.engine.settings import Settings
from transcription.engine.spelling import Splitter
from transcription.engine.whisperx_engine import WhisperxEngine
from transcription.environment import SettingsError
from transcription.errors import InvalidInput, ModelUnavailable, OutOfMemory
from transcription.findings import Window
from transcription.options import Options
from transcription.transcript import Segment

CPU = Device("cpu", "cpu", "int8", 1)
GPU = Device("cuda", "cuda", "float16", 1)


# Recognition


class FakeTokenizer:
    """A token per character."""

    sot_prev, no_timestamps = -1, -2

    def __init__(self, _hf: object, _multilingual: object, *, task: str, language: str) -> None:
        self.sot_sequence = [f"<{language}>", f"<{task}>"]

    def encode(self, text: str) -> list[str]:
        return list(text)

    def decode(self, tokens: list[str]) -> str:
        return "".join(tokens)


class FakeVocabulary:
    """Five tokens: words, a number, an amount, a share, and what ends a text."""

    texts = (" two", " 2", "$", "50%", "<|endoftext|>")

    def token_to_id(self, text: str) -> int:
        return self.texts.index(text)

    def decode_batch(self, tokens: list[list[int]]) -> list[str]:
        return [self.texts[token] for (token,) in tokens]


class FakeWhisper:
    """Fits ``capacity`` windows into its memory and remembers how it was asked."""

    capacity = 1000
    max_length = 448
    hf_tokenizer = FakeVocabulary()

    def __init__(self, *_arguments: object, **_options: object) -> None:
        self.calls: list[tuple[int, dict[str, Any]]] = []
        self.model = SimpleNamespace(
            n_mels=80, is_multilingual=True, generate=self.generate, detect_language=self.detect
        )

    def encode(self, features: np.ndarray) -> np.ndarray:
        if len(features) > self.capacity:
            raise RuntimeError("CUDA failed with error out of memory")
        return features

    def generate(self, features: np.ndarray, prompts: list[Any], **options: Any) -> list[Any]:
        self.calls.append((len(features), {"prompts": prompts, **options}))
        return [
            SimpleNamespace(sequences_ids=[list("hi ")], scores=[-0.5], no_speech_prob=0.25)
            for _ in features
        ]

    def detect(self, features: np.ndarray) -> list[list[tuple[str, float]]]:
        return [[("<|haw|>", 0.6), ("<|en|>", 0.4)]]


@pytest.fixture
def recognizer(monkeypatch: pytest.MonkeyPatch) -> Recognizer:
    monkeypatch.setattr(recognition, "WhisperModel", FakeWhisper)
    monkeypatch.setattr(recognition, "Tokenizer", FakeTokenizer)
    monkeypatch.setattr(recognition, "get_suppressed_tokens", lambda _tokenizer, _tokens: (7,))
    return Recognizer("any", CPU, Lanes(AT_ONCE))


def hear(recognizer: Recognizer, options: Options, windows: int = 1) -> list[tuple[int, Any]]:
    samples = np.zeros(SAMPLE_RATE * (windows + 1), dtype=np.float32)
    stretches = [Window(float(start), start + 1.0) for start in range(windows)]
    segments = list(recognizer.recognize(samples, stretches, "de", options, lambda _share: None))
    assert [(s.text, s.start) for s in segments] == [("hi", w.start) for w in stretches]
    assert segments[0].avg_logprob == pytest.approx(-0.5 * 3 / 4)
    assert segments[0].no_speech_prob == 0.25
    calls: list[tuple[int, Any]] = recognizer._model.calls
    return calls


def sizes(recognizer: Recognizer, options: Options, windows: int) -> list[int]:
    """Of the batches; which of two that are under way comes first is chance."""
    return sorted((size for size, _ in hear(recognizer, options, windows)), reverse=True)


@pytest.mark.parametrize(
    ("asked", "windows", "expected"),
    [
        (64, 20, [4, 4, 4, 4, 4]),  # bounded: two at once are CPU_BATCH
        (64, 3, [2, 1]),  # both cores have something
        (4, 10, [2, 2, 2, 2, 2]),  # no more at once than was asked for
        (1, 3, [1, 1, 1]),
        (64, 1, [1]),
    ],
)
def test_batches_on_the_processor(
    recognizer: Recognizer, asked: int, windows: int, expected: list[int]
) -> None:
    assert CPU_BATCH == AT_ONCE * 4
    assert sizes(recognizer, Options(batch_size=asked), windows) == expected


@pytest.mark.parametrize("asked", [1, 2])
def test_no_more_windows_are_under_way_than_asked(recognizer: Recognizer, asked: int) -> None:
    under_way: list[int] = []
    counts: list[int] = []
    generate = recognizer._model.generate

    def slow(features: np.ndarray, *arguments: Any, **options: Any) -> Any:
        under_way.append(len(features))
        counts.append(sum(under_way))
        time.sleep(0.02)
        under_way.remove(len(features))
        return generate(features, *arguments, **options)

    recognizer._model.model.generate = slow
    sizes(recognizer, Options(batch_size=asked), 6)
    assert max(counts) == asked


def test_a_batch_too_large_is_tried_in_halves(
    recognizer: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeWhisper, "capacity", 2)
    assert sizes(recognizer, Options(), 8) == [2, 2, 2, 2]


def test_a_window_too_large_is_out_of_memory(
    recognizer: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeWhisper, "capacity", 0)
    with pytest.raises(OutOfMemory):
        hear(recognizer, Options(), windows=3)
    # What did not fit leaves nothing behind.
    monkeypatch.setattr(FakeWhisper, "capacity", 1000)
    assert sizes(recognizer, Options(), 3) == [2, 1]


def test_numerals_are_suppressed_for_the_request_that_asks(recognizer: Recognizer) -> None:
    for unwanted, tokens in ((False, [7]), (True, [7, 1, 2, 3]), (False, [7])):
        _, call = hear(recognizer, Options(suppress_numerals=unwanted))[-1]
        assert call["suppress_tokens"] == tokens


def test_temperature_samples(recognizer: Recognizer) -> None:
    _, searching = hear(recognizer, Options())[-1]
    assert searching["beam_size"] == BEAM_SIZE
    assert "sampling_temperature" not in searching
    _, sampling = hear(recognizer, Options(temperature=0.5))[-1]
    assert sampling["beam_size"] == 1
    assert (sampling["sampling_topk"], sampling["sampling_temperature"]) == (0, 0.5)


@pytest.mark.parametrize(
    ("prompt", "hotwords", "context"),
    [
        (None, None, []),
        ("  ", "", []),
        ("ab", None, [-1, " ", "a", "b"]),
        (None, "xy", [-1, " ", "x", "y"]),
        ("ab", "xy", [-1, " ", "x", "y", " ", "a", "b"]),
        ("a" * 500, "x" * 10, [-1, " ", *"x" * 10, *"a" * 212]),
        ("a" * 500, "x" * 500, [-1, " ", *"x" * 222]),
    ],
)
def test_prompts_share_half_of_the_decoder(
    recognizer: Recognizer, prompt: str | None, hotwords: str | None, context: list[Any]
) -> None:
    options = Options(initial_prompt=prompt, hotwords=hotwords, task="translate")
    _, call = hear(recognizer, options)[-1]
    assert call["prompts"] == [[*context, "<de>", "<translate>", -2]]


def test_a_batch_of_spectrograms_is_that_of_each_window_alone() -> None:
    from whisperx.audio import N_SAMPLES, log_mel_spectrogram

    random = np.random.default_rng(0)
    loudness = np.repeat([0.001, 0.5, 0.0, 0.1], 2 * SAMPLE_RATE)
    samples: Samples = (loudness * random.standard_normal(len(loudness))).astype(np.float32)
    windows = [Window(0, 2), Window(2, 3.5), Window(4, 6), Window(5.9, 8), Window(7.9, 8.0)]
    found = log_mels(samples, windows, 80, "cpu")
    assert found.shape == (len(windows), 80, 3000)
    for window, mels in zip(windows, found, strict=True):
        piece = samples[int(window.start * SAMPLE_RATE) : int(window.end * SAMPLE_RATE)]
        alone = log_mel_spectrogram(piece, n_mels=80, padding=N_SAMPLES - len(piece))
        np.testing.assert_allclose(mels, alone.numpy(), atol=1e-4)


def test_languages_are_named_by_code(recognizer: Recognizer) -> None:
    silence: Samples = np.zeros(SAMPLE_RATE, dtype=np.float32)
    language = recognizer.detect(silence, Window(0, 1))
    assert (language.code, language.probability) == ("haw", 0.6)


# Alignment


@pytest.mark.parametrize(
    ("language", "there"), [("en", True), ("fr", False)], ids=["cached", "not cached"]
)
def test_bundles_are_looked_for_where_torch_keeps_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str, there: bool
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = Path(torch.hub.get_dir(), "checkpoints")
    folder.mkdir(parents=True)
    bundle: Any = torchaudio.pipelines.WAV2VEC2_ASR_BASE_960H
    (folder / bundle._path).touch()
    assert sources.is_here(alignment_model(language), contents.ALIGNER) is there


def alignment_model(language: str) -> Model:
    from models import registry

    model = registry.aligner(language, Family.PRODUCTION)
    assert model is not None
    return model


def test_sentence_tables_of_the_operator_come_first_and_ours_are_always_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = tmp_path / "tokenizers/punkt_tab/english"
    theirs.parent.mkdir(parents=True, mode=0o700)
    shutil.copytree(registry.DEMO_NLTK_DATA / "tokenizers/punkt_tab/spanish", theirs)
    (theirs / "abbrev_types.txt").write_text("maria\n")
    text = "Hello Maria. How are you?"
    words = [match.span() for match in re.finditer(r"\S+", text)]
    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
    alignment.find_sentence_tables(registry.DEMO_NLTK_DATA, first=False)
    assert len(list(Splitter.of("en").sentences(text, words))) == 1
    monkeypatch.setattr(nltk.data, "path", [])
    alignment.find_sentence_tables(registry.DEMO_NLTK_DATA, first=False)
    assert len(list(Splitter.of("en").sentences(text, words))) == 2


def test_sentence_tables_in_a_checkout_that_the_group_may_write_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As git makes it under umask 002; NLTK itself refuses to read there."""
    tables = tmp_path / "nltk_data"
    shutil.copytree(registry.DEMO_NLTK_DATA, tables)
    for entry in (tables, *tables.rglob("*")):
        entry.chmod(0o775 if entry.is_dir() else 0o664)
    monkeypatch.setattr(nltk.data, "path", [])
    alignment.find_sentence_tables(tables)
    for entry in tables.rglob("*"):
        (found,) = nltk.data.path
        copied = Path(found) / entry.relative_to(tables)
        assert not copied.stat().st_mode & 0o077
        assert copied.is_dir() or copied.read_bytes() == entry.read_bytes()


# Diarization


class FakePipeline:
    """A hub where only ``hf_good`` is let in."""

    tokens: ClassVar[list[str | None]] = []

    @classmethod
    def from_pretrained(cls, _source: str, token: str | None) -> "FakePipeline":
        cls.tokens.append(token)
        if token != "hf_good":
            raise PermissionError(f"401 for {token}")
        return cls()

    def to(self, _device: torch.device) -> "FakePipeline":
        return self


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> WhisperxEngine:
    """The engine with no models at all: its diarizer is gated."""
    FakePipeline.tokens.clear()
    monkeypatch.setattr(diarization, "Pipeline", FakePipeline)
    monkeypatch.setattr(recognition, "WhisperModel", FakeWhisper)
    monkeypatch.setattr(whisperx_engine, "SpeechFinder", lambda *_: None)
    return WhisperxEngine(Settings(models=("tiny", "base"), align_languages={}, device="cpu"))


def test_a_gated_diarizer_does_not_stop_the_start(engine: WhisperxEngine) -> None:
    assert engine.describe()["diarization_available"] is False
    assert engine.loads == 3
    engine.prepare(Options(diarization=False))
    with pytest.raises(ModelUnavailable, match="HUGGINGFACE_TOKEN") as caught:
        engine.prepare(Options())
    assert DIARIZERS[Family.PRODUCTION].name in str(caught.value)
    assert "diarization=false" in str(caught.value)


def test_a_callers_token_is_used_once(
    engine: WhisperxEngine, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ModelUnavailable) as caught:
        engine.prepare(Options(huggingface_access_token="hf_bad"))
    assert "hf_bad" not in str(caught.value) + "".join(capfd.readouterr())
    engine.prepare(Options(huggingface_access_token="hf_good"))
    engine.prepare(Options(huggingface_access_token="hf_other"))
    engine.prepare(Options())
    assert [token for token in FakePipeline.tokens if token] == ["hf_bad", "hf_good"]
    assert engine.loads == 4
    assert engine.describe()["diarization_available"] is True


@pytest.mark.parametrize(
    ("options", "field"),
    [(Options(language="fr"), "language"), (Options(task="translate"), "task")],
)
def test_a_model_of_english_alone_refuses_what_it_would_invent(
    engine: WhisperxEngine, options: Options, field: str
) -> None:
    engine.prepare(replace(options, diarization=False))
    engine._recognizers["tiny"]._model.model.is_multilingual = False
    with pytest.raises(InvalidInput, match="knows English alone") as caught:
        engine.prepare(replace(options, diarization=False))
    assert caught.value.field == field
    engine.prepare(Options(language="en", diarization=False))
    engine.prepare(replace(options, whisper_model="base", diarization=False))


def test_any_loaded_model_can_be_asked_for(engine: WhisperxEngine) -> None:
    assert engine.describe()["models"] == ["tiny", "base"]
    assert engine.describe()["default_model"] == "tiny"
    for name in (None, "tiny", "base"):
        engine.prepare(Options(whisper_model=name, diarization=False))


class FakeDiarization:
    """An annotation of pyannote's."""

    def __init__(self, turns: list[tuple[float, float, str]]) -> None:
        self.turns = turns

    def itertracks(self, *, yield_label: bool) -> Iterator[tuple[Any, int, str]]:
        assert yield_label
        for start, end, speaker in self.turns:
            yield SimpleNamespace(start=start, end=end), 0, speaker

    def labels(self) -> list[str]:
        return sorted({speaker for _, _, speaker in self.turns})


def test_turns_are_exclusive_named_and_their_vectors_finite() -> None:
    asked: dict[str, Any] = {}
    exclusive = [(0.0, 1.0, "SPEAKER_01"), (1.0, 2.0, "SPEAKER_00"), (2.0, 3.0, "SPEAKER_02")]

    def pipeline(file: dict[str, Any], **options: Any) -> Any:
        asked.update(options)
        options["hook"]("segmentation", None, total=2, completed=1)
        options["hook"]("embeddings", None)
        assert file["waveform"].shape == (1, SAMPLE_RATE)
        return SimpleNamespace(
            exclusive_speaker_diarization=FakeDiarization(exclusive),
            speaker_diarization=FakeDiarization([*exclusive, (0.5, 1.5, "SPEAKER_00")]),
            speaker_embeddings=np.array([[1.0, 2.0], [3.0, 4.0], [np.nan, 0.0]]),
        )

    diarizer = diarization.Diarizer.__new__(diarization.Diarizer)
    diarizer._pipeline = pipeline
    shares: list[float] = []
    samples: Samples = np.zeros(SAMPLE_RATE, dtype=np.float32)
    found = diarizer.diarize(samples, Options(min_speakers=2, max_speakers=5), shares.append)
    assert [turn.speaker for turn in found.turns] == ["SPEAKER_00", "SPEAKER_01", "SPEAKER_02"]
    assert found.embeddings == {"SPEAKER_00": (3.0, 4.0), "SPEAKER_01": (1.0, 2.0)}
    assert (asked["num_speakers"], asked["min_speakers"], asked["max_speakers"]) == (None, 2, 5)
    assert shares == [pytest.approx(0.15)]


# Device


def test_the_processor_computes_in_eight_bits() -> None:
    assert choose(Settings(device="cpu", cpu_threads=3)) == Device("cpu", "cpu", "int8", 3)
    assert not CPU.is_gpu
    assert GPU.is_gpu


@pytest.mark.parametrize(
    ("quota", "cores"), [("150000 100000", 1), ("50000 100000", 1), ("100000 100000", 1)]
)
def test_a_containers_share_of_the_processor_counts(tmp_path: Path, quota: str, cores: int) -> None:
    unlimited = device._cores(tmp_path / "none")
    assert unlimited >= 1
    file = tmp_path / "cpu.max"
    file.write_text(quota)
    assert device._cores(file) == cores
    file.write_text("max 100000")
    assert device._cores(file) == unlimited


def test_a_device_that_is_not_there_stops_the_start() -> None:
    with pytest.raises(SettingsError, match="DEVICE"):
        choose(Settings(device="quantum"))
    if not torch.cuda.is_available():
        with pytest.raises(SettingsError, match="DEVICE"):
            choose(Settings(device="cuda"))


def test_full_memory_is_told_and_other_errors_pass() -> None:
    with pytest.raises(OutOfMemory), memory_guard():
        raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
    with pytest.raises(RuntimeError, match="shape"), memory_guard():
        raise RuntimeError("shape mismatch")


def test_unknown_models_stop_the_start() -> None:
    with pytest.raises(SettingsError, match="MODELS"):
        WhisperxEngine(Settings(models=("gigantic",), device="cpu"))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, bool]]:
    """The aligners that were loaded, as (language, model, only_local). French ones are broken."""
    loaded: list[tuple[str, str, bool]] = []

    class FakeAligner:
        def __init__(
            self, model: Model, language: str, _device: str, _lanes: Lanes, *, only_local: bool
        ) -> None:
            self.name = model.name
            loaded.append((language, model.name, only_local))
            if language == "fr":
                raise OSError("half a download")

        def align(
            self, _samples: Samples, segments: list[Segment], _progress: Any, *, characters: bool
        ) -> list[Segment]:
            assert not characters
            return segments

    monkeypatch.setattr(aligners, "Aligner", FakeAligner)
    monkeypatch.setattr(aligners, "is_here", lambda model, _: "dutch" not in model.name)
    monkeypatch.setattr(sources, "is_here", lambda model, _: "dutch" not in model.name)
    return loaded


def align(engine: WhisperxEngine, language: str, model: str | None = None) -> int:
    """The number of warnings."""
    samples: Samples = np.zeros(SAMPLE_RATE, dtype=np.float32)
    segment = Segment("Hello", 0, 1)
    found = engine.align(samples, [segment], language, lambda _share: None, model=model)
    assert found.segments == (segment,)
    return len(found.warnings)


def test_an_aligner_on_disk_loads_once_and_never_by_network(
    engine: WhisperxEngine, asked: list[tuple[str, str, bool]]
) -> None:
    before = engine.loads
    for language, warnings in (("en", 0), ("en", 0), ("fr", 1), ("fr", 1), ("nl", 1), ("haw", 1)):
        assert align(engine, language) == warnings
    assert [(language, local) for language, _, local in asked] == [("en", True), ("fr", True)]
    assert engine.loads == before + 1


def test_the_aligner_that_was_not_used_longest_makes_room(
    engine: WhisperxEngine, asked: list[tuple[str, str, bool]]
) -> None:
    for language in ("en", "de", "en", "es", "en", "de"):
        assert align(engine, language) == 0
    assert [language for language, _, _ in asked] == ["en", "de", "es", "de"]


def aligning(monkeypatch: pytest.MonkeyPatch, **settings: Any) -> WhisperxEngine:
    monkeypatch.setattr(recognition, "WhisperModel", FakeWhisper)
    monkeypatch.setattr(whisperx_engine, "SpeechFinder", lambda *_: None)
    monkeypatch.setattr(diarization, "Pipeline", FakePipeline)
    monkeypatch.setattr(aligners, "find_sentence_tables", lambda _ours, *, first: None)
    return WhisperxEngine(
        Settings(models=("tiny",), device="cpu", **{"align_languages": {}, **settings})
    )


def test_an_alignment_model_is_one_of_the_operators(
    asked: list[tuple[str, str, bool]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own = tmp_path / "our-aligner"
    own.mkdir()
    dutch = "jonatasgrosman/wav2vec2-large-xlsr-53-dutch"
    engine = aligning(monkeypatch, align_models=("owner/any", str(own), dutch))
    for name in ("owner/any", "our-aligner", str(own)):
        engine.prepare(Options(align_model=name, diarization=False))
        assert align(engine, "en", name) == 0
    assert [model for _, model, _ in asked] == ["owner/any", "our-aligner"]
    with pytest.raises(InvalidInput, match="owner/any, our-aligner, ") as caught:
        engine.prepare(Options(align_model="WAV2VEC2_ASR_BASE_960H", diarization=False))
    assert caught.value.field == "align_model"
    assert str(tmp_path) not in str(caught.value)
    with pytest.raises(ModelUnavailable, match="dutch"):
        engine.prepare(Options(align_model=dutch, diarization=False))
    # Nobody's business where nothing is aligned.
    engine.prepare(Options(align_model="x", align_output=False, diarization=False))


def test_no_alignment_model_is_offered_unless_the_operator_says_so(
    engine: WhisperxEngine,
) -> None:
    with pytest.raises(InvalidInput, match="offers: none"):
        engine.prepare(Options(align_model="owner/any", diarization=False))


def test_an_unknown_alignment_model_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="ALIGN_MODELS"):
        aligning(monkeypatch, align_models=("gigantic",))


def test_resident_aligners_never_go(
    asked: list[tuple[str, str, bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = aligning(monkeypatch, align_languages={"en": None}, align_cache=1)
    for language in ("de", "es", "en", "it", "en"):
        assert align(engine, language) == 0
    assert [language for language, _, _ in asked] == ["en", "de", "es", "it"]
    assert engine.describe()["alignment_languages"] == ["en"]
