"""An upstream, a proxy before it, and gateways on one data directory, each a process of its own but the proxy."""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import uvicorn

from tests import processes
from tests.chaos import fault_profiles
from tests.chaos.clients import Clients
from tests.chaos.gateways import Gateway
from tests.chaos.kill_points import AIOGRAPI, PLATFORM, Points
from tests.chaos.proxy import Proxy
from tests.chaos.upstream import Upstream
from tests.commands.process import PROGRAM, address, environment
from tests.durable.postgres import Cluster

LAST = "last"


@dataclass(frozen=True, slots=True)
class Database:
    """A PostgreSQL for the flows, and the folder where all it is told stands."""

    url: str
    folder: Path

    @classmethod
    def of(cls, server: Cluster) -> Self:
        return cls(server.create().replace("postgresql+psycopg:", "postgresql:"), server.folder / "data")


@dataclass(frozen=True, slots=True)
class Plan:
    """How it is to go.

    seconds         how long orders keep coming, and gateways are killed at random
    limit           seconds until it is given up
    random_kills    beside those at the named points, of which each is struck `rounds` times
    most_points     how many of the named points of each kind are struck at most; None: all
    starts_to_kill  how many starts do not live to their end
    timeout         seconds after which gateways give up a call
    database        for the flows; None: SQLite
    host            the settings of the host of a gateway by its name; None: all are on one data directory
    """

    dialect: str = "platform"
    gateways: int = 2
    seconds: float = 0.0
    limit: float = 60.0
    random_kills: int = 0
    starts_to_kill: int = 0
    rounds: int = 0
    most_points: int | None = None
    timeout: int = 3
    database: Database | None = None
    host: Callable[[str], Mapping[str, str]] | None = None
    seed: int = 0

    @property
    def is_idempotent(self) -> bool:
        return self.dialect == "platform"


class House:
    def __init__(self, plan: Plan, folder: Path, upstream: Upstream, base: str) -> None:
        """`base` is the proxy's URL."""
        self.plan = plan
        self.upstream = upstream
        self.data = folder / "data"
        points = PLATFORM if plan.is_idempotent else AIOGRAPI
        self.points = Points(points, random.Random(plan.seed), rounds=plan.rounds, most=plan.most_points)
        self._folder = folder
        self._base = base
        self._dice = random.Random(plan.seed)
        self._token, self._app_secret, self._verify = (secrets.token_hex(12) for _ in range(3))
        self.proxy = Proxy(upstream.url, self._token, self.points, self._strike, self._dice)
        self.gateways = [self._gateway(f"g{number}") for number in range(plan.gateways)]
        self.clients = Clients(self.gateways, upstream, self._dice)
        self._living: list[asyncio.Task[None]] = []

    @property
    def folders(self) -> list[Path]:
        """Where gateways keep things."""
        return [self.data, *([self.plan.database.folder] if self.plan.database else [])]

    @property
    def secrets(self) -> list[str]:
        return [self._token, self._app_secret, self._verify]

    def logs(self) -> dict[str, str]:
        return {path.name: path.read_text() for path in self._folder.glob("*.log")}

    async def open(self) -> None:
        for gateway in self.gateways:
            await self._move_in(gateway)

    async def storm(self) -> None:
        """From now on the upstream fails, and its webhooks are as unreliable as they may be."""
        if self.plan.is_idempotent:
            for gateway in self.gateways:
                url = f"{gateway.url}/webhooks/platform"
                mode = fault_profiles.WEBHOOKS | {"seed": self.plan.seed}
                await self.upstream.tell(url, self._app_secret, self._verify, mode)
        await self.upstream.play(
            fault_profiles.PLATFORM if self.plan.is_idempotent else fault_profiles.AIOGRAPI, self.plan.seed
        )

    async def last(self) -> Gateway:
        """A gateway that knows only what is on disk and upstream, in the place of all others. These end in peace."""
        await self.upstream.play((), self.plan.seed)
        for gateway in self.gateways:
            await gateway.end()
        gateway = self._gateway(LAST)
        self.gateways.append(gateway)
        await self._move_in(gateway)
        return gateway

    async def aclose(self) -> None:
        for gateway in self.gateways:
            gateway.kill_for_good("in the end")
        await asyncio.gather(*self._living, return_exceptions=True)
        await self.clients.aclose()
        await self.proxy.aclose()
        await self.upstream.aclose()

    async def _move_in(self, gateway: Gateway) -> None:
        self._living.append(asyncio.create_task(gateway.live()))
        await gateway.ready()

    def _strike(self, name: str, where: str) -> None:
        (gateway,) = (gateway for gateway in self.gateways if gateway.name == name)
        gateway.kill(where)

    def _gateway(self, name: str) -> Gateway:
        share = 0 if name == LAST else self.plan.starts_to_kill // self.plan.gateways
        log = self._folder / f"{name}.log"
        return Gateway(name, self._settings(name), log, self._dice, starts_to_kill=share)

    def data_of(self, name: str) -> Path:
        return self.data if self.plan.host is None else self.data / name

    def _settings(self, name: str) -> Mapping[str, str]:
        own = {} if self.plan.host is None else self.plan.host(name)
        database = {"GATEWAY_DATABASE_URL": self.plan.database.url} if self.plan.database else {}
        return {
            "GATEWAY_HIKERAPI_URL": self.upstream.url,
            "GATEWAY_HIKERAPI_KEY": "sandbox",  # pragma: allowlist secret
            "GATEWAY_HIKERAPI_RATE": "1000",
            "GATEWAY_PLATFORM_URL": f"{self._base}/{name}/{self.plan.dialect}",
            "GATEWAY_PLATFORM_TOKEN": self._token,
            "GATEWAY_PLATFORM_DIALECT": self.plan.dialect,
            "GATEWAY_PLATFORM_APP_SECRET": self._app_secret,
            "GATEWAY_PLATFORM_VERIFY_TOKEN": self._verify,
            "GATEWAY_PLATFORM_RATE": "200",
            "GATEWAY_PLATFORM_TIMEOUT": str(self.plan.timeout),
            "GATEWAY_DATA_DIR": str(self.data_of(name)),
            "GATEWAY_LOG_LEVEL": "debug",
            **database,
            **own,
        }


@contextlib.asynccontextmanager
async def house(plan: Plan, folder: Path) -> AsyncIterator[House]:
    """Before anything has gone wrong."""
    with _sandbox(folder) as upstream, socket.create_server(("127.0.0.1", 0), backlog=2048) as door:
        base = f"http://127.0.0.1:{door.getsockname()[1]}"
        made = House(plan, folder, Upstream(upstream), base)
        await made.upstream.let_publish(1_000_000)
        async with _served(made.proxy, door):
            try:
                await made.open()
                yield made
            finally:
                await made.aclose()


@contextlib.contextmanager
def _sandbox(folder: Path) -> Iterator[str]:
    """Its URL. It complains of each connection that it was told to break: into a file, as nobody reads along."""
    with (folder / "sandbox.txt").open("wb") as complaints:
        command = [*PROGRAM, "sandbox", "--port", "0"]
        options = {"env": environment({}), "stdout": subprocess.PIPE, "stderr": complaints}
        with processes.group(command, **options) as process:
            assert process.stdout is not None
            yield address(process.stdout.readline())


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Whoever interrupts means the storm, and not the proxy alone."""
        yield


@contextlib.asynccontextmanager
async def _served(proxy: Proxy, door: socket.socket) -> AsyncIterator[None]:
    config = uvicorn.Config(
        proxy, lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=1, ws="none"
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[door]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving
