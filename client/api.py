"""The service's HTTP API as the command line uses it. An outage is waited for, not reported.

Every call may be sent again: a transcription is created under an id that its content determines,
so that the second request finds what the first one made.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, BinaryIO, Final, Self

import httpx

from client.failures import Exit, Failure
from client.server import Refusal, Server, denied, document, no_server, refusal

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0  # seconds between two tries of a call
BREAKS = 5  # of one call's connection, while others are answered
# Answers that waiting changes: too many at once, restarting, a proxy without its server, full.
_PASSING = frozenset({429, 502, 503, 504, 507})
_TIMEOUT = httpx.Timeout(60.0, connect=10.0, read=120.0, pool=None)
_LOOPBACK: Mapping[str, None] = {
    f"all://{host}": None for host in ("127.0.0.1", "localhost", "[::1]")
}

Json = dict[str, Any]
Notice = Callable[[str | None], None]
"""Called with the reason for a wait, and with None when it is over."""


class Api:
    """Speaks to one service. ``patience`` is how many seconds an outage may last."""

    def __init__(
        self, server: Server, http: httpx.AsyncClient, patience: float, notice: Notice
    ) -> None:
        self.server: Final = server
        self.patience = patience
        self._http: Final = http
        self._notice: Final = notice
        self.reached = False
        """Whether it has answered: from then on an outage is waited for."""

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, server: Server, patience: float = 0.0, notice: Notice = lambda _: None
    ) -> AsyncIterator[Self]:
        """An Api for the length of a block."""
        async with httpx.AsyncClient(
            headers=server.headers,
            timeout=_TIMEOUT,
            mounts=_LOOPBACK,  # a proxy of the environment cannot reach this machine's own
            follow_redirects=False,
        ) as http:
            yield cls(server, http, patience, notice)

    async def reach(self, *, wait: bool = False) -> None:
        """Returns once the service has answered and taken the token; ``wait``: also for its start.

        Raises Failure.
        """
        self.reached = wait
        account = await self.call("GET", "/v1/account")
        if "username" not in account:
            raise no_server(self.server, "what answers there is another program")

    async def find(self, prediction: str) -> Json | None:
        """The transcription as it is now; None where there is none."""
        try:
            return await self.call("GET", f"/v1/predictions/{prediction}")
        except Refusal as said:
            if said.status == 404:
                return None
            raise

    async def create_from_file(
        self, prediction: str, file: BinaryIO, name: str, inputs: Mapping[str, Any]
    ) -> Json:
        """Upload a recording, as a stream; the transcription of that id, new or not."""

        def body() -> Json:
            file.seek(0)
            sent = {"audio_file": (name, file, "application/octet-stream")}
            return {"data": {key: _form(value) for key, value in inputs.items()}, "files": sent}

        return await self.call("PUT", f"/v1/predictions/{prediction}", body)

    async def create(self, prediction: str, inputs: Mapping[str, Any]) -> Json:
        """The same for a recording that the service fetches."""
        path = f"/v1/predictions/{prediction}"
        return await self.call("PUT", path, lambda: {"json": {"input": dict(inputs)}})

    async def output(self, prediction: str, kind: str) -> bytes:
        """The result in a format."""
        path = f"/v1/predictions/{prediction}/output"
        return (await self._answer("GET", path, lambda: {"params": {"format": kind}})).content

    async def cancel(self, prediction: str) -> Json:
        """Ask for its end; the transcription as it is then."""
        return await self.call("POST", f"/v1/predictions/{prediction}/cancel")

    async def delete(self, prediction: str) -> None:
        """Stop it, and delete everything that belongs to it."""
        await self._answer("DELETE", f"/v1/predictions/{prediction}", dict)

    async def call(self, method: str, path: str, body: Callable[[], Json] = dict) -> Json:
        """The JSON object that is answered. Raises Refusal and Failure."""
        return document(await self._answer(method, path, body))

    async def _answer(self, method: str, path: str, body: Callable[[], Json]) -> httpx.Response:
        """An answer that is no error. ``body`` makes the content anew for each try."""
        pause, since, breaks = FIRST_PAUSE, time.monotonic(), 0
        while True:
            try:
                response = await self._http.request(method, self.server.url + path, **body())
                reason = f"it answers {response.status_code}: {refusal(response)}"
            except httpx.TransportError as error:
                if not self.reached:
                    raise no_server(self.server, _cause(error)) from None
                response, reason = None, f"it does not answer: {_cause(error)}"
            if response is not None and response.status_code not in _PASSING:
                self.reached = True
                self._notice(None)
                return self._accepted(response)
            if response is None and await self._alive():
                breaks += 1
                if breaks == BREAKS:
                    raise Refusal(0, f"the connection broke {breaks} times; {reason}")
            if time.monotonic() - since + pause > self.patience:
                raise self._given_up(response, reason)
            self._notice(f"waiting for {self.server}; {reason}")
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _alive(self) -> bool:
        """Whether the service answers, so that a broken connection is no outage."""
        try:
            return (await self._http.get(f"{self.server.url}/health")).is_success
        except httpx.TransportError:
            return False

    def _accepted(self, response: httpx.Response) -> httpx.Response:
        if response.status_code in {401, 403}:
            raise denied(self.server)
        if response.status_code >= 300:
            raise refusal(response)
        return response

    def _given_up(self, response: httpx.Response | None, reason: str) -> Failure:
        where = f"{self.server} is not usable" if response is not None else f"{self.server} is gone"
        return Failure(
            f"{where}; {reason}. What it had accepted goes on there: start again to fetch it",
            Exit.UNREACHABLE,
        )


def _form(value: Any) -> str:
    """A form's text for an input; a list is a JSON array."""
    return value if isinstance(value, str) else json.dumps(value)


def _cause(error: httpx.TransportError) -> str:
    return str(error) or type(error).__name__
