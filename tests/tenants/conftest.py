"""A stack with two tenants besides the usual one, and their keys."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from bridge.records.api_keys import new_key
from bridge.records.tenants import ANONYMOUS, DEFAULT, Limits, Principal, Scope, Tenant
from tests.clients.helpers import PREDICTOR
from tests.conftest import RunningStack, start_stack, stop_stack
from tests.fixtures.receivers import refusing
from tests.tenants.side import Side

BOTH = frozenset({Scope.READ, Scope.WRITE})


class Keys:
    """The file of keys, and the keys themselves."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.by_id: dict[str, str] = {}

    def add(
        self,
        key_id: str,
        tenant: str,
        scopes: frozenset[Scope] = BOTH,
        limits: Limits | None = None,
    ) -> str:
        """A new key, valid at once."""
        principal = Principal(Tenant(tenant), key_id, scopes, limits or Limits())
        self.by_id[key_id], line = new_key(principal)
        with self.path.open("a") as file:
            file.write(f"{line}\n")
        return self.by_id[key_id]


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    made = Keys(tmp_path_factory.mktemp("keys") / "keys")
    made.path.touch()
    return made


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, keys: Keys) -> Iterator[RunningStack]:
    running = start_stack(
        tmp_path_factory.mktemp("tenants"),
        COG_PREDICT_TYPE_STUB=PREDICTOR,
        API_KEYS_FILE=str(keys.path),
        KEEP_RECORDINGS="3600",
        ALLOW_ANONYMOUS="1",
    )
    yield running
    stop_stack(running)


@pytest.fixture
async def refuser() -> AsyncIterator[str]:
    """A receiver that refuses every webhook for good."""
    async with refusing() as url:
        yield url


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
def sides(
    stack: RunningStack,
    keys: Keys,
    session: aiohttp.ClientSession,
    refuser: str,
    request: pytest.FixtureRequest,
) -> tuple[Side, Side]:
    """Two tenants that have nothing yet."""
    made = []
    for letter in "ab":
        name = f"{letter}-{abs(hash(request.node.name)) % 10**8}"
        key = keys.add(name, name)
        made.append(Side(name, key, f"marker-of-{name}", stack.url, session, f"{refuser}/{name}"))
    return made[0], made[1]


@pytest.fixture
async def lasting_sides(
    stack: RunningStack, session: aiohttp.ClientSession, refuser: str
) -> AsyncIterator[tuple[Side, Side]]:
    """The bearer token, and whoever sends none: they leave nothing to the next test."""

    def side(tenant: Tenant, key: str) -> Side:
        name = tenant.name
        return Side(name, key, f"marker-of-{name}", stack.url, session, f"{refuser}/{name}")

    made = side(DEFAULT, stack.token), side(ANONYMOUS, "")
    yield made
    for one in made:
        paths = [f"predictions/{known}" for known in one.predictions]
        for path in [*paths, *(f"files/{known}" for known in one.files)]:
            assert (await one.call("DELETE", f"/v1/{path}")).status == 204


@pytest.fixture(params=["with keys", "with and without a token"])
def pair(
    request: pytest.FixtureRequest, sides: tuple[Side, Side], lasting_sides: tuple[Side, Side]
) -> tuple[Side, Side]:
    """Two that must see nothing of one another."""
    return sides if request.param == "with keys" else lasting_sides
