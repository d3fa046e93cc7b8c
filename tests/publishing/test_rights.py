"""A client over time: its keys, its name and its rights change, and what it began stays its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from gateway.billing.ledger_file import LedgerFile
from gateway.clients import editing as edit
from gateway.clients.usage import Uses
from gateway.sandbox.faults import PlatformError, Processing, Script
from gateway.sandbox.fixture_users import NATGEO_PK
from tests.fakes.gateway import Answer, RunningGateway, Terms, VirtualWallClock, clients_file, running_gateway

ACCOUNT = str(NATGEO_PK)
STUDIO = Terms(rights=("read", "write"), allowance={"day": 50}, accounts=(ACCOUNT,))
CREATE = """mutation($input: CreateHighlightInput!) {
  createHighlight(input: $input) {
    highlight { id title } flow { id state retryable error { code } } userErrors { field code }
  }
}"""
ORDER = {
    "account": ACCOUNT,
    "title": "Reef",
    "media": [{"url": "https://images.example.com/reef.jpg"}],
    "idempotencyKey": "reef-1",
}
FLOWS = "{ flows { nodes { id } } allowance { client windows { spent } } }"
RETRY = """mutation($id: ID!) {
  retryFlow(id: $id) { flow { state error { code } } userErrors { field code message } }
}"""
TRAY = '{ user(by: { username: "natgeo" }) { highlights { totalCount } } }'


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[RunningGateway]:
    async with running_gateway(tmp_path, clock=VirtualWallClock(), clients={"studio": STUDIO}) as gateway:
        await gateway.knows_its_accounts("studio")
        gateway.at_once()
        yield gateway


async def create(gateway: RunningGateway, key: str | None = None, *, wait: int = 25) -> Answer:
    variables = {"input": {**ORDER, "waitSeconds": wait}}
    return await gateway.query(CREATE, variables, client=None if key else "studio", key=key)


async def test_a_new_key_under_a_new_name_makes_no_second_highlight(gateway: RunningGateway, tmp_path: Path) -> None:
    """The same request, sent again by who has no answer yet, while his operator rotates his key and renames him."""
    file = tmp_path / "clients.toml"
    made = await create(gateway)
    key = edit.rotate_key(file, "studio", overlap=86_400, now=gateway.clock.now())
    edit.rename_client(file, "studio", "agency")
    gateway.clients.reload()
    again = await create(gateway, key)
    assert again.data == made.data
    assert again.data["createHighlight"]["flow"]["state"] == "DONE"
    assert len(gateway.published) == 1
    gateway.clock.advance(86_401)
    assert (await create(gateway)).status == 401
    assert (await create(gateway, key)).data == made.data
    assert len(gateway.published) == 1


async def test_a_client_that_is_renamed_keeps_its_flows_and_what_it_spent(
    gateway: RunningGateway, tmp_path: Path
) -> None:
    await create(gateway)
    before = await gateway.query(FLOWS, client="studio")
    edit.rename_client(tmp_path / "clients.toml", "studio", "agency")
    gateway.clients.reload()
    after = await gateway.query(FLOWS, client="studio")
    assert after.data["flows"] == before.data["flows"]
    assert len(after.data["flows"]["nodes"]) == 1
    assert (before.data["allowance"]["client"], after.data["allowance"]["client"]) == ("studio", "agency")
    assert after.data["allowance"]["windows"] == before.data["allowance"]["windows"]


async def test_the_ledger_books_on_the_id(gateway: RunningGateway, tmp_path: Path) -> None:
    await gateway.query(TRAY, client="studio")
    edit.rename_client(tmp_path / "clients.toml", "studio", "agency")
    gateway.clients.reload()
    await gateway.query('{ user(by: { id: "528817151" }) { username } }', client="studio")
    await asyncio.sleep(1.1)
    with closing(LedgerFile(tmp_path / "gateway.sqlite3")) as ledger:
        assert {row.client for row in ledger.report(date.min, date.max, None)} == {"studio"}


async def test_a_flow_is_not_retried_for_an_account_that_was_taken_from_its_client(
    gateway: RunningGateway, tmp_path: Path
) -> None:
    gateway.sandbox.faults.lay(PlatformError(code=10, endpoint="POST /platform/media/upload", times=1))
    failed = (await create(gateway)).data["createHighlight"]["flow"]
    assert (failed["state"], failed["retryable"]) == ("FAILED", True)
    clients_file(tmp_path, {"studio": Terms(rights=("read", "write"), accounts=())})
    gateway.clients.reload()
    refused = (await gateway.query(RETRY, {"id": failed["id"]}, client="studio")).data["retryFlow"]
    assert refused["flow"] is None
    (problem,) = refused["userErrors"]
    assert (problem["field"], problem["code"]) == (["id"], "FORBIDDEN")
    assert gateway.published == []
    clients_file(tmp_path, {"studio": STUDIO})
    gateway.clients.reload()
    retried = (await gateway.query(RETRY, {"id": failed["id"]}, client="studio")).data["retryFlow"]
    assert retried["userErrors"] == []
    assert (await create(gateway)).data["createHighlight"]["flow"]["state"] == "DONE"
    assert len(gateway.published) == 1


@pytest.mark.parametrize(
    "clients",
    [
        pytest.param({"studio": Terms(rights=("read", "write"), accounts=("1",))}, id="without the account"),
        pytest.param({"studio": Terms()}, id="without the right to write"),
        pytest.param({"studio": Terms(rights=("read", "write"), is_disabled=True)}, id="disabled"),
        pytest.param({"other": STUDIO}, id="removed"),
    ],
)
async def test_a_flow_under_way_publishes_nothing_once_its_client_may_not(
    gateway: RunningGateway, tmp_path: Path, clients: dict[str, Terms]
) -> None:
    gateway.sandbox.faults.play(Script([Processing(seconds=60.0)]))
    begun = (await create(gateway, wait=0)).data["createHighlight"]["flow"]
    await asyncio.sleep(10)
    clients_file(tmp_path, clients)
    gateway.clients.reload()
    await asyncio.sleep(120)
    clients_file(tmp_path, {"studio": STUDIO})
    gateway.clients.reload()
    ended = (await create(gateway)).data["createHighlight"]["flow"]
    assert ended == {"id": begun["id"], "state": "FAILED", "retryable": True, "error": {"code": "FORBIDDEN"}}
    assert gateway.published == []


async def test_a_key_that_expires_takes_no_flow_along(gateway: RunningGateway, tmp_path: Path) -> None:
    """Rights are the client's: it has other keys, or gets another."""
    gateway.sandbox.faults.play(Script([Processing(seconds=60.0)]))
    clients_file(tmp_path, {"studio": replace(STUDIO, expires=gateway.clock.now() + 30)})
    gateway.clients.reload()
    await create(gateway, wait=0)
    await asyncio.sleep(120)
    assert (await create(gateway)).status == 401
    assert len(gateway.published) == 1


async def test_when_a_key_was_used_last_is_written_down_once_a_minute(gateway: RunningGateway, tmp_path: Path) -> None:
    uses = Uses(tmp_path)
    await gateway.query(FLOWS, client="studio")
    first = gateway.clock.now()
    await asyncio.sleep(61)
    await _written(uses, first)
    await gateway.query(FLOWS, client="studio")
    assert list(uses.read().values()) == [first]
    second = gateway.clock.now()
    await asyncio.sleep(60)
    await _written(uses, second)


async def _written(uses: Uses, at: float) -> None:
    """A thread writes it, for which virtual time waits a moment only."""
    while list(uses.read().values()) != [at]:  # noqa: ASYNC110 (nothing tells)
        await asyncio.sleep(0.001)


async def test_a_gateway_that_ends_writes_down_what_was_used_last(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, clock=VirtualWallClock(), clients={"studio": STUDIO}) as gateway:
        await gateway.query(FLOWS, client="studio")
        assert Uses(tmp_path).read() == {}
    assert len(Uses(tmp_path).read()) == 1


async def test_uses_that_cannot_be_written_down_are_in_nobodys_way(gateway: RunningGateway, tmp_path: Path) -> None:
    (tmp_path / "keys.sqlite3").mkdir()
    for _ in range(3):
        assert (await gateway.query(FLOWS, client="studio")).status == 200
        await asyncio.sleep(61)
    (tmp_path / "keys.sqlite3").rmdir()
