"""A page that has its own name lead to the gateway asks as if it were the gateway's own: its name gives it away."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from gateway.composition.app import Gateway
from gateway.composition.process import Process
from gateway.http.hosts import MOST_SPELLINGS, HostCheck, Hosts
from gateway.sandbox import Sandbox
from gateway.settings import Settings
from tests.fakes.durable import VolatileDurable
from tests.fakes.gateway import Terms, WallClock, clients_file, key_of, sandbox_in
from tests.fakes.websocket import Refused, Socket

USER = {"query": "{ user(by: { id: 787132 }) { username } }"}
LOOPBACK = "http://127.0.0.1:8000"
OWN = (
    *("127.0.0.1:8000", "127.0.0.1", "127.0.0.1:", "localhost:8000", "LocalHost:1", "localhost.", "localhost.:8000"),
    *("[::1]:8000", "127.8.0.1:8000", "[0:0:0:0:0:0:0:1]", "[::FFFF:127.0.0.1]:8000"),
)
REBOUND = (
    *("evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.evil.example", "notlocalhost"),
    *("0.0.0.0:8000", "203.0.113.7:8000", "[2001:db8::7]:8000"),
)
NO_HOST = (
    *(
        "",
        ":8000",
        ".",
        "[",
        "[]",
        "[::1",
        "::1",
        "[localhost]",
        "localhost:80:80",
        "localhost:x",
        "localhost:000080",
        "a@localhost",
    ),
    *("localhost/", "local host", "127.1", "2130706433", "0x7f000001", "localhost\u00e9"),
)
KEY = {"x-api-key": key_of("web")}


@dataclasses.dataclass
class Asked:
    """A gateway, and what is asked of it under another name each time."""

    app: Starlette
    sandbox: Sandbox
    client: httpx.AsyncClient

    async def post(self, *hosts: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        return await self._send("POST", "/graphql", hosts, json=USER, headers=headers)

    async def get(self, path: str, *hosts: str) -> httpx.Response:
        return await self._send("GET", path, hosts)

    async def _send(self, method: str, path: str, hosts: tuple[str, ...], **rest: Any) -> httpx.Response:
        request = self.client.build_request(method, path, **rest)
        others = [(name, value) for name, value in request.headers.raw if name.lower() != b"host"]
        request.headers = httpx.Headers([*((b"host", host.encode("latin-1")) for host in hosts), *others])
        return await self.client.send(request)

    async def served(self, *hosts: str, headers: Mapping[str, str] | None = None) -> list[str]:
        """Those of the hosts by which it may be asked for. All others are refused, and cost nothing."""
        found = []
        for host in hosts:
            before = self.sandbox.meter.total_calls
            response = await self.post(host, headers=headers)
            if response.status_code == 200:
                found.append(host)
            else:
                assert refusal(response) == (421, "MISDIRECTED_REQUEST")
                assert self.sandbox.meter.total_calls == before
        return found


@contextlib.asynccontextmanager
async def asked(
    folder: Path,
    *,
    base_url: str = LOOPBACK,
    address: str | None = None,
    clients: Mapping[str, Terms] | None = None,
    **settings: Any,
) -> AsyncIterator[Asked]:
    table = Settings(data_dir=folder, **settings)
    if clients is not None:
        table = dataclasses.replace(table, clients_file=clients_file(folder, clients))
    clock = WallClock()
    app = Gateway(table, None, clock, base_url, durable=VolatileDurable(clock), process=Process(address=address)).app()
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway.test") as client,
    ):
        yield Asked(app, sandbox_in(app), client)


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Asked]:
    """Without clients, on this machine: as it starts unless told otherwise."""
    async with asked(tmp_path) as one:
        yield one


def refusal(response: httpx.Response) -> tuple[int, str]:
    (error,) = response.json()["errors"]
    return response.status_code, error["extensions"]["code"]


async def test_on_loopback_it_is_asked_for_by_the_names_of_this_machine_at_any_port(local: Asked) -> None:
    assert await local.served(*OWN, *REBOUND, *NO_HOST) == list(OWN)


async def test_hosts_written_in_many_ways_are_read_and_take_no_memory(local: Asked) -> None:
    """Each is served, however many came before; no more are remembered than one gateway's clients use."""
    check = HostCheck(local.app, hosts=Hosts.of(LOOPBACK))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(check), base_url="http://gateway.test") as client:
        for port in range(1, 3 * MOST_SPELLINGS):
            answer = await client.options("/graphql", headers={"host": f"127.0.0.1:{port}"})
            assert answer.status_code == 204
    assert check.size == MOST_SPELLINGS


async def test_a_request_names_one_host(local: Asked) -> None:
    for hosts in ((), ("localhost", "localhost"), ("localhost", "evil.example"), ("evil.example", "localhost")):
        assert refusal(await local.post(*hosts)) == (421, "MISDIRECTED_REQUEST")
    assert local.sandbox.meter.total_billed == 0


async def test_the_refusal_is_json_that_says_what_to_do(local: Asked) -> None:
    response = await local.post("evil.example", headers={"accept": "application/graphql-response+json"})
    assert response.headers["content-type"].startswith("application/graphql-response+json")
    assert "GATEWAY_ALLOWED_HOSTS" in response.json()["errors"][0]["message"]
    assert "evil.example" not in response.text
    head = await local.client.head("/graphql", headers={"host": "evil.example"})
    assert (head.status_code, head.content) == (421, b"")


async def test_what_was_answered_before_is_not_answered_to_another_host(local: Asked) -> None:
    for _ in range(3):
        assert (await local.post("localhost")).status_code == 200
    assert await local.served("localhost", "evil.example") == ["localhost"]


@pytest.mark.parametrize("path", ["/graphql", "/graphql/console/x", "/media/x", "/sandbox/sys/balance", "/nothing"])
async def test_nothing_but_its_health_is_told_under_another_name(local: Asked, path: str) -> None:
    assert refusal(await local.get(path, "evil.example")) == (421, "MISDIRECTED_REQUEST")
    for health in ("/healthz", "/readyz"):
        for hosts in (("10.1.2.3:8000",), ("gateway.default.svc",), ()):
            assert (await local.get(health, *hosts)).status_code == 200


async def test_no_websocket_is_opened_under_another_name(local: Asked) -> None:
    """The page's origin is its name as well, so the two agree."""
    async with Socket(local.app, headers={"host": "localhost:8000", "origin": "http://localhost:8000"}) as socket:
        await socket.init()
    for host in (*REBOUND, *NO_HOST):
        with pytest.raises(Refused) as refused:
            await Socket(local.app, headers={"host": host, "origin": f"http://{host}"}, denial=True).__aenter__()
        assert refused.value.status == 421
        with pytest.raises(Refused):
            await Socket(local.app, headers={"host": host, "origin": f"http://{host}"}).__aenter__()


async def test_where_all_addresses_are_listened_on_any_address_will_do(tmp_path: Path) -> None:
    """No name server stands between an address and whom it leads to."""
    async with asked(tmp_path, address="0.0.0.0") as one:
        good = ("203.0.113.7:8000", "[2001:db8::7]", "localhost:8000", "127.0.0.1", "[::1]", "0.0.0.0:8000")
        assert await one.served(*good, "evil.example", "gateway") == list(good)


async def test_behind_an_address_of_its_own_it_has_that_one_alone(tmp_path: Path) -> None:
    async with asked(tmp_path, base_url="http://[2001:db8::7]:8000", address="2001:db8::7") as one:
        good = ("[2001:db8::7]:8000", "[2001:0DB8:0:0::7]")
        assert await one.served(*good, "localhost", "127.0.0.1", "[2001:db8::8]", "evil.example") == list(good)


async def test_by_the_name_it_was_told_to_listen_on(tmp_path: Path) -> None:
    async with asked(tmp_path, base_url="http://Machine.lan:8000", address="127.0.1.1") as one:
        good = ("machine.lan:8000", "MACHINE.LAN.", "localhost", "127.0.1.1")
        assert await one.served(*good, "other.lan", "evil.example") == list(good)


async def test_by_its_public_name_and_by_those_allowed(tmp_path: Path) -> None:
    settings = Settings.read(
        {
            "GATEWAY_PUBLIC_URL": "https://Public.example:8443/highlights",
            "GATEWAY_ALLOWED_HOSTS": "Gateway gateway.default.svc. 192.0.2.1 [2001:DB8::1] 2001:db8::2",
        }
    )
    given = {name: getattr(settings, name) for name in ("public_url", "allowed_hosts")}
    good = ("public.example", "gateway:8000", "gateway.default.svc", "192.0.2.1", "[2001:db8::1]:1", "[2001:db8::2]")
    bad = ("sub.public.example", "gateway.evil.example", "svc", "192.0.2.2", "evil.example")
    async with asked(tmp_path, **given) as local:
        assert await local.served(*good, "localhost", *bad) == [*good, "localhost"]
    async with asked(tmp_path, clients={"web": Terms()}, **given) as shared:
        assert await shared.served(*good, "localhost", *bad, headers=KEY) == [*good, "localhost"]


async def test_with_clients_it_is_asked_for_by_any_name_unless_told_otherwise(tmp_path: Path) -> None:
    """Whoever has no key gets nothing there, and routers ask by whatever name they know it by."""
    async with asked(tmp_path, clients={"web": Terms()}, public_url="https://public.example") as shared:
        assert await shared.served("gateway:8000", "10.1.2.3", headers=KEY) == ["gateway:8000", "10.1.2.3"]
        assert refusal(await shared.post("gateway")) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize("path", ["/graphql/", "/healthz/", "/media/x/", "/sandbox", "/sandbox/sys/balance/"])
async def test_nobody_is_sent_where_the_host_says(tmp_path: Path, path: str) -> None:
    async with asked(tmp_path, clients={"web": Terms()}) as shared:
        response = await shared.get(path, "evil.example")
        assert response.status_code == 404
        assert "evil.example" not in str(response.headers)


@pytest.mark.parametrize("hosts", ["https://a.example", "a.example:8000", "[::1", "a/b", "*", "a,b", "[::1]:80"])
def test_what_is_no_host_cannot_be_allowed(hosts: str) -> None:
    with pytest.raises(Exception, match="GATEWAY_ALLOWED_HOSTS must be host names or addresses without ports"):
        Settings.read({"GATEWAY_ALLOWED_HOSTS": f"good.example {hosts}"})
