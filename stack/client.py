"""A small client of the API, for the demo, the tests and the benchmarks: upload, follow, get."""

import asyncio
import io
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import aiohttp

POLL_SECONDS = 0.2
_PERCENT = re.compile(r"^\s*(\d+)%\s*\|", re.MULTILINE)


class ApiError(Exception):
    """The API refused the request; the message is its own."""


class Client:
    """Speaks to one bridge."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str) -> None:
        self._session: Final = session
        self._url: Final = url
        self._headers: Final = {"Authorization": f"Bearer {token}"}

    async def create_from_file(self, path: Path, **inputs: Any) -> dict[str, Any]:
        """Upload a recording; the new prediction."""
        form = aiohttp.FormData()
        for name, value in inputs.items():
            form.add_field(name, str(value))
        with path.open("rb") as file:
            form.add_field("audio_file", file, filename=path.name)
            return await self._call("POST", "/v1/predictions", data=form)

    async def create(self, body: dict[str, Any], **headers: str) -> dict[str, Any]:
        """Send a JSON request; the new prediction."""
        # A data URI is large: as a stream, it does not hold up everything else while it is sent.
        content = io.BytesIO(json.dumps(body).encode())
        given = {"Content-Type": "application/json", **headers}
        return await self._call("POST", "/v1/predictions", data=content, headers=given)

    async def get(self, prediction_id: str) -> dict[str, Any]:
        """The prediction as it is now."""
        return await self._call("GET", f"/v1/predictions/{prediction_id}")

    async def cancel(self, prediction_id: str) -> dict[str, Any]:
        """Ask for its end; the prediction as it is then."""
        return await self._call("POST", f"/v1/predictions/{prediction_id}/cancel")

    async def follow(self, prediction_id: str) -> AsyncIterator[dict[str, Any]]:
        """The prediction again and again, the last time when it has ended."""
        while True:
            prediction = await self.get(prediction_id)
            yield prediction
            if prediction["completed_at"] is not None:
                return
            await asyncio.sleep(POLL_SECONDS)

    async def finish(self, prediction_id: str) -> dict[str, Any]:
        """The prediction once it has ended."""
        last: dict[str, Any] = {}
        async for prediction in self.follow(prediction_id):
            last = prediction
        return last

    async def _call(
        self, method: str, path: str, headers: dict[str, str] | None = None, **arguments: Any
    ) -> dict[str, Any]:
        async with self._session.request(
            method, self._url + path, headers={**self._headers, **(headers or {})}, **arguments
        ) as response:
            body: dict[str, Any] = await response.json(content_type=None)
            if response.status >= 400:
                raise ApiError(str(body.get("detail", response.status)).strip())
            return body


def progress(logs: str) -> int:
    """Percent done, by the last progress line of a prediction's logs."""
    found = _PERCENT.findall(logs)
    return int(found[-1]) if found else 0
