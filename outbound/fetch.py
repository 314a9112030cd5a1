"""Downloading a client's file: pinned address, every redirect checked, bounded in size and time."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from yarl import URL

from outbound.policy import AddressRefused, PinnedResolver, Policy, parsed

MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CHUNK = 1 << 18  # bytes read at a time: large enough to be fast, small enough for many at once


class FetchFailed(Exception):
    """The file could not be had. The message is safe to show: it holds no query string."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one download: bytes, seconds in all, seconds without a byte."""

    max_bytes: int
    total_seconds: float = 600.0
    idle_seconds: float = 30.0


async def fetch(text: str, target: Path, *, policy: Policy, limits: Limits) -> int:
    """Write what ``text`` points to into ``target``; the number of bytes.

    Raises FetchFailed with the reason (also for addresses that ``policy`` refuses).
    """
    timeout = aiohttp.ClientTimeout(
        total=limits.total_seconds, sock_connect=15, sock_read=limits.idle_seconds
    )
    # A connector of its own: a pooled connection would outlive the check of its address.
    connector = aiohttp.TCPConnector(resolver=PinnedResolver(policy), use_dns_cache=False)
    try:
        async with aiohttp.ClientSession(
            connector=connector, timeout=timeout, headers={"User-Agent": "whisperx-stack"}
        ) as session:
            return await _follow(session, text, target, policy, limits)
    except AddressRefused as refusal:
        raise FetchFailed(str(refusal)) from None
    except TimeoutError:
        raise FetchFailed("the download took too long") from None
    except aiohttp.ClientError as error:
        raise FetchFailed(_reason(error)) from None


async def _follow(
    session: aiohttp.ClientSession, text: str, target: Path, policy: Policy, limits: Limits
) -> int:
    url = policy.parse_url(text)
    for _ in range(MAX_REDIRECTS + 1):
        await policy.check(url)
        async with session.get(url, allow_redirects=False) as response:
            location = response.headers.get("Location")
            if response.status in _REDIRECTS and location:
                url = _redirected(url, location, policy)
                continue
            if response.status != 200:
                raise FetchFailed(
                    f"the server answered {response.status} {response.reason or ''}".rstrip()
                )
            return await _save(response, target, limits.max_bytes)
    raise FetchFailed(f"more than {MAX_REDIRECTS} redirects")


def _redirected(url: URL, location: str, policy: Policy) -> URL:
    try:
        target = url.join(parsed(location))
    except ValueError:
        raise AddressRefused("it redirects to what is no URL") from None
    return policy.parse_url(str(target))


async def _save(response: aiohttp.ClientResponse, target: Path, max_bytes: int) -> int:
    if (response.content_length or 0) > max_bytes:
        raise FetchFailed(f"the file is larger than {max_bytes} bytes")
    size = 0
    with target.open("wb") as file:
        async for chunk in response.content.iter_chunked(_CHUNK):
            size += len(chunk)
            if size > max_bytes:
                raise FetchFailed(f"the file is larger than {max_bytes} bytes")
            await asyncio.to_thread(file.write, chunk)
    return size


def _reason(error: aiohttp.ClientError) -> str:
    """Why, without the address or query that aiohttp's own messages carry."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, AddressRefused):
            return str(cause)
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
        return "the server's certificate is not valid"
    if isinstance(error, aiohttp.ClientConnectorError):
        return "the server cannot be reached"
    if isinstance(error, aiohttp.InvalidURL):
        return "not a valid URL"
    return "the download broke off"
