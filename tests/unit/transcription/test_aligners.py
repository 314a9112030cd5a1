"""Alignment: where models and sentence tables are found, and what stays loaded."""

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("whisperx")

import nltk
import torch
import torchaudio

from models import contents, registry, sources
from models.registry import Family, Model
from tests.unit.transcription.fakes import FakePipeline, FakeWhisper
from transcription.audio import SAMPLE_RATE, Samples
from transcription.engine import (
    aligners,
    alignment,
    diarization,
    recognition,
    whisperx_engine,
)
from transcription.engine.lanes import Lanes
from transcription.engine.settings import Settings
from transcription.engine.spelling import Splitter, ranges_in
from transcription.engine.whisperx_engine import WhisperxEngine
from transcription.environment import SettingsError
from transcription.errors import InvalidInput, ModelUnavailable
from transcription.options import Options
from transcription.transcript import Segment


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
    assert Splitter.of("en").openers(text, words) == {2}
    text = "I saw Mr. Smith. He left."
    assert Splitter.of("en").openers(text, ranges_in(text, text.split())) == {4}


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
