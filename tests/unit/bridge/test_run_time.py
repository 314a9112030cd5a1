"""How long a run may take: its share of the time of those that run beside it."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from bridge.records.prediction import Status
from bridge.records.tenants import Key
from bridge.tasks import runs
from bridge.tasks.runs import Runs

SECONDS = 0.1


@pytest.fixture
def under_way(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs of which every one is under way and wanted."""
    monkeypatch.setattr(runs, "CANCEL_POLL_SECONDS", 0.005)

    async def wanted(_key: Key) -> tuple[Status, bool]:
        return Status.PROCESSING, False

    store: Any = SimpleNamespace(wanted=wanted)
    nothing: Any = None
    return Runs(store, nothing, nothing, nothing, nothing, nothing, SECONDS, ())


@pytest.mark.parametrize("others", [0, 3])
async def test_a_second_beside_others_is_a_part_of_one(under_way: Any, others: int) -> None:
    for number in range(others + 1):
        under_way._company.admits(f"run {number}", alone=False)
    clock = asyncio.get_running_loop().time
    began = clock()
    with pytest.raises(TimeoutError):
        await under_way._until_hopeless(Key("one"), "run 0", runs._Offer())
    assert clock() - began > SECONDS * (others + 1)


async def test_time_in_which_it_does_not_run_is_not_its_own(under_way: Any) -> None:
    async def wanted(_key: Key) -> tuple[Status, bool]:
        return Status.STARTING, False

    under_way._store.wanted = wanted
    with pytest.raises(TimeoutError):  # of the test: nothing else ends it so soon
        async with asyncio.timeout(3 * SECONDS) as waited:
            await under_way._until_hopeless(Key("one"), "run 0", runs._Offer())
    assert waited.expired()
