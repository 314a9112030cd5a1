"""What every engine promises; the double that other tests use, and the one with real models."""

import math
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evaluation import recordings
from models import registry
from tests.contract.helpers import ENGLISH, Interruption, interrupted, rising
from transcription.audio import SAMPLE_RATE, Samples, seconds
from transcription.engine import Engine
from transcription.errors import InvalidInput
from transcription.findings import ignore_progress, segments_of
from transcription.language import LANGUAGES
from transcription.options import Options
from transcription.pipeline import Pipeline
from transcription.wire import to_wire


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
def test_looking_for_speech_in_a_long_recording_tells_how_far_it_is(
    engine: Engine, samples: Samples, method: Any
) -> None:
    shares: list[float] = []
    options = Options(vad_method=method)
    windows = engine.find_speech(samples, options, shares.append)
    assert windows == engine.find_speech(samples, options)
    assert shares == sorted(shares)
    assert any(0 < share < 1 for share in shares)
    assert shares[-1] <= 1


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
    heard = segments_of(engine.recognize(samples, windows, ENGLISH, options, shares.append))
    segments = [next(heard)]
    assert shares[-1] < 1  # the first is reported while others are still to be recognized
    segments += heard
    assert {(s.start, s.end) for s in segments} <= {(w.start, w.end) for w in windows}
    assert all(segment.text == segment.text.strip() != "" for segment in segments)
    assert all(s.avg_logprob is None or s.avg_logprob <= 0 for s in segments)
    assert rising(shares)
    assert shares[-1] == 1


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


@pytest.mark.parametrize("batch_size", [1, 2, 64])
def test_recognition_goes_on_behind_what_is_done(
    engine: Engine, samples: Samples, batch_size: int
) -> None:
    options = Options(chunk_size=3, batch_size=batch_size)
    windows = engine.find_speech(samples[: 60 * SAMPLE_RATE], options)
    whole = list(engine.recognize(samples, windows, ENGLISH, options, ignore_progress))
    assert sum(batch.windows for batch in whole) == len(windows)
    for count in (1, len(whole) // 2, len(whole) - 1, len(whole)):
        done = sum(batch.windows for batch in whole[:count])
        shares: list[float] = []
        rest = engine.recognize(samples, windows, ENGLISH, options, shares.append, done)
        assert list(rest) == whole[count:]
        assert all(share > done / len(windows) for share in shares)


@pytest.mark.models
def test_turns_are_pyannotes_own(
    monkeypatch: pytest.MonkeyPatch, real_engine: Engine, samples: Samples, tmp_path: Path
) -> None:
    """The same weights without our way to embed: the same turns, the same vectors."""
    import torch
    from pyannote.audio import Pipeline as Pyannote

    from models.demo.pipeline import assemble
    from transcription.engine import diarization
    from transcription.engine.diarization import Diarizer
    from transcription.engine.lanes import Lanes

    if real_engine.describe()["default_model"] != "demo":
        pytest.skip("other models than the demo's")
    excerpt = samples[6 * SAMPLE_RATE : 16 * SAMPLE_RATE]
    monkeypatch.setattr(diarization, "has_units", lambda: False)  # in 32 bits, as pyannote's
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
