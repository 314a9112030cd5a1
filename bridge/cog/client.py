"""The client of Cog's HTTP server; its quirks end here.

Cog answers 409 both when it is busy and, a few milliseconds long, right after a completion; it
answers nothing but 409 once its worker process has died; it cancels a run whose synchronous
request breaks off; it prefixes errors with its own words; it refuses null inputs. Callers of this
module see runs that end, runs that were lost, and a health that tells the truth.
"""

import asyncio
import contextlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from predictor.health import UNREACHABLE, Health, read_health

HEALTH_TIMEOUT = 6.0  # seconds; Cog's own health check of a hanging predictor takes 5
_BUSY_RETRY_SECONDS = (0.01, 0.02, 0.05, 0.1, 0.25)  # the slot is free within 15 ms of an answer
# Its own words (twice), then the class of the exception that the predictor raised.
_PREFIX = re.compile(
    r"^(?:(?:(?:Async p|P)rediction failed: )+(?:[A-Z]\w*: )?|Input validation error: )"
)
# The worker died, or the bridge did while Cog downloaded the recording from it: neither is the
# recording's fault. What the predictor raises itself never reads like this.
_RUN_LOST = re.compile(
    r"^(Worker crashed|\(?'?Connection (aborted|broken)"
    r"|HTTPConnectionPool\(host='127\.0\.0\.1')"
)
# A cancel met a run while Cog downloaded its recording; what cannot be downloaded says why.
_CANCELED_EARLY = "Input validation error:"
# The worker had died before: nothing was begun. Cog notices with each of its slots anew.
_NOT_SENT = "Failed to send request"


@dataclass(frozen=True, slots=True)
class Ended:
    """A run came to its end: with an output, an error, or because it was stopped."""

    status: str
    output: Any
    error: str | None
    logs: str
    metrics: Mapping[str, Any]


class RunLost(Exception):
    """The run was accepted and its end will not be reported: the connection or the worker died."""


class NotAccepted(Exception):
    """Cog does not take the run now: it is busy, starting, or cannot be reached."""


class Cog:
    """Talks to one Cog server."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url: Final = url.rstrip("/")

    async def health(self) -> Health:
        """Cog's state; UNREACHABLE when it does not answer. Never raises."""
        timeout = aiohttp.ClientTimeout(total=HEALTH_TIMEOUT)
        try:
            async with self._session.get(f"{self._url}/health-check", timeout=timeout) as response:
                return read_health(await response.json(content_type=None))
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return UNREACHABLE

    async def run(
        self,
        run_id: str,
        inputs: Mapping[str, Any],
        webhook: Mapping[str, Any],
        headers: Mapping[str, str],
    ) -> Ended:
        """Run to the end, over a request held open. Raises NotAccepted or RunLost.

        ``webhook`` is the members of the request that say where Cog reports what; ``headers`` tell
        which trace it belongs to. Breaking off the request stops the run in Cog.
        """
        body = {
            "id": run_id,
            "input": {name: value for name, value in inputs.items() if value is not None},
            **webhook,
        }
        for pause in _BUSY_RETRY_SECONDS:
            ended = await self._put(run_id, body, headers)
            if ended is not None:
                return ended
            await asyncio.sleep(pause)
        raise NotAccepted("busy")

    async def start(self, body: Mapping[str, Any]) -> tuple[int, Any]:
        """Start a run as Cog's clients do, without waiting; its status and answer.

        Raises NotAccepted when Cog is busy, starting, or cannot be reached.
        """
        headers = {"Prefer": "respond-async"}
        given = {name: value for name, value in body["input"].items() if value is not None}
        try:
            for pause in _BUSY_RETRY_SECONDS:
                async with self._session.post(
                    f"{self._url}/predictions", json={**body, "input": given}, headers=headers
                ) as response:
                    if response.status not in (409, 503):
                        text = await response.text()
                        accepted = response.status < 400
                        return response.status, json.loads(text) if accepted else text
                await asyncio.sleep(pause)
        except aiohttp.ClientError:
            raise NotAccepted("unreachable") from None
        raise NotAccepted("busy")

    async def cancel(self, run_id: str) -> bool:
        """Ask Cog to stop a run; whether it may still be under way, as far as Cog knows."""
        timeout = aiohttp.ClientTimeout(total=10)
        # Where this fails, the run ends with its connection, and whoever holds it will know.
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            url = f"{self._url}/predictions/{run_id}/cancel"
            async with self._session.post(url, timeout=timeout) as response:
                return response.status != 404
        return True

    async def shut_down(self) -> None:
        """End Cog's server, for a new one to be started in its place."""
        timeout = aiohttp.ClientTimeout(total=10)
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with self._session.post(f"{self._url}/shutdown", timeout=timeout):
                pass

    async def _put(
        self, run_id: str, body: Mapping[str, Any], headers: Mapping[str, str]
    ) -> Ended | None:
        """One try; None when Cog is busy, also with an earlier request for the same run."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5)
        try:
            async with self._session.put(
                f"{self._url}/predictions/{run_id}", json=body, timeout=timeout, headers=headers
            ) as response:
                if response.status in (202, 409):
                    return None
                if response.status == 503:
                    raise NotAccepted("starting")
                if 400 <= response.status < 500:
                    return _refused(await response.text())
                return _ended(await response.json(content_type=None))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            raise NotAccepted("unreachable") from None
        except (aiohttp.ClientError, ValueError):
            raise RunLost from None


def parse_run(body: Mapping[str, Any]) -> Ended:
    """A run's state as Cog tells it, in an answer or a webhook.

    Raises RunLost, NotAccepted, ValueError.
    """
    return _ended(body)


def _ended(body: Mapping[str, Any]) -> Ended:
    status, logs, metrics = body.get("status"), body.get("logs") or "", body.get("metrics") or {}
    if not (isinstance(status, str) and isinstance(logs, str) and isinstance(metrics, dict)):
        raise ValueError("no run")  # noqa: TRY004 - a malformed answer, not a wrong argument
    error = body.get("error")
    if error and str(error).strip() == _CANCELED_EARLY:
        status, error = "canceled", None
    text = _PREFIX.sub("", str(error)) if error else None
    if text is not None and text.startswith(_NOT_SENT):
        raise NotAccepted("its worker has died")
    if text is not None and _RUN_LOST.match(text):
        raise RunLost
    return Ended(
        status=status,
        output=body.get("output"),
        error=text if status != "failed" else text or "The prediction failed.",
        logs=logs,
        metrics=metrics,
    )


def _refused(text: str) -> Ended:
    """Cog's 4xx: what the bridge's own validation let through is an error of the prediction."""
    return Ended("failed", None, f"The predictor refused the input: {text[:500]}", "", {})
