"""A stack whose predictor does what the prompt says, and ways to speak to it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.clients.helpers import PREDICTOR, WAV, Api
from tests.conftest import RunningStack, start_stack, stop_stack

SYNC_SECONDS = 4  # how long the waiting routes hold an answer here


@pytest.fixture(scope="session")
def other_token() -> str:
    """Besides the usual one the stack has another valid token, as during a rotation."""
    return "another-token-for-tests"


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, other_token: str) -> Iterator[RunningStack]:
    """Real processes, with the timed predictor in place of the one that transcribes."""
    running = start_stack(
        tmp_path_factory.mktemp("clients"),
        COG_PREDICT_TYPE_STUB=PREDICTOR,
        BRIDGE_TOKEN=f"a-token-for-tests,{other_token}",
        SYNC_TIMEOUT=str(SYNC_SECONDS),
    )
    yield running
    stop_stack(running)


@pytest.fixture
async def api(stack: RunningStack) -> AsyncIterator[Api]:
    async with aiohttp.ClientSession() as session:
        yield Api(session, stack)


@pytest.fixture(scope="session")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recordings") / "speech.wav"
    path.write_bytes(WAV)
    return path


@pytest.fixture
async def busy(api: Api) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    """The predictor is at work while the test runs, or until it calls this."""
    created = await api.create("sleep=60")
    await api.until(created["id"], ["processing"])
    yield lambda: api.cancel(created["id"])
    await api.cancel(created["id"])
