"""What a client may ask of its flows: to see them, to end them, to go on with them."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from gateway.durable.port import Body, Json, Record, Run, Status
from gateway.errors import AccountDisconnected, FlowsUnavailable, InvalidInput, NotFound, UpstreamUnavailable
from gateway.events import FlowEnded, ignore
from gateway.publishing import service
from gateway.publishing.commands import DeleteHighlight, MediumSpec, UpdateHighlight
from gateway.publishing.context import EntityChanged
from gateway.publishing.phases import FlowState
from gateway.publishing.service import Publishing
from gateway.publishing.views import WorkflowView
from gateway.queue_place import GATEWAY
from tests.fakes.durable import VolatileDurable
from tests.fakes.publisher import PLAIN
from tests.publishing.harness import ACCOUNT, CLIENT, House, changed

EARLY = [("quota", "before"), ("upload", "after"), ("container", "before"), ("publish", "after")]


@pytest.mark.parametrize(("call", "moment"), EARLY)
async def test_cancelled_before_the_highlight_is_created_it_is_never_created(
    house: House, call: str, moment: str
) -> None:
    receipt = await cancelled_at(house, call, moment)
    await house.clock.sleep(600)
    assert receipt.state is FlowState.CANCELLED
    assert house.upstream.highlights == []
    assert FlowEnded(receipt.id, "create_highlight", "CANCELLED", None) in house.events


@pytest.mark.parametrize(("call", "left"), [("upload", "container"), ("publish", "story")])
async def test_a_cancelled_flow_tells_what_it_left_behind(house: House, call: str, left: str) -> None:
    receipt = await cancelled_at(house, call, "after")
    await house.clock.sleep(600)
    now = await house.publishing.flow(CLIENT, receipt.id)
    assert now is not None
    assert [line for line in now.leftovers if left in line]


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_cancelled_while_the_highlight_is_created_it_goes_on(house: House, moment: str) -> None:
    receipt = await cancelled_at(house, "create", moment)
    assert receipt.state is FlowState.APPLYING
    assert (await house.end(receipt.id)).state is FlowState.DONE
    assert len(house.upstream.highlights) == 1


class Slow(VolatileDurable):
    """It takes ten seconds to cancel a flow."""

    async def cancel(self, id: str) -> Record | None:
        await asyncio.sleep(10.0)
        return await super().cancel(id)


async def test_cancelled_too_late_because_the_creation_began_meanwhile_it_goes_on(tmp_path: Path) -> None:
    """What was sent may be carried out: only by going on will the flow know."""
    async with House(tmp_path, engine=Slow) as house:
        house.upstream.processing, house.upstream.creating = 0.0, 60.0
        receipt = await house.create("a")
        receipt = await house.publishing.cancel(CLIENT, receipt.id)
        assert receipt.state is FlowState.APPLYING
        assert (await house.end(receipt.id)).state is FlowState.DONE
        assert len(house.upstream.highlights) == 1


@pytest.mark.parametrize(("call", "moment"), EARLY)
async def test_a_cancelled_flow_goes_on_where_it_was_when_it_is_retried(house: House, call: str, moment: str) -> None:
    receipt = await cancelled_at(house, call, moment)
    await house.clock.sleep(600)
    assert receipt.retryable
    await house.publishing.retry(CLIENT, receipt.id)
    assert (await house.end(receipt.id)).state is FlowState.DONE
    assert house.upstream.calls.count("upload") == 1
    assert len(house.upstream.highlights) == 1


async def test_cancelled_in_an_outage_nothing_is_attempted_again_when_it_is_over(house: House) -> None:
    house.fail_at("upload", "before", *(UpstreamUnavailable("Down.") for _ in range(12)))
    receipt = await house.create("a")
    await house.clock.sleep(30)
    receipt = await house.publishing.cancel(CLIENT, receipt.id)
    await house.clock.sleep(86_400)
    assert house.upstream.containers == {}
    await house.publishing.retry(CLIENT, receipt.id)
    assert (await house.end(receipt.id)).state is FlowState.DONE


async def test_cancelled_while_it_waits_for_the_quota_nothing_is_published_when_it_frees(house: House) -> None:
    def others_publish() -> None:
        house.upstream.publications = [house.clock.now() - 86_400 + 3600.0] * 50

    house.at("upload", "after", others_publish)
    receipt = await house.create("a")
    await house.clock.sleep(600)
    receipt = await house.publishing.cancel(CLIENT, receipt.id)
    await house.clock.sleep(7200)
    assert house.upstream.stories == {}
    await house.publishing.retry(CLIENT, receipt.id)
    assert (await house.end(receipt.id)).state is FlowState.DONE


async def test_a_phase_that_was_broken_off_is_told_without_ids(house: House) -> None:
    there = asyncio.Event()
    house.at("upload", "after", there.set)
    receipt = await house.create(*"abcdef")
    await there.wait()
    receipt = await house.publishing.cancel(CLIENT, receipt.id)
    fate = "perhaps a container, unpublished: it expires by itself 24 hours after its upload."
    assert receipt.leftovers == tuple(f"Of medium {i}: {fate}" for i in range(4))


async def test_to_cancel_what_has_ended_changes_nothing(house: House) -> None:
    receipt = await house.made("a")
    assert await house.publishing.cancel(CLIENT, receipt.id) == receipt


async def test_a_cancelled_flow_keeps_its_files_because_it_may_go_on(house: House) -> None:
    sha256 = house.files.add(b"jpeg")
    receipt = await house.create(MediumSpec(file=sha256))
    await house.publishing.cancel(CLIENT, receipt.id)
    assert receipt.id in await house.publishing.holders()
    assert house.files.path(sha256).exists()


async def test_files_are_held_by_flows_that_can_go_on_and_by_no_others(house: House) -> None:
    done = await house.made("a", key="1")
    house.fail_at("upload", "before", AccountDisconnected("Reconnect."))
    sha256 = house.files.add(b"jpeg")
    mendable = await house.made(MediumSpec(file=sha256), key="2")
    assert house.files.path(sha256).exists()
    house.upstream.refused.add("https://example.com/b.jpg")
    hopeless = await house.made("b", key="3")
    running = await house.create("a", key="4")
    assert await house.publishing.holders() == {mendable.id, running.id}
    assert {done.state, hopeless.state} == {FlowState.DONE, FlowState.FAILED}


class Pruning(VolatileDurable):
    """Ended flows are deleted while others are listed after them."""

    async def list(self, *, before: str | None = None, **rest: Any) -> Sequence[Record]:
        if before is not None and self._kept[before].status is Status.DONE:
            del self._kept[before]
        return await super().list(before=before, **rest)


async def test_a_flow_that_is_deleted_meanwhile_hides_none_that_holds_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "BATCH", 2)
    async with House(tmp_path, engine=Pruning) as house:
        oldest = await house.create("a", key="1")
        await house.publishing.cancel(CLIENT, oldest.id)
        for key in "2345":
            await house.made("a", key=key)
        assert await house.publishing.holders() == {oldest.id}


@pytest.mark.parametrize("state", ["done", "hopeless"])
async def test_what_would_end_in_the_same_way_is_not_retried(house: House, state: str) -> None:
    house.upstream.refused.add("https://example.com/hopeless.jpg")
    receipt = await house.made(state)
    with pytest.raises(InvalidInput):
        await house.publishing.retry(CLIENT, receipt.id)


async def test_to_retry_what_runs_changes_nothing(house: House) -> None:
    receipt = await house.create("a")
    assert (await house.publishing.retry(CLIENT, receipt.id)).id == receipt.id
    await house.end(receipt.id)
    assert len(house.upstream.highlights) == 1


async def test_a_client_sees_its_own_flows_only(house: House) -> None:
    mine = await house.made("a")
    assert await house.publishing.flow("other", mine.id) is None
    assert (await house.publishing.flows("other", first=10)).views == []
    for act in (house.publishing.cancel, house.publishing.retry):
        with pytest.raises(NotFound):
            await act("other", mine.id)
    with pytest.raises(NotFound):
        await house.publishing.wait("other", mine.id, 1.0)
    with pytest.raises(NotFound):
        [one async for one in house.publishing.watch("other", mine.id)]


async def test_a_flow_of_a_kind_that_this_version_does_not_know_hides_no_other(house: House) -> None:
    """Another version that shares the store has recorded it."""

    async def body(run: Run, input: Json) -> Json:
        return None

    mine = await house.made("a")
    other = mine.id[:-1] + ("0" if mine.id[-1] != "0" else "1")
    house.durable.define("approve_highlight", body)
    await house.durable.start("approve_highlight", other, {"request": ""})
    assert [one.id for one in (await house.publishing.flows(CLIENT, first=10)).views] == [mine.id]
    assert await house.publishing.flow(CLIENT, other) is None
    with pytest.raises(NotFound):
        await house.publishing.retry(CLIENT, other)


async def test_flows_are_listed_newest_first_in_pages(house: House) -> None:
    ids = [(await house.made("a", key=str(i))).id for i in range(5)]
    first = await house.publishing.flows(CLIENT, first=3)
    rest = await house.publishing.flows(CLIENT, first=3, after=first.views[-1].id)
    assert [one.id for one in (*first.views, *rest.views)] == ids[::-1]
    assert (first.has_next, rest.has_next) == (True, False)


class Crowded(VolatileDurable):
    """A store that takes its time to list flows."""

    listing: ClassVar[Counter[str]] = Counter()
    most: ClassVar[Counter[str]] = Counter()

    async def list(self, *, prefix: str = "", **of: Any) -> Sequence[Record]:
        self.listing[prefix] += 1
        Crowded.most |= self.listing
        await asyncio.sleep(1.0)
        self.listing[prefix] -= 1
        return await super().list(prefix=prefix, **of)


async def test_of_a_client_one_list_is_read_at_a_time(tmp_path: Path) -> None:
    """A query may have fifty of them, and each may read all flows: those of others go through the same threads."""
    async with House(tmp_path, engine=Crowded) as house:
        asked = [house.publishing.flows(client, first=10) for client in ("a", "b") for _ in range(20)]
        begun = asyncio.get_running_loop().time()
        await asyncio.gather(*asked)
        assert asyncio.get_running_loop().time() - begun == pytest.approx(20.0)
        assert set(Crowded.most.values()) == {1}


async def test_flows_are_listed_by_account_and_state(house: House) -> None:
    house.upstream.refused.add("https://example.com/b.jpg")
    done, failed = await house.made("a", key="1"), await house.made("b", key="2")
    elsewhere = await house.publishing.begin(CLIENT, DeleteHighlight("99", "17"), key="3")
    by_state = await house.publishing.flows(CLIENT, state=FlowState.FAILED, first=10)
    by_account = await house.publishing.flows(CLIENT, account=ACCOUNT, first=10)
    running = await house.publishing.flows(CLIENT, state=FlowState.RECEIVED, first=10)
    assert [one.id for one in by_state.views] == [failed.id]
    assert [one.id for one in by_account.views] == [failed.id, done.id]
    assert [one.id for one in running.views] == [elsewhere.id]


async def test_more_flows_than_one_reading_gives_are_found(house: House) -> None:
    for i in range(230):
        await house.publishing.begin(CLIENT, DeleteHighlight(ACCOUNT if i == 3 else "99", "17"), key=str(i))
    page = await house.publishing.flows(CLIENT, account=ACCOUNT, first=10)
    assert (len(page.views), page.has_next) == (1, False)


async def test_waiting_gives_the_receipt_as_it_stands_when_the_time_is_over(house: House) -> None:
    house.upstream.processing = 100.0
    receipt = await house.create("a")
    assert (await house.publishing.wait(CLIENT, receipt.id, 10.0)).state is FlowState.PROCESSING
    assert house.clock.monotonic() == pytest.approx(10.0, abs=0.1)


async def test_nothing_is_begun_while_the_store_is_gone(house: House) -> None:
    house.durable.reachable = False
    with pytest.raises(FlowsUnavailable):
        await house.create("a")
    house.durable.reachable = True
    assert (await house.publishing.flows(CLIENT, first=1)).views == []


async def test_deleting_is_done_once_more_after_a_crash(house: House) -> None:
    made = await house.made("a", key="make")
    house.at("delete", "after", house.crash)
    receipt = await house.publishing.begin(CLIENT, DeleteHighlight(ACCOUNT, str(made.entity_id)), key="delete")
    receipt = await house.end(receipt.id)
    assert (receipt.state, receipt.entity_id) == (FlowState.DONE, made.entity_id)
    assert house.upstream.standing == []
    assert house.changes[-1] == changed(made.entity_id)


async def test_deleting_what_is_gone_is_done(house: House) -> None:
    receipt = await house.publishing.begin(CLIENT, DeleteHighlight(ACCOUNT, "17"), key="delete")
    assert (await house.end(receipt.id)).state is FlowState.DONE


async def test_a_refused_edit_forgets_what_is_remembered_all_the_same(house: House) -> None:
    """An earlier attempt may have been carried out."""
    house.speak(PLAIN)
    receipt = await house.publishing.begin(CLIENT, UpdateHighlight(ACCOUNT, "17", title="New"), key="edit")
    await house.clock.sleep(1.0)
    assert house.changes == [changed("17")]
    assert (await house.end(receipt.id)).state is FlowState.FAILED


class Sibling:
    """The engine of another process, over the same store: the flows are carried out elsewhere."""

    def __init__(self, engine: VolatileDurable) -> None:
        self._engine = engine

    def define(self, name: str, body: Body) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)


async def test_a_process_that_waits_for_anothers_flow_forgets_what_it_remembers_too(house: House) -> None:
    settled: list[EntityChanged] = []
    sibling: Any = Sibling(house.durable)
    publishing = Publishing(
        sibling,
        house.upstream,
        house.files,
        clock=house.clock,
        hook=ignore,
        on_change=settled.append,
        rng=random.Random(0),
        may_write=lambda owner, right, account: True,
        queue_client=lambda owner: GATEWAY,
    )
    receipt = await house.create("a")
    receipt = await publishing.wait(CLIENT, receipt.id, 100.0)
    assert settled == [changed(receipt.entity_id)]
    await publishing.wait(CLIENT, receipt.id, 100.0)
    assert len(settled) == 1


async def cancelled_at(house: House, call: str, moment: str) -> WorkflowView:
    there = asyncio.Event()
    house.at(call, moment, there.set)
    receipt = await house.create("a")
    await there.wait()
    return await house.publishing.cancel(CLIENT, receipt.id)
