"""Which addresses may be called on a client's behalf.

A client's URL must not become a way into the network that this service runs in: only public
addresses are allowed, unless the operator lists a private host. The check is on the resolved
address, and the connection is made to that very address (see `PinnedResolver`), so a name that
resolves differently the second time gains nothing.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field

from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # IPv4 inside IPv6 (RFC 6052), as gateways route it
_DEFAULT_PORTS = {"http": 80, "https": 443}


class AddressRefused(Exception):
    """The address may not be called. The message is safe to show to the client."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Public addresses, plus what the operator allows by name or network."""

    hosts: frozenset[tuple[str, int | None]] = field(default=frozenset())
    networks: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, allowed: str) -> "Policy":
        """From a comma-separated list of ``host``, ``host:port`` or CIDR.

        Raises ValueError for an entry that is none of them.
        """
        hosts: set[tuple[str, int | None]] = set()
        networks: list[Network] = []
        for entry in filter(None, (part.strip() for part in allowed.split(","))):
            if "/" in entry:
                networks.append(ipaddress.ip_network(entry))
                continue
            url = URL(f"http://{entry}")
            if not url.host:
                raise ValueError(f"{entry!r} is not host, host:port or CIDR")
            hosts.add((url.host.lower(), url.explicit_port))
        return cls(frozenset(hosts), tuple(networks))

    def parse_url(self, text: str) -> URL:
        """``text`` as an http(s) URL with a host. Raises AddressRefused with the reason."""
        try:
            url = parsed(text)
            host, port = url.host, url.port  # an international name may be none
        except ValueError:
            raise AddressRefused("not a valid URL") from None
        if url.scheme not in _DEFAULT_PORTS:
            raise AddressRefused("only http and https URLs are accepted")
        if not host or port is None:
            raise AddressRefused("the URL names no host")
        return url

    async def check(self, url: URL) -> None:
        """Raises AddressRefused unless the URL's host may be called.

        The connector asks the pinned resolver for names only, never for literal addresses, so this
        is what covers those.
        """
        await self.resolve(url.host or "", url.port or 0)

    async def resolve(self, host: str, port: int) -> list[Address]:
        """The addresses of ``host`` that may be called. Raises AddressRefused without any."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError):
            raise AddressRefused("the host name cannot be resolved") from None
        addresses = [ipaddress.ip_address(entry[4][0]) for entry in found]
        allowed = [
            address
            for address in addresses
            if self._allows_host(host, port) or self._allows(address, port)
        ]
        if not allowed:
            named = "" if str(addresses[0]) == host else f" {addresses[0]}"
            raise AddressRefused(
                f"the host's address{named} is private; the operator may allow it in "
                "ALLOWED_PRIVATE_HOSTS"
            )
        return list(dict.fromkeys(allowed))

    def _allows_host(self, host: str, port: int) -> bool:
        name = host.lower()
        return (name, None) in self.hosts or (name, port) in self.hosts

    def _allows(self, address: Address, port: int) -> bool:
        inner = _embedded(address)
        if any(inner in network for network in self.networks):
            return True
        # An address that is allowed may be called by any of its names.
        if self._allows_host(str(inner), port):
            return True
        return inner.is_global and not inner.is_multicast and not inner.is_reserved


class PinnedResolver(AbstractResolver):
    """Resolves by ``policy``, so that a connection goes to an address that was checked."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_INET,  # noqa: ARG002 - aiohttp passes it
    ) -> list[ResolveResult]:
        """What aiohttp's connector asks. Raises AddressRefused."""
        addresses: Sequence[Address] = await self._policy.resolve(host, port)
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=socket.AF_INET if address.version == 4 else socket.AF_INET6,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        """Nothing is held."""


def parsed(text: str) -> URL:
    """A client's text as a URL. Raises ValueError where it is none."""
    try:
        return URL(text)
    except IndexError:  # yarl looks at the first character of no host at all: http://[]@
        raise ValueError("not a valid URL") from None


def _embedded(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one, where there is one; else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address
