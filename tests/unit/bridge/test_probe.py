"""A recording that takes the decoder over harms nobody but itself."""

import asyncio
from pathlib import Path

import pytest

from bridge.recordings.probe import Probe
from tests.conftest import RECORDING
from transcription.errors import InvalidAudio
from transcription.sandbox.client import DecoderUnavailable

VILLAIN = "tests.unit.transcription.sandbox.villain"


@pytest.mark.parametrize("attempt", ["crash", "abort", "exhaust"])
async def test_a_crash_names_the_field(attempt: str, tmp_path: Path) -> None:
    file = tmp_path / "recording"
    file.write_text(attempt)
    probe = Probe(VILLAIN)
    async with probe.ready(required=True):
        with pytest.raises(InvalidAudio) as caught:
            await probe.check_audio(file, 10.0, "audio")
        assert (caught.value.field, caught.value.status) == ("audio", 422)
        await probe.check_audio(RECORDING, 10.0)


@pytest.mark.parametrize("duration", ['"x"', "null", "true", "Infinity", "NaN", "[1]"])
async def test_what_it_says_is_not_believed(duration: str, tmp_path: Path) -> None:
    file = tmp_path / "recording"
    file.write_text(f"claim {duration}")
    probe = Probe(VILLAIN)
    async with probe.ready(required=False):
        await probe.check_audio(file, 10.0)


async def test_recordings_that_hang_hold_nothing_else_up(tmp_path: Path) -> None:
    file = tmp_path / "recording"
    file.write_text("sleep")
    probe = Probe(VILLAIN)
    async with probe.ready(required=False):
        hanging = [asyncio.create_task(probe.check_audio(file, 10.0)) for _ in range(12)]
        async with asyncio.timeout(5):
            await probe.check_audio(RECORDING, 10.0)
            await asyncio.gather(*(asyncio.to_thread(file.stat) for _ in range(40)))
        assert not any(task.done() for task in hanging)
    found = await asyncio.gather(*hanging, return_exceptions=True)
    assert all(isinstance(error, DecoderUnavailable) for error in found), found


async def test_where_no_decoder_starts_the_answer_is_503() -> None:
    probe = Probe("tests.no_such_module")
    with pytest.raises(DecoderUnavailable) as caught:
        await probe.check_audio(RECORDING, 10.0)
    assert caught.value.status == 503
    assert "no decoder starts" in caught.value.detail


async def test_it_says_how_it_is_confined() -> None:
    probe = Probe()
    async with probe.ready(required=True):
        assert probe.report is not None
        shown = probe.report.as_json()
    assert "seccomp" in shown["sandbox"]
    assert shown["ffmpeg"][0].isdigit()
