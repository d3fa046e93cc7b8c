"""A like: a state. A doubt about it is settled by repeating it, and a later request supersedes an earlier one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from gateway.domain.publishing import Account, EntityRef, Traits
from gateway.durable.port import Record
from gateway.errors import FlowsUnavailable, Forbidden, UnsupportedByPlatform, UpstreamTimeout, UpstreamUnavailable
from gateway.publishing.context import EntityChanged
from gateway.publishing.phases import FlowState
from gateway.publishing.registry import FlowKind
from gateway.publishing.set_like import SetLike
from gateway.publishing.state import SUPERSEDED
from gateway.publishing.views import WorkflowView
from gateway.publishing.write import CachedEntry
from gateway.upstream.platforms.port import Publisher
from tests.fakes.publisher import IDEMPOTENT, PLAIN
from tests.publishing.harness import ACCOUNT, CLIENT, House

MEDIA = "3286412355219875123"
METHODS = ("upload", "container", "publish", "create", "update", "delete", "tray", "highlight", "quota", "set_like")
DIALECTS = [pytest.param(IDEMPOTENT, id="with keys"), pytest.param(PLAIN, id="without keys")]


async def begin(house: House, *, liked: bool = True, key: str = "k", media: str = MEDIA) -> WorkflowView:
    return await house.publishing.begin(CLIENT, SetLike(ACCOUNT, media, liked), key=key)


async def done(house: House, *, liked: bool = True, key: str = "k") -> WorkflowView:
    return await house.end((await begin(house, liked=liked, key=key)).id)


async def test_a_like_is_set_and_withdrawn(house: House) -> None:
    view = await done(house)
    assert (view.kind, view.state, view.progress) == (FlowKind.SET_LIKE, FlowState.DONE, 1.0)
    assert view.entity == EntityRef("Media", MEDIA)
    assert [step.name for step in view.steps] == ["set"]
    assert house.upstream.likes == {MEDIA}
    await done(house, liked=False, key="withdraw")
    assert house.upstream.likes == set()


async def test_only_the_media_s_entry_is_invalidated(house: House) -> None:
    await done(house)
    assert set(house.changes) == {EntityChanged(ACCOUNT, EntityRef("Media", MEDIA), frozenset({CachedEntry.ENTITY}))}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("liked", [True, False])
async def test_a_crash_is_settled_by_repeating(house: House, dialect: Traits, moment: str, liked: bool) -> None:
    house.speak(dialect)
    house.upstream.likes = set() if liked else {MEDIA}
    house.at("set_like", moment, house.crash, house.crash)
    view = await done(house, liked=liked)
    assert (view.state, view.warnings, house.crashes) == (FlowState.DONE, (), 2)
    assert house.upstream.likes == ({MEDIA} if liked else set())


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_lost_response_is_settled_by_repeating(house: House, moment: str) -> None:
    house.fail_at("set_like", moment, UpstreamTimeout("No answer."), UpstreamUnavailable("It failed."))
    view = await done(house)
    assert (view.state, view.steps[0].attempts, house.upstream.calls) == (FlowState.DONE, 3, ["set_like"] * 3)
    assert house.upstream.likes == {MEDIA}


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_later_request_is_not_undone_by_the_repetition_of_an_earlier_one(house: House, moment: str) -> None:
    house.fail_at("set_like", moment, UpstreamTimeout("No answer."))
    like = await begin(house)
    await house.clock.sleep(0.1)
    withdrawal = await done(house, liked=False, key="withdraw")
    earlier = await house.end(like.id)
    assert (withdrawal.state, earlier.state) == (FlowState.DONE, FlowState.DONE)
    assert (withdrawal.warnings, earlier.warnings) == ((), (SUPERSEDED,))
    assert house.upstream.likes == set()
    assert len(house.upstream.calls) == 2


async def test_a_later_request_is_not_undone_by_an_earlier_one_that_arrives_after_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent, held = asyncio.Event(), asyncio.Event()
    set_like = house.upstream.set_like

    async def slow(account: str, media_id: str, *, liked: bool) -> None:
        if liked:
            sent.set()
            await held.wait()
        await set_like(account, media_id, liked=liked)

    monkeypatch.setattr(house.upstream, "set_like", slow)
    like = await begin(house)
    await sent.wait()
    assert (await done(house, liked=False, key="withdraw")).state is FlowState.DONE
    held.set()
    earlier = await house.end(like.id)
    assert (earlier.state, earlier.warnings) == (FlowState.DONE, (SUPERSEDED,))
    assert house.upstream.likes == set()


async def test_a_media_is_the_same_by_its_pk_and_by_its_whole_id(house: House) -> None:
    house.fail_at("set_like", "after", UpstreamTimeout("No answer."))
    like = await begin(house, media=f"{MEDIA}_17")
    await house.clock.sleep(0.1)
    await house.end((await begin(house, liked=False, key="withdraw")).id)
    earlier = await house.end(like.id)
    assert earlier.warnings == (SUPERSEDED,)
    assert len(house.upstream.calls) == 2


async def test_a_later_request_that_failed_or_is_about_another_media_supersedes_nothing(house: House) -> None:
    refused = [UpstreamUnavailable("It failed.")]
    house.fail_at("set_like", "before", *refused)
    like = await begin(house)
    await house.clock.sleep(0.1)
    other = await house.end((await begin(house, liked=False, key="other", media="17")).id)
    assert other.state is FlowState.DONE
    house.fail_at("set_like", "before", Forbidden("No.", right="interact"))
    failed = await done(house, liked=False, key="failed")
    assert failed.state is FlowState.FAILED
    assert (await house.end(like.id)).warnings == ()
    assert house.upstream.likes == {MEDIA}


async def test_without_the_right_nothing_is_sent(house: House) -> None:
    house.withdrawn.add(ACCOUNT)
    view = await done(house)
    assert view.fault is not None
    assert (view.state, view.fault.code, view.fault.extensions["right"]) == (FlowState.FAILED, "FORBIDDEN", "interact")
    assert (view.retryable, house.upstream.calls) == (True, [])
    with pytest.raises(Forbidden):
        await house.publishing.retry(CLIENT, view.id)
    house.withdrawn.clear()
    await house.publishing.retry(CLIENT, view.id)
    assert (await house.end(view.id)).state is FlowState.DONE


async def test_a_platform_that_stays_away_fails_it_after_minutes_not_hours(house: House) -> None:
    house.upstream.rate = 1.0
    began = house.clock.now()
    view = await done(house)
    assert (view.state, view.retryable) == (FlowState.FAILED, True)
    assert house.clock.now() - began < 600


async def test_a_store_that_is_away_is_waited_for(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it nobody knows whether there is a later request."""
    there = house.durable.list
    failures = [FlowsUnavailable("The store cannot be reached.")] * 2

    async def listed(**options: Any) -> Sequence[Record]:
        if failures:
            raise failures.pop()
        return await there(**options)

    monkeypatch.setattr(house.durable, "list", listed)
    view = await done(house)
    assert (view.state, view.steps[0].attempts) == (FlowState.DONE, 3)
    assert house.upstream.calls == ["set_like"]


class MinimalPublisher:
    """A dialect that can do nothing but name its accounts."""

    traits = IDEMPOTENT

    async def accounts(self) -> Sequence[Account]:
        return [Account(ACCOUNT, "natgeo")]

    async def aclose(self) -> None:
        pass


@contextlib.contextmanager
def limited(house: House) -> Iterator[None]:
    """The gateway's upstream speaks a dialect that can do nothing, for a while."""
    able = type(house.upstream)
    house.upstream.__class__ = type("Limited", (able,), dict.fromkeys(METHODS))
    yield
    house.upstream.__class__ = able


@pytest.mark.parametrize("kind", FlowKind)
async def test_a_dialect_that_can_do_nothing_is_told_so_before_anything_begins(house: House, kind: FlowKind) -> None:
    minimal: Publisher = MinimalPublisher()
    assert not kind.row.is_supported_by(minimal)
    assert kind.row.is_supported_by(house.upstream)
    with limited(house), pytest.raises(UnsupportedByPlatform):
        house.publishing.require_support(kind)
    house.publishing.require_support(kind)


async def test_nothing_is_recorded_of_what_the_dialect_cannot_do(house: House) -> None:
    with limited(house), pytest.raises(UnsupportedByPlatform):
        await begin(house)
    assert await house.durable.list() == []
    assert house.events == []


async def test_what_another_dialect_had_begun_fails_and_can_be_retried_by_one_that_can(house: House) -> None:
    house.at("set_like", "before", house.crash)
    view = await begin(house)
    await house.clock.sleep(0.1)
    with limited(house):
        failed = await house.end(view.id)
    assert failed.fault is not None
    assert (failed.state, failed.fault.code) == (FlowState.FAILED, "UNSUPPORTED_BY_PLATFORM")
    await house.publishing.retry(CLIENT, view.id)
    assert (await house.end(view.id)).state is FlowState.DONE
    assert house.upstream.likes == {MEDIA}
