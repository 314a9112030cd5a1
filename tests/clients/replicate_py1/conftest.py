"""Replicate's client for Python, version 1, and what its tests share."""

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from replicate.client import Client
from replicate.prediction import Prediction

from tests.clients.helpers import MODEL, asked
from tests.conftest import RunningStack, wait_until

SLOTS_FREE = "the predictor is free for the next one"


@contextlib.contextmanager
def connected(url: str, token: str) -> Iterator[Client]:
    client = Client(api_token=token, base_url=url)
    yield client
    client._client.close()


@pytest.fixture(scope="module")
def client(stack: RunningStack) -> Iterator[Client]:
    with connected(stack.url, stack.token) as opened:
        yield opened


@pytest.fixture(scope="module")
def version(client: Client) -> str:
    latest = client.models.get(MODEL).latest_version
    assert latest is not None
    return str(latest.id)


def create(client: Client, version: str, wishes: str = "", **params: Any) -> Prediction:
    return client.predictions.create(version=version, input=asked(wishes), **params)


def until(prediction: Prediction, *statuses: str) -> Prediction:
    def reached() -> bool:
        prediction.reload()
        return prediction.status in statuses

    wait_until(reached, f"the prediction is {' or '.join(statuses)}")
    return prediction


def finished(prediction: Prediction) -> Prediction:
    return until(prediction, "succeeded", "failed", "canceled")
