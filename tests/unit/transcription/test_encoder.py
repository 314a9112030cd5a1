"""Windows encoded at the length of their speech, with silence behind it, and none twice."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("whisperx")

from stack.settings import SLOTS
from transcription.audio import SAMPLE_RATE, Samples
from transcription.engine import encoder as encoder_module
from transcription.engine.encoder import Encoder
from transcription.engine.features import WHOLE, log_mels
from transcription.findings import Window

SHORT, OTHER, LONG = Window(0, 5), Window(5, 12), Window(12, 41)
SPEECH: Samples = np.sin(np.arange(42 * SAMPLE_RATE) / 20).astype(np.float32)
SILENT, SPOKEN = 0.0, 1.0


class Network:
    """Encodes every second frame as whether it holds sound; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []

    def __call__(self, features: Any) -> Any:
        self.asked.append((len(features), features.shape[2]))
        loud = features.max(axis=1) > features.min() + 0.5
        return np.repeat(loud[:, ::2, None], 3, axis=2).astype(np.float32)


@pytest.fixture(autouse=True)
def no_gpu_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    def on_the_processor(*arguments: Any) -> Any:
        samples, windows, mels, _device, frames = arguments
        return log_mels(samples, windows, mels, "cpu", frames)

    monkeypatch.setattr(encoder_module, "log_mels", on_the_processor)


def seconds_of_sound(encoded: Any) -> list[float]:
    rows = np.array(encoded)
    assert rows.shape[1:] == (WHOLE // 2, 3)
    return [round(float(row[:, 0].sum()) * 0.02, 1) for row in rows]


def encoder(network: Network, *, gpu: bool = False, fitted: bool = True) -> Encoder:
    return Encoder(network, 80, gpu=gpu, fitted=fitted)


def test_short_windows_are_encoded_short_and_filled_with_silence() -> None:
    network = Network()
    found = encoder(network)(SPEECH, [SHORT, OTHER, LONG])
    assert seconds_of_sound(found) == [5.0, 7.0, 29.0]
    assert network.asked == [(2, 1500), (1, WHOLE), (1, WHOLE)]  # the second is silence alone
    encoder_again = encoder(network)
    for window in (SHORT, OTHER):
        encoder_again(SPEECH, [window])
    assert network.asked[3:] == [(1, 1500), (1, WHOLE), (1, 1500)]  # silence is known


def test_a_window_of_which_little_is_missing_is_encoded_whole() -> None:
    for end, frames in ((14.0, 1500), (14.1, WHOLE)):
        network = Network()
        encoder(network)(SPEECH, [Window(0, end)])
        assert network.asked[0] == (1, frames)


@pytest.mark.parametrize(("gpu", "fitted"), [(True, True), (False, False)])
def test_elsewhere_all_windows_are_whole(gpu: bool, fitted: bool) -> None:
    network = Network()
    found = encoder(network, gpu=gpu, fitted=fitted)
    assert not found.fits(SHORT)
    assert seconds_of_sound(found(SPEECH, [SHORT, OTHER])) == [5.0, 7.0]
    assert network.asked == [(2, WHOLE)]


def test_the_whole_length_can_be_asked_for() -> None:
    network = Network()
    found = encoder(network)
    assert found.fits(SHORT)
    assert not found.fits(LONG)
    found(SPEECH, [SHORT], whole=True)
    assert network.asked == [(1, WHOLE)]


@pytest.mark.parametrize("gpu", [False, True])
def test_a_window_that_is_kept_is_encoded_once(gpu: bool) -> None:
    network = Network()
    found = encoder(network, gpu=gpu)
    kept = found(SPEECH, [LONG], keep=True)
    assert seconds_of_sound(found(SPEECH, [LONG])) == seconds_of_sound(kept)
    assert network.asked == [(1, WHOLE)]
    found(SPEECH, [LONG])  # it was taken away
    assert len(network.asked) == 2


def test_a_kept_window_has_its_place_in_a_batch() -> None:
    network = Network()
    found = encoder(network, fitted=False)
    found(SPEECH, [OTHER], keep=True)
    assert seconds_of_sound(found(SPEECH, [SHORT, OTHER, LONG])) == [5.0, 7.0, 29.0]
    assert network.asked == [(1, WHOLE), (2, WHOLE)]


def test_no_more_are_kept_than_recordings_may_be_under_way() -> None:
    network = Network()
    found = encoder(network)
    for start in range(20):
        found(SPEECH, [Window(start, start + 20)], keep=True)
    assert SLOTS <= len(found._kept) <= 16
