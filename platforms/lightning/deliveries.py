"""Webhooks: on disk until their receivers took them, tried again with growing pauses."""

import asyncio
import hashlib
import hmac
import json
import logging
import threading
from collections.abc import Mapping
from typing import Any

from outbound.deliver import Message, Outcome, deliver
from outbound.policy import Policy
from platforms.lightning.queues import DiskQueue, Item
from platforms.lightning.settings import LightningSettings

ATTEMPTS = 12  # tries; with the pauses between them they spread over 68 minutes
FIRST_PAUSE = 2.0  # seconds before the second try; doubles from try to try
_AT_ONCE = 16  # deliveries under way: receivers that hang hold up nobody else

_log = logging.getLogger(__name__)


class Deliveries:
    """A thread of its own: no receiver holds up a transcription."""

    def __init__(self, queue: DiskQueue, settings: LightningSettings, policy: Policy) -> None:
        self._queue = queue
        self._settings = settings
        self._policy = policy

    def start(self) -> None:
        """Begins with what an earlier process left."""
        work = threading.Thread(target=lambda: asyncio.run(self._work()), name="deliveries")
        work.daemon = True
        work.start()

    def add(self, url: str, payload: Mapping[str, Any]) -> None:
        """Returns when the webhook is on disk; from then on it is not lost."""
        body = json.dumps(payload, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        self._queue.put({"id": payload["job_id"], "url": url, "body": body})

    async def _work(self) -> None:
        under_way = asyncio.Semaphore(_AT_ONCE)
        tasks: set[asyncio.Task[None]] = set()  # the loop itself holds them weakly only
        while True:
            try:
                if item := await asyncio.to_thread(self._queue.get):
                    tasks.add(task := asyncio.create_task(self._guarded(item, under_way)))
                    task.add_done_callback(tasks.discard)
            except Exception:
                _log.exception("the queue of webhooks cannot be read")
                await asyncio.sleep(FIRST_PAUSE)

    async def _guarded(self, item: Item, under_way: asyncio.Semaphore) -> None:
        try:
            await self._hand_over(item, under_way)
        except Exception:  # the disk is full, for example; the next start tries again
            _log.exception("webhook of job %s", item.content.get("id"))

    async def _hand_over(self, item: Item, under_way: asyncio.Semaphore) -> None:
        while True:
            self._queue.begin(item)
            async with under_way:
                outcome = await self._try(item)
            if outcome.delivered:
                self._queue.done(item)
                return
            _log.warning("webhook of job %s: %s", item.content["id"], outcome.reason)
            if not outcome.again or item.tries >= ATTEMPTS:
                self._queue.give_up(item)
                _log.error("webhook of job %s: given up", item.content["id"])
                return
            await asyncio.sleep(FIRST_PAUSE * 2 ** (item.tries - 1))

    async def _try(self, item: Item) -> Outcome:
        try:
            return await deliver(self._message(item), self._policy)
        except Exception:
            _log.exception("webhook of job %s", item.content["id"])
            return Outcome(delivered=False, again=True, reason="it could not be sent")

    def _message(self, item: Item) -> Message:
        """By Standard Webhooks, and with the header that receivers of this service check so far."""
        url, job, body = item.content["url"], item.content["id"], str(item.content["body"]).encode()
        secret = self._settings.secret
        if not secret:
            return Message(url, job, body)
        old = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"X-Lightning-Signature": old}
        return Message(url, job, body, [self._settings.signing_key], headers)
