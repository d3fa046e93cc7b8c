"""Nobody can make the gateway go to where only the gateway can go."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncIterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.upstream.client.aiohttp_transport import aiohttp_transport
from gateway.upstream.egress.address_policy import LONGEST_URL, AddressNotAllowed, AddressPolicy, is_public
from gateway.upstream.egress.redirects import MOST
from gateway.upstream.egress.url_probe import Probe, Unreached
from tests.media_proxy.servers import ELSEWHERE, HERE, Asked, Host, client_tls, host, says

PUBLIC = ["8.8.8.8", "157.240.0.1", "2a03:2880:f003::1", "2606:4700::1111", "64:ff9b::808:808"]
PRIVATE = [
    "0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255",
    "192.0.0.9", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1",
    "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1", "64:ff9b::a00:1",
    "64:ff9b:1::808:808", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "5f00::1", "fc00::1",
    "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_hosts_of_the_internet_are_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", PRIVATE)
def test_all_others_are_not(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@given(st.ip_addresses(v=4))
def test_what_python_knows_to_be_special_is_not_public(address: ipaddress.IPv4Address) -> None:
    special = address.is_private or address.is_multicast or address.is_reserved or address.is_link_local
    assert not (special and is_public(address))


@given(st.ip_addresses(v=4))
def test_an_address_is_as_public_however_ipv6_wraps_it(address: ipaddress.IPv4Address) -> None:
    """Translated it is the same host; mapped and relayed forms are used by nobody who means well."""
    number = int(address)
    assert is_public(ipaddress.IPv6Address((0x64FF9B << 96) | number)) == is_public(address)
    assert not is_public(ipaddress.IPv6Address((0xFFFF << 32) | number))
    assert not is_public(ipaddress.IPv6Address((0x2002 << 112) | (number << 80)))


@pytest.mark.parametrize(
    "url",
    [
        "https://media.example.com/a.jpg?sig=1",
        "https://media.example.com:443/a.jpg",
        "https://media.example.com./a.jpg",
        "https://MEDIA.EXAMPLE.COM",
        "https://xn--bcher-kva.example/a.jpg",
        "https://8.8.8.8/a.jpg",
        "https://[2606:4700::1111]/a.jpg",
    ],
)
def test_a_url_of_a_public_host_is_accepted(url: str) -> None:
    AddressPolicy().check(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://media.example.com/a.jpg", "ftp://media.example.com/", "file:///etc/passwd", "//media.example.com/a",
        "data:image/png;base64,AA==", "https:///a.jpg", "https://", "media.example.com/a.jpg", "",
        "https://user@media.example.com/a.jpg",
        "https://user:secret@media.example.com/a.jpg",  # pragma: allowlist secret
        "https://media.example.com@127.0.0.1/a.jpg", "https://media.example.com\\@127.0.0.1/", "https://@media.example.com/",
        "https://media.example.com:8443/a.jpg", "https://media.example.com:80/", "https://media.example.com:x/",
        "https://media.example.com:99999/", "https://media.example.com:-1/",
        "https://127.0.0.1/", "https://127.1/", "https://127.0.1/", "https://2130706433/", "https://0x7f000001/",
        "https://0x7f.0.0.1/", "https://0177.0.0.1/", "https://0127.0.0.1/", "https://017700000001/", "https://127.0.0.1./",
        "https://10.0.0.1/", "https://192.168.0.1/", "https://169.254.169.254/latest/meta-data/", "https://100.64.0.1/",
        "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:8.8.8.8]/", "https://[fe80::1%25eth0]/",
        "https://[fe80::1%eth0]/", "https://[::/", "https://[64:ff9b::7f00:1]/", "https://0/", "https://1.2.3.4.5/",
        "https://localhost/", "https://LOCALHOST/", "https://localhost./", "https://a.localhost/", "https://printer/",
        "https://printer.local/", "https://metadata.google.internal/", "https://router.lan/", "https://nas.home.arpa/",
        "https://example.com\n/", "https://example.com\t/", " https://example.com/", "https://exa mple.com/",
        "https://example.com#@127.0.0.1/\u0000", "https://①②⑦.⓪.⓪.①/", "https://bücher.example/", "https://ⓔxample.com/",
        "https://example。com/", "https://exam%70le.com/", "https://127.0.0.1%2f@example.com/", "https://-a.com/",
        "https://example..com/", "https://.com/", "https://media.example.com/" + "a" * LONGEST_URL,
    ],
)  # fmt: skip
def test_any_other_url_is_refused(url: str) -> None:
    with pytest.raises(AddressNotAllowed) as refused:
        AddressPolicy().check(url)
    assert "secret" not in str(refused.value)


@given(st.text(max_size=40), st.sampled_from(["https://", "https://[", "https://a.b:", "https://a.b@", ""]))
def test_no_text_breaks_the_guard(text: str, begin: str) -> None:
    try:
        AddressPolicy().check(begin + text)
    except AddressNotAllowed:
        return
    assert httpx.URL(begin + text).scheme == "https"


@pytest.fixture
async def there() -> AsyncIterator[Host]:
    async with host(says(content_type="image/jpeg; charset=binary")) as running:
        yield running


@pytest.fixture
async def probe(there: Host) -> AsyncIterator[Probe]:
    probe = Probe.over_network(there.guard, tls=client_tls())
    yield probe
    await probe.aclose()


async def test_a_look_tells_what_is_there_without_fetching_it(there: Host, probe: Probe) -> None:
    assert await probe.content_type(there.url()) == "image/jpeg"
    assert [asked.method for asked in there.asked] == ["HEAD"]


@pytest.mark.parametrize("addresses", [[ELSEWHERE], [HERE, ELSEWHERE], ["::1"], ["10.0.0.1"], ["169.254.169.254"]])
async def test_a_name_that_leads_elsewhere_is_refused(there: Host, probe: Probe, addresses: list[str]) -> None:
    """Also if only one of its addresses does: which of them is taken is left to chance."""
    there.names["media.example.com"] = [addresses]
    with pytest.raises(AddressNotAllowed):
        await probe.content_type(there.url())
    assert there.asked == []


async def test_a_name_that_leads_elsewhere_only_when_it_counts_is_not_followed(there: Host, probe: Probe) -> None:
    """The address that is looked at last is the one that is connected to."""
    there.names["media.example.com"] = [[HERE], [ELSEWHERE]]
    with pytest.raises(Unreached):
        await probe.content_type(there.url())
    assert there.lookups == ["media.example.com"] * 2
    assert there.asked == []


async def test_a_socket_is_opened_to_no_address_that_is_not_admitted(there: Host) -> None:
    """Whatever the URL was taken for before: here it is an address that no lookup is asked about."""
    transport = aiohttp_transport(connections=1, keep_alive=1, guard=there.guard, tls=client_tls())
    with pytest.raises(httpx.TransportError):
        await transport.handle_async_request(httpx.Request("GET", f"https://{ELSEWHERE}:{there.port}/"))
    await transport.aclose()
    assert there.asked == []


@pytest.mark.parametrize(
    "location",
    [
        "http://media.example.com/a.jpg", "https://127.0.0.1/", "https://[::1]/", "https://169.254.169.254/", "file:///etc",
        "https://localhost/", "//10.0.0.1/", "https://evil.example.com:{port}/", "https://user@media.example.com:{port}/",
        "https://media.example.com:22/", "https://[", "gopher://media.example.com/",
    ],
)  # fmt: skip
async def test_a_redirect_to_elsewhere_is_refused(there: Host, probe: Probe, location: str) -> None:
    there.names["evil.example.com"] = [["192.168.0.1"]]
    there.answer = says("302 Found", location=location.format(port=there.port))
    with pytest.raises(AddressNotAllowed):
        await probe.content_type(there.url())
    assert len(there.asked) == 1


async def test_redirects_are_followed_up_to_an_end(there: Host, probe: Probe) -> None:
    found = says(content_type="video/mp4")

    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        left = int(asked.target.strip("/"))
        await (says("307 Temporary Redirect", location=f"/{left - 1}") if left else found)(asked, writer)

    there.answer = answer
    assert await probe.content_type(there.url(f"/{MOST}")) == "video/mp4"
    with pytest.raises(AddressNotAllowed):
        await probe.content_type(there.url(f"/{MOST + 1}"))


async def test_what_cannot_be_reached_is_not_judged(there: Host, probe: Probe) -> None:
    there.names["media.example.com"] = [[]]
    with pytest.raises(Unreached):
        await probe.content_type(there.url())
    there.names["media.example.com"] = [[HERE]]
    for status in ("404 Not Found", "405 Method Not Allowed", "500 Internal Server Error"):
        there.answer = says(status)
        with pytest.raises(Unreached):
            await probe.content_type(there.url())


async def test_a_host_with_the_wrong_certificate_is_not_believed(there: Host, probe: Probe) -> None:
    with pytest.raises(Unreached):
        await probe.content_type(there.url(host="unknown.example.org"))
    assert there.asked == []
