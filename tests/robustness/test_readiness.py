"""`/readyz` says what keeps the gateway from buying; what is cached is answered all the same."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from gateway.billing import ledger_file
from gateway.composition.app import create_app
from gateway.sandbox.faults import Status
from gateway.settings import Settings
from tests.fakes.clock import VirtualClock
from tests.fakes.durable import VolatileDurable
from tests.fakes.gateway import sandbox_in
from tests.robustness.harness import ORIGIN, Stage, codes_of, staged

TRAY = '{ user(by: {id: "787132"}) { highlights { totalCount } } }'
OTHER = '{ user(by: {id: "787132"}) { biography } }'
MORE = '{ user(by: {id: "787132"}) { biography highlights { nodes { items { totalCount } } } } }'
KEY = "key-of-web"
CLIENT = f"""[[client]]
name = "web"
key_sha256 = "{sha256(KEY.encode()).hexdigest()}"
rights = ["read", "balance"]
allowance = {{ day = 20, hour = 20 }}
"""


@pytest.fixture
def short_wait_for_a_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite waits for another process by the machine's clock."""
    monkeypatch.setattr(ledger_file, "BUSY_SECONDS", 0.1)


async def problems(stage: Stage) -> set[str]:
    response = await stage.ready(strict=True)
    body = response.json()
    assert response.status_code == (503 if body["problems"] else 200)
    assert body["ready"] == (not body["problems"])
    return set(body["problems"])


async def status(stage: Stage) -> tuple[int, str]:
    """Without `strict`: what a load balancer is told, and what people read."""
    response = await stage.ready()
    body = response.json()
    assert body["ready"] == (response.status_code == 200)
    assert ("retry-after" in response.headers) == (response.status_code == 503)
    return response.status_code, body["status"]


async def test_a_gateway_that_can_buy_is_ready(tmp_path: Path) -> None:
    async with staged(Settings(data_dir=tmp_path)) as stage:
        assert await problems(stage) == set()
        assert await status(stage) == (200, "ready")
        assert (await stage.client.get("/healthz")).json() == {"status": "ok"}


@pytest.mark.parametrize(("asked", "code"), [("strict", 503), ("strict=1", 503), ("strict=0", 200), ("strict=no", 200)])
async def test_who_asks_strictly_is_told_of_each_problem_by_the_status(asked: str, code: int, tmp_path: Path) -> None:
    async with staged(Settings(data_dir=tmp_path)) as stage:
        assert codes_of((await stage.post(TRAY)).json()) == []
        stage.sandbox.balance = 0
        await asyncio.sleep(61)
        assert (await stage.client.get(f"/readyz?{asked}")).status_code == code


async def test_while_the_upstream_is_away_what_is_cached_makes_it_ready(tmp_path: Path) -> None:
    """A load balancer that took every gateway out would answer 503 to all, also to those who can be answered."""
    settings = Settings(data_dir=tmp_path, ttl_tray=60, ttl_profile=60, ttl_username=60, stale_limit=60)
    async with staged(settings) as stage:
        assert codes_of((await stage.post(TRAY)).json()) == []
        stage.sandbox.faults.lay(Status(status=503))
        for _ in range(4):
            assert codes_of((await stage.post(OTHER)).json()) == ["UPSTREAM_UNAVAILABLE"]
        assert await status(stage) == (200, "serves from cache")
        assert (await stage.ready()).json()["problems"].keys() == {"upstream"}
        await asyncio.sleep(121)
        assert await status(stage) == (503, "serves nothing")


@pytest.mark.parametrize("code", [401, 503])
async def test_a_start_where_nothing_can_be_bought_is_not_ready_with_nothing_in_the_cache(
    code: int, tmp_path: Path
) -> None:
    """So that a rollout with a wrong key stops at its first gateway."""
    async with staged(Settings(data_dir=tmp_path), laid=Status(status=code)) as stage:
        assert await status(stage) == (503, "serves nothing")
        assert await problems(stage) == {"upstream"}
        stage.sandbox.faults.clear()
        await asyncio.sleep(6)
        assert await status(stage) == (200, "ready")


async def test_a_gateway_that_cannot_publish_yet_serves_reads(tmp_path: Path) -> None:
    """So that a rolling deployment, which asks strictly, waits until mutations succeed."""
    clock = VirtualClock()
    app = create_app(Settings(data_dir=tmp_path), clock=clock, base_url=ORIGIN, durable=VolatileDurable(clock))
    sandbox = sandbox_in(app)
    sandbox.faults.lay(Status(status=503, endpoint="GET */users/self"))
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url=ORIGIN, timeout=1e6) as client,
    ):
        stage = Stage(sandbox, client)
        assert codes_of((await stage.post(TRAY)).json()) == []
        assert await problems(stage) == {"platform"}
        assert await status(stage) == (200, "serves reads")
        sandbox.faults.clear()
        await asyncio.sleep(60)
        assert await problems(stage) == set()
        assert await status(stage) == (200, "ready")
        assert (await stage.post("{ accounts { id } }")).json()["data"]["accounts"]


async def test_while_the_upstream_fails_it_is_not_ready_and_then_it_is_again(tmp_path: Path) -> None:
    """Nobody has to ask for that: the gateway's own reading of the balance is the probe."""
    async with staged(Settings(data_dir=tmp_path)) as stage:
        stage.sandbox.faults.lay(Status(status=503))
        for _ in range(4):
            assert codes_of((await stage.post(TRAY)).json()) == ["UPSTREAM_UNAVAILABLE"]
        assert await problems(stage) == {"upstream"}
        assert (await stage.client.get("/healthz")).status_code == 200
        stage.sandbox.faults.clear()
        await asyncio.sleep(70)
        assert await problems(stage) == set()
        assert codes_of((await stage.post(TRAY)).json()) == []


async def test_at_the_accounts_floor_only_what_is_cached_is_answered(tmp_path: Path) -> None:
    async with staged(Settings(data_dir=tmp_path, balance_floor=100)) as stage:
        assert codes_of((await stage.post(TRAY)).json()) == []
        stage.sandbox.balance = 100
        await asyncio.sleep(61)
        assert await problems(stage) == {"account"}
        assert await status(stage) == (200, "serves from cache")
        assert codes_of((await stage.post(TRAY)).json()) == []
        assert codes_of((await stage.post(OTHER)).json()) == ["INSUFFICIENT_FUNDS"]
        stage.sandbox.balance = 1_000
        await asyncio.sleep(61)
        assert await problems(stage) == set()
        assert codes_of((await stage.post(OTHER)).json()) == []


async def test_an_account_that_ran_out_is_noticed_at_once(tmp_path: Path) -> None:
    async with staged(Settings(data_dir=tmp_path)) as stage:
        stage.sandbox.balance = 0
        assert codes_of((await stage.post(TRAY)).json()) == ["INSUFFICIENT_FUNDS"]
        assert await problems(stage) == {"account"}


async def test_a_start_without_an_upstream_is_a_start(tmp_path: Path) -> None:
    """What is cached elsewhere, or asked later, needs the gateway up."""
    settings = Settings(data_dir=tmp_path, hikerapi_url="http://127.0.0.1:9", hikerapi_key="k-of-nobody")
    app = create_app(settings, clock=VirtualClock())
    async with app.router.lifespan_context(app):
        pass


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Another process keeps the ledger's file to itself."""
    with closing(sqlite3.connect(database, isolation_level=None)) as thief:
        thief.execute("BEGIN IMMEDIATE")
        yield


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    clients = tmp_path / "clients.toml"
    clients.write_text(CLIENT)
    return Settings(data_dir=tmp_path, clients_file=clients, ttl_tray=86_400)


@pytest.mark.usefixtures("short_wait_for_a_lock")
async def test_while_spending_cannot_be_recorded_nothing_is_bought(settings: Settings) -> None:
    async with staged(settings) as stage:
        stage.client.headers["x-api-key"] = KEY
        assert codes_of((await stage.post(TRAY)).json()) == []
        with locked(settings.database_path):
            await until(stage, {"ledger"})
            cached = await stage.post(TRAY)
            assert codes_of(cached.json()) == []
            assert cached.json()["data"]["user"]["highlights"]["totalCount"] == 3
            assert codes_of((await stage.post(OTHER)).json()) == ["LEDGER_UNAVAILABLE"]
            assert stage.calls == 1
        await until(stage, set())
        assert codes_of((await stage.post(OTHER)).json()) == []


@pytest.mark.usefixtures("short_wait_for_a_lock")
async def test_a_gateway_without_clients_buys_nothing_either(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    async with staged(settings) as stage:
        with locked(settings.database_path):
            await until(stage, {"ledger"})
            assert codes_of((await stage.post(OTHER)).json()) == ["LEDGER_UNAVAILABLE"]
            assert stage.calls == 0
        await until(stage, set())
        assert codes_of((await stage.post(OTHER)).json()) == []


async def test_others_are_answered_while_a_purchase_waits_for_the_ledger(settings: Settings) -> None:
    async with staged(settings) as stage:
        stage.client.headers["x-api-key"] = KEY
        assert codes_of((await stage.post(TRAY)).json()) == []
        with locked(settings.database_path):
            buying = asyncio.create_task(stage.post(MORE))
            for _ in range(50):
                await asyncio.sleep(0)
                assert (await stage.client.get("/healthz")).status_code == 200
                assert codes_of((await stage.post(TRAY)).json()) == []
            assert not buying.done()
        assert codes_of((await buying).json()) == []


async def test_a_ledger_that_was_deleted_is_told_and_nothing_is_bought(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    path = settings.database_path
    async with staged(settings) as stage:
        stage.client.headers["x-api-key"] = KEY
        assert codes_of((await stage.post(TRAY)).json()) == []
        path.rename(path.with_name("away"))
        assert codes_of((await stage.post(OTHER)).json()) == ["LEDGER_UNAVAILABLE"]
        assert stage.calls == 1
        await until(stage, {"ledger"})
        told = (await stage.ready()).json()["problems"]["ledger"]
        assert "was deleted or replaced" in told
        assert str(path.parent) not in told
        assert [message for message in caplog.messages if message.startswith("Ledger")] == [
            "LedgerAvailabilityChanged writable=false",
            "LedgerLost",
        ]
        path.with_name("away").rename(path)
        await until(stage, set())
        assert codes_of((await stage.post(OTHER)).json()) == []


async def test_the_data_directory_is_its_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "above" / "data"
    async with staged(Settings(data_dir=folder)) as stage:
        assert codes_of((await stage.post(TRAY)).json()) == []
        modes = {file.name: file.stat().st_mode & 0o777 for file in (folder.parent, folder, *folder.iterdir())}
    assert {name for name, mode in modes.items() if mode & 0o077} == set()
    assert {"gateway.sqlite3", "gateway.sqlite3-wal", "gateway.sqlite3-shm", "data", "above"} <= modes.keys()


@pytest.mark.usefixtures("short_wait_for_a_lock")
async def test_a_ledger_that_cannot_be_written_at_the_end_is_told_and_ends_nothing(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """The spending of the last second is lost to the report, and no allowance: that was leased before it was spent."""
    with ExitStack() as held:
        async with staged(settings) as stage:
            stage.client.headers["x-api-key"] = KEY
            assert codes_of((await stage.post(TRAY)).json()) == []
            held.enter_context(locked(settings.database_path))
    assert "LedgerAvailabilityChanged writable=false" in caplog.messages


async def until(stage: Stage, expected: set[str]) -> None:
    """The ledger is written by a thread, for which virtual time does not wait."""
    async with asyncio.timeout(36_000):
        found = await problems(stage)
        while found != expected:
            await asyncio.sleep(1)
            found = await problems(stage)
