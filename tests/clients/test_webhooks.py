"""What a client's own receiver gets: what, how often, in what order, whatever happens to it."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
from replicate.webhook import InvalidSignatureError, Webhooks, WebhookSigningSecret

from tests.clients.helpers import Api, Json, Receiver, eventually, receiving
from tests.conftest import RunningStack

BOTH = ["start", "completed"]
SHORT = "logs=8"  # long enough for the start to be delivered before the end


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as opened:
        yield opened


@pytest.fixture
async def other_receiver() -> AsyncIterator[Receiver]:
    async with receiving() as opened:
        yield opened


async def received(receiver: Receiver, prediction_id: str) -> list[Json]:
    """Every body that was received for a prediction, once its end was."""
    await eventually(lambda: receiver.ends, "its end is delivered")
    assert {call.body["id"] for call in receiver.calls} == {prediction_id}
    return [call.body for call in receiver.calls]


async def nothing_is_pending(api: Api) -> None:
    """Returns once everything noted before now has been delivered: a later job's end arrived."""
    async with receiving() as later:
        created = await api.create(webhook=later.url, webhook_events_filter=["completed"])
        await api.finish(created["id"])
        await eventually(lambda: later.ends, "a later end is delivered")


async def test_a_filter_of_start_and_completed_gives_exactly_those(
    api: Api, receiver: Receiver
) -> None:
    created = await api.create("logs=12", webhook=receiver.url, webhook_events_filter=BOTH)
    ended = await api.finish(created["id"])
    bodies = await received(receiver, created["id"])
    await nothing_is_pending(api)
    assert [body["status"] for body in bodies] == ["processing", "succeeded"]
    assert len(receiver.calls) == 2
    assert bodies[-1] == ended
    assert bodies[0]["output"] is None


async def test_a_filter_of_completed_alone_gives_the_end_alone(
    api: Api, receiver: Receiver
) -> None:
    created = await api.create("logs=12", webhook=receiver.url, webhook_events_filter=["completed"])
    ended = await api.finish(created["id"])
    assert await received(receiver, created["id"]) == [ended]


async def test_without_a_filter_the_logs_are_told_at_most_twice_a_second(
    api: Api, receiver: Receiver
) -> None:
    created = await api.create("logs=30", webhook=receiver.url)
    ended = await api.finish(created["id"])
    bodies = await received(receiver, created["id"])
    assert bodies[-1] == ended
    assert bodies[-1]["logs"].rstrip().endswith("30/30")
    while_running = [call for call in receiver.calls if call.body["status"] == "processing"]
    logs = [call for call in while_running if call.body["logs"]]
    assert len(logs) >= 2
    assert [len(call.body["logs"]) for call in logs] == sorted(
        {len(call.body["logs"]) for call in logs}
    ), "each tells more than the one before"
    gaps = [after.at - before.at for before, after in pairwise(logs)]
    assert min(gaps) >= 0.45, gaps  # 0.5 s, less what the network may make up
    assert len({call.id for call in receiver.calls}) == len(receiver.calls)


async def test_no_webhook_may_be_said_as_null(api: Api) -> None:
    created = await api.create(webhook=None, webhook_events_filter=None)
    assert (await api.finish(created["id"]))["status"] == "succeeded"


@pytest.mark.parametrize("wishes", ["fail=broken \u2028 ünterwegs", "sleep=60"])
async def test_every_end_is_told_and_equals_the_record(
    api: Api, receiver: Receiver, wishes: str
) -> None:
    created = await api.create(wishes, webhook=receiver.url, webhook_events_filter=["completed"])
    if wishes == "sleep=60":
        await api.until(created["id"], ["processing"])
        await api.cancel(created["id"])
    ended = await api.finish(created["id"])
    assert ended["status"] in ("failed", "canceled")
    await eventually(lambda: receiver.ends, "its end is delivered")
    assert receiver.ends[0].body == ended


async def test_the_end_of_a_queued_prediction_is_told(api: Api, receiver: Receiver) -> None:
    blocker = await api.create("sleep=60")
    created = await api.create(webhook=receiver.url)
    canceled = await api.cancel(created["id"])
    assert canceled["status"] == "canceled"
    await api.cancel(blocker["id"])
    await eventually(lambda: receiver.calls, "its end is delivered")
    assert [call.body for call in receiver.calls] == [await api.get(created["id"])]
    await api.finish(blocker["id"])


async def test_the_official_validator_accepts_the_signature(api: Api, receiver: Receiver) -> None:
    answer = await api.call("GET", "/v1/webhooks/default/secret")
    secret = WebhookSigningSecret(key=answer.body["key"])
    created = await api.create("grüße \u2028", webhook=receiver.url)
    await received(receiver, created["id"])
    for call in receiver.calls:
        Webhooks.validate(headers=call.headers, body=call.raw, secret=secret, tolerance=60)
        with pytest.raises(InvalidSignatureError):
            Webhooks.validate(headers=call.headers, body=call.raw + " ", secret=secret)
    start, *_, end = receiver.calls
    with pytest.raises(InvalidSignatureError):
        Webhooks.validate(
            headers=start.headers | {"webhook-id": end.id}, body=start.raw, secret=secret
        )


async def test_a_receiver_that_fails_is_tried_again_under_the_same_id(
    api: Api, receiver: Receiver
) -> None:
    receiver.answers = [500, 500, 200]
    created = await api.create(SHORT, webhook=receiver.url, webhook_events_filter=BOTH)
    await eventually(lambda: len(receiver.ends) == 3, "the third try", 40)
    await nothing_is_pending(api)
    assert len(receiver.ends) == 3, "what was accepted is not sent again"
    assert len({call.id for call in receiver.ends}) == 1
    assert len({call.raw for call in receiver.ends}) == 1
    first, second, third = (call.at for call in receiver.ends)
    assert 1.0 < second - first < third - second, "the pauses grow"
    assert receiver.ends[-1].body == await api.get(created["id"])


async def test_a_receiver_that_hangs_delays_nobody(
    api: Api, receiver: Receiver, other_receiver: Receiver
) -> None:
    receiver.answers = [0] * 100
    stuck = [
        await api.create(SHORT, webhook=receiver.url, webhook_events_filter=BOTH) for _ in range(3)
    ]
    for created in stuck:
        assert (await api.finish(created["id"]))["status"] == "succeeded"
    await eventually(lambda: len(receiver.ends) == 3, "the receiver hangs")
    created = await api.create(webhook=other_receiver.url, webhook_events_filter=["completed"])
    async with asyncio.timeout(10):  # the receiver is given 15
        await received(other_receiver, created["id"])


@pytest.mark.slow
async def test_many_receivers_that_hang_delay_nobody(
    api: Api, receiver: Receiver, other_receiver: Receiver
) -> None:
    receiver.answers = [0] * 1000
    stuck = [
        await api.create(webhook=receiver.url, webhook_events_filter=["completed"])
        for _ in range(40)
    ]
    for created in stuck:
        assert (await api.finish(created["id"], 60))["status"] == "succeeded"
    created = await api.create(webhook=other_receiver.url, webhook_events_filter=["completed"])
    async with asyncio.timeout(10):
        await received(other_receiver, created["id"])


async def dead_letters(api: Api, prediction_id: str) -> list[Json]:
    answer = await api.call("GET", "/v1/webhooks/dead-letters")
    assert answer.status == 200
    return [letter for letter in answer.body["results"] if letter["prediction"] == prediction_id]


async def until_dead(api: Api, prediction_id: str) -> list[Json]:
    async with asyncio.timeout(20):
        while not (letters := await dead_letters(api, prediction_id)):
            await asyncio.sleep(0.05)
    return letters


async def test_what_is_refused_for_good_can_be_redelivered(api: Api, receiver: Receiver) -> None:
    receiver.answers = [404]
    hook = f"{receiver.url}?key=of-the-receiver"
    created = await api.create(SHORT, webhook=hook, webhook_events_filter=BOTH)
    (letter,) = await until_dead(api, created["id"])
    assert letter["attempts"] == 1
    assert letter["reason"] == "answered 404"
    assert letter["url"] == receiver.url, "without its query"
    await nothing_is_pending(api)
    assert len(receiver.ends) == 1, "a 404 is not tried again"
    refused = await api.call(
        "POST", f"/v1/webhooks/dead-letters/{letter['id']}/redeliver", {"Authorization": "Bearer x"}
    )
    assert refused.status == 401
    answer = await api.call("POST", f"/v1/webhooks/dead-letters/{letter['id']}/redeliver")
    assert answer.status == 202
    await eventually(lambda: len(receiver.ends) == 2, "it is delivered again", 10)
    first, second = receiver.ends
    assert (first.id, first.raw) == (second.id, second.raw)
    assert second.body == await api.get(created["id"])
    assert await dead_letters(api, created["id"]) == []
    unknown = await api.call("POST", f"/v1/webhooks/dead-letters/{letter['id']}/redeliver")
    assert unknown.status == 404


async def test_a_redirect_is_not_followed(
    api: Api, receiver: Receiver, other_receiver: Receiver
) -> None:
    receiver.answers, receiver.location = [307], other_receiver.url
    created = await api.create(SHORT, webhook=receiver.url, webhook_events_filter=BOTH)
    (letter,) = await until_dead(api, created["id"])
    assert letter["reason"] == "answered 307"
    assert other_receiver.calls == []


async def test_an_end_survives_the_death_of_the_bridge(
    stack: RunningStack, api: Api, receiver: Receiver
) -> None:
    receiver.answers = [500]
    created = await api.create(SHORT, webhook=receiver.url, webhook_events_filter=BOTH)
    ended = await api.finish(created["id"])
    await eventually(lambda: receiver.ends, "the first try, which fails")
    before = stack.pid("bridge")
    os.kill(before, signal.SIGKILL)
    await eventually(lambda: stack.pid("bridge") != before, "a new bridge")
    await eventually(stack.healthy, "the new bridge serves", 60)
    await eventually(lambda: len(receiver.ends) >= 2, "it is delivered", 60)
    await nothing_is_pending(api)
    tries = receiver.ends
    assert len(tries) == 2, "accepted once"
    assert tries[0].id == tries[1].id
    assert tries[1].body == ended


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1/hook",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]/hook",
        "http://2130706434/hook",
        "http://[::ffff:10.0.0.1]/hook",
        "file:///etc/passwd",
        "not a url",
        7,
    ],
)
async def test_a_receiver_inside_the_network_is_refused(api: Api, url: object) -> None:
    answer = await api.call(
        "POST", "/v1/predictions", json={"input": {"audio_file": "data:,x"}, "webhook": url}
    )
    assert answer.status == 422
    assert isinstance(answer.body["detail"], str)


@pytest.mark.parametrize("events", [["begin"], "completed", [["start"]], [1]])
async def test_a_filter_that_makes_no_sense_is_refused(
    api: Api, receiver: Receiver, events: object
) -> None:
    answer = await api.call(
        "POST",
        "/v1/predictions",
        json={"input": {}, "webhook": receiver.url, "webhook_events_filter": events},
    )
    assert answer.status == 422
    assert "webhook_events_filter" in answer.body["detail"]
