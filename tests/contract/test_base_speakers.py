"""People's voices told apart by the base set, on the telephone call that comes with pyannote."""

import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("whisperx")

import transcription.engine  # noqa: F401 - before pyannote

# isort: split
import torch
from pyannote.audio import Pipeline as Pyannote
from pyannote.core import Annotation, Segment
from pyannote.database.util import load_rttm
from pyannote.metrics.diarization import DiarizationErrorRate

from models.base.pipeline import assemble
from models.demo.pipeline import assemble as assemble_demo
from models.registry import Model, Place
from tests.contract.helpers import sample_file
from transcription.audio import SAMPLE_RATE, Samples, decode
from transcription.engine import diarization
from transcription.engine.diarization import Diarizer
from transcription.engine.heard import Heard
from transcription.engine.lanes import Lanes
from transcription.engine.speech import SpeechFinder
from transcription.findings import Diarization
from transcription.known_speakers import named
from transcription.options import Options

pytestmark = pytest.mark.models

BASE = Model("base", Place.ASSEMBLED, "models.base.pipeline:assemble", licence="Apache-2.0")

CALL = sample_file()
# pyannote.audio.sample reads its recording as well, for which it wants FFmpeg's libraries.
TRUTH: Annotation = load_rttm(CALL.with_suffix(".rttm"))["sample"]  # type: ignore[no-untyped-call]


@pytest.fixture(scope="module")
def diarizer() -> Diarizer:
    return Diarizer(BASE, "cpu", Lanes(2))


@pytest.fixture(scope="module")
def call() -> Samples:
    return decode(CALL)


@pytest.fixture(scope="module")
def found(diarizer: Diarizer, call: Samples) -> Diarization:
    return diarizer.diarize(call, Options(), lambda _share: None)


def of_speaker(samples: Samples, number: int) -> list[Samples]:
    """Her turns of two seconds and more in which nobody else talks."""
    label = TRUTH.labels()[number]
    others = TRUTH.subset([label], invert=True).get_timeline().support()
    own = TRUTH.label_timeline(label).extrude(others)
    return [
        samples[int(turn.start * SAMPLE_RATE) : int(turn.end * SAMPLE_RATE)]
        for turn in own
        if turn.duration >= 2
    ]


def test_two_women_on_the_telephone_are_told_apart(call: Samples, tmp_path: Path) -> None:
    pipeline: Any = Pyannote.from_pretrained(str(assemble(tmp_path)))
    output = pipeline({"waveform": torch.from_numpy(call)[None], "sample_rate": SAMPLE_RATE})
    measure = DiarizationErrorRate(collar=0.0, skip_overlap=False)
    assert len(output.speaker_diarization.labels()) == 2
    assert measure(TRUTH, output.speaker_diarization) <= 0.08


@pytest.mark.parametrize("decibel", [-40, 12])
def test_turns_do_not_depend_on_how_loud_it_is(
    diarizer: Diarizer, call: Samples, found: Diarization, decibel: float
) -> None:
    louder = (call * 10 ** (decibel / 20)).astype(np.float32)
    other = diarizer.diarize(louder, Options(), lambda _share: None)
    assert [turn.speaker for turn in other.turns] == [turn.speaker for turn in found.turns]
    for quiet, loud in zip(other.turns, found.turns, strict=True):
        assert abs(quiet.start - loud.start) < 0.1


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (Options(), 2),
        (Options(num_speakers=1), 1),
        (Options(num_speakers=3), 3),
        (Options(min_speakers=3), 3),
        (Options(max_speakers=1), 1),
    ],
)
def test_the_number_of_speakers_is_found_or_as_asked(
    diarizer: Diarizer, call: Samples, options: Options, count: int
) -> None:
    shares: list[float] = []
    turns = diarizer.diarize(call, options, shares.append).turns
    assert len({turn.speaker for turn in turns}) == count
    assert all(a.end <= b.start for a, b in pairwise(turns))
    assert shares == sorted(shares)
    assert shares[-1] > 0.9


@pytest.mark.parametrize(("pause", "turns"), [(0.45, 1), (1.0, 2)])
def test_a_short_pause_does_not_end_a_turn(
    diarizer: Diarizer, call: Samples, pause: float, turns: int
) -> None:
    """One woman alone, with a silence put into what she says."""
    speech = max(of_speaker(call, 0), key=len)
    first, second = np.split(speech, 2)
    silence = np.zeros(int(pause * SAMPLE_RATE), dtype=np.float32)
    spoken = np.concatenate([first, silence, second])
    assert len(diarizer.diarize(spoken, Options(), lambda _share: None).turns) == turns


def test_a_silent_recording_has_no_turns(diarizer: Diarizer) -> None:
    silence = np.zeros(6 * SAMPLE_RATE, dtype=np.float32)
    assert diarizer.diarize(silence, Options(), lambda _share: None).turns == ()


def test_each_woman_is_known_by_a_clip(
    diarizer: Diarizer, call: Samples, found: Diarization
) -> None:
    clips = [diarizer.embed(max(of_speaker(call, number), key=len)) for number in (0, 1)]
    assert clips[0] is not None
    assert clips[1] is not None
    result, missing = named(found, {"Ann": clips[0], "Eve": clips[1]})
    assert missing == ()
    names = dict(zip(TRUTH.labels(), ("Ann", "Eve"), strict=True))
    right = sum(
        TRUTH.rename_labels(names).label_timeline(turn.speaker).crop(_segment(turn)).duration()
        for turn in result.turns
    )
    assert right > 0.8 * sum(turn.end - turn.start for turn in result.turns)


def test_nothing_to_hear_is_no_voice(diarizer: Diarizer) -> None:
    assert diarizer.embed(np.zeros(400, dtype=np.float32)) is None
    clip = np.random.default_rng(0).normal(0, 0.1, SAMPLE_RATE).astype(np.float32)
    voice = diarizer.embed(clip)
    assert voice is not None
    assert math.isclose(math.hypot(*voice), 1, rel_tol=1e-4)


def test_a_second_of_speech_has_a_speaker(diarizer: Diarizer, call: Samples) -> None:
    """One piece of one voice: a batch of one, which torch computes in another way."""
    second = call[int(8.5 * SAMPLE_RATE) : int(9.5 * SAMPLE_RATE)]
    (turn,) = diarizer.diarize(second, Options(), lambda _share: None).turns
    assert turn.end - turn.start > 0.5


def _segment(turn: Any) -> Any:
    return Segment(turn.start, turn.end)


@pytest.mark.parametrize("clustering", ["AgglomerativeClustering", "VBxClustering"])
def test_turns_of_people_are_pyannotes_own(
    monkeypatch: pytest.MonkeyPatch, call: Samples, clustering: str, tmp_path: Path
) -> None:
    """With the demo's networks, as pyannote clusters them and as community-1 does."""
    monkeypatch.setattr(diarization, "has_units", lambda: False)  # in 32 bits, as pyannote's
    config = assemble_demo(tmp_path) / "config.yaml"
    text = config.read_text().replace("AgglomerativeClustering", clustering)
    if clustering == "VBxClustering":
        text = text.partition("    method")[0] + "    {threshold: 0.6, Fa: 0.07, Fb: 0.8}\n"
    config.unlink()
    config.write_text(text)
    stock: Any = Pyannote.from_pretrained(str(tmp_path))
    model = Model("demo", Place.DIRECTORY, str(tmp_path), licence="")
    ours = Diarizer(model, "cpu", Lanes(2))._pipeline
    file = {"waveform": torch.from_numpy(call)[None], "sample_rate": SAMPLE_RATE}
    for options in ({}, {"num_speakers": 2}):
        found, expected = ours(file, **options), stock(file, **options)
        for name in ("speaker_diarization", "exclusive_speaker_diarization"):
            mine, theirs = (
                list(getattr(each, name).itertracks(yield_label=True)) for each in (found, expected)
            )
            assert mine == theirs
            assert mine
        assert np.allclose(found.speaker_embeddings, expected.speaker_embeddings, atol=1e-4)


def test_the_recording_is_segmented_once_for_speech_and_speakers(
    diarizer: Diarizer, call: Samples, found: Diarization
) -> None:
    heard, lanes = Heard(), Lanes(2)
    finder = SpeechFinder("cpu", lanes, heard)
    other = Diarizer(BASE, "cpu", lanes, heard=heard)
    segmentation = other._pipeline._segmentation
    assert finder.windows(call, Options())
    computed = 0

    def count(_module: Any, arguments: tuple[Any, ...]) -> None:
        nonlocal computed
        computed += len(arguments[0])

    with segmentation.model.register_forward_pre_hook(count):
        turns = other.diarize(call, Options(), lambda _share: None).turns
        assert computed == 0
        assert [turn.speaker for turn in turns] == [turn.speaker for turn in found.turns]
        other.diarize(call, Options(), lambda _share: None)
    assert computed > 0
