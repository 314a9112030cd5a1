"""On the path of every process that the platform tests start: no word leaves this machine."""

import ipaddress
import os
import sys


def _address(host: object) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    text = host.decode() if isinstance(host, bytes) else str(host)
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None


def _stays(event: str, host: object) -> bool:
    address = _address(host)
    if event == "socket.getaddrinfo":  # nobody is asked about an address or about nothing
        return host in {None, "", "localhost", b"localhost"} or address is not None
    return address is not None and (address.is_loopback or address.is_unspecified)


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    if not _stays(event, host):
        with open(os.environ["LEAVING"], "a", encoding="utf-8") as file:  # noqa: PTH123
            file.write(f"{event} {host!r}\n")
        raise OSError(f"tests stay on this machine: {host!r}")


sys.addaudithook(_watch)
