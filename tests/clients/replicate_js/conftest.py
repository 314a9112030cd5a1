"""Replicate's client for JavaScript, and what its tests share."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.clients.helpers import (
    MODEL,
    URI,
    Receiver,
    receiving,
)
from tests.clients.node import Node
from tests.clients.versions import REPLICATE_JS
from tests.conftest import RunningStack

PRELUDE = """
import { readFileSync } from "node:fs";
import Replicate, { validateWebhook } from "replicate";

const { MODEL, URI, TOKEN, BASE, RECORDING } = process.env;
const client = new Replicate({ auth: TOKEN, baseUrl: BASE, useFileOutput: false });
const asked = (wishes = "", more = {}) => ({ audio_file: URI, initial_prompt: wishes, ...more });
const until = async (prediction, ...statuses) => {
  while (!statuses.includes(prediction.status)) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    prediction = await client.predictions.get(prediction.id);
  }
  return prediction;
};
const finished = (prediction) => until(prediction, "succeeded", "failed", "canceled");
const raised = async (promise) => {
  try {
    await promise;
  } catch (error) {
    return [error.name, error.response ? error.response.status : null, error.message];
  }
  return null;
};
const version = (await client.models.get(...MODEL.split("/"))).latest_version.id;
"""
Script = Callable[..., Awaitable[Any]]


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Node:
    return Node.install(tmp_path_factory.mktemp("replicate-js"), PRELUDE, REPLICATE_JS)


@pytest.fixture
def script(stack: RunningStack, node: Node, recording: Path) -> Script:
    """Runs code with the client; what it assigns to ``result``."""

    async def run(code: str, url: str = "", **environ: str) -> Any:
        known = {
            "MODEL": MODEL,
            "URI": URI,
            "TOKEN": stack.token,
            "BASE": f"{url or stack.url}/v1",
            "RECORDING": str(recording),
            **environ,
        }
        return await asyncio.to_thread(node.run, code, **known)

    return run


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as opened:
        yield opened
