"""A gateway that does not publish never reports flows or webhooks as erased that are still there."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from gateway.clock import SystemClock
from gateway.composition.app import Gateway
from gateway.composition.erasure_steps import ELSEWHERE, NOTICED_SECONDS
from gateway.erasure.requests import Person, RequestKind
from gateway.http.routes.data_requests import DELETE
from gateway.settings import Settings
from gateway.webhooks.inbox_store import INBOX
from gateway.webhooks.stored_inbox import StoredInbox
from tests.commands.process import run
from tests.erasure.stored import in_files, with_one_of
from tests.erasure.test_erasure import SETTINGS, created, posted, worked_off
from tests.fakes.gateway import FlowingClock, WallClock, running_gateway
from tests.webhooks.desk import change, entry, told

pytestmark = pytest.mark.durable
ORIGIN = "http://gateway.test"
PERSON = "787132"


@contextlib.asynccontextmanager
async def reading_gateway(folder: Path, clock: WallClock) -> AsyncIterator[Gateway]:
    """A gateway with an upstream to read from, which fails, and no platform to publish on."""
    away = httpx.MockTransport(lambda _: httpx.Response(503))
    parts = Gateway(Settings(data_dir=folder), away, clock, ORIGIN)
    assert parts.publishing is None
    app = parts.app()
    async with app.router.lifespan_context(app):
        yield parts


async def has_problem(parts: Gateway) -> None:
    for _ in range(1_000):
        if "erasures" in parts.problems():
            return
        await SystemClock().sleep(0.05)
    raise AssertionError("no problem is shown")


async def finished(parts: Gateway, code: str, clock: WallClock) -> None:
    clock.advance(NOTICED_SECONDS)
    erasures = await parts.control.erasures._begun()
    for _ in range(1_000):
        await erasures.runner.turn()
        found = await erasures.runner.call(lambda: erasures.store.find(code))
        assert found is not None
        if found.finished_at is not None:
            return
        await SystemClock().sleep(0.05)
    raise AssertionError("the request does not end")


@pytest.mark.parametrize("kind", RequestKind)
async def test_an_erasure_waits_for_a_gateway_that_publishes(tmp_path: Path, kind: RequestKind) -> None:
    clock = FlowingClock()
    kept = dataclasses.replace(SETTINGS, cache_disk=False)
    async with running_gateway(tmp_path, settings=kept, clock=clock, keeps_flows=True, all_heard=False) as gateway:
        await gateway.knows_its_accounts()
        person = (await gateway.query("{ accounts { id } }")).data["accounts"][0]["id"]
        wait = 25 if kind is RequestKind.ERASURE else 0
        if wait:
            gateway.at_once()
        await created(gateway, person, "one", "https://images.example.com/lighthouse.jpg", wait=wait)
    async with reading_gateway(tmp_path, clock) as parts:
        erasures = await parts.control.erasures._begun()
        made = await erasures.runner.call(lambda: erasures.store.add(kind, Person((person,)), "platform"))
        erasures.runner.wake()
        await has_problem(parts)
        assert parts.problems()["erasures"] == ELSEWHERE
        left = await erasures.runner.call(lambda: erasures.store.find(made.code))
        assert left is not None
        assert left.finished_at is None
        assert "flows" not in left.steps
    shown = run("accounts", "erasures", GATEWAY_DATA_DIR=str(tmp_path))
    assert f"{made.code}: flows are ended next, by a gateway that publishes" in shown.stderr
    async with running_gateway(tmp_path, settings=kept, clock=clock, keeps_flows=True, all_heard=False) as gateway:
        await worked_off(gateway, clock)
        states = [one["state"] for one in (await gateway.query("{ flows { nodes { state } } }")).data["flows"]["nodes"]]
        assert states == ([] if kind is RequestKind.ERASURE else ["CANCELLED"])
        assert gateway.parts.control.erasures.problems() == {}


async def test_without_flows_it_erases_what_waits_in_the_inbox_and_ends(tmp_path: Path) -> None:
    clock = FlowingClock()
    inbox = StoredInbox(INBOX.url(Settings(data_dir=tmp_path).flows_url, tmp_path), clock)
    await inbox.put(told(entry(change("media", media_id="18"), account=PERSON)))
    await inbox.aclose()
    assert with_one_of(in_files(tmp_path), [PERSON]) != {}
    async with reading_gateway(tmp_path, clock) as parts:
        erasures = await parts.control.erasures._begun()
        person = Person((PERSON,))
        made = await erasures.runner.call(lambda: erasures.store.add(RequestKind.ERASURE, person, "platform"))
        await finished(parts, made.code, clock)
    assert with_one_of(in_files(tmp_path), [PERSON]) == {}


async def test_a_publishing_gateway_that_receives_no_webhooks_any_more_erases_those_that_wait(tmp_path: Path) -> None:
    clock = FlowingClock()
    inbox = StoredInbox(INBOX.url(Settings(data_dir=tmp_path).flows_url, tmp_path), clock)
    await inbox.put(told(entry(change("media", media_id="18"), account=PERSON)))
    await inbox.aclose()
    given = dataclasses.replace(SETTINGS, platform_verify_token=None)
    async with running_gateway(tmp_path, settings=given, clock=clock, all_heard=False) as gateway:
        assert (await posted(gateway, DELETE, user_id=PERSON, issued_at=clock.now())).status_code == 200
        await worked_off(gateway, clock)
    assert with_one_of(in_files(tmp_path), [PERSON]) == {}
