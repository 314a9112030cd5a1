"""OpenAI's client for Python: streams and uploads."""

import time
from pathlib import Path

import openai
import pytest
from openai import OpenAI
from openai.types.audio import (
    TranscriptionTextDeltaEvent,
    TranscriptionTextDoneEvent,
    TranscriptionTextSegmentEvent,
)

from tests.clients.conftest import SYNC_SECONDS
from tests.clients.helpers import wav
from tests.clients.openai_py.conftest import TEXT, record, transcribe
from tests.conftest import RunningStack

# Streams


@pytest.mark.parametrize("wanted", ["json", "diarized_json"])
def test_deltas_come_while_it_runs_and_make_up_the_text(client: OpenAI, wanted: str) -> None:
    began = time.monotonic()
    events = [
        (time.monotonic() - began, event)
        for event in transcribe(client, prompt="talk sleep=2", response_format=wanted, stream=True)
    ]
    deltas = [(at, e) for at, e in events if type(e) is TranscriptionTextDeltaEvent]
    (ended, done), segments = events[-1], events[len(deltas) : -1]
    assert type(done) is TranscriptionTextDoneEvent
    assert done.text == "".join(event.delta for _, event in deltas) == TEXT
    assert done.usage is None
    # They were there before the 2 s in which it goes on without saying anything.
    assert ended - deltas[0][0] > 0.5
    assert len(segments) == (3 if wanted == "diarized_json" else 0)
    for _, segment in segments:
        assert type(segment) is TranscriptionTextSegmentEvent
    assert [s.speaker for _, s in segments] == ["A", "A", "B"][: len(segments)]


@pytest.mark.parametrize("prompt", ["talk", "talk sleep=1"])
def test_streamed_logprobs_are_those_of_the_deltas(client: OpenAI, prompt: str) -> None:
    *deltas, done = list(transcribe(client, prompt=prompt, stream=True, include=["logprobs"]))
    streamed = [(each.delta.strip(), [token.token for token in each.logprobs]) for each in deltas]
    assert [delta for delta, _ in streamed] == ["".join(tokens).strip() for _, tokens in streamed]
    tokens = [token.to_dict() for each in deltas for token in each.logprobs]
    assert tokens == [token.to_dict() for token in done.logprobs]
    assert done.logprobs[0].logprob == -0.25


def test_what_was_not_told_early_is_the_last_delta(client: OpenAI) -> None:
    *deltas, done = list(transcribe(client, prompt="nothing early", stream=True))
    assert [event.delta for event in deltas] == ["nothing early"] == [done.text]


def test_a_stream_that_fails_says_why(client: OpenAI) -> None:
    with pytest.raises(openai.APIError, match="ran out of ideas"):
        list(transcribe(client, prompt="fail=ran out of ideas", stream=True))


# Patience


@pytest.mark.slow
def test_past_its_limit_the_door_says_where_the_result_will_be(stack: RunningStack) -> None:
    with OpenAI(base_url=f"{stack.url}/v1", api_key=stack.token) as client:
        with pytest.raises(openai.InternalServerError) as raised:
            transcribe(client, prompt=f"talk sleep={SYNC_SECONDS + 1}")
        assert raised.value.status_code == 504
        assert raised.value.code == "still_running"
        headers = raised.value.response.headers
        assert headers["x-should-retry"] == "false"
        assert headers["x-prediction-id"] in raised.value.message
        deadline = time.monotonic() + 30
        while True:
            try:
                path = f"/predictions/{headers['x-prediction-id']}/output?format=verbose_json"
                found = client.get(path, cast_to=object)
                break
            except openai.ConflictError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        assert found["text"] == TEXT  # type: ignore[index]


# Sizes


@pytest.mark.parametrize("size", [1_000, 3_000_000])
def test_uploads(client: OpenAI, size: int, tmp_path: Path) -> None:
    check_upload(client, size, tmp_path)


@pytest.mark.slow
def test_an_upload_of_200_megabytes(client: OpenAI, tmp_path: Path) -> None:
    check_upload(client, 200_000_000, tmp_path)


def check_upload(client: OpenAI, size: int, folder: Path) -> None:
    path = folder / "long.wav"
    path.write_bytes(wav((size - 44) / 2 / 16_000))
    assert abs(path.stat().st_size - size) < 10
    answer = client.audio.transcriptions.with_raw_response.create(file=path, model="whisper-1")
    prediction = record(client, answer.headers["x-prediction-id"])
    assert prediction["output"]["warnings"] == [f"{path.stat().st_size} bytes"]
