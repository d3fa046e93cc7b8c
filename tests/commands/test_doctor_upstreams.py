"""`doctor` over the network: reachable, trusted, in time, accepted, and paid for; by one free request."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.billing.ledger_file import LedgerFile
from gateway.billing.ledger_store import Row
from gateway.clock import Clock
from gateway.commands.doctor import connections
from gateway.commands.doctor.connections import Connect
from gateway.commands.doctor.findings import Finding, Installation, Result
from gateway.commands.doctor.upstreams import findings_of
from gateway.domain.proxies import Proxy
from gateway.settings import Settings
from tests.commands.copies import tree
from tests.fakes.certificates import CertificateFiles
from tests.fakes.clock import EPOCH
from tests.fakes.gateway import WallClock
from tests.upstream.proxy import PASSWORD, relaying

LOOP = asyncio.SelectorEventLoop

KEY, TOKEN = "k3y-never-seen", "t0ken-never-seen"  # pragma: allowlist secret
READING = {"GATEWAY_HIKERAPI_URL": "https://hiker.test", "GATEWAY_HIKERAPI_KEY": KEY}
PUBLISHING = {"GATEWAY_PLATFORM_URL": "https://platform.test", "GATEWAY_PLATFORM_TOKEN": TOKEN}
# Not the default one, which a gateway that was tried here has written to.
NO_DATA = "/nowhere/data"
BALANCE = {"requests": 7_000, "rate": 15, "currency": "USD", "amount": 12.5}
OWNER = {"id": "787132", "username": "natgeo"}
TODAY = datetime.fromtimestamp(EPOCH, UTC)


class Wire:
    """Both APIs behind one transport: their responses, and the requests that came."""

    def __init__(self, reading: httpx.Response | None = None, publishing: httpx.Response | None = None) -> None:
        self.reading = reading or answer(200, BALANCE)
        self.publishing = publishing or answer(200, OWNER)
        self.requests: list[httpx.Request] = []

    def connect(self, proxy: Proxy | None) -> httpx.AsyncBaseTransport:
        return httpx.MockTransport(self._play)

    async def _play(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        found = self.reading if request.url.host == "hiker.test" else self.publishing
        return httpx.Response(found.status_code, content=found.content, headers=found.headers)


def answer(status: int, body: object, *, ahead: float = 0.0, **headers: str) -> httpx.Response:
    """`ahead` is by how much the server's clock is ahead of the one here."""
    told = format_datetime(TODAY + timedelta(seconds=ahead), usegmt=True)
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx.Response(status, content=content, headers={"date": told} | headers)


async def findings(environ: dict[str, str], connect: Connect, clock: Clock | None = None) -> dict[str, Finding]:
    settings, sources = Settings.read_with_sources({"GATEWAY_DATA_DIR": NO_DATA} | environ)
    found = await findings_of(Installation(settings, sources, clock or WallClock()), connect)
    assert [one.check for one in found] == ["upstream", "clock", "key", "balance", "publishing"]
    text = repr(found)
    assert KEY not in text
    assert TOKEN not in text
    assert PASSWORD not in text
    assert all((one.remedy is not None) == (one.result in (Result.WARNING, Result.PROBLEM)) for one in found)
    return {one.check: one for one in found}


def results(found: dict[str, Finding]) -> dict[str, str]:
    return {check: one.result.value for check, one in found.items() if one.result is not Result.OK}


async def test_one_free_request_tells_upstream_clock_key_and_balance() -> None:
    wire = Wire()
    found = await findings(READING | PUBLISHING, wire.connect)
    assert results(found) == {}
    assert sorted((request.method, str(request.url)) for request in wire.requests) == [
        ("GET", "https://hiker.test/sys/balance"),
        ("GET", "https://platform.test/users/self"),
    ]
    assert found["balance"].finding.startswith("7,000 billed requests are left, worth 12.50 USD; the ledger has no")
    assert "natgeo (787132)" in found["publishing"].finding


async def test_nothing_is_asked_where_nothing_is_configured() -> None:
    wire = Wire()
    found = await findings({}, wire.connect)
    assert set(results(found).values()) == {"skipped"}
    assert wire.requests == []


@pytest.mark.parametrize(
    ("ahead", "result", "told"),
    [
        (-31, "problem", "is 31 s ahead of that of the upstream"),
        (31, "problem", "is 31 s behind that of the upstream"),
        (29, None, "is 29 s behind that of the upstream"),
        (0, None, "is 0 s ahead of that of the upstream"),
    ],
)
async def test_a_clock_is_off_by_30_seconds_at_most(ahead: float, result: str | None, told: str) -> None:
    found = await findings(READING, Wire(answer(200, BALANCE, ahead=ahead)).connect)
    assert results(found).get("clock") == result
    assert told in found["clock"].finding


async def test_the_time_of_a_stored_response_is_not_that_of_now() -> None:
    found = await findings(READING, Wire(answer(200, BALANCE, ahead=-300, age="300")).connect)
    assert found["clock"].result is Result.OK


@pytest.mark.parametrize("told", ["", "yesterday", "Thu, 01 Jan 1970 00:00:00 +999999"])
async def test_a_time_that_is_none_is_left_out(told: str) -> None:
    wire = Wire(httpx.Response(200, json=BALANCE, headers={"date": told} if told else {}))
    assert (await findings(READING, wire.connect))["clock"].result is Result.SKIPPED


REFUSALS = {
    "a wrong key": (
        answer(401, {"state": False, "error": "Token is invalid"}),
        {"key": "problem", "balance": "skipped"},
    ),
    "an empty account": (answer(402, {"state": False, "exc_type": "InsufficientFunds"}), {"balance": "problem"}),
    "an edge that denies access": (answer(403, b"error code: 1010"), {"key": "problem", "balance": "skipped"}),
    "a rate limit": (answer(429, b""), {"key": "skipped", "balance": "skipped"}),
    "an API that fails": (answer(503, b""), {"upstream": "problem", "key": "skipped", "balance": "skipped"}),
    "another API": (answer(404, b"nothing here"), {"upstream": "problem", "key": "skipped", "balance": "skipped"}),
    "another page": (answer(200, b"<html>"), {"key": "skipped", "balance": "skipped"}),
}


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_what_the_upstream_refuses_is_told_as_what_it_is(refusal: str) -> None:
    response, expected = REFUSALS[refusal]
    wire = Wire(response)
    found = await findings(READING, wire.connect)
    assert results(found) == {**expected, "publishing": "skipped"}
    assert len(wire.requests) == 1, "it is not repeated: a script does that"


async def test_a_balance_at_the_floor_buys_nothing() -> None:
    found = await findings(READING | {"GATEWAY_BALANCE_FLOOR": "7000"}, Wire().connect)
    assert (found["balance"].result, "nothing is bought" in found["balance"].finding) == (Result.PROBLEM, True)


@pytest.mark.parametrize(
    ("spent", "result", "told"),
    [
        ({0: 600, 1: 600, 6: 600}, Result.OK, "they last for"),
        ({0: 6_000, 3: 6_000}, Result.WARNING, "they last for"),
        ({8: 6_000}, Result.OK, "no spending of the last 7 days"),
    ],
)
async def test_the_ledger_tells_how_long_the_balance_lasts(
    spent: dict[int, int], result: Result, told: str, tmp_path: Path
) -> None:
    rows = [Row(TODAY.date() - timedelta(days=ago), "web", "tray", 1, billed) for ago, billed in spent.items()]
    with contextlib.closing(LedgerFile(tmp_path / "gateway.sqlite3")) as ledger, ledger.transaction():
        ledger.spend(rows)
    found = await findings(READING | {"GATEWAY_DATA_DIR": str(tmp_path)}, Wire().connect)
    assert (found["balance"].result, told in found["balance"].finding) == (result, True), found["balance"]


async def test_the_days_that_are_left_are_those_of_the_mean_of_the_last_days(tmp_path: Path) -> None:
    """12:00 of the seventh day: 6.5 days in which 1,300 were spent; 7,000 less the floor of 1,000 last for 30.

    What is leased does not count.
    """
    noon = datetime.combine(TODAY.date(), datetime.min.time(), UTC) + timedelta(hours=12)
    with contextlib.closing(LedgerFile(tmp_path / "gateway.sqlite3")) as ledger, ledger.transaction():
        ledger.spend([Row(_ago(6), "web", "tray", 1, 300), Row(_ago(0), "shop", "profile", 1, 1_000)])
        ledger.lease("web", "day", int(noon.timestamp()) // 86_400 * 86_400, 64)
    before = tree(tmp_path)
    given = READING | {"GATEWAY_DATA_DIR": str(tmp_path), "GATEWAY_BALANCE_FLOOR": "1000"}
    found = await findings(given, Wire().connect, WallClock(noon.timestamp()))
    assert "at 200 a day, as in the last 6.5 days, they last for 30.0 days" in found["balance"].finding
    assert tree(tmp_path) == before


def _ago(days: int) -> date:
    return TODAY.date() - timedelta(days=days)


TOKENS = {
    "a token that is refused": ("platform", answer(401, {"error": {"code": 190, "error_subcode": 463}}), "TOKEN"),
    "a session that has ended": ("aiograpi", answer(403, {"exc_type": "LoginRequired"}), "TOKEN"),
    "another API": ("aiograpi", answer(404, {"detail": "Not Found"}), "DIALECT"),
    "an API that fails": ("platform", answer(503, b""), "URL"),
    "another page": ("platform", answer(200, b"<html>"), "URL"),
}


@pytest.mark.parametrize("case", TOKENS)
async def test_a_token_that_does_not_work_is_told_with_the_setting_to_check(case: str) -> None:
    """And is not refreshed: the new one would be known to nobody."""
    dialect, response, setting = TOKENS[case]
    wire = Wire(publishing=response)
    found = await findings(PUBLISHING | {"GATEWAY_PLATFORM_DIALECT": dialect}, wire.connect)
    assert found["publishing"].result is Result.PROBLEM
    assert f"GATEWAY_PLATFORM_{setting}" in (found["publishing"].remedy or "")
    assert len(wire.requests) == 1


async def test_keys_that_can_be_read_on_the_way_are_a_warning() -> None:
    given = READING | PUBLISHING
    given |= {name: value.replace("https", "http") for name, value in given.items() if name.endswith("_URL")}
    found = await findings(given, Wire().connect)
    assert results(found) == {"upstream": "warning", "publishing": "warning"}


@pytest.mark.parametrize("url", ["http://localhost:1", "http://127.0.0.1:1", "http://[::1]:1", "https://hiker.test"])
def test_nobody_reads_what_stays_on_this_machine(url: str) -> None:
    assert not connections.is_in_clear(url)


# -- real connections


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def unreached(url: str, proxy: str | None = None, **settings: Any) -> Finding:
    given = {"GATEWAY_HIKERAPI_URL": url, "GATEWAY_HIKERAPI_KEY": KEY} | (
        {} if proxy is None else {"HTTPS_PROXY": proxy}
    )
    found = await findings(given, connections.connect)
    assert results(found) == dict.fromkeys(found, "skipped") | {"upstream": "problem"}
    return found["upstream"]


@contextlib.asynccontextmanager
async def serving(serve: Serve, tls: ssl.SSLContext | None = None) -> Any:
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def test_a_port_that_is_closed() -> None:
    async with serving(closing) as port:
        pass
    finding = await unreached(f"http://127.0.0.1:{port}")
    assert finding.finding == "127.0.0.1 refuses the connection."


async def test_a_name_that_is_none() -> None:
    finding = await unreached("https://upstream.invalid")
    assert finding.finding == "The name of upstream.invalid is unknown."


async def test_a_server_that_closes_the_connection() -> None:
    async with serving(closing) as port:
        finding = await unreached(f"http://127.0.0.1:{port}")
    assert finding.finding == "There is no response from 127.0.0.1."


async def test_a_server_that_speaks_no_tls() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with serving(talk) as port:
        finding = await unreached(f"https://127.0.0.1:{port}")
    assert finding.finding == "127.0.0.1 speaks no usable TLS."


async def test_a_certificate_that_nobody_trusts(tmp_path: Path) -> None:
    files = CertificateFiles(tmp_path / "chain.pem", tmp_path / "key.pem").write()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(files.chain, files.key)
    async with serving(closing, tls) as port:
        finding = await unreached(f"https://localhost:{port}")
    assert finding.finding.startswith("The certificate of localhost is not trusted: self")
    assert "SSL_CERT_FILE" in (finding.remedy or "")


async def test_a_server_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.commands.doctor.upstreams.TIMEOUT_SECONDS", 0.05)
    released = asyncio.Event()

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await released.wait()
        writer.close()

    async with serving(wait) as port:
        finding = await unreached(f"http://127.0.0.1:{port}")
        released.set()
    assert "has not answered within" in finding.finding


async def test_a_proxy_that_refuses_is_named_by_its_variable() -> None:
    async with relaying(status="407 Proxy Authentication Required") as relay:
        finding = await unreached("https://hiker.test", relay.proxy.url)
    assert finding.finding == "The proxy of HTTPS_PROXY does not connect to hiker.test."
    assert "HTTPS_PROXY" in (finding.remedy or "")


async def test_a_proxy_that_is_away() -> None:
    async with relaying() as relay:
        pass
    finding = await unreached("https://hiker.test", relay.proxy.url)
    assert finding.finding == "The proxy of HTTPS_PROXY refuses the connection."
