"""What resolvers ask when nobody could foresee it, over the wire to the sandbox."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.ids import HighlightId, ItemId, UserId, UserKey, Username
from gateway.domain.models import Highlight, Item, LoadedHighlight
from gateway.domain.users import Profile, UserSummary
from gateway.errors import BudgetExceeded, NotFound, PrivateAccount, UpstreamUnavailable
from gateway.loaders import Loader
from gateway.reads.facts import FactKind
from gateway.sandbox import fixture_users
from gateway.sandbox.faults import Latency, Status
from tests.fakes.clock import VirtualClock
from tests.fakes.upstream_services import Shop, shop

THIRTY = UserId(str(fixture_users.THIRTY.pk))
NATGEO = UserId(str(fixture_users.NATGEO_PK))
HIGHLIGHTS = [HighlightId(fixture_users.highlight_pk(fixture_users.THIRTY, slot)) for slot in range(30)]
TRAY, PROFILE, HIGHLIGHT = "/v1/user/highlights", "/v1/user/by/id", "/v1/highlight/by/url"


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Shop]:
    stand = shop(tmp_path, VirtualClock())
    with contextlib.closing(stand.ledger):
        yield stand


async def given(value: Any) -> Any:
    return await value if isinstance(value, Awaitable) else value


async def each(*values: Any) -> list[Any]:
    return await asyncio.gather(*map(given, values), return_exceptions=True)


async def test_each_loader_answers_its_question(stand: Shop) -> None:
    natgeo = Username("natgeo")
    for key in (NATGEO, natgeo):
        loader = Loader(stand.fetcher())
        assert await given(loader.get(FactKind.IDENTITY, key)) == NATGEO
        short = await given(loader.get(FactKind.SUMMARY, key))
        assert isinstance(short, UserSummary)
        assert short.username == "natgeo"
        assert isinstance(await given(loader.get(FactKind.PROFILE, key)), Profile)
        assert len(await given(loader.get(FactKind.TRAY, key))) == 3
    loader = Loader(stand.fetcher())
    loaded = await given(loader.get(FactKind.HIGHLIGHT, HIGHLIGHTS[0]))
    assert isinstance(loaded, LoadedHighlight)
    assert isinstance(await given(loader.get(FactKind.TRAY_ENTRY, HIGHLIGHTS[1])), Highlight)
    item = await given(loader.get(FactKind.ITEM, ItemId(str(loaded.items[0].pk))))
    assert isinstance(item, Item)
    assert item.id == loaded.items[0].id


async def test_what_is_known_is_handed_out_without_waiting(stand: Shop) -> None:
    await given(Loader(stand.fetcher()).get(FactKind.TRAY, NATGEO))
    loader = Loader(stand.fetcher())
    assert isinstance(loader.get(FactKind.TRAY, NATGEO), tuple)
    assert loader.get(FactKind.IDENTITY, Username("natgeo")) == NATGEO
    assert stand.calls == {TRAY: 1}


async def test_questions_of_one_tick_are_bought_together(stand: Shop) -> None:
    """Each call takes a second, and all of them take one."""
    stand.sandbox.faults.lay(Latency(seconds=1))
    loader = Loader(stand.fetcher())
    began = stand.services.clock.monotonic()
    answers = await each(*(loader.get(FactKind.HIGHLIGHT, key) for key in HIGHLIGHTS))
    assert [answer.pk for answer in answers] == [key.pk for key in HIGHLIGHTS]
    assert stand.services.clock.monotonic() - began == pytest.approx(1, abs=0.5)
    assert stand.calls == {HIGHLIGHT: 30}


async def test_the_same_question_is_bought_once(stand: Shop) -> None:
    loader = Loader(stand.fetcher())
    answers = await each(*(loader.get(FactKind.TRAY, THIRTY) for _ in range(50)))
    assert all(answer is answers[0] for answer in answers)
    assert stand.calls == {TRAY: 1}


async def test_questions_of_different_loaders_share_what_answers_them(stand: Shop) -> None:
    """The short fields ride on the tray that is asked for in the same tick, or are bought beside it: never twice."""
    loader = Loader(stand.fetcher())
    await each(
        loader.get(FactKind.TRAY, THIRTY), loader.get(FactKind.TRAY, THIRTY), loader.get(FactKind.IDENTITY, THIRTY)
    )
    await each(loader.get(FactKind.SUMMARY, THIRTY), loader.get(FactKind.TRAY_ENTRY, HIGHLIGHTS[0]))
    assert stand.calls == {TRAY: 1}


async def test_a_cancelled_waiter_harms_nobody(stand: Shop) -> None:
    stand.sandbox.faults.lay(Latency(seconds=1))
    loader = Loader(stand.fetcher())
    waiters = [asyncio.create_task(given(loader.get(FactKind.TRAY, THIRTY))) for _ in range(50)]
    await asyncio.sleep(0.5)
    for waiter in waiters[:25]:
        waiter.cancel()
    answers = await asyncio.gather(*waiters, return_exceptions=True)
    assert [type(answer) for answer in answers] == [asyncio.CancelledError] * 25 + [tuple] * 25
    assert isinstance(loader.get(FactKind.TRAY, THIRTY), tuple)
    assert stand.calls == {TRAY: 1}


async def test_a_question_asked_by_nobody_any_more_is_remembered_all_the_same(stand: Shop) -> None:
    stand.sandbox.faults.lay(Latency(seconds=1))
    waiter = asyncio.create_task(given(Loader(stand.fetcher()).get(FactKind.TRAY, THIRTY)))
    await asyncio.sleep(0.5)
    waiter.cancel()
    await stand.services.flights.drain(5)
    assert isinstance(Loader(stand.fetcher()).get(FactKind.TRAY, THIRTY), tuple)


async def test_errors_belong_to_their_own_key(stand: Shop) -> None:
    keys: list[UserKey] = [NATGEO, UserId("1"), UserId(str(fixture_users.PRIVATE.pk)), Username("nobody.at.all")]
    answers = await each(*(Loader(stand.fetcher()).get(FactKind.TRAY, key) for key in keys))
    assert [type(answer) for answer in answers] == [tuple, NotFound, PrivateAccount, NotFound]


async def test_an_error_is_no_answer_for_the_next_operation(stand: Shop) -> None:
    stand.sandbox.faults.lay(Status(status=503, endpoint=TRAY))
    (failure,) = await each(Loader(stand.fetcher()).get(FactKind.TRAY, NATGEO))
    assert isinstance(failure, UpstreamUnavailable)
    stand.sandbox.faults.clear()
    assert isinstance(await given(Loader(stand.fetcher()).get(FactKind.TRAY, NATGEO)), tuple)


async def test_what_the_purse_does_not_hold_is_refused_in_its_place(stand: Shop) -> None:
    loader = Loader(stand.fetcher(ceiling=2))
    answers = await each(*(loader.get(FactKind.HIGHLIGHT, key) for key in HIGHLIGHTS[:4]))
    assert [type(answer) for answer in answers] == [LoadedHighlight, LoadedHighlight, BudgetExceeded, BudgetExceeded]
    assert stand.calls == {HIGHLIGHT: 2}


async def test_one_operations_loaders_know_nothing_of_anothers_failures(stand: Shop) -> None:
    poor, rich = Loader(stand.fetcher(ceiling=0)), Loader(stand.fetcher())
    answers = await each(poor.get(FactKind.TRAY, NATGEO), rich.get(FactKind.TRAY, NATGEO))
    assert [type(answer) for answer in answers] == [BudgetExceeded, tuple]


async def test_short_fields_that_stand_in_for_a_profile_leave_the_rest_of_it_a_problem(stand: Shop) -> None:
    """The profile is asked for once, and not again because the stand-in does not answer the question."""
    await given(Loader(stand.fetcher()).get(FactKind.TRAY, NATGEO))
    await asyncio.sleep(3_700)
    stand.sandbox.faults.lay(Status(status=500))
    loader = Loader(stand.fetcher())
    profile, short = await each(loader.get(FactKind.PROFILE, NATGEO), loader.get(FactKind.SUMMARY, NATGEO))
    assert isinstance(profile, UpstreamUnavailable)
    assert isinstance(short, UserSummary)
    assert short.username == "natgeo"
    assert stand.calls[PROFILE] == 3
