"""One odd element costs itself: what can be read of an answer is kept, and the answer says what it lost."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from gateway.domain.models import Item, LoadedHighlight
from gateway.domain.partial import WHOLE, left_out, losses
from gateway.domain.partial import lost as lost_of
from gateway.domain.users import Profile
from gateway.errors import UpstreamInvalidAnswer
from gateway.events import ResponseSchemaMismatch
from gateway.reads.endpoints import Call
from gateway.reads.port import ReadOutcome
from gateway.upstream.client.decoding import LARGEST_ODD
from gateway.upstream.hikerapi import endpoints
from tests.upstream.harness import HIGHLIGHT, NATGEO, SALWA, TRAY, TRAY_BY_USERNAME, Upstream, answer, tray_of

Json = dict[str, Any]
OWNER = "75885841119"
NAMED = Call(endpoints.TRAY_BY_USERNAME, "natgeo")


def highlight(**changes: object) -> Json:
    return {**msgspec.json.decode(HIGHLIGHT), **changes}


def item(pk: str = "11", /, **changes: object) -> Json:
    return {"pk": pk, "id": f"{pk}_{OWNER}", "user": {"pk": OWNER, "id": OWNER, "username": None}} | changes


async def fetched(call: Call, body: object) -> tuple[ReadOutcome, tuple[str, ...]]:
    """The outcome, and the paths that were told. It was charged once, and reads the same from its bytes."""
    upstream = Upstream(answer(200, body if isinstance(body, bytes) else json.dumps(body).encode()))
    outcome = await upstream.api().fetch(call)
    assert (outcome.charged, outcome.attempts) == (call.nominal_price, 1)
    if outcome.problem is None:
        assert call.read(outcome.body) == outcome.value
    return outcome, tuple(path for event in upstream.seen(ResponseSchemaMismatch) for path in event.paths)


async def loaded(**changes: object) -> LoadedHighlight:
    value = (await fetched(SALWA, highlight(**changes)))[0].value
    assert isinstance(value, LoadedHighlight)
    return value


async def one_item(**changes: object) -> Item:
    (value,) = (await loaded(items=[item(**changes)])).items
    return value


# -- ids


async def test_an_integer_pk_of_a_highlight_is_its_pk() -> None:
    assert (await loaded(pk=int(SALWA.key))).pk == SALWA.key
    tray = msgspec.json.decode(TRAY)
    tray[1]["pk"] = int(tray[1]["pk"])
    outcome, paths = await fetched(NATGEO, tray)
    assert outcome.value == NATGEO.read(TRAY)
    assert paths == ("[1].pk",)


@pytest.mark.parametrize("odd", [None, "", "abc", {}, True])
async def test_the_pk_of_a_highlight_follows_from_its_id(odd: object) -> None:
    assert await loaded(pk=odd) == SALWA.read(HIGHLIGHT)


@pytest.mark.parametrize("odd", [None, {}, [], 11])
async def test_the_id_of_an_item_follows_from_its_pk_and_its_owner(odd: object) -> None:
    value = await loaded(items=[item("11", id=odd, extra=odd), item("12", id=odd, user=None), {"pk": "13"}, item("14")])
    assert [one.id for one in value.items] == [f"{pk}_{OWNER}" for pk in (11, 12, 13, 14)]
    assert dict(losses(value)) == {}


@pytest.mark.parametrize("odd", [None, {}, []])
async def test_the_pk_of_an_item_follows_from_its_id(odd: object) -> None:
    value = await loaded(items=[item("11", pk=odd, mentions=7), item("12")])
    assert [str(one.pk) for one in value.items] == ["11", "12"]


NO_IDS = ["", " ", "abc", "-1", "0", 0, -1, "highlight:1", "1,2", "1" * 21, 10**25]


@pytest.mark.parametrize("odd", NO_IDS)
async def test_what_fits_the_type_of_an_id_and_is_none_follows_from_the_ids_beside_it(odd: object) -> None:
    value = await loaded(items=[item("11", pk=odd), item("12", id=str(odd)), item("13")])
    assert [str(one.pk) for one in value.items] == ["11", "12", "13"]
    assert [one.id for one in value.items] == [f"{pk}_{OWNER}" for pk in (11, 12, 13)]
    tray = msgspec.json.decode(TRAY)
    tray[1]["pk"] = str(odd)
    assert (await fetched(NATGEO, tray))[0].value == NATGEO.read(TRAY)


@pytest.mark.parametrize("odd", NO_IDS)
async def test_what_has_no_id_that_is_one_is_left_out(odd: object) -> None:
    """Under an empty id something would be asked for, and paid."""
    value = await loaded(
        items=[
            item("11", pk=odd, id=""),
            item("12", mentions=[{"user": {"pk": odd}}, {"user": {"pk": "5"}}], sponsor_tags=[{"pk": odd}]),
        ],
    )
    (one,) = value.items
    assert ([user.user.id for user in one.mentions], one.sponsors) == (["5"], ())
    assert (lost_of(value, "items"), lost_of(one, "mentions"), lost_of(one, "sponsors")) == (1, 1, 1)
    tray = msgspec.json.decode(TRAY)
    tray[1] |= {"pk": str(odd), "id": ""}
    outcome, _ = await fetched(NATGEO, tray)
    assert left_out(outcome.value) == 1


async def test_a_place_without_an_id_of_its_own_keeps_its_0() -> None:
    """Nothing is asked for under it, and an answer that fits as it is shows it."""
    place = {"location": {"pk": 0, "name": "Riyadh"}}
    for odd in ({}, {"mentions": 5}):
        assert (await one_item(locations=[place], **odd)).locations[0].location.pk == 0


@pytest.mark.parametrize("odd", ["", "abc", -1, {}, True, None])
async def test_a_medium_without_an_id_is_not_among_those_that_are_missing(odd: object) -> None:
    value = await loaded(media_ids=[11, odd, "12"], items=[item("11")])
    assert (value.missing_item_ids, lost_of(value, "missing_item_ids")) == (("12",), 1)


async def test_the_pk_of_a_user_follows_from_the_id() -> None:
    value = await loaded(user={"pk": None, "id": OWNER, "username": "salwaaa_ki"})
    assert value.owner is not None
    assert value.owner.id == OWNER


async def test_an_item_that_cannot_be_told_apart_is_left_out() -> None:
    value = await loaded(items=[item("11"), item("12", pk=None, id=None), None, item("13")])
    assert [one.pk for one in value.items] == ["11", "13"]
    assert lost_of(value, "items") == 2


async def test_the_code_of_an_item_follows_from_its_pk() -> None:
    pk, code = 3772053608293416704, "DRZBsWEDz8A"
    assert (await one_item(pk=str(pk), id=f"{pk}_{OWNER}", code={})).code == code


# -- trays


async def test_a_null_entry_of_a_tray_is_left_out() -> None:
    outcome, paths = await fetched(NATGEO, [*msgspec.json.decode(TRAY)[:2], None])
    assert (len(tray_of(outcome)), left_out(tray_of(outcome))) == (2, 1)
    assert paths == ("[2]",)


@pytest.mark.parametrize(("call", "body"), [(NATGEO, TRAY), (NAMED, TRAY_BY_USERNAME)])
@pytest.mark.parametrize("at", [0, 1, 2])
async def test_an_entry_without_an_owner_has_that_of_the_others(call: Call, body: bytes, at: int) -> None:
    owners: list[object] = [None, "", {"username": "natgeo"}, {"pk": {}, "id": None}]
    for odd in owners:
        tray = msgspec.json.decode(body)
        tray[at]["user"] = odd
        assert (await fetched(call, tray))[0].value == call.read(body)


async def test_a_tray_that_names_no_owner_is_that_of_the_user_who_was_asked_for_by_id() -> None:
    outcome, _ = await fetched(NATGEO, [entry | {"user": None} for entry in msgspec.json.decode(TRAY)])
    tray = tray_of(outcome)
    assert {entry.owner and entry.owner.id for entry in tray} == {NATGEO.key}


async def test_a_tray_by_name_that_names_no_owner_has_none() -> None:
    outcome, _ = await fetched(NAMED, [entry | {"user": None} for entry in msgspec.json.decode(TRAY_BY_USERNAME)])
    tray = tray_of(outcome)
    assert [(entry.owner, lost_of(entry, "owner")) for entry in tray] == [(None, WHOLE)] * 3


async def test_whoever_is_asked_for_by_name_goes_by_it() -> None:
    """Else the name would be known to nobody, and bought again each time."""
    tray = msgspec.json.decode(TRAY_BY_USERNAME)
    for entry in tray:
        entry["user"]["username"] = None
    assert (await fetched(NAMED, tray))[0].value == NAMED.read(TRAY_BY_USERNAME)
    call = Call(endpoints.PROFILE_BY_USERNAME, "natgeo")
    names: list[object] = [None, 7, {}, ""]
    for odd in names:
        profile = (await fetched(call, {"pk": 1, "username": odd, "biography": "b"}))[0].value
        assert profile == Profile(1, "natgeo", biography="b")


async def test_a_tray_of_nothing_readable_is_not_empty() -> None:
    outcome, _ = await fetched(NATGEO, [None, {}])
    assert outcome.value == ()
    assert left_out(outcome.value) == 2


# -- lists of what is placed on an item

ATTACHED: dict[str, tuple[str, Json]] = {
    "mentions": ("user", {"user": {"pk": "3", "username": "three"}, "x": 0.5}),
    "links": ("webUri", {"webUri": "https://example.test/"}),
    "hashtags": ("hashtag", {"hashtag": {"name": "sun", "media_count": 7}, "width": 1}),
    "locations": ("location", {"location": {"pk": 5, "name": "Riyadh", "lat": 24.7}}),
    "medias": ("media_pk", {"media_pk": "9", "is_pinned": False}),
    "sponsor_tags": ("pk", {"pk": "1"}),
}


@pytest.mark.parametrize("name", ATTACHED)
async def test_one_odd_entry_of_a_list_is_left_out_alone(name: str) -> None:
    needed, good = ATTACHED[name]
    other = item("12", **{name: [good]})
    outcome, paths = await fetched(
        SALWA, highlight(items=[item(**{name: [good, {**good, needed: None}, good]}), other])
    )
    assert isinstance(outcome.value, LoadedHighlight)
    first, second = outcome.value.items
    attribute = "sponsors" if name == "sponsor_tags" else name
    assert getattr(first, attribute) == getattr(second, attribute) * 2
    assert dict(losses(first)) == {attribute: 1}
    assert not losses(second)
    assert paths == (f"items[0].{name}[1]",)


@pytest.mark.parametrize("name", ATTACHED)
async def test_a_list_that_is_none_is_lost_and_null_is_none(name: str) -> None:
    attribute = "sponsors" if name == "sponsor_tags" else name
    assert dict(losses(await one_item(**{name: "none"}))) == {attribute: WHOLE}
    assert not losses(await one_item(**{name: None}))


# -- single values


@pytest.mark.parametrize(
    "odd",
    [
        *(1703930400, 1703930400.0, "1703930400", 1703930400_000, "1703930400000", 1703930400_000_000),
        *("2023-12-30T10:00:00", "2023-12-30 10:00:00", "2023-12-30T10:00Z", "2023-12-30T12:00:00+0200"),
        *("Sat, 30 Dec 2023 10:00:00 GMT", "Sat, 30 Dec 2023 10:00:00 -0000", "30 Dec 2023 05:00:00 -0500"),
    ],
)
async def test_a_date_is_read_in_each_form(odd: object) -> None:
    """Without an offset it is UTC, like all others."""
    expected = datetime(2023, 12, 30, 10, tzinfo=UTC)
    assert (await one_item(taken_at=odd)).taken_at == expected
    assert (await loaded(created_at=odd)).created_at == expected


async def test_a_date_keeps_its_fraction() -> None:
    value = await one_item(taken_at=1703930400.5)
    assert value.taken_at is not None
    assert value.taken_at.isoformat() == "2023-12-30T10:00:00.500000+00:00"


@pytest.mark.parametrize("odd", [1703930400, 1703930400.0, "1703930400", 1703930400_000, "2023-12-30T10:00:00Z"])
async def test_unix_seconds_are_read_in_each_form(odd: object) -> None:
    assert (await loaded(latest_reel_media=odd)).latest_reel_media == 1703930400


VALUES: list[tuple[str, object, object]] = [
    ("media_count", 12.0, 12),
    ("media_count", "12", 12),
    ("media_count", " 12 ", 12),
    ("follower_count", 3_000_000_000, 3_000_000_000),
    ("latitude", "25.7", 25.7),
    ("latitude", 25, 25.0),
    ("zip", 33139, "33139"),
    ("contact_phone_number", 13055550123.0, "13055550123"),
    ("is_business", "true", True),
    ("is_business", 0, False),
    ("biography", "half \ud83d", "half \ufffd"),
]
LOST: list[tuple[str, object]] = [
    ("media_count", 12.5),
    ("media_count", True),
    ("media_count", "many"),
    ("follower_count", 2**53),
    ("account_type", 2**31),
    ("latitude", float("nan")),
    ("latitude", "nan"),
    ("zip", True),
    ("is_business", 2),
    ("category_name", ["Shop"]),
    ("external_url", 7),
    ("zip", 1e30),
]


@pytest.mark.parametrize(("name", "odd", "expected"), VALUES)
async def test_a_value_is_what_it_can_only_mean(name: str, odd: object, expected: object) -> None:
    outcome, _ = await fetched(Call(endpoints.PROFILE, "1"), {"pk": "1", "username": "natgeo", name: odd})
    assert getattr(outcome.value, name) == expected
    assert not losses(outcome.value)


@pytest.mark.parametrize(("name", "odd"), LOST)
async def test_a_value_that_means_nothing_is_lost_alone(name: str, odd: object) -> None:
    outcome, paths = await fetched(Call(endpoints.PROFILE, "1"), {"pk": "1", "biography": "b", name: odd})
    attribute = {"category_name": "category", "account_type": "account_type_code"}.get(name, name)
    assert isinstance(outcome.value, Profile)
    assert (getattr(outcome.value, attribute), outcome.value.biography) == (None, "b")
    assert dict(losses(outcome.value)) == {attribute: WHOLE}
    assert paths == (name,)


async def test_integer_ids_of_a_cover_are_ids() -> None:
    cover = (await loaded(cover_media={"media_id": 17900000000000001, "upload_id": 553011223344})).cover
    assert cover is not None
    assert (cover.media_id, cover.upload_id) == ("17900000000000001", "553011223344")


async def test_the_numbers_of_a_crop_belong_together() -> None:
    read = (await loaded(cover_media={"crop_rect": ["0.0", 0.2, "1", 1]})).cover
    lost = (await loaded(cover_media={"crop_rect": [0.0, None, 1.0, 1.0]})).cover
    assert read is not None
    assert lost is not None
    assert (read.crop_rect, lost.crop_rect) == ((0.0, 0.2, 1.0, 1.0), None)
    assert dict(losses(lost)) == {"crop_rect": WHOLE}


async def test_the_owner_of_a_highlight_may_be_lost() -> None:
    value = await loaded(user=None)
    assert (value.owner, lost_of(value, "owner"), len(value.items)) == (None, WHOLE, 3)


# -- bytes


async def test_half_a_surrogate_pair_is_replaced() -> None:
    outcome, paths = await fetched(SALWA, highlight(title="Reef \ud83d", items=[]))
    assert isinstance(outcome.value, LoadedHighlight)
    assert outcome.value.title == "Reef \ufffd"
    assert paths == ("title",)


async def test_whole_pairs_beside_a_half_one_stay_whole() -> None:
    assert (await loaded(title="\U0001f98b \udd8b \U0001f468\u200d\U0001f469")).title == "🦋 \ufffd 👨\u200d👩"


async def test_a_bad_byte_is_replaced() -> None:
    sent = json.dumps(highlight(title="Reef !")).encode().replace(b"Reef !", b"Reef \xff")
    outcome, paths = await fetched(SALWA, sent)
    assert isinstance(outcome.value, LoadedHighlight)
    assert (outcome.value.title, paths) == ("Reef \ufffd", ("title",))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
async def test_a_byte_order_mark_is_passed_over(encoding: str) -> None:
    outcome, _ = await fetched(SALWA, HIGHLIGHT.decode().encode(encoding))
    assert outcome.value == SALWA.read(HIGHLIGHT)


@pytest.mark.parametrize("tail", [b"\0\0", b"<!-- 12 ms -->", b"\n{}", b"]"])
async def test_what_follows_an_answer_is_passed_over(tail: bytes) -> None:
    outcome, _ = await fetched(SALWA, HIGHLIGHT + tail)
    assert outcome.value == SALWA.read(HIGHLIGHT)


async def test_a_line_break_within_a_text_is_part_of_it() -> None:
    sent = HIGHLIGHT.replace(b'"title": "me', b'"title": "\nme')
    assert sent != HIGHLIGHT
    outcome, _ = await fetched(SALWA, sent)
    assert isinstance(outcome.value, LoadedHighlight)
    assert outcome.value.title.startswith("\nme")


@pytest.mark.parametrize("odd", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"1" * 5_000])
async def test_a_number_that_is_none_is_lost_alone(odd: bytes) -> None:
    sent = json.dumps(highlight(items=[item(video_duration="?"), item("12")])).encode().replace(b'"?"', odd)
    outcome, paths = await fetched(SALWA, sent)
    assert isinstance(outcome.value, LoadedHighlight)
    assert [losses(one) for one in outcome.value.items] == [{"duration": WHOLE}, {}]
    assert paths == ("items[0].video_duration",)


async def test_a_number_that_is_none_within_an_extra_is_null_and_told() -> None:
    sticker = {"id": "s", "extra": {"a": [1, "?"], "b": 2**60}}
    sent = json.dumps(highlight(items=[item(stickers=[sticker])])).encode().replace(b'"?"', b"NaN")
    outcome, paths = await fetched(SALWA, sent)
    assert isinstance(outcome.value, LoadedHighlight)
    (shown,) = outcome.value.items[0].stickers
    assert shown.extra == {"a": [1, None], "b": 2**60}
    assert dict(losses(shown)) == {"extra": 1}
    assert paths == ("items[0].stickers[0].extra",)


# -- bounds


async def test_an_answer_of_which_something_is_odd_is_read_part_by_part_up_to_a_size() -> None:
    """To look at each part of a larger one would hold up all others; one that fits may be as large as any."""
    small, large = (item("11", code="x" * size) for size in (1_000, LARGEST_ODD))
    assert (await fetched(SALWA, highlight(items=[small], title=None)))[0].problem is None
    assert (await fetched(SALWA, highlight(items=[large])))[0].problem is None
    outcome, paths = await fetched(SALWA, highlight(items=[large], media_count="odd"))
    assert isinstance(outcome.problem, UpstreamInvalidAnswer)
    assert paths == ()
