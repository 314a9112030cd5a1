"""Which addresses may be called: public ones, whatever spelling a private one hides behind."""

import pytest

from outbound.policy import AddressRefused, Policy

PRIVATE = [
    "127.0.0.1",
    "localhost",
    "2130706433",
    "0x7f000001",
    "127.1",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "fd00::1",
    "fe80::1",
    "224.0.0.1",
    "240.0.0.1",
]


@pytest.mark.parametrize("host", PRIVATE)
async def test_private_addresses_are_refused(host: str) -> None:
    with pytest.raises(AddressRefused):
        await Policy().resolve(host, 80)


@pytest.mark.parametrize("host", ["8.8.8.8", "2001:4860:4860::8888"])
async def test_public_addresses_pass(host: str) -> None:
    assert [str(address) for address in await Policy().resolve(host, 443)] == [host]


@pytest.mark.parametrize(
    "url",
    [
        *("file:///etc/passwd", "/etc/passwd", "ftp://h/x", "http://", "s3://b/k"),
        *("http://h:99999/", "http://[", "http://[]@", "http://xn--/", "http://.xn--p/"),
        "http://xn--a-ecp.ru/",
    ],
)
def test_only_http_urls_with_a_host_are_parsed(url: str) -> None:
    with pytest.raises(AddressRefused):
        Policy().parse_url(url)


async def test_the_operator_may_allow_hosts_ports_and_networks() -> None:
    policy = Policy.parse("localhost:9000, 10.0.0.0/8")
    assert await policy.resolve("localhost", 9000)
    assert await policy.resolve("10.9.9.9", 80)
    for host, port in (("localhost", 9001), ("192.168.0.1", 80)):
        with pytest.raises(AddressRefused):
            await policy.resolve(host, port)


@pytest.mark.parametrize("allowed", ["127.0.0.1", "127.0.0.1:9000", "127.0.0.0/8"])
async def test_an_address_that_is_allowed_may_be_called_by_its_names(
    monkeypatch: pytest.MonkeyPatch, allowed: str
) -> None:
    """``localhost`` is ``::1`` on many machines, too; that one is not called then."""
    both = [(0, 0, 0, "", (address, 9000)) for address in ("::1", "127.0.0.1")]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_args, **_named: both)
    assert [str(a) for a in await Policy.parse(allowed).resolve("localhost", 9000)] == ["127.0.0.1"]


async def test_a_refusal_names_the_address_and_the_variable() -> None:
    with pytest.raises(AddressRefused) as raised:
        await Policy().resolve("localhost", 80)
    assert "127.0.0.1" in str(raised.value) or "::1" in str(raised.value)
    assert "is private; the operator may allow it in ALLOWED_PRIVATE_HOSTS" in str(raised.value)


async def test_a_name_that_does_not_resolve_is_refused_in_words() -> None:
    with pytest.raises(AddressRefused, match="cannot be resolved"):
        await Policy().resolve("no-such-host.invalid", 80)
