"""The clients' webhooks: signed, tried until they are accepted, and kept when they are not.

A webhook that is due is noted in Redis together with the change itself (``webhooks:pending``), so a
bridge that dies in between forgets nothing: its successor finds the note. A note is settled when
the receiver accepted it, refused it for good, or was tried often enough; then it lies among the
dead letters until somebody has it delivered again.
"""

import logging
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from bridge.records import keys
from bridge.records.keys import DEAD, LIVE_TTL, PENDING, TRIES, text
from bridge.records.prediction import EVENTS, Prediction
from bridge.records.sealed import LETTER, Sealed
from bridge.records.store import Store
from bridge.records.tenants import Key, Tenant
from bridge.settings import Settings
from bridge.tasks.tracing import PREDICTION, span
from outbound.deliver import Message, Outcome, deliver

ATTEMPTS = 12  # tries; with the pauses between them they spread over 68 minutes
FIRST_PAUSE = 2.0  # seconds before the second try; doubles from try to try
# Tries under way of one tenant, at one receiver and in all, so that receivers that hang delay no
# other receiver and no other tenant.
RECEIVER_AT_ONCE, TENANT_AT_ONCE = 8, 96
CROWD_PAUSE = timedelta(seconds=1)
LOGS_INTERVAL = 0.5  # seconds between two `logs` of one prediction, as Replicate does

_log = logging.getLogger(__name__)

Render = Callable[[Prediction, bytes | None], bytes]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A delivery that was given up; ``prediction`` is a key, ``id`` its tenant's name for it."""

    id: str
    prediction: str
    event: str
    url: str
    reason: str
    attempts: int
    given_up_at: str


class Webhooks:
    """Delivers what is noted, and keeps what could not be delivered."""

    def __init__(
        self, settings: Settings, store: Store, redis: "Redis", sealed: Sealed, render: Render
    ) -> None:
        self._sealed: Final = sealed
        self._settings: Final = settings
        self._store: Final = store
        self._redis: Final = redis
        self._render: Final = render
        self._under_way: Counter[str] = Counter()
        self.on_try: Callable[[str, str], None] = lambda _event, _outcome: None

    async def pending(self) -> list[tuple[Key, str]]:
        """(prediction, event) of all that is still to be delivered."""
        found: list[tuple[Key, str]] = []
        strangers: list[Any] = []
        for note in await self._redis.zrange(PENDING, 0, -1):
            prediction, _, event = text(note).partition(" ")
            if event in EVENTS:
                found.append((Key(prediction), event))
            else:
                strangers.append(note)
        if strangers:
            await self._redis.zrem(PENDING, *strangers)
        return found

    async def attempt(self, prediction_id: Key, event: str) -> timedelta | None:
        """Try to deliver; how long to wait before the next try, None when it is settled.

        A receiver that has as many tries under way as one may have is not tried: the wait for it
        counts for nothing.
        """
        pause = await self._try(prediction_id, event)
        if pause is None:
            await self._settle(prediction_id, event)
        return pause

    async def _try(self, prediction_id: Key, event: str) -> timedelta | None:
        """Deliver once; the pause before the next try, None when there is no other."""
        found = await self._due(prediction_id, event)
        if found is None:
            return None
        prediction, output = found
        tenant = prediction_id.tenant.name
        receiver = f"{tenant} {_receiver(prediction.webhook or '')}"
        at_once, in_all = self._under_way[receiver], self._under_way[tenant]
        if at_once >= RECEIVER_AT_ONCE or in_all >= TENANT_AT_ONCE:
            return CROWD_PAUSE
        self._under_way.update((receiver, tenant))
        try:
            outcome = await self._send(prediction, output, event)
        finally:
            self._under_way.subtract((receiver, tenant))
            self._under_way = +self._under_way  # without those that have none
        self.on_try(event, "delivered" if outcome.delivered else "failed")
        if outcome.delivered or event in ("logs", "output"):
            return None
        return await self._try_again(prediction, event, outcome)

    async def _due(self, prediction_id: Key, event: str) -> tuple[Prediction, bytes | None] | None:
        """The prediction with its output; None where nothing is left to deliver."""
        found = await self._store.noted(prediction_id, event)
        if found is None or found[0].webhook is None:
            return None
        # Logs are of no use after the end. An end that has not come was noted by a stranger.
        return None if event == ("logs" if found[0].terminal else "completed") else found

    async def _try_again(
        self, prediction: Prediction, event: str, outcome: Outcome
    ) -> timedelta | None:
        """What comes after a try that failed: a pause, or the dead letters."""
        note = keys.note(prediction.id, event)
        number = await self._count(note)
        await self._redis.expire(TRIES, LIVE_TTL)
        if outcome.again and number < ATTEMPTS:
            return _pause(number)
        _log.warning("prediction %s: webhook given up: %s", note, outcome.reason)
        await self._bury(prediction, event, outcome.reason, number)
        return None

    async def _count(self, note: str) -> int:
        try:
            return int(await self._redis.hincrby(TRIES, note, 1))
        except ResponseError:  # no number, and so not of ours
            await self._redis.hset(TRIES, note, "1")
            return 1

    async def all_tried(self) -> bool:
        """Whether every webhook that is still to be delivered was tried at least once."""
        notes = [keys.note(prediction, event) for prediction, event in await self.pending()]
        return not notes or None not in await self._redis.hmget(TRIES, notes)

    async def counts(self) -> tuple[int, int]:
        """How many webhooks are still to be delivered, and how many were given up."""
        tenants = await self._store.tenants()
        dead = [int(await self._redis.hlen(tenant.own(DEAD))) for tenant in tenants]
        return int(await self._redis.zcard(PENDING)), sum(dead)

    async def dead_letters(self, *tenants: Tenant) -> list[DeadLetter]:
        """What was given up of these tenants' webhooks, newest first; without one, of all's."""
        found = []
        for tenant in tenants or await self._store.tenants():
            for letter_id, document in (await self._redis.hgetall(tenant.own(DEAD))).items():
                letter = self._letter(document, tenant, text(letter_id))
                found += [letter] if letter else []
        return sorted(found, key=lambda letter: letter.given_up_at, reverse=True)

    async def revive(self, tenant: Tenant, letter_id: str) -> tuple[Key, str] | None:
        """Note a dead letter of the tenant's for delivery again; its (prediction, event).

        None if it is unknown, or if its prediction has expired: then there is nothing to tell.
        """
        document = await self._redis.hget(tenant.own(DEAD), letter_id)
        letter = self._letter(document, tenant, letter_id)
        if letter is None or await self._store.get(key := Key(letter.prediction)) is None:
            return None
        await self._redis.zadd(PENDING, {keys.note(key, letter.event): time.time()})
        await self._redis.expire(PENDING, LIVE_TTL)
        await self._redis.hdel(tenant.own(DEAD), letter_id)
        return key, letter.event

    def _letter(
        self, document: bytes | str | None, tenant: Tenant, letter_id: str
    ) -> DeadLetter | None:
        found = self._sealed.json(document, LETTER, tenant.name, letter_id)
        return None if found is None else DeadLetter(**found)

    async def _send(self, prediction: Prediction, output: bytes | None, event: str) -> Outcome:
        body = self._render(prediction, output)
        webhook_id = f"msg_{prediction.id.public}_{event}"
        if event == "logs":
            webhook_id += f"_{len(prediction.logs)}"
        settings, tenant = self._settings, prediction.id.tenant
        signed_by = settings.signing_key_of(tenant), *settings.retired_signing_keys_of(tenant)
        attributes = {
            PREDICTION: prediction.id.public,
            "whisperx.webhook.event": event,
            "http.request.method": "POST",
        }
        with span("webhook", prediction.traceparent, "CLIENT", attributes) as sending:
            url = prediction.webhook or ""
            message = Message(url, webhook_id, body, signed_by, sending.headers)
            outcome = await deliver(message, settings.policy)
            if outcome.status is not None:
                sending.set({"http.response.status_code": outcome.status})
        return outcome

    async def _settle(self, prediction_id: Key, event: str) -> None:
        note = keys.note(prediction_id, event)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.zrem(PENDING, note)
            pipe.hdel(TRIES, note)
            await pipe.execute()

    async def _bury(self, prediction: Prediction, event: str, reason: str, attempts: int) -> None:
        letter = DeadLetter(
            id=keys.letter(prediction.id, event),
            prediction=prediction.id,
            event=event,
            url=_without_query(prediction.webhook or ""),
            reason=reason,
            attempts=attempts,
            given_up_at=datetime.now(UTC).isoformat(),
        )
        tenant = prediction.id.tenant
        document = self._sealed.dump(asdict(letter), LETTER, tenant.name, letter.id)
        await self._redis.hset(tenant.own(DEAD), letter.id, document)
        await self._redis.expire(tenant.own(DEAD), LIVE_TTL)


def _pause(number: int) -> timedelta:
    """Doubling, with jitter, so that receivers that were down are not met by all at once."""
    seconds = FIRST_PAUSE * 2 ** (number - 1)
    return timedelta(seconds=seconds * random.uniform(0.75, 1.25))


def _receiver(url: str) -> str:
    """Scheme, host and port."""
    return "/".join(url.split("/", 3)[:3])


def _without_query(url: str) -> str:
    """Signed URLs carry their secret in the query."""
    return url.partition("?")[0]
