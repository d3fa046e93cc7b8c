"""Reading what is not quite of the documented shape: lose a detail rather than an answer, and never make one up."""

from __future__ import annotations

import contextlib
import copy
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.models import Item, LoadedHighlight
from gateway.domain.partial import WHOLE, losses, partial
from gateway.domain.partial import lost as lost_of
from gateway.domain.users import Model, Profile
from gateway.errors import UpstreamInvalidAnswer
from gateway.reads.endpoints import Call
from gateway.upstream.hikerapi import endpoints
from gateway.upstream.hikerapi.hiker_endpoint import HikerEndpoint
from tests.upstream.harness import HIGHLIGHT, NATGEO, SALWA, TRAY, TRAY_BY_USERNAME

RICH_ITEM = {
    "pk": 3772053608293416704,
    "id": "3772053608293416704_75885841119",
    "taken_at": "2025-11-23T07:44:11+00:00",
    "media_type": 1,
    "video_duration": 0,
    "user": {"pk": 75885841119, "username": None},
    "sponsor_tags": [{"pk": "1"}, {"pk": 2, "full_name": "Two"}],
    "mentions": [{"user": {"pk": "3", "username": "three"}, "x": 0.5}],
    "links": [{"webUri": "https://example.test/"}],
    "hashtags": [{"hashtag": {"name": "sun", "media_count": 7}, "width": 1}],
    "locations": [{"location": {"pk": 5, "name": "Riyadh", "lat": 24.7}}],
    "stickers": [{"id": 1, "x": 1, "story_link": {"url": "https://example.test/"}, "extra": {"a": [1]}}],
    "medias": [{"media_pk": "9", "is_pinned": False}],
    "something_new": {"of": ["no", "interest"]},
}
PROFILE = {"pk": 787132, "username": "natgeo", "follower_count": 1, "latitude": 1, "is_business": True, "zip": "1"}
SAMPLES = [
    (endpoints.HIGHLIGHT, HIGHLIGHT),
    (endpoints.TRAY, TRAY),
    (endpoints.TRAY_BY_USERNAME, TRAY_BY_USERNAME),
    (endpoints.PROFILE, msgspec.json.encode(PROFILE)),
    (endpoints.PROFILE_BY_USERNAME, msgspec.json.encode(PROFILE)),
    (endpoints.ITEM, msgspec.json.encode(RICH_ITEM)),
]
CALLS = {call.endpoint: call for call in (SALWA, NATGEO)} | {
    endpoints.TRAY_BY_USERNAME: Call(endpoints.TRAY_BY_USERNAME, "natgeo"),
    endpoints.PROFILE: Call(endpoints.PROFILE, "787132"),
    endpoints.PROFILE_BY_USERNAME: Call(endpoints.PROFILE_BY_USERNAME, "natgeo"),
    endpoints.ITEM: Call(endpoints.ITEM, "3772053608293416704"),
}


def read(endpoint: HikerEndpoint, raw: object) -> tuple[Any, tuple[str, ...]]:
    told: list[tuple[str, ...]] = []
    value = endpoint.decoder.read(CALLS[endpoint], msgspec.json.encode(raw), told.append)
    assert len(told) <= 1
    return value, told[0] if told else ()


def highlight(**changes: object) -> dict[str, Any]:
    return {**msgspec.json.decode(HIGHLIGHT), **changes}


@pytest.mark.parametrize(("endpoint", "body"), SAMPLES)
def test_the_second_reading_agrees_with_the_first(endpoint: HikerEndpoint, body: bytes) -> None:
    """On a good answer part by part must give what one pass gives."""
    good = endpoint.decoder.read(CALLS[endpoint], body)
    raw = msgspec.json.decode(body)
    entry = raw[0] if isinstance(raw, list) else raw
    # A field of another type in a place that is not read back, so that the fast path fails.
    key = "title" if "title" in entry else "video_url" if endpoint is endpoints.ITEM else "biography"
    entry[key] = {}
    value, lost = read(endpoint, raw)
    changed = value[0] if isinstance(value, tuple) else value
    original = good[0] if isinstance(good, tuple) else good
    assert lost == (f"[0].{key}" if isinstance(raw, list) else key,)
    assert dict(losses(changed)) == {key: WHOLE}
    assert msgspec.structs.replace(partial(changed, {}), **{key: getattr(original, key)}) == original


def test_unknown_fields_are_ignored_and_missing_optional_ones_are_null() -> None:
    value, lost = read(endpoints.PROFILE, {"pk": 1, "brand_new": [1]})
    assert (value, lost) == (Profile(pk=1), ())


def test_a_wrong_typed_nullable_field_is_null() -> None:
    raw = highlight()
    raw["items"][0]["video_duration"] = "long"
    raw["items"][2]["taken_at"] = "yesterday"
    raw["latest_reel_media"] = {"at": 1}
    value, lost = read(endpoints.HIGHLIGHT, raw)
    assert (value.items[0].duration, value.items[2].taken_at, value.latest_reel_media) == (None, None, None)
    assert value.items[1].video_duration == 20.038000106811523
    assert lost == ("latest_reel_media", "items[0].video_duration", "items[2].taken_at")


def test_a_wrong_typed_part_deep_inside_costs_that_part_alone() -> None:
    raw = copy.deepcopy(RICH_ITEM)
    raw["mentions"][0]["x"] = "left"  # type: ignore[index]
    raw["stickers"][0]["story_link"]["url"] = 5  # type: ignore[index]
    value, lost = read(endpoints.ITEM, raw)
    assert isinstance(value, Item)
    assert (value.mentions[0].x, value.mentions[0].user.username) == (None, "three")
    assert lost == ("mentions[0].x", "stickers[0].story_link.url")


def test_an_entry_that_lacks_what_it_needs_is_left_out() -> None:
    """The path names what was left out, not what was wrong inside it."""
    raw = copy.deepcopy(RICH_ITEM)
    raw["mentions"] = [{"user": {"pk": "3", "is_private": "no"}}, {"user": {"username": "no pk"}}]
    raw["links"] = "none"
    value, lost = read(endpoints.ITEM, raw)
    assert [mention.user.id for mention in value.mentions] == ["3"]
    assert value.links == ()
    assert lost == ("mentions[0].user.is_private", "mentions[1]", "links")
    assert dict(losses(value)) == {"mentions": 1, "links": WHOLE}


def test_where_null_is_no_value_the_default_stands_in() -> None:
    raw = copy.deepcopy(RICH_ITEM)
    raw["links"] = [{"webUri": "https://example.test/", "x": None, "rotation": "steep"}]
    value, lost = read(endpoints.ITEM, raw)
    assert (value.links[0].x, value.links[0].rotation) == (0.5126011, 0)
    assert lost == ("links[0].x", "links[0].rotation")
    assert dict(losses(value.links[0])) == {"rotation": WHOLE}


INVALID = [
    (endpoints.PROFILE, {"username": "natgeo"}),
    (endpoints.PROFILE, {"pk": None}),
    (endpoints.PROFILE, {"pk": "none of our ids", "username": 1}),
    (endpoints.PROFILE, []),
    (endpoints.HIGHLIGHT, {"state": False, "error": "Top up your account", "exc_type": "InsufficientFunds"}),
    (endpoints.HIGHLIGHT, {"response": highlight()}),
    (endpoints.TRAY, {"detail": "x"}),
    (endpoints.ITEM, {"pk": "1"}),
    (endpoints.ITEM, None),
]


@pytest.mark.parametrize(("endpoint", "raw"), INVALID)
def test_without_what_it_needs_an_answer_is_invalid(endpoint: HikerEndpoint, raw: object) -> None:
    with pytest.raises(UpstreamInvalidAnswer):
        read(endpoint, raw)


@pytest.mark.parametrize("items", [None, "none", {"0": {}}, [7]])
def test_unreadable_items_are_never_no_items(items: object) -> None:
    """An empty highlight where items were paid for would be a lie."""
    value, lost = read(endpoints.HIGHLIGHT, highlight(items=items))
    assert value.title == highlight()["title"]
    assert dict(losses(value)) == {"items": 1 if items == [7] else WHOLE}
    assert lost == ("items[0]" if items == [7] else "items",)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)


def places(raw: object) -> list[tuple[Any, Any]]:
    """Each (container, key) of a JSON document."""
    if not isinstance(raw, dict | list):
        return []
    keys = list(raw) if isinstance(raw, dict) else list(range(len(raw)))
    return [(raw, key) for key in keys] + [place for key in keys for place in places(raw[key])]


def whole(value: Any) -> Any:
    """Without what says that something is lost."""
    if isinstance(value, tuple):
        return tuple(map(whole, value))
    if not isinstance(value, Model):
        return value
    fields = {name: whole(getattr(value, name)) for name in value.__struct_fields__ if name != "lost"}
    return msgspec.structs.replace(partial(value, {}), **fields)


@st.composite
def mutated(draw: st.DrawFn) -> tuple[HikerEndpoint, Any]:
    endpoint, body = draw(st.sampled_from(SAMPLES))
    raw = msgspec.json.decode(body)
    for _ in range(draw(st.integers(1, 5))):
        spots = places(raw)
        if not spots:
            break
        container, key = draw(st.sampled_from(spots))
        if draw(st.booleans()):
            container[key] = draw(JSON)
        else:
            del container[key]
    return endpoint, raw


@given(mutated())
def test_no_change_of_a_recorded_answer_does_worse_than_to_invalidate_it(sample: tuple[HikerEndpoint, Any]) -> None:
    endpoint, raw = sample
    try:
        value, lost = read(endpoint, raw)
    except UpstreamInvalidAnswer:
        return
    # What was read is of the declared types all through: writing it and reading it strictly gives the same again.
    encoded = msgspec.json.encode(value)
    assert endpoint.decoder.json.decode(encoded) == whole(value)
    assert len(set(lost)) == len(lost)
    if isinstance(value, LoadedHighlight) and isinstance(raw.get("items"), list):
        assert len(value.items) + (lost_of(value, "items") or 0) == len(raw["items"])


@given(st.sampled_from(SAMPLES), st.data())
def test_no_damage_to_the_bytes_does_worse_either(sample: tuple[HikerEndpoint, bytes], data: st.DataObject) -> None:
    endpoint, body = sample
    damaged = bytearray(body)
    for _ in range(data.draw(st.integers(1, 8))):
        start = data.draw(st.integers(0, len(damaged)))
        damaged[start : start + data.draw(st.integers(0, 20))] = data.draw(st.binary(max_size=10))
    with contextlib.suppress(UpstreamInvalidAnswer):
        endpoint.decoder.read(CALLS[endpoint], bytes(damaged))
