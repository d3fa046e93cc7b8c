"""The gateway of the commit before stores had versions, before, beside and after the present one, under load."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.billing.ledger_file import LedgerFile
from gateway.billing.ledger_store import UNITEMISED
from gateway.clients.usage import Uses
from gateway.clock import SystemClock
from gateway.composition.store_versions import versions_of
from gateway.domain.window import Window
from gateway.migrations import Version
from gateway.settings import Settings
from tests import processes
from tests.commands.process import run
from tests.robustness.processes import Server, billed, lay_faults, running, settings
from tests.upgrade.earlier import installed
from tests.upgrade.rolling import Balancer, Gateway, Load

# Three gateways start, two of them from cold, and flows wait: a quarter of this on two quiet cores.
pytestmark = pytest.mark.timeout(180)
# Flows are in progress until the upstream's clock is moved on: when their gateway has ended.
PROCESSING = {"kind": "processing", "seconds": 1_000}
LIMIT = 1_000_000  # billed requests
SOON = 60.0  # seconds


@dataclass
class Seen:
    load: Load
    data: Path
    codes: list[int] = field(default_factory=list)
    versions: dict[str, dict[str, Version]] = field(default_factory=dict)
    """The versions of the stores after each phase."""
    begun: dict[str, set[str]] = field(default_factory=dict)
    """By the name of a gateway, the flows that it began or took over."""
    ended: dict[str, set[str]] = field(default_factory=dict)
    receipts: list[dict[str, dict[str, Any]]] = field(default_factory=list)
    published: dict[str, Any] = field(default_factory=dict)
    """All that the upstream ever made."""
    billed: int = 0

    def note(self, phase: str, table: Settings) -> None:
        self.versions[phase] = {name: store.found for name, store in versions_of(table).items()}


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Sequence[str]:
    return installed(tmp_path_factory.mktemp("earlier"))


@pytest.fixture(scope="module")
def seen(earlier: Sequence[str], tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """On SQLite: the earlier gateway has no ledger in PostgreSQL, and the two would not share one."""
    folder = tmp_path_factory.mktemp("rolling")
    clients = folder / "clients.toml"
    terms = ("--rights", "read,write", "--allowance", f"month={LIMIT}")
    key = run("keys", "add", "web", *terms, "--file", str(clients)).stdout.strip()
    with running("sandbox", "--port", "0", "--clock", "movable") as upstream:
        given = settings(upstream, folder / "data") | {
            "GATEWAY_CLIENTS_FILE": str(clients),
            "GATEWAY_HIKERAPI_RATE": "1000",
            "GATEWAY_PLATFORM_URL": f"{upstream.url}/platform",
            "GATEWAY_PLATFORM_TOKEN": "sandbox",
            "GATEWAY_PLATFORM_RATE": "200",
        }
        lay_faults(upstream, PROCESSING)
        return asyncio.run(rolled(upstream, given, earlier, key, folder))


async def rolled(upstream: Server, given: dict[str, str], earlier: Sequence[str], key: str, folder: Path) -> Seen:
    """From the earlier gateway to the present one and back, while clients ask and publish."""
    table = Settings.read(given)
    balancer = Balancer(key)
    seen = Seen(Load(balancer), table.data_dir)
    watching = asyncio.create_task(balancer.watch())
    before = Gateway("before", given, folder, earlier)
    now = Gateway("now", given, folder)
    after = Gateway("after", given, folder, earlier)
    try:
        await balancer.add(before)
        seen.note("before", table)
        async with seen.load.running():
            await seen.load.publish("1", "2", to=before)
            await balancer.add(now)
            await seen.load.publish("3", "4", to=before)
            await seen.load.publish("5", "6", to=now)
            seen.codes.append(await balancer.remove(before))
            end_processing(upstream)
            seen.note("now", table)
            receipts, _ = await asyncio.gather(seen.load.receipts(), balancer.add(after))
            seen.receipts.append(receipts)
            lay_faults(upstream, PROCESSING)
            await seen.load.publish("7", "8", to=now)
            seen.codes.append(await balancer.remove(now))
            end_processing(upstream)
            seen.receipts.append(await seen.load.receipts())
        seen.codes.append(await balancer.remove(after))
    finally:
        watching.cancel()
        await balancer.aclose()
    seen.note("after", table)
    for gateway in (before, now, after):
        seen.begun[gateway.name], seen.ended[gateway.name] = gateway.flows("FlowStarted"), gateway.flows("FlowEnded")
    seen.billed = billed(upstream)
    async with httpx.AsyncClient(timeout=30.0) as client:
        seen.published = (await client.get(f"{upstream.url}/_control/published")).json()
    return seen


def end_processing(upstream: Server) -> None:
    """Of what is uploaded, and of what will be."""
    httpx.delete(f"{upstream.url}/_control/faults", timeout=30.0).raise_for_status()
    moved = {"advance": PROCESSING["seconds"]}
    httpx.post(f"{upstream.url}/_control/clock", json=moved, timeout=30.0).raise_for_status()


def test_the_earlier_gateway_is_that_of_its_commit(earlier: Sequence[str]) -> None:
    """And not the one of this tree, whose stores have versions."""
    *python, _, _ = earlier
    looked = processes.run([*python, "-c", "import gateway.cli, gateway.migrations"], seconds=SOON, cwd="/")
    assert "No module named 'gateway.migrations'" in looked.stderr


def test_no_operation_fails(seen: Seen) -> None:
    assert seen.load.wrong == []
    assert seen.load.answered > 50
    assert seen.codes == [0, 0, 0]


def test_nothing_is_charged_twice_and_the_ledger_is_whole(seen: Seen) -> None:
    month = Window.MONTH.bounds(SystemClock().now())[0]
    with contextlib.closing(LedgerFile(seen.data / "gateway.sqlite3")) as ledger:
        rows = ledger.report(date.min, date.max, None)
        leased = ledger.leased("web", Window.MONTH.value, month)
    assert seen.load.charged == seen.billed == sum(row.billed for row in rows) == leased > 0
    assert UNITEMISED not in {row.endpoint for row in rows}


def test_flows_begun_by_one_are_ended_by_the_other_in_both_directions(seen: Seen) -> None:
    assert (seen.begun["before"] - seen.ended["before"]) & seen.ended["now"]
    assert (seen.begun["now"] - seen.ended["now"]) & seen.ended["after"]


def test_each_flow_is_done_once(seen: Seen) -> None:
    assert sorted(one["title"] for one in seen.published["highlights"]) == list("12345678")
    assert len(seen.published["uploads"]) == len(seen.published["stories"]) == 8


def test_receipts_are_read_by_each(seen: Seen) -> None:
    """Those of flows that the present gateway ended, by the earlier one, too."""
    first, last = seen.receipts
    assert {receipt["state"] for receipt in last.values()} == {"DONE"}
    assert {title: last[title] for title in first} == first


def test_the_stores_are_brought_forward_once_and_stay_so(seen: Seen) -> None:
    forward = {"directory": Version(1, 0), "ledger": Version(1, 1), "flows": Version(1, 2)}
    assert {seen.versions["before"][name] for name in forward} == {Version(1, 0)}
    for phase in ("now", "after"):
        assert {name: seen.versions[phase][name] for name in forward} == forward
    assert seen.versions["after"]["keys"] == Version(1, 1)


def test_when_the_key_was_used_is_known(seen: Seen) -> None:
    assert len(Uses(seen.data).read()) == 1


def test_the_files_are_whole(seen: Seen) -> None:
    for path in seen.data.glob("*.sqlite3"):
        with contextlib.closing(sqlite3.connect(path)) as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
