"""What every engine promises; the double that other tests use, and the one with real models."""

import json
import math
import socket
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from difflib import SequenceMatcher
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pytest

from evaluation import recordings
from evaluation.scoring import plain_words, word_error_rate
from models import registry
from tests.contract.scripted_engine import ScriptedEngine
from transcription.audio import SAMPLE_RATE, Samples, decode, seconds
from transcription.engine import Engine
from transcription.errors import InvalidInput
from transcription.findings import Diarization, Language
from transcription.known_speakers import named
from transcription.language import LANGUAGES
from transcription.options import Options
from transcription.pipeline import Pipeline
from transcription.transcript import Segment, Word
from transcription.wire import to_wire

ENGLISH = Language("en")


class Interruption(Exception):
    """Raised by a progress callback in the middle of the work."""


def sample_file() -> Path:
    """The human recording that comes with pyannote.audio: 30 s, two speakers."""
    spec = find_spec("pyannote")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("pyannote.audio is not installed")
    return Path(next(iter(spec.submodule_search_locations)), "audio", "sample", "sample.wav")


@pytest.fixture(scope="module", params=["scripted", pytest.param("real", marks=pytest.mark.models)])
def engine(request: pytest.FixtureRequest) -> Engine:
    if request.param == "scripted":
        return ScriptedEngine()
    real: Engine = request.getfixturevalue("real_engine")
    return real


@pytest.fixture(scope="module")
def samples() -> Samples:
    return decode(sample_file())


@pytest.fixture
def recognized(engine: Engine, samples: Samples) -> list[Segment]:
    options = Options(chunk_size=10)
    windows = engine.find_speech(samples, options)
    return list(engine.recognize(samples, windows, ENGLISH, options, lambda _share: None))


def rising(shares: list[float]) -> bool:
    return all(0 <= a <= b <= 1 for a, b in pairwise([0.0, *shares]))


def test_describes_itself(engine: Engine) -> None:
    assert engine.describe()["models"]
    assert engine.describe()["diarization_available"] is True
    assert engine.loads > 0


def test_unknown_model_is_refused_with_the_list(engine: Engine) -> None:
    with pytest.raises(InvalidInput, match=engine.describe()["models"][0]) as caught:
        engine.prepare(Options(whisper_model="gigantic"))
    assert caught.value.field == "whisper_model"


@pytest.mark.parametrize(
    ("method", "chunk_size"), [("pyannote", 1), ("pyannote", 30), ("silero", 1), ("silero", 5)]
)
def test_windows_are_apart_and_bounded(
    engine: Engine, samples: Samples, method: Any, chunk_size: int
) -> None:
    windows = engine.find_speech(samples, Options(chunk_size=chunk_size, vad_method=method))
    assert windows
    assert all(0 <= window.start < window.end <= seconds(samples) for window in windows)
    assert all(window.duration <= chunk_size + 1e-6 for window in windows)
    assert all(a.end <= b.start for a, b in pairwise(windows))


@pytest.mark.parametrize("method", ["pyannote", "silero"])
def test_thresholds_are_the_requests(engine: Engine, samples: Samples, method: Any) -> None:
    short = samples[: 10 * SAMPLE_RATE]

    def heard(onset: float, offset: float) -> float:
        options = Options(vad_onset=onset, vad_offset=offset, chunk_size=5, vad_method=method)
        return sum(window.duration for window in engine.find_speech(short, options))

    usual = heard(0.5, 0.363)
    assert heard(1.0, 1.0) == 0
    assert heard(0.0, 0.0) >= usual
    assert heard(0.5, 0.363) == usual


@pytest.mark.parametrize("method", ["pyannote", "silero"])
@pytest.mark.parametrize("length", [0.01, 3.0])
def test_silence_holds_no_speech(engine: Engine, length: float, method: Any) -> None:
    silence = np.zeros(int(length * SAMPLE_RATE), dtype=np.float32)
    assert list(engine.find_speech(silence, Options(vad_method=method))) == []


def test_no_model_writes_into_the_recording(engine: Engine, samples: Samples) -> None:
    own = samples[: 3 * SAMPLE_RATE].copy()
    for method in ("pyannote", "silero"):
        engine.find_speech(own, Options(vad_method=method))
    assert np.array_equal(own, samples[: 3 * SAMPLE_RATE])


def test_language_is_known_with_its_probability(engine: Engine, samples: Samples) -> None:
    windows = engine.find_speech(samples, Options())
    for options in (Options(), Options(language_detection_min_prob=1.0)):
        language = engine.detect_language(samples, windows, options)
        assert language.code in LANGUAGES
        assert language.probability is not None
        assert 0 <= language.probability <= 1


def test_recognition_stays_in_its_windows(engine: Engine, samples: Samples) -> None:
    options = Options(chunk_size=5, batch_size=2)
    windows = engine.find_speech(samples, options)
    shares: list[float] = []
    heard = engine.recognize(samples, windows, ENGLISH, options, shares.append)
    segments = [next(heard)]
    assert shares[-1] < 1  # the first is told while others are still to be recognized
    segments += heard
    assert {(s.start, s.end) for s in segments} <= {(w.start, w.end) for w in windows}
    assert all(segment.text == segment.text.strip() != "" for segment in segments)
    assert all(s.avg_logprob is None or s.avg_logprob <= 0 for s in segments)
    assert rising(shares)
    assert shares[-1] == 1


def test_aligned_words_lie_in_order_in_their_segments(
    engine: Engine, samples: Samples, recognized: list[Segment]
) -> None:
    shares: list[float] = []
    alignment = engine.align(samples, recognized, "en", shares.append)
    assert alignment.warnings == ()
    assert rising(shares)
    for segment in alignment.segments:
        assert segment.words
        assert 0 <= segment.start <= segment.end <= seconds(samples)
        times = [time for word in segment.words for time in (word.start, word.end)]
        assert times == sorted(times)
        assert all(map(math.isfinite, times))
        assert (segment.start, segment.end) == (times[0], times[-1])
        assert all(word.score is None or 0 <= word.score <= 1 for word in segment.words)
    spoken = [word.text for segment in alignment.segments for word in segment.words]
    assert spoken == [word for segment in recognized for word in segment.text.split()]


def test_words_carry_their_characters_when_asked(
    engine: Engine, samples: Samples, recognized: list[Segment]
) -> None:
    unwatched = engine.align(samples, recognized, "en", lambda _share: None)
    asked = engine.align(samples, recognized, "en", lambda _share: None, characters=True)
    for plain, segment in zip(unwatched.segments, asked.segments, strict=True):
        for bare, word in zip(plain.words, segment.words, strict=True):
            assert bare.characters == ()
            assert replace(word, characters=()) == bare
            assert "".join(character.text for character in word.characters) == word.text
            times = [time for each in word.characters for time in (each.start, each.end)]
            assert [word.start, *times, word.end] == sorted([word.start, *times, word.end])


@pytest.mark.models
def test_alignment_is_whisperx_own(real_engine: Engine) -> None:
    """The same network, text and audio: the same sentences and words, each within a frame."""
    from whisperx.alignment import align, load_align_model

    if real_engine.describe()["default_model"] != "demo":
        pytest.skip("other models than the demo's")
    examples = Path(__file__).parents[2] / "examples"
    samples = decode(examples / "conversation.wav")
    turns = json.loads((examples / "conversation.json").read_text())["turns"]
    strange = "It cost $5.20 in 1999. 你好!"
    segments = [
        # Whole milliseconds, as stock's recognition hands them on.
        Segment(
            f"{turn['text']} {strange}", round(turn["start"] - 0.1, 3), round(turn["end"] + 0.1, 3)
        )
        for turn in turns[1:9]
    ]
    found = real_engine.align(samples, segments, "en", lambda _share: None).segments
    model = registry.ALIGNERS[registry.Family.DEMO]["en"]
    network, metadata = load_align_model("en", "cpu", model_name=model.source)
    stock = [{"start": s.start, "end": s.end, "text": s.text} for s in segments]
    expected = align(stock, network, metadata, samples, "cpu")["segments"]
    assert [segment.text for segment in found] == [e["text"].strip() for e in expected]
    for segment, sentence in zip(found, expected, strict=True):
        assert [word.text for word in segment.words] == [word["word"] for word in sentence["words"]]
        for word, stock_word in zip(segment.words, sentence["words"], strict=True):
            assert word.start == pytest.approx(stock_word["start"], abs=0.02)
            assert word.end == pytest.approx(stock_word["end"], abs=0.02)
            assert word.score == pytest.approx(stock_word["score"], abs=0.002)


@pytest.mark.models
def test_symbols_and_strange_scripts_are_timed_too(real_engine: Engine, samples: Samples) -> None:
    """Of the real one alone: the scripted one says sentences of its own."""
    engine = real_engine
    segment = Segment("… 25 % 你好 fine —", 7.0, 9.0, avg_logprob=-1.0)
    (aligned,) = engine.align(samples, [segment], "en", lambda _share: None).segments
    assert [word.text for word in aligned.words] == segment.text.split()
    assert aligned.avg_logprob == -1.0


@pytest.mark.parametrize("language", ["haw", "ja", "th"])
def test_words_are_timed_in_languages_without_aligner(
    engine: Engine, samples: Samples, language: str
) -> None:
    options = Options(chunk_size=10)
    windows = engine.find_speech(samples, options)
    heard = list(
        engine.recognize(samples, windows, Language(language), options, lambda _share: None)
    )
    shares: list[float] = []
    alignment = engine.align(samples, heard, language, shares.append, characters=True)
    (warning,) = alignment.warnings
    assert language in warning
    words = [word for segment in alignment.segments for word in segment.words]
    assert all(segment.words for segment in alignment.segments)
    text = "".join("".join(segment.text for segment in heard).split())
    assert "".join(word.text for word in words) == text
    assert all("".join(c.text for c in word.characters) == word.text for word in words)
    edges = [time for word in words for time in (word.start, word.end)]
    assert edges == sorted(edges)
    for segment in alignment.segments:
        inside = (window.start <= segment.start <= segment.end <= window.end for window in windows)
        assert any(inside)
    assert shares
    assert rising(shares)


@pytest.mark.models
@pytest.mark.parametrize(
    "options",
    [Options(align_output=False), Options(task="translate")],
    ids=["unaligned", "translated"],
)
def test_words_are_not_timed_where_nobody_wants_them(
    real_engine: Engine, samples: Samples, options: Options
) -> None:
    windows = real_engine.find_speech(samples[: 12 * SAMPLE_RATE], options)
    for language in ("haw", "en"):
        heard = real_engine.recognize(
            samples, windows, Language(language), options, lambda _share: None
        )
        assert not any(segment.words for segment in heard)


def test_segments_without_words_stay_in_a_language_without_aligner(
    engine: Engine, samples: Samples, recognized: list[Segment]
) -> None:
    alignment = engine.align(samples, recognized, "haw", lambda _share: None)
    assert list(alignment.segments) == recognized
    assert len(alignment.warnings) == 1
    assert "haw" in alignment.warnings[0]


def test_turns_never_overlap(engine: Engine, samples: Samples) -> None:
    shares: list[float] = []
    found = engine.diarize(samples, Options(chunk_size=5), shares.append)
    assert found.turns
    assert found.turns[0].speaker == "SPEAKER_00"
    assert all(turn.start < turn.end for turn in found.turns)
    assert all(a.end <= b.start for a, b in pairwise(found.turns))
    assert set(found.embeddings) <= {turn.speaker for turn in found.turns}
    assert all(math.isfinite(x) for vector in found.embeddings.values() for x in vector)
    assert rising(shares)


@pytest.mark.models
def test_turns_are_pyannotes_own(real_engine: Engine, samples: Samples, tmp_path: Path) -> None:
    """The same weights without our way to embed: the same turns, the same vectors."""
    import torch
    from pyannote.audio import Pipeline as Pyannote

    from models.demo.pipeline import assemble
    from transcription.engine.diarization import Diarizer
    from transcription.engine.lanes import Lanes

    if real_engine.describe()["default_model"] != "demo":
        pytest.skip("other models than the demo's")
    excerpt = samples[6 * SAMPLE_RATE : 16 * SAMPLE_RATE]
    ours = Diarizer(registry.DIARIZERS[registry.Family.DEMO], "cpu", Lanes(2))
    stock: Any = Pyannote.from_pretrained(str(assemble(tmp_path)))
    assert "get_embeddings" in vars(ours._pipeline)
    file = {"waveform": torch.from_numpy(excerpt)[None], "sample_rate": SAMPLE_RATE}
    expected: Any = stock(file, num_speakers=2)
    found = ours._pipeline(file, num_speakers=2)
    assert list(found.exclusive_speaker_diarization.itertracks(yield_label=True)) == list(
        expected.exclusive_speaker_diarization.itertracks(yield_label=True)
    )
    assert np.allclose(found.speaker_embeddings, expected.speaker_embeddings, atol=1e-4)


def interrupted(share: float) -> None:
    if share > 0:
        raise Interruption


@pytest.mark.parametrize(
    "disturb",
    [
        lambda pipeline, file: pipeline.transcribe(file, Options(), interrupted),
        lambda pipeline, file: pipeline.transcribe(
            file,
            Options(language="fr", task="translate", initial_prompt="Salut", hotwords="Zoé"),
        ),
        lambda pipeline, file: pipeline.transcribe(file, Options(whisper_model="gigantic")),
        lambda pipeline, file: pipeline.transcribe(b"no recording", Options()),
        lambda pipeline, file: pipeline.transcribe(
            file,
            Options(
                vad_method="silero",
                vad_onset=0.9,
                vad_offset=0.9,
                chunk_size=3,
                temperature=1.0,
                suppress_numerals=True,
                return_char_alignments=True,
            ),
        ),
    ],
    ids=["interrupted", "other language", "unknown model", "no recording", "other options"],
)
def test_no_request_changes_the_next(
    engine: Engine, disturb: Callable[[Pipeline, Path], object], tmp_path: Path
) -> None:
    recording = recordings.write(tmp_path / "beginning.wav", 9)
    pipeline = Pipeline(engine)
    options = Options(language_detection_max_tries=2)
    before = pipeline.transcribe(recording, options)
    with suppress(Interruption, InvalidInput):
        disturb(pipeline, recording)
    after = pipeline.transcribe(recording, options)
    assert to_wire(after.transcript) == to_wire(before.transcript)
    assert after.loads == 0


@pytest.mark.models
def test_recognition_needs_no_network(
    real_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[object] = []

    def refuse(_socket: object, address: object) -> None:
        called.append(address)
        raise OSError("no network")

    recording = recordings.write(tmp_path / "beginning.wav", 3)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    report = Pipeline(real_engine).transcribe(recording, Options())
    assert report.transcript.segments
    assert called == []


@pytest.mark.models
@pytest.mark.slow
def test_requests_in_parallel_do_not_mix(real_engine: Engine, tmp_path: Path) -> None:
    recording = recordings.write(tmp_path / "beginning.wav", 6)
    pipeline = Pipeline(real_engine)
    wishes = [
        Options(language="en", diarization=False),
        Options(language="fr", diarization=False, hotwords="Zoé", align_output=False),
        Options(language="en", diarization=False, chunk_size=3, suppress_numerals=True),
        Options(language="de", task="translate", diarization=False, vad_method="silero"),
    ]

    def wire(options: Options) -> Any:
        return to_wire(pipeline.transcribe(recording, options).transcript)

    alone = [wire(options) for options in wishes]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(wire, wishes * 3)) == alone * 3


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


EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def demo_pipeline(real_engine: Engine) -> Pipeline:
    if real_engine.describe()["default_model"] != "demo":
        pytest.skip("other models than the demo's")
    return Pipeline(real_engine)


def misses(truth: dict[str, Any], heard: Sequence[Word]) -> list[float]:
    """By how many seconds the starts of the words heard right are off."""
    spoken = [word for turn in truth["turns"] for word in turn["words"]]
    matcher = SequenceMatcher(
        None, [plain(word["word"]) for word in spoken], [plain(word.text) for word in heard]
    )
    return [
        abs(spoken[block.a + i]["start"] - heard[block.b + i].start)
        for block in matcher.get_matching_blocks()
        for i in range(block.size)
    ]


@pytest.mark.models
@pytest.mark.parametrize("gain", [-25, 6])
@pytest.mark.parametrize("stem", ["conversation", "conversation-es"])
def test_each_language_is_timed_by_its_own_aligner(
    demo_pipeline: Pipeline, real_engine: Engine, stem: str, gain: int
) -> None:
    truth = json.loads((EXAMPLES / f"{stem}.json").read_text())
    loudness = np.float32(10 ** (gain / 20))
    louder = np.clip(decode(EXAMPLES / f"{stem}.wav") * loudness, -1, 1)
    said = [Segment(t["text"], t["start"] - 0.2, t["end"] + 0.2) for t in truth["turns"]]
    language = "es" if stem.endswith("-es") else "en"
    alignment = real_engine.align(louder, said, language, lambda _share: None)
    assert alignment.warnings == ()
    heard = [word for segment in alignment.segments for word in segment.words]
    assert " ".join(word.text for word in heard) == truth["text"]
    off = misses(truth, heard)
    assert len(off) == len(heard)
    assert median(off) <= 0.02
    assert sum(miss < 0.06 for miss in off) >= 0.95 * len(off)


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


def plain(word: str) -> str:
    return "".join(filter(str.isalnum, word.lower()))
