"""All that goes out, where a proxy is to be asked: the APIs, the picture servers, and looks at clients' URLs."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from gateway.clock import SystemClock
from gateway.errors import UpstreamUnavailable
from gateway.events import Event, ignore
from gateway.upstream.client import network
from gateway.upstream.egress.address_policy import AddressNotAllowed, AddressPolicy
from gateway.upstream.egress.cdn_client import MediaServers, PlatformServers
from gateway.upstream.egress.url_probe import Probe, Unreached
from gateway.upstream.hikerapi import endpoints
from gateway.upstream.hikerapi.client import HikerApi, connect
from gateway.upstream.platforms.client import PublishingPolicy
from gateway.upstream.platforms.dialects import Dialect, connect_publisher
from tests.media_proxy.servers import client_tls, host, says
from tests.upstream.harness import NATGEO, TRAY
from tests.upstream.proxy import ALLOWED, PASSWORD, Relay, relaying
from tests.upstream.sockets import GOOD, QUICK

LOOP = asyncio.SelectorEventLoop

API = "https://media.example.com"  # of the names that the certificate of the tests has


@pytest.fixture(autouse=True)
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hosts of the tests, in place of the machine's authorities."""
    monkeypatch.setattr("httpx.create_ssl_context", lambda **_: client_tls())


def reading(relay: Relay, base_url: str, events: list[Event] | None = None) -> HikerApi:
    hook = ignore if events is None else events.append
    return connect(
        base_url=base_url, key="key", clock=SystemClock(), hook=hook, rate=1e4, policy=QUICK, proxy=relay.proxy
    )


async def test_the_read_api_is_asked_through_the_proxy_s_tunnel() -> None:
    async with host(says(body=TRAY, content_type="application/json")) as api, relaying(port=api.port) as relay:
        client = reading(relay, API)
        outcomes = [await client.fetch(NATGEO) for _ in range(2)]
        await client.aclose()
    assert [outcome.problem for outcome in outcomes] == [None, None]
    assert relay.asked == ["CONNECT media.example.com:443"]  # once for both
    assert f"Proxy-Authorization: {ALLOWED}" in relay.heads[0]
    assert "x-access-key" not in relay.heads[0].lower()
    assert {asked.headers["x-access-key"] for asked in api.asked} == {"key"}
    assert not any("proxy-authorization" in asked.headers for asked in api.asked)


async def test_what_is_not_encrypted_is_sent_to_the_proxy_itself() -> None:
    async with relaying(plain=GOOD) as relay:
        client = reading(relay, "http://api.example.com")
        outcome = await client.fetch(NATGEO)
        await client.aclose()
    assert outcome.problem is None
    assert relay.asked == ["GET http://api.example.com" + endpoints.TRAY.target(NATGEO)]


@pytest.mark.parametrize("status", ["407 Proxy Authentication Required", "502 Bad Gateway", "403 Forbidden"])
async def test_a_proxy_that_refuses_costs_nothing_and_is_told_without_its_password(status: str) -> None:
    """Nothing has reached the upstream, so it cannot have billed anything."""
    events: list[Event] = []
    async with relaying(status=status) as relay:
        client = reading(relay, API, events)
        outcome = await client.fetch(NATGEO)
        await client.aclose()
    assert isinstance(outcome.problem, UpstreamUnavailable)
    assert (outcome.charged, outcome.in_doubt) == (0, False)
    assert PASSWORD not in repr(events) + str(outcome.problem)


async def test_a_proxy_that_is_away_is_an_upstream_that_is() -> None:
    async with relaying() as relay:
        pass
    client = reading(relay, API)
    outcome = await client.fetch(NATGEO)
    await client.aclose()
    assert isinstance(outcome.problem, UpstreamUnavailable)
    assert outcome.charged == 0


async def test_the_publishing_api_is_asked_through_the_tunnel_too() -> None:
    body = b'{"id": "787132", "username": "natgeo"}'
    async with host(says(body=body, content_type="application/json")) as api, relaying(port=api.port) as relay:
        publisher = connect_publisher(
            dialect=Dialect.PLATFORM,
            base_url=API,
            token="token",
            clock=SystemClock(),
            hook=ignore,
            policy=PublishingPolicy(),
            proxy=relay.proxy,
        )
        (account,) = await publisher.accounts()
        await publisher.aclose()
    assert account.username == "natgeo"
    assert relay.asked == ["CONNECT media.example.com:443"]


async def test_pictures_come_through_the_tunnel_from_the_platform_s_hosts_alone() -> None:
    """The proxy resolves the names, so it is by name that hosts are judged; TLS says that the name was right."""
    async with host(says(body=b"jpeg", content_type="image/jpeg")) as there, relaying(port=there.port) as relay:
        guard = AddressPolicy(ports=frozenset({443}))
        servers = MediaServers([PlatformServers(guard, connections=4, proxies=relay.proxies, tls=client_tls())])
        found = await servers.open("https://a.cdninstagram.com/a.jpg")
        assert b"".join([chunk async for chunk in found.chunks()]) == b"jpeg"
        await found.aclose()
        assert not servers.serves("https://media.example.com/a.jpg")
        await servers.aclose()
    assert relay.asked == ["CONNECT a.cdninstagram.com:443"]


async def test_clients_urls_are_looked_at_by_no_proxy() -> None:
    """It would go where the guard may not: into the network that it stands in."""
    async with relaying() as relay:
        probe = Probe.over_network(AddressPolicy(), proxies=relay.proxies)
        with pytest.raises(Unreached):
            await probe.content_type("https://images.example.com/a.jpg")
        with pytest.raises(AddressNotAllowed):
            await probe.content_type("https://10.0.0.1/a.jpg")
        await probe.aclose()
    assert relay.asked == []


async def test_urls_that_need_no_proxy_go_without_one() -> None:
    """By each request, since the list of those that need none has names."""
    made = list[object]()

    def make(proxy: object) -> network.OnDemand:
        made.append(proxy)
        raise ConnectionError

    async with relaying() as relay:
        proxies = type(relay.proxies)(relay.proxies.by_scheme, "direct.example.com")
        transport = network.ByProxies(proxies, make)
        for name in ("direct", "other"):
            with pytest.raises(ConnectionError):
                await transport.handle_async_request(httpx.Request("GET", f"https://{name}.example.com/"))
    assert made == [None, relay.proxy]
