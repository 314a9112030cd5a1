"""Handing a webhook to its receiver: one try, at a checked address, bounded in time."""

from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp

from outbound.policy import AddressRefused, PinnedResolver, Policy

SECONDS = 15.0  # a receiver should acknowledge first and work afterwards
_RETRIED = frozenset({408, 429})  # the client errors that a later try may cure


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a try. ``again`` says whether another one makes sense.

    ``status`` is that of the receiver's answer, None where there was none.
    """

    delivered: bool
    again: bool
    reason: str
    status: int | None = None


async def deliver(url: str, body: bytes, headers: Mapping[str, str], policy: Policy) -> Outcome:
    """POST ``body`` to ``url`` once. No redirects are followed; the answer's body is not read."""
    connector = aiohttp.TCPConnector(resolver=PinnedResolver(policy), use_dns_cache=False)
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    sent = {"Content-Type": "application/json", "User-Agent": "whisperx-stack", **headers}
    try:
        await policy.check(policy.parse_url(url))
        async with (
            aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
            session.post(url, data=body, headers=sent, allow_redirects=False) as response,
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
