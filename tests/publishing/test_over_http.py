"""The flows over the gateway's own clients and the sandbox: in both dialects, through faults, crashes and webhooks."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from gateway.events import ignore
from gateway.publishing.commands import CreateHighlight, DeleteHighlight, MediumSpec, UpdateHighlight
from gateway.publishing.phases import FlowState
from gateway.publishing.service import Publishing
from gateway.publishing.views import WorkflowView
from gateway.queue_place import GATEWAY
from gateway.sandbox import create_sandbox
from gateway.sandbox.faults import (
    Accepted,
    AnyFault,
    BareTray,
    DeadKeepAlive,
    EdgeHtml,
    Hang,
    PlatformError,
    Processing,
    Status,
)
from gateway.upstream.platforms.dialects import Dialect, connect_publisher
from tests.fakes.clock import VirtualClock
from tests.fakes.durable import VolatileDurable
from tests.publishing.harness import ACCOUNT, CLIENT, ENDED, Folder
from tests.upstream.platforms.stub import FullPublisher

FLOWS = 3
CRASHES = 0.02
DIALECTS = [pytest.param(dialect, id=dialect.value) for dialect in Dialect]
WEATHER: tuple[AnyFault, ...] = (
    Processing(endpoint="POST */media/upload", seconds=9.0, rate=0.5),
    Accepted(seconds=6.0, rate=0.4),
    Status(status=503, rate=0.05, when="before"),
    Status(status=500, rate=0.05, when="after"),
    PlatformError(code=-1, subcode=2207001, rate=0.05, when="after"),
    Hang(rate=0.02, when="after"),
    DeadKeepAlive(rate=0.03, when="after"),
)


class Wire(httpx.AsyncBaseTransport):
    """To the sandbox; the gateway is killed now and then, before a request is sent or after it was answered."""

    def __init__(self, app: Any, dice: random.Random) -> None:
        self._inner = httpx.ASGITransport(app, raise_app_exceptions=True)
        self._dice = dice
        self.crashes = 0
        self.share = 0.0
        self.crash: Callable[[], None] = lambda: None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await self._perhaps()
        response = await self._inner.handle_async_request(request)
        await self._perhaps()
        return response

    async def _perhaps(self) -> None:
        if self._dice.random() < self.share:
            self.crashes += 1
            self.crash()
            await asyncio.sleep(0)


class Street:
    """A gateway and its sandbox."""

    def __init__(self, directory: Path, dialect: Dialect, seed: int = 0) -> None:
        clock, dice = VirtualClock(), random.Random(seed)
        app = create_sandbox(clock=clock)
        self.sandbox = app.state.sandbox
        self.wire = Wire(app, dice)
        self.clock, self.dice, self.is_down = clock, dice, False
        self.durable = VolatileDurable(clock, ignore, seed)
        self.files = Folder(directory)
        self.wire.crash = self._crash
        publisher = connect_publisher(
            dialect=dialect,
            base_url=f"http://sandbox/{dialect.value}",
            token="sandbox",
            clock=clock,
            hook=ignore,
            transport=self.wire,
        )
        self.publisher = cast(FullPublisher, publisher)
        self.publishing = Publishing(
            self.durable,
            self.publisher,
            self.files,
            clock=clock,
            hook=ignore,
            on_change=lambda settled: None,
            rng=dice,
            may_write=lambda owner, right, account: True,
            queue_client=lambda owner: GATEWAY,
        )

    def _crash(self) -> None:
        self.is_down = True
        self.durable.crash()

    async def create(self, flow: int) -> WorkflowView:
        media = tuple(MediumSpec(url=f"https://example.com/{flow}-{i}.jpg") for i in range(3))
        return await self.publishing.begin(CLIENT, CreateHighlight(ACCOUNT, f"Trip {flow}", media), key=str(flow))

    async def end(self, *ids: str) -> list[WorkflowView]:
        receipts: list[WorkflowView] = []
        for _ in range(5_000):
            if self.is_down:
                self.is_down = False
                await self.durable.launch()
            receipts = [await self.publishing.wait(CLIENT, id, 1.0) for id in ids]
            if all(one.state in ENDED for one in receipts):
                return receipts
        raise AssertionError(f"they do not end: {receipts}")

    def made(self, flow: int) -> list[str]:
        """The pks of all highlights that were ever made for it."""
        creations = self.sandbox.publishing.studio.highlights.all.values()
        return [str(one.highlight.pk) for one in creations if one.highlight.title == f"Trip {flow}"]


@pytest.mark.parametrize("tray", [(), (BareTray(),)], ids=["media named", "no media named"])
async def test_a_creation_whose_answer_was_lost_is_found_in_the_tray(
    tmp_path: Path, tray: tuple[AnyFault, ...]
) -> None:
    """Where the tray names no media, each highlight is looked at by its own route."""
    street = Street(tmp_path, Dialect.AIOGRAPI)
    await street.durable.launch()
    lost = Status(status=500, endpoint="POST /aiograpi/highlight", when="after", times=1)
    street.sandbox.faults.lay(*tray, lost)
    (receipt,) = await street.end((await street.create(1)).id)
    assert (receipt.state, receipt.entity_id) == (FlowState.DONE, street.made(1)[0])
    assert len(street.made(1)) == 1
    looked = street.sandbox.meter.calls["GET /aiograpi/highlight"]
    assert (looked > 0) is bool(tray)


@pytest.mark.parametrize(
    ("missing", "places"),
    [
        ("POST /aiograpi/story/upload/by/url", "upload"),
        ("POST /aiograpi/highlight", "create"),
        ("GET /aiograpi/user/highlights", "create"),
    ],
)
async def test_a_missing_route_ends_its_flow_at_once(tmp_path: Path, missing: str, places: str) -> None:
    """No patience helps; the flow can be taken up again when the upstream is the right one."""
    street = Street(tmp_path, Dialect.AIOGRAPI)
    await street.durable.launch()
    lost = Status(status=500, endpoint="POST /aiograpi/highlight", when="after", times=1)
    street.sandbox.faults.lay(EdgeHtml(status=404, endpoint=missing), lost)
    began = street.clock.monotonic()
    (receipt,) = await street.end((await street.create(1)).id)
    assert street.clock.monotonic() - began < 10
    assert receipt.state is FlowState.FAILED
    assert receipt.fault is not None
    assert (receipt.fault.code, receipt.retryable) == ("UPSTREAM_ROUTE_MISSING", True)
    assert f" {missing.replace('/aiograpi', '')}:" in receipt.fault.message
    assert [step.name.split()[0] for step in receipt.steps][-1] == places
    street.sandbox.faults.clear()
    await street.publishing.retry(CLIENT, receipt.id)
    (receipt,) = await street.end(receipt.id)
    assert receipt.state is FlowState.DONE, receipt
    assert len(street.made(1)) == 1


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_highlight_is_made_changed_and_deleted(tmp_path: Path, dialect: Dialect) -> None:
    street = Street(tmp_path, dialect)
    await street.durable.launch()
    (receipt,) = await street.end((await street.create(1)).id)
    assert receipt.state is FlowState.DONE, receipt
    pk = str(receipt.entity_id)
    (before, *_) = await street.publisher.tray(ACCOUNT)
    assert (before.pk, before.title, len(before.media_ids)) == (pk, "Trip 1", 3)
    change = UpdateHighlight(
        ACCOUNT,
        pk,
        title="Journey",
        add=(MediumSpec(url="https://example.com/new.jpg"),),
        remove=(before.media_ids[0],),
        cover=0,
    )
    (receipt,) = await street.end((await street.publishing.begin(CLIENT, change, key="edit")).id)
    assert receipt.state is FlowState.DONE, receipt
    after = await street.publisher.highlight(ACCOUNT, pk)
    assert after is not None
    assert (after.title, after.media_ids[:2], len(after.media_ids)) == ("Journey", before.media_ids[1:], 3)
    (receipt,) = await street.end((await street.publishing.begin(CLIENT, DeleteHighlight(ACCOUNT, pk), key="gone")).id)
    assert receipt.state is FlowState.DONE, receipt
    assert await street.publisher.highlight(ACCOUNT, pk) is None
    await street.durable.aclose()


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_what_a_lost_answer_left_is_found_under_the_ids_of_the_tray(tmp_path: Path, dialect: Dialect) -> None:
    """An upstream may list a highlight's stories, and not the media they were published from."""
    street = Street(tmp_path, dialect)
    await street.durable.launch()
    street.sandbox.faults.lay(
        Status(endpoint="POST */highlights", status=500, when="after", times=1),
        Status(endpoint="POST */highlight", status=500, when="after", times=1),
    )
    (receipt,) = await street.end((await street.create(1)).id)
    assert [receipt.entity_id] == street.made(1)
    await street.durable.aclose()


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("seed", range(6))
async def test_in_a_storm_each_key_is_exactly_one_highlight(tmp_path: Path, dialect: Dialect, seed: int) -> None:
    street = Street(tmp_path, dialect, seed)
    await street.durable.launch()
    street.sandbox.faults.lay(*WEATHER, seed=seed)
    street.wire.share = CRASHES
    ids = [(await street.create(flow)).id for flow in range(FLOWS)]
    receipts = await street.end(*ids)
    assert [one.state for one in receipts] == [FlowState.DONE] * FLOWS, receipts
    assert [[one.entity_id] for one in receipts] == [street.made(flow) for flow in range(FLOWS)]
    await street.durable.aclose()
