"""The whole gateway in-process, with the sandbox at its wire and a wall clock that is moved by hand.

    async with running_gateway(tmp_path) as gateway:
        answer = await gateway.query("{ user(by: { id: 787132 }) { username } }")

Whenever one is taken down, the books are compared: what its ledger holds is what the sandbox billed, and so is what its
answers told their clients.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import hashlib
import io
import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
from PIL import Image
from starlette.applications import Starlette
from starlette.routing import Mount

from gateway.billing.ledger_file import LedgerFile
from gateway.clients import Clients
from gateway.clock import SystemClock
from gateway.composition.app import Gateway
from gateway.composition.traces import TraceExport
from gateway.operations.response_cache import ResponseCache
from gateway.sandbox import Sandbox
from gateway.sandbox.faults import Processing, Script
from gateway.settings import Settings
from gateway.upstream.hikerapi import endpoints
from tests.fakes.clock import EPOCH
from tests.fakes.durable import VolatileDurable

LABELS = {endpoint.path: endpoint.label for endpoint in endpoints.ENDPOINTS}
ORIGIN = "http://gateway.test"
PICTURE = re.compile(re.escape(ORIGIN) + r"/sandbox/cdn/[^\"]*")


class WallClock(SystemClock):
    """The wall clock stands still until `advance`, so that answers and their URLs repeat; durations are real."""

    def __init__(self, epoch: float = EPOCH) -> None:
        self._now = epoch

    def now(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += seconds


class FlowingClock(WallClock):
    """The wall clock goes on, so that what is processed upstream is ready at some time."""

    def now(self) -> float:
        return super().now() + self.monotonic()


class VirtualWallClock(FlowingClock):
    """On a VirtualLoop."""

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()


@dataclass(frozen=True, slots=True)
class Terms:
    """An entry of the clients file; the key is `key-of-NAME`, where an id is given `key-of-ID`."""

    rights: Sequence[str] = ("read",)
    ceiling: int | None = None
    allowance: Mapping[str, int] = field(default_factory=dict)
    accounts: Sequence[str] | None = None
    id: str | None = None
    expires: float | None = None
    """Of its key, in Unix seconds."""
    is_disabled: bool = False
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A GraphQL response as the client sees it."""

    status: int
    headers: httpx.Headers
    body: dict[str, Any]

    @property
    def data(self) -> Any:
        return self.body.get("data")

    @property
    def urls(self) -> list[str]:
        """All URLs of the picture server in it."""
        return PICTURE.findall(msgspec.json.encode(self.data).decode())

    @property
    def readable(self) -> Any:
        """The data with the signatures cut out of its URLs: only the expiry says something to who reads a test."""
        return msgspec.json.decode(PICTURE.sub(_shortened, msgspec.json.encode(self.data).decode()))

    @property
    def errors(self) -> list[tuple[str, str]]:
        """Path, its keys joined by dots, and code."""
        return [
            (".".join(map(str, error.get("path", ()))), error["extensions"]["code"])
            for error in self.body.get("errors", ())
        ]

    @property
    def billing(self) -> dict[str, Any]:
        billing: dict[str, Any] = self.body["extensions"]["billing"]
        return billing

    @property
    def charged(self) -> int:
        return int(self.headers.get("x-billed-requests", "0"))


def details(error: Mapping[str, Any]) -> dict[str, Any]:
    """The extensions of an error, but for the request id: each request has its own."""
    return {name: value for name, value in error["extensions"].items() if name != "requestId"}


class RunningGateway:
    """What a test does with a gateway, and reads of the sandbox behind it."""

    def __init__(self, app: Starlette, client: httpx.AsyncClient, clock: WallClock, parts: Gateway) -> None:
        self.app = app
        self.parts = parts
        self.clients: Clients = parts.access.clients
        self.kept: ResponseCache = parts.operations.answers
        self.client = client
        self.clock = clock
        self.reported = 0
        self.sandbox = sandbox_in(app)

    async def query(
        self,
        document: str,
        variables: Mapping[str, Any] | None = None,
        *,
        client: str | None = None,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Asks as the named client of the clients file, or with a key. A status above 299 is for the caller to see."""
        shown = key if client is None else key_of(client)
        keyed = {} if shown is None else {"x-api-key": shown}
        body = {"query": document, "variables": dict(variables or {})}
        response = await self.client.post("/graphql", json=body, headers={**keyed, **(headers or {})})
        answer = Answer(response.status_code, response.headers, response.json())
        self.reported += answer.charged
        return answer

    @property
    def calls(self) -> Counter[str]:
        """Reads of the upstream so far, by endpoint. Reading the balance is free and does not count."""
        calls = self.sandbox.meter.calls
        return Counter({LABELS[path]: count for path, count in calls.items() if path in LABELS and count})

    @property
    def published(self) -> list[dict[str, Any]]:
        """Every highlight that was ever made by a write."""
        made: list[dict[str, Any]] = msgspec.to_builtins(self.sandbox.publishing.studio.published())["highlights"]
        return made

    async def knows_its_balance(self) -> None:
        """It is read in the background: returns when it is known."""
        while self.parts.spending.account.balance is None:  # noqa: ASYNC110 (nothing tells)
            await asyncio.sleep(0)

    async def knows_its_accounts(self, client: str | None = None) -> None:
        """The platform is asked in the background whose token the gateway holds: returns when it has said."""
        while not (await self.query("{ accounts { id } }", client=client)).data["accounts"]:  # noqa: ASYNC110 (nothing tells)
            await asyncio.sleep(0.005)

    def at_once(self) -> None:
        """Uploads are processed without delay."""
        self.sandbox.faults.play(Script([Processing(seconds=0.0)]))

    @property
    def billed(self) -> int:
        """By the sandbox's own count."""
        return self.sandbox.meter.total_billed


def sandbox_in(app: Starlette) -> Sandbox:
    mounted = (route.app for route in app.routes if isinstance(route, Mount))
    states = (part.state for part in mounted if isinstance(part, Starlette))
    sandbox: Sandbox = next(state.sandbox for state in states if hasattr(state, "sandbox"))
    return sandbox


def _shortened(url: re.Match[str]) -> str:
    path, _, query = url[0].partition("?")
    return f"{path}?oe={query.rpartition('oe=')[2]}"


def a_jpeg() -> bytes:
    """As a phone's camera makes them, if smaller."""
    file = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").resize((540, 960)).save(file, "JPEG")
    return file.getvalue()


def key_of(client: str) -> str:
    return f"key-of-{client}"


@contextlib.asynccontextmanager
async def running_gateway(
    data_dir: Path,
    *,
    settings: Settings | None = None,
    clock: WallClock | None = None,
    clients: Mapping[str, Terms] | None = None,
    all_heard: bool = True,
    keeps_flows: bool = False,
    traces: TraceExport | None = None,
) -> AsyncIterator[RunningGateway]:
    """A gateway on the embedded sandbox, whose flows are lost when it ends, unless it `keeps_flows` on disk.

    `all_heard` says that no client goes away before its answer: then the answers alone account for every charge.
    """
    clock = clock or WallClock()
    settings = dataclasses.replace(settings or Settings(), data_dir=data_dir)
    if clients is not None:
        settings = dataclasses.replace(settings, clients_file=clients_file(data_dir, clients))
    durable = None if keeps_flows else VolatileDurable(clock)
    parts = Gateway(settings, None, clock, ORIGIN, durable=durable, traces=traces)
    app = parts.app()
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client,
    ):
        gateway = RunningGateway(app, client, clock, parts)
        yield gateway
    assert _settled(settings.database_path) == gateway.billed, "the ledger differs from what the sandbox billed"
    if all_heard:
        assert gateway.reported == gateway.billed, "the answers differ from what the sandbox billed"


def _settled(path: Path) -> int:
    ledger = LedgerFile(path)
    with contextlib.closing(ledger):
        return sum(row.billed for row in ledger.report(date.min, date.max, None))


def clients_file(folder: Path, clients: Mapping[str, Terms]) -> Path:
    path = folder / "clients.toml"
    path.write_text("".join(_entry(name, terms) for name, terms in clients.items()))
    return path


def _entry(name: str, terms: Terms) -> str:
    allowance = ", ".join(f"{window} = {limit}" for window, limit in terms.allowance.items())
    digest = hashlib.sha256(key_of(terms.id or name).encode()).hexdigest()
    lines = ["[[client]]", f'name = "{name}"', f"rights = {msgspec.json.encode(list(terms.rights)).decode()}"]
    lines += [f"disabled = {str(terms.is_disabled).lower()}", f"allowance = {{ {allowance} }}"]
    if terms.expires is None:
        lines.append(f'key_sha256 = "{digest}"')
    else:
        moment = datetime.fromtimestamp(terms.expires, UTC).isoformat()
        lines.append(f'keys = [{{ sha256 = "{digest}", expires = {moment} }}]')
    if terms.id is not None:
        lines.append(f'id = "{terms.id}"')
    if terms.weight != 1:
        lines.append(f"weight = {terms.weight}")
    if terms.ceiling is not None:
        lines.append(f"ceiling = {terms.ceiling}")
    if terms.accounts is not None:
        lines.append(f"accounts = {msgspec.json.encode(list(terms.accounts)).decode()}")
    return "\n".join(lines) + "\n"
