"""Whole conversations with the real engine."""

import json
from collections import Counter
from difflib import SequenceMatcher
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from evaluation import recordings
from evaluation.scoring import plain_words, word_error_rate
from tests.contract.helpers import EXAMPLES, misses, plain, sample_file
from transcription.audio import SAMPLE_RATE, decode
from transcription.engine import Engine
from transcription.findings import Diarization
from transcription.known_speakers import named
from transcription.options import Options
from transcription.pipeline import Pipeline
from transcription.wire import to_wire


@pytest.mark.models
def test_known_voices_are_told_from_others(real_engine: Engine, tmp_path: Path) -> None:
    if real_engine.describe()["default_model"] != "demo":
        pytest.skip("other models than the demo's")
    examples = Path(__file__).parents[2] / "examples"
    turns = json.loads((examples / "conversation.json").read_text())["turns"]
    samples = decode(examples / "conversation.wav")
    voices: dict[str, list[Any]] = {"A": [], "B": []}
    for turn in turns:
        piece = samples[int(turn["start"] * SAMPLE_RATE) : int(turn["end"] * SAMPLE_RATE)]
        voices[turn["speaker"]].append(real_engine.embed(piece))
    other: Any = real_engine.embed(decode(sample_file())[: 8 * SAMPLE_RATE])
    heard = Diarization((), {"0": voices["A"][0], "1": voices["B"][0]})
    for ann, bob in zip(voices["A"][1:], voices["B"][1:], strict=True):
        found, missing = named(heard, {"Bob": bob, "Ann": ann, "Eve": other})
        assert set(found.embeddings) == {"Ann", "Bob"}
        assert found.embeddings["Ann"] == voices["A"][0]
        assert missing == ("Eve",)


@pytest.mark.models
def test_the_demo_conversation_is_understood(real_engine: Engine) -> None:
    """Loose bounds: they catch glue that is wrong, not models that are small."""
    if real_engine.describe()["default_model"] != "demo":
        pytest.skip("other models than the demo's")
    examples = Path(__file__).parents[2] / "examples"
    truth = json.loads((examples / "conversation.json").read_text())
    options = Options(chunk_size=6, num_speakers=2)
    report = Pipeline(real_engine).transcribe(examples / "conversation.wav", options)

    spoken = [(word, turn["speaker"]) for turn in truth["turns"] for word in turn["words"]]
    heard = [word for segment in report.transcript.segments for word in segment.words]
    matcher = SequenceMatcher(
        None, [plain(word["word"]) for word, _ in spoken], [plain(word.text) for word in heard]
    )
    matched = [
        (spoken[block.a + i], heard[block.b + i])
        for block in matcher.get_matching_blocks()
        for i in range(block.size)
    ]
    assert len(matched) > 0.7 * len(spoken)
    assert median(abs(word["start"] - found.start) for (word, _), found in matched) < 0.05
    pairs = Counter((speaker, found.speaker) for (_, speaker), found in matched)
    assert len(report.transcript.speaker_embeddings or {}) == 2
    right = max(
        pairs["A", "SPEAKER_00"] + pairs["B", "SPEAKER_01"],
        pairs["A", "SPEAKER_01"] + pairs["B", "SPEAKER_00"],
    )
    assert right > 0.8 * len(matched)
    assert report.transcript.language == "en"
    assert report.loads == 0


@pytest.mark.models
def test_a_second_language_is_detected_transcribed_and_aligned(demo_pipeline: Pipeline) -> None:
    truth = json.loads((EXAMPLES / "conversation-es.json").read_text())
    options = Options(diarization=False)
    found = demo_pipeline.transcribe(EXAMPLES / "conversation-es.wav", options).transcript
    assert found.language == "es"
    heard = [word for segment in found.segments for word in segment.words]
    text = " ".join(word.text for word in heard)
    assert word_error_rate(plain_words(truth["text"]), plain_words(text)) <= 0.15
    assert median(misses(truth, heard)) <= 0.02


@pytest.mark.models
def test_a_mixed_batch_never_leaks_a_language(demo_pipeline: Pipeline, tmp_path: Path) -> None:
    recording = recordings.write(tmp_path / "beginning.wav", 6)

    def transcribed(language: str | None) -> Any:
        options = Options(diarization=False, language=language)
        return to_wire(demo_pipeline.transcribe(recording, options).transcript)

    alone = {language: transcribed(language) for language in ("en", "es", None)}
    assert [alone[language]["detected_language"] for language in alone] == ["en", "es", "en"]
    for language in ("es", "en", None, "es"):
        assert transcribed(language) == alone[language]
