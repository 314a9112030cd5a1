"""Two tenants with the same ids and keys: nothing of one is seen by the other, on any route."""

import asyncio
import json
import statistics
import time
from random import Random

import pytest

from bridge.records.tenants import ANONYMOUS, DEFAULT, Scope, Tenant
from tests.clients.helpers import asked, new_id
from tests.conftest import RunningStack
from tests.tenants.conftest import Keys
from tests.tenants.routes import PROBES
from tests.tenants.side import Side

EVERYWHERE = (DEFAULT, ANONYMOUS)  # their names are in the documentation
STEPS = 60  # after each route was tried once; predictions take a tenth of a second


async def test_every_route_of_the_document_is_known_here(sides: tuple[Side, Side]) -> None:
    described = await sides[0].json("GET", "/openapi.json")
    routes = {
        (method.upper(), path) for path, methods in described["paths"].items() for method in methods
    }
    assert set(PROBES) == routes


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", range(2))
async def test_nothing_of_one_is_seen_by_the_other(pair: tuple[Side, Side], seed: int) -> None:
    random = Random(seed)
    steps = list(PROBES.items())
    random.shuffle(steps)
    steps += random.choices(steps, k=STEPS)
    for _, probe in steps:
        one, other = random.sample(pair, 2)
        if random.random() < 0.3:
            await asyncio.gather(probe(one, other, random), probe(other, one, random))
        else:
            await probe(one, other, random)
    for side, other in (pair, pair[::-1]):
        name = [] if Tenant(other.name) in EVERYWHERE else [other.name]
        foreign = [other.marker, *name, *other.files]
        for answer in side.seen:
            text = answer.body.decode(errors="replace") + str(answer.headers)
            assert not [word for word in foreign if word in text], answer


FOREIGN = [
    ("GET", "/v1/predictions/{}", {}),
    ("DELETE", "/v1/predictions/{}", {}),
    ("POST", "/v1/predictions/{}/cancel", {}),
    ("GET", "/v1/predictions/{}/output", {}),
    ("GET", "/v1/predictions/{}/peaks", {}),
    ("GET", "/v1/predictions/{}/transcript", {}),
    ("PUT", "/v1/predictions/{}/transcript", {"json": {"edits": []}}),
    ("GET", "/v1/predictions/{}/stream?expiry=1&signature=x", {}),
    ("GET", "/v1/predictions/{}/recording?expiry=1&signature=x", {}),
    ("POST", "/v1/webhooks/dead-letters/{}_completed/redeliver", {}),
    ("GET", "/v1/files/{}", {}),
    ("DELETE", "/v1/files/{}", {}),
    ("PUT", "/v1/predictions/{}", {"json": {"input": {"audio_file": "data:,"}}}),
]


@pytest.mark.parametrize(("method", "path", "arguments"), FOREIGN)
async def test_a_foreign_id_is_one_that_is_not_there(
    pair: tuple[Side, Side], method: str, path: str, arguments: dict[str, object]
) -> None:
    """Its answer differs in nothing but the id from the one to an id that nobody has."""
    owner, stranger = pair
    theirs = new_id()
    owner.created(
        await owner.call(
            "PUT", f"/v1/predictions/{theirs}", {"Prefer": "wait"}, json=owner.body(theirs)
        ),
        theirs,
    )
    if "files" in path:
        described = await owner.json("POST", "/v1/files", data=owner.form("content"))
        theirs = described["id"]
        owner.files[theirs] = described["urls"]["get"]
    nobodys = "x" * len(theirs)
    answers = []
    for name in (theirs, nobodys):
        sent = {"If-Match": '"0"'}
        answer = await stranger.call(method, path.format(name), sent, **arguments)
        shown = {key: value for key, value in answer.headers.items() if key != "Date"}
        answers.append((answer.status, shown, answer.body.decode().replace(name, "")))
    assert answers[0] == answers[1]
    assert answers[0][0] >= 400
    found = await owner.call("GET", f"/v1/{'files' if 'files' in path else 'predictions'}/{theirs}")
    assert found.status == 200


async def test_positions_and_estimates_count_the_tenants_own(sides: tuple[Side, Side]) -> None:
    busy, quiet = sides
    running = [
        await busy.json("POST", "/v1/predictions", json={"input": asked("sleep=5")})
        for _ in range(4)
    ]
    mine = await quiet.json("POST", "/v1/predictions", json={"input": asked("")})
    assert mine["metrics"] == {"queue_position": 0}, "no estimate from the runs of others"
    assert [one["metrics"].get("queue_position") for one in running[1:]] == [1, 2, 3]
    for one in running:
        await busy.call("POST", f"/v1/predictions/{one['id']}/cancel")
    await quiet.call("POST", f"/v1/predictions/{mine['id']}/cancel")


async def test_the_answer_takes_no_longer_for_a_foreign_id(sides: tuple[Side, Side]) -> None:
    owner, stranger = sides
    theirs = new_id()
    await owner.json(
        "PUT", f"/v1/predictions/{theirs}", {"Prefer": "wait"}, json=owner.body(theirs)
    )
    seconds: dict[str, list[float]] = {theirs: [], new_id(): []}
    for _ in range(60):
        for name, taken in seconds.items():
            began = time.perf_counter()
            await stranger.call("GET", f"/v1/predictions/{name}")
            taken.append(time.perf_counter() - began)
    one, other = map(statistics.median, seconds.values())
    assert 0.5 < one / other < 2


async def test_records_of_before_belong_to_the_bearer_token(
    lasting_sides: tuple[Side, Side], sides: tuple[Side, Side]
) -> None:
    default = lasting_sides[0]
    created = await default.json("POST", "/v1/predictions", json={"input": default.inputs()})
    default.predictions[created["id"]] = 0
    assert "tenant" not in created["urls"]["stream"], "links are as they were"
    for side in (*sides, lasting_sides[1]):
        assert (await side.call("GET", f"/v1/predictions/{created['id']}")).status == 404
    listed = json.dumps(await default.json("GET", "/v1/predictions"))
    assert not [side.marker for side in sides if side.marker in listed]


async def test_scopes_bound_what_a_key_may_do(
    keys: Keys, sides: tuple[Side, Side], stack: RunningStack
) -> None:
    side = sides[0]
    reading = {
        "Authorization": f"Bearer {keys.add(new_id()[:32], side.name, frozenset({Scope.READ}))}"
    }
    for method, path in PROBES:
        if method == "GET":
            continue
        path = path.format(id="x", owner="o", name="n", letter="l")  # noqa: PLW2901
        answer = await side.call(method, path, reading)
        assert answer.status == 403, path
        body = json.loads(answer.body)
        assert "`write`" in body["detail"] == body["error"]["message"]
        assert body["error"]["code"] == "insufficient_scope"
    assert (await side.call("GET", "/v1/predictions", reading)).status == 200
    # What crosses tenants.
    for token, status in ((side.key, 403), (stack.token, 200), ("wrong", 401)):
        answer = await side.call("GET", stack.metrics_url, {"Authorization": f"Bearer {token}"})
        assert answer.status == status
    operator = keys.add(new_id()[:32], "ops", frozenset({Scope.READ, Scope.OPERATOR}))
    assert (
        await side.call("GET", stack.metrics_url, {"Authorization": f"Bearer {operator}"})
    ).status == 200
