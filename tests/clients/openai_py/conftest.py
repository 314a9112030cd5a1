"""OpenAI's client for Python, and what its tests share."""

from collections.abc import Iterator
from typing import Any

import pytest
from openai import OpenAI

from evaluation.predictors.timed import TALK
from tests.clients.helpers import WAV, data_uri, wav
from tests.conftest import RunningStack

TEXT = " ".join(str(segment["text"]) for segment in TALK)
CLIP = data_uri(wav(3))
SPOKEN: dict[str, Any] = {"file": ("talk.wav", WAV), "model": "whisper-1", "prompt": "talk"}


@pytest.fixture
def client(stack: RunningStack) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{stack.url}/v1", api_key=stack.token, max_retries=0) as client:
        yield client


def transcribe(client: OpenAI, **fields: Any) -> Any:
    return client.audio.transcriptions.create(**{**SPOKEN, **fields})


def record(client: OpenAI, prediction_id: str) -> dict[str, Any]:
    found: Any = client.get(f"/predictions/{prediction_id}", cast_to=object)
    assert isinstance(found, dict)
    return found


def ids(client: OpenAI) -> set[str]:
    """Of the newest predictions."""
    found: Any = client.get("/predictions", cast_to=object)
    return {prediction["id"] for prediction in found["results"]}
