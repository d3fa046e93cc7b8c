"""What a 200 becomes, and what it cost."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from gateway.domain.models import LoadedHighlight
from gateway.domain.partial import WHOLE, left_out, lost
from gateway.domain.users import Profile
from gateway.errors import NotFound, Renamed, UpstreamInvalidAnswer
from gateway.events import PriceMismatch, ResponseSchemaMismatch
from gateway.reads.endpoints import Call, Endpoint
from gateway.upstream.hikerapi import endpoints
from tests.upstream.harness import HIGHLIGHT, NATGEO, PROFILE, SALWA, TRAY, TRAY_BY_USERNAME, Upstream, answer, tray_of

NO_ENTRIES = answer(404, {"detail": "Entries not found", "exc_type": "NotFoundError"})
NO_ENTRIES_WITH_200 = answer(200, {"detail": "Entries not found", "exc_type": "NotFoundError"})


@pytest.mark.parametrize(
    ("call", "body"), [(NATGEO, TRAY), (Call(endpoints.TRAY_BY_USERNAME, "natgeo"), TRAY_BY_USERNAME)]
)
async def test_a_recorded_tray_is_read(call: Call, body: bytes) -> None:
    upstream = Upstream(answer(200, body))
    outcome = await upstream.api().fetch(call)
    assert outcome.problem is None
    tray = tray_of(outcome)
    assert [highlight.title for highlight in tray] == ["Gift Guide", "BOTW 2026", "Limitless"]
    assert {highlight.owner.id for highlight in tray if highlight.owner} == {"787132"}
    assert tray[0].created_at == datetime(2025, 12, 4, 11, 6, 31, tzinfo=UTC)
    assert (outcome.body, outcome.attempts, outcome.in_doubt) == (body, 1, False)
    assert call.read(outcome.body) == outcome.value


async def test_a_recorded_highlight_is_read_with_its_items() -> None:
    upstream = Upstream(answer(200, HIGHLIGHT))
    outcome = await upstream.api().fetch(SALWA)
    highlight = outcome.value
    assert isinstance(highlight, LoadedHighlight)
    assert (highlight.title, highlight.media_count) == ("me 🦋", 98)
    assert [item.code for item in highlight.items] == ["DRZBsWEDz8A", "DReeHq0j583", "DRtlWAGj0ql"]
    assert highlight.missing_item_ids == ()
    assert outcome.charged == 1


async def test_a_highlight_without_items_is_taken_as_it_is() -> None:
    """All its items may have been deleted: the count is not theirs."""
    body = {"pk": SALWA.key, "user": {"pk": 1}, "media_count": 12, "media_ids": [7], "items": []}
    outcome = await Upstream(answer(200, body)).api().fetch(SALWA)
    assert isinstance(outcome.value, LoadedHighlight)
    assert (outcome.value.items, outcome.value.missing_item_ids) == ((), ("7",))


async def test_an_integer_pk_is_the_id_that_was_asked() -> None:
    outcome = await Upstream(answer(200, {"pk": 787132, "username": "natgeo"})).api().fetch(PROFILE)
    assert isinstance(outcome.value, Profile)
    assert outcome.value.id == "787132"


@pytest.mark.parametrize("call", [NATGEO, Call(endpoints.TRAY_BY_USERNAME, "natgeo", forced=True)])
@pytest.mark.parametrize("reply", [NO_ENTRIES, NO_ENTRIES_WITH_200, answer(200, b"[]")])
async def test_an_empty_tray_is_an_answer_in_either_spelling(call: Call, reply: object) -> None:
    upstream = Upstream(reply)  # type: ignore[arg-type]  # parametrize does not type
    outcome = await upstream.api().fetch(call)
    assert (outcome.value, outcome.body, outcome.problem) == ((), b"[]", None)
    assert outcome.charged == call.nominal_price


async def test_entries_not_found_is_no_empty_tray_where_no_tray_was_asked() -> None:
    outcome = await Upstream(NO_ENTRIES).api().fetch(SALWA)
    assert isinstance(outcome.problem, NotFound)


OTHERS = [
    (PROFILE, {"pk": 787133}),
    (NATGEO, [{"pk": "1", "user": {"pk": "4"}}, {"pk": "2", "user": {"pk": "5"}}]),
    (
        Call(endpoints.TRAY_BY_USERNAME, "natgeo"),
        [{"pk": str(pk), "user": {"pk": str(pk), "username": name}} for pk, name in enumerate(("some", "body"), 1)],
    ),
    (SALWA, {"pk": "18085475671830441", "user": {"pk": "1"}}),
    (Call(endpoints.ITEM, "3772053608293416704"), {"pk": 3772053608293416705, "id": "3772053608293416705_1"}),
]


@pytest.mark.parametrize(("call", "body"), OTHERS)
async def test_an_answer_about_another_subject_is_invalid(call: Call, body: object) -> None:
    outcome = await Upstream(answer(200, body)).api().fetch(call)
    assert isinstance(outcome.problem, UpstreamInvalidAnswer)
    assert (outcome.value, outcome.body, outcome.charged) == (None, b"", call.nominal_price)


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        (endpoints.PROFILE_BY_USERNAME, {"pk": 1, "username": "natgeo2"}),
        (endpoints.TRAY_BY_USERNAME, [{"pk": "1", "user": {"pk": "1", "username": "natgeo2"}}]),
    ],
)
async def test_an_answer_under_another_name_says_who_it_is_and_is_kept(endpoint: Endpoint, body: object) -> None:
    outcome = await Upstream(answer(200, body)).api().fetch(Call(endpoint, "natgeo"))
    assert isinstance(outcome.problem, Renamed)
    assert (outcome.problem.extensions["id"], outcome.problem.extensions["username"]) == ("1", "natgeo2")
    assert (outcome.value is not None, outcome.body != b"") == (True, True)


async def test_a_renamed_user_is_told_by_the_entries_that_name_an_owner() -> None:
    body = [{"pk": "1", "user": None}, {"pk": "2", "user": {"pk": "7", "username": "natgeo2"}}, None]
    outcome = await Upstream(answer(200, body)).api().fetch(Call(endpoints.TRAY_BY_USERNAME, "natgeo"))
    assert isinstance(outcome.problem, Renamed)
    tray = tray_of(outcome)
    assert [highlight.owner and highlight.owner.id for highlight in tray] == ["7", "7"]


async def test_an_entry_of_somebody_else_is_left_out_of_a_tray() -> None:
    body = [{"pk": "1", "user": {"pk": "787132"}}, {"pk": "2", "user": {"pk": "5"}}]
    outcome = await Upstream(answer(200, body)).api().fetch(NATGEO)
    tray = tray_of(outcome)
    assert [highlight.pk for highlight in tray] == ["1"]
    assert left_out(outcome.value) == 1


async def test_user_names_match_in_any_case() -> None:
    outcome = (
        await Upstream(answer(200, {"pk": 1, "username": "NatGeo"}))
        .api()
        .fetch(Call(endpoints.PROFILE_BY_USERNAME, "natgeo"))
    )
    assert outcome.problem is None


async def test_drift_is_told_with_its_paths() -> None:
    drifted = msgspec.json.decode(HIGHLIGHT)
    drifted["items"][2]["video_duration"] = "twenty"
    upstream = Upstream(answer(200, drifted))
    outcome = await upstream.api().fetch(SALWA)
    assert isinstance(outcome.value, LoadedHighlight)
    assert outcome.value.items[2].duration is None
    assert upstream.seen(ResponseSchemaMismatch) == [ResponseSchemaMismatch("highlight", ("items[2].video_duration",))]


@pytest.mark.parametrize("info", ['{"reqs": 5}', '{"a": 1, "reqs":5, "b": 2}', "reqs=5", "a=1; reqs=5"])
async def test_the_charge_is_the_price_the_answer_names(info: str) -> None:
    upstream = Upstream(answer(200, TRAY, x_hiker_info=info))
    assert (await upstream.api().fetch(NATGEO)).charged == 5


@pytest.mark.parametrize("info", ["", "reqs", '{"reqs": null}', '{"reqs": "many"}', "reqs=-1", "reqs=99999999999"])
async def test_an_unreadable_price_counts_as_the_table_s(info: str) -> None:
    upstream = Upstream(answer(200, TRAY, x_hiker_info=info))
    assert (await upstream.api().fetch(NATGEO)).charged == 2
    assert upstream.seen(PriceMismatch) == []


async def test_another_price_than_the_table_s_is_told_once_for_each_kind_of_call() -> None:
    upstream = Upstream(answer(200, TRAY, x_hiker_info='{"reqs": 4}'))
    api = upstream.api()
    for call in (NATGEO, NATGEO, Call(endpoints.TRAY, "787132", forced=True)):
        assert (await api.fetch(call)).charged == 4
    assert upstream.seen(PriceMismatch) == [PriceMismatch("tray", 2, 4), PriceMismatch("tray", 1, 4)]


async def test_a_price_on_an_uncharged_answer_means_nothing() -> None:
    upstream = Upstream(answer(402, {"exc_type": "InsufficientFunds"}, x_hiker_info='{"reqs": 9}'))
    assert (await upstream.api().fetch(NATGEO)).charged == 0
    assert upstream.seen(PriceMismatch) == []


async def test_items_that_are_not_there_are_lost_where_there_are_media() -> None:
    """An empty list says that the platform shows none of them."""
    sent = msgspec.json.decode(HIGHLIGHT)
    del sent["items"]
    for answered in ({**sent, "media_ids": []}, {**sent, "media_count": 0}, sent):
        outcome = await Upstream(answer(200, answered)).api().fetch(SALWA)
        assert lost(outcome.value, "items") == WHOLE
    outcome = await Upstream(answer(200, {**sent, "items": []})).api().fetch(SALWA)
    assert lost(outcome.value, "items") is None
