"""Handing a webhook to its receiver: one try, at a checked address, bounded in time."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import aiohttp

from outbound import signing
from outbound.policy import AddressRefused, PinnedResolver, Policy

SECONDS = 15.0  # a receiver should acknowledge first and work afterwards
_RETRIED = frozenset({408, 429})  # the client errors that a later try may cure


@dataclass(frozen=True, slots=True)
class Message:
    """A webhook to send.

    Its id is the same on every try, so that a receiver can tell a repetition. It is signed by each
    of ``keys``, and not at all without one.
    """

    url: str
    id: str
    body: bytes
    keys: Sequence[str] = field(default=(), repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a try. ``again`` says whether another one makes sense.

    ``status`` is that of the receiver's answer, None where there was none.
    """

    delivered: bool
    again: bool
    reason: str
    status: int | None = None


async def deliver(message: Message, policy: Policy) -> Outcome:
    """POST it once, signed. No redirects are followed; the answer's body is not read."""
    sent = {"Content-Type": "application/json", "User-Agent": "whisperx-stack", **message.headers}
    if message.keys:
        key, *retired = message.keys
        sent |= signing.headers(key, message.id, int(time.time()), message.body, retired)
    connector = aiohttp.TCPConnector(resolver=PinnedResolver(policy), use_dns_cache=False)
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    try:
        await policy.check(policy.parse_url(message.url))
        async with (
            aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
            session.post(
                message.url, data=message.body, headers=sent, allow_redirects=False
            ) as response,
        ):
            return _judge(response.status)
    except AddressRefused as refusal:
        return Outcome(delivered=False, again=True, reason=str(refusal))
    except TimeoutError:
        return Outcome(delivered=False, again=True, reason="no answer in time")
    except aiohttp.ClientError:
        return Outcome(delivered=False, again=True, reason="the receiver cannot be reached")
    finally:
        await connector.close()


def _judge(status: int) -> Outcome:
    if 200 <= status < 300:
        return Outcome(delivered=True, again=False, reason=f"answered {status}", status=status)
    permanent = 300 <= status < 500 and status not in _RETRIED
    return Outcome(delivered=False, again=not permanent, reason=f"answered {status}", status=status)
