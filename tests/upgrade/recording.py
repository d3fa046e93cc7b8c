"""Makes one fixture: a gateway process after another on one data directory, each killed at its stop."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import random
import subprocess
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from gateway.publishing.owners import flow_of
from tests.chaos.commands import ACCOUNT, Order
from tests.chaos.gateways import Gateway
from tests.durable.postgres import Cluster
from tests.fakes.gateway import Terms, clients_file
from tests.fakes.served import served
from tests.upgrade import asking
from tests.upgrade.asking import EDITOR
from tests.upgrade.cases import Case, cases
from tests.upgrade.fixtures import DATA, DUMP, Account, KeptFlow, Manifest, pack
from tests.upgrade.upstream import Noting, SteppedClock, published_in, replayed

ENDED = frozenset({"DONE", "FAILED", "CANCELLED"})
ENOUGH = 1_000_000
DAY = 86_400.0
# To write spending to the ledger's file takes a gateway a second.
FLUSHED = 2.5
# Allowances of a day; and what each reads, which nobody has read before in the same gateway.
READERS = {"reader": 100, "spender": 3, "lessee": 100}
READ = {
    "reader": ("natgeo", "thirty.highlights"),
    "spender": ("integer.pk", "zero.items"),
    "lessee": ("natgeo", "every.attachment"),
}
SLOT_LOCKS = "flows.slots/*.lock"


class Recorder:
    """`url` is that of the upstream."""

    def __init__(self, folder: Path, dialect: str, upstream: Noting, url: str, database: str | None):
        self._data = folder / DATA
        self._logs = folder.with_suffix(".log")
        self._dialect = dialect
        self._upstream = upstream
        self._url = url
        self._database = database
        self._locks: dict[Path, int] = {}
        self._orders: dict[int, Order] = {}
        self.flows: list[KeptFlow] = []
        self.accounts: dict[str, Account] = {}

    async def record(self) -> None:
        self._data.mkdir()
        rights = {"read": ["read", "balance"], "write": ["read", "write"]}
        editor = Terms(rights["write"], allowance={"day": 1_000}, accounts=[ACCOUNT], expires=int(time.time() + DAY))
        readers = {name: Terms(rights["read"], allowance={"day": limit}) for name, limit in READERS.items()}
        clients_file(self._data, {EDITOR: editor, **readers})
        self._control("quota", {"total": ENOUGH})
        listed = cases(self._dialect)
        await self._ended([case for case in listed if case.stop is None and case.name != "acknowledged"])
        for case in listed:
            if case.stop is not None or case.name == "acknowledged":
                await self._stopped(case)
        await self._leased()

    async def _ended(self, listed: list[Case]) -> None:
        """By a gateway that ends in peace."""
        async with self._gateway() as gateway:
            for case in listed:
                with self._circumstances(case):
                    await self._placed(gateway, case)
                    case.flow.receipt = await self._until_ended(gateway, case.flow)
                made = case.flow.receipt["highlight"]
                case.flow.pk = made["pk"] if made else None
                self._orders[case.flow.number] = case.flow.order(self._orders)
                print(f"{case.name}: {case.flow.receipt['state']}", flush=True)
            for client in ("reader", "spender"):
                await self._spend(gateway, client, was_killed=False)
            await gateway.end()

    async def _stopped(self, case: Case) -> None:
        stop = case.stop
        async with self._gateway() as gateway:
            self._upstream.kill = partial(gateway.kill_for_good, case.name)
            with self._circumstances(case):
                self._upstream.stop = stop
                try:
                    await self._placed(gateway, case)
                except httpx.HTTPError:
                    if stop is None:
                        raise
                if stop is None:
                    gateway.kill_for_good(case.name)
                elif stop.moment is None:
                    await self._cancelled(gateway, case.flow)
                await self._dead(gateway)
            self._upstream.stop = None
        case.flow.stop = case.name
        print(f"stopped: {case.name}", flush=True)

    async def _leased(self) -> None:
        """A gateway that is killed keeps what it had leased."""
        async with self._gateway() as gateway:
            await self._spend(gateway, "lessee", was_killed=True)
            gateway.kill_for_good("with leases")
            await self._dead(gateway)

    async def _cancelled(self, gateway: Gateway, flow: KeptFlow) -> None:
        while not self._upstream.is_held:  # noqa: ASYNC110 (another thread says it)
            await asyncio.sleep(0.05)
        done = asking.told(await asyncio.to_thread(asking.ask, gateway.url, asking.CANCEL, {"id": flow.flow}))
        assert done["done"]["flow"]["state"] == "CANCELLED", done
        flow.receipt = await self._receipt(gateway, flow)
        gateway.kill_for_good("when it was cancelled")

    async def _placed(self, gateway: Gateway, case: Case) -> None:
        flow = case.flow
        if flow.base is not None:
            flow.stories = self._stories_of(flow.base)
        order = flow.order(self._orders)
        flow.flow = flow_of(EDITOR, order.key)
        self.flows.append(flow)
        variables = {"input": flow.input(order)}
        answer = await asyncio.to_thread(asking.ask, gateway.url, order.document, variables, files=order.files)
        done = asking.told(answer)["done"]
        assert (done["flow"] or {}).get("id") == flow.flow, done

    async def _until_ended(self, gateway: Gateway, flow: KeptFlow) -> dict[str, Any]:
        async with asyncio.timeout(60.0):
            while True:
                found = await self._receipt(gateway, flow)
                if found["state"] in ENDED:
                    return found
                await asyncio.sleep(0.2)

    async def _receipt(self, gateway: Gateway, flow: KeptFlow) -> dict[str, Any]:
        return await asyncio.to_thread(asking.receipt, gateway.url, flow.flow)

    async def _spend(self, gateway: Gateway, client: str, *, was_killed: bool) -> None:
        """As far as the allowance goes."""
        billed = 0
        for name in READ[client]:
            document = f'{{ user(by: {{ username: "{name}" }}) {{ id highlights {{ nodes {{ title }} }} }} }}'
            answer = await asyncio.to_thread(asking.ask, gateway.url, document, client=client)
            billed += int(answer.headers.get("x-billed-requests", "0"))
        await asyncio.sleep(FLUSHED)
        self.accounts[client] = Account(READERS[client], billed, was_killed)
        print(f"{client} spent {billed}", flush=True)

    def _stories_of(self, base: int) -> list[str]:
        told = httpx.get(f"{self._url}/_control/published").json()
        (one,) = (each for each in told["highlights"] if each["id"] == self._orders[base].pk)
        ids = {story["id"].partition("_")[0]: story["id"] for story in told["stories"]}
        return [ids[item] for item in one["media_ids"]]

    @contextlib.contextmanager
    def _circumstances(self, case: Case) -> Iterator[None]:
        if case.faults:
            self._control("faults", {"faults": list(case.faults)})
        if case.quota is not None:
            self._control("quota", {"total": case.quota})
        yield
        if case.faults:
            self._control("faults", {"faults": []})
        if case.quota is not None:
            self._control("quota", {"total": ENOUGH})

    def _control(self, what: str, body: dict[str, Any]) -> None:
        httpx.post(f"{self._url}/_control/{what}", json=body).raise_for_status()

    @contextlib.asynccontextmanager
    async def _gateway(self) -> Any:
        settings = {
            "GATEWAY_HIKERAPI_URL": self._url,
            "GATEWAY_HIKERAPI_KEY": "sandbox",  # pragma: allowlist secret
            "GATEWAY_PLATFORM_URL": f"{self._url}/{self._dialect}",
            "GATEWAY_PLATFORM_TOKEN": "sandbox",
            "GATEWAY_PLATFORM_DIALECT": self._dialect,
            "GATEWAY_DATA_DIR": str(self._data),
            "GATEWAY_CLIENTS_FILE": str(self._data / "clients.toml"),
            **({"GATEWAY_DATABASE_URL": self._database} if self._database else {}),
        }
        gateway = Gateway("recorded", settings, self._logs, random.Random(0))
        living = asyncio.create_task(gateway.live())
        await gateway.ready()
        try:
            yield gateway
        finally:
            gateway.kill_for_good("in the end")
            await living

    async def _dead(self, gateway: Gateway) -> None:
        """Its slot is held from then on: the next gateway would carry out what it left."""
        async with asyncio.timeout(60.0):
            while gateway.is_alive:  # noqa: ASYNC110 (another process says it)
                await asyncio.sleep(0.02)
        for path in set(self._data.glob(SLOT_LOCKS)) - self._locks.keys():
            self._locks[path] = os.open(path, os.O_RDWR)
            fcntl.flock(self._locks[path], fcntl.LOCK_EX | fcntl.LOCK_NB)

    def close(self) -> None:
        for lock in self._locks.values():
            os.close(lock)


async def record(name: str, server: Cluster | None) -> None:
    """Into the folder of fixtures."""
    dialect = name.partition("-")[0]
    with tempfile.TemporaryDirectory(prefix="upgrade-") as scratch:
        folder = Path(scratch) / name
        folder.mkdir()
        database = None if server is None else server.create()
        made: list[Noting] = []

        def make(url: str) -> Noting:
            made.append(Noting(url))
            return made[0]

        with served(make, lifespan=False) as url:
            (upstream,) = made
            plain = database and database.replace("postgresql+psycopg:", "postgresql:")
            recorder = Recorder(folder, dialect, upstream, url, plain)
            try:
                await recorder.record()
            except BaseException:
                print(folder.with_suffix(".log").read_text()[-5_000:])
                raise
            finally:
                recorder.close()
        if server is not None and database is not None:
            (folder / DUMP).write_text(server.dump(database))
        await _pack(name, folder, dialect, recorder, upstream)


async def _pack(name: str, folder: Path, dialect: str, recorder: Recorder, upstream: Noting) -> None:
    """What it tells must come of its notes as well, or nobody could stand in for this upstream."""
    at = time.time()
    upstream.clock.set(at)
    published = published_in(upstream.app)
    clock = SteppedClock(at)
    again = await replayed(upstream.calls, clock, "http://sandbox.test")
    clock.set(at)
    assert published_in(again) == published
    for leftover in [*(folder / DATA).glob("*-shm"), *(folder / DATA / "spool").glob("*.alive")]:
        leftover.unlink()
    flows = sorted(recorder.flows, key=lambda flow: flow.number)
    pack(name, folder, Manifest(_revision(), dialect, at, flows, recorder.accounts, published, upstream.calls))


def _revision() -> str:
    """Of the code that recorded it."""
    command = ["git", "log", "-1", "--format=%h", "--", "gateway", "schema"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
