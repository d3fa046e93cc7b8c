"""Any answer, with one element spoiled: what does not depend on it is still there, and what is not is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.models import Highlight, HighlightReference, LoadedHighlight
from gateway.domain.partial import left_out, losses
from gateway.domain.users import Model
from gateway.reads.endpoints import Call
from gateway.upstream.hikerapi import endpoints
from tests.profiles import examples
from tests.upstream.harness import HIGHLIGHT, NATGEO, SALWA, TRAY, TRAY_BY_USERNAME

NAMED = Call(endpoints.TRAY_BY_USERNAME, "natgeo")
OWNER = "75885841119"


def item(pk: str, /, **more: object) -> dict[str, Any]:
    return {"pk": pk, "id": f"{pk}_{OWNER}", "user": {"pk": OWNER, "id": OWNER, "username": None}} | more


RICH = {
    **msgspec.json.decode(HIGHLIGHT),
    "items": [
        item(
            str(pk),
            taken_at="2025-11-23T07:44:11+00:00",
            media_type=2,
            code=f"C{pk}",
            thumbnail_url=f"https://cdn.test/{pk}.jpg",
            video_duration=1.5,
            sponsor_tags=[{"pk": f"1{pk}", "id": f"1{pk}"}, {"pk": f"2{pk}", "full_name": "Two"}],
            mentions=[{"user": {"pk": f"{n}{pk}", "username": f"user{n}"}, "x": 0.5} for n in (3, 4)],
            links=[{"webUri": f"https://example.test/{n}", "x": 0.25} for n in range(2)],
            hashtags=[{"hashtag": {"name": name, "media_count": 7}, "width": 1} for name in ("sun", "sea")],
            locations=[{"location": {"pk": n, "name": f"Place {n}", "lat": 24.7}, "y": 0.5} for n in range(2)],
            stickers=[{"type": f"s{n}", "x": 1, "story_link": {"url": f"https://s.test/{n}"}} for n in range(2)],
            medias=[{"media_pk": f"9{n}", "is_pinned": False, "media_code": "c"} for n in range(2)],
        )
        for pk in (3772053608293416704, 3773586006193708855)
    ],
}
PROFILE = {"pk": "787132", "id": "787132", "username": "natgeo", "follower_count": 1, "latitude": 1.5, "zip": "1"}
ANSWERS: list[tuple[Call, Any]] = [
    (SALWA, RICH),
    (SALWA, msgspec.json.decode(HIGHLIGHT)),
    (NATGEO, msgspec.json.decode(TRAY)),
    (NAMED, msgspec.json.decode(TRAY_BY_USERNAME)),
    (Call(endpoints.PROFILE, "787132"), PROFILE),
    (Call(endpoints.PROFILE_BY_USERNAME, "natgeo"), PROFILE),
    (Call(endpoints.ITEM, "3772053608293416704"), RICH["items"][0]),
]
ODD = [None, True, {}, [], [None], 0.5, float("nan"), {"pk": None}, -(10**30), "", "?", "\ud83d"]
# By these entries are told apart: one that is another text or number by now is another entry.
NAMES = frozenset({"pk", "id", "name", "webUri", "media_pk", "url"})
# An entry of a list cannot do without these: `a.b` is `b` of `a`.
NEEDED = {
    "user", "user.pk", "hashtag", "hashtag.name", "location", "location.name", "webUri", "media_pk",
    "story_link", "story_link.url",  # by which this test tells stickers apart
}  # fmt: skip
Way = tuple[str | int, ...]


def ways(raw: Any, way: Way = ()) -> Iterator[Way]:
    """To each value of a JSON document, but for the document."""
    for key in raw if isinstance(raw, dict) else range(len(raw)) if isinstance(raw, list) else ():
        yield (*way, key)
        yield from ways(raw[key], (*way, key))


def spoiled(raw: Any, way: Way, odd: object) -> Any:
    copy = msgspec.json.decode(msgspec.json.encode(raw))
    place = copy
    for key in way[:-1]:
        place = place[key]
    place[way[-1]] = odd
    return copy


def leaves(value: Any, way: Way = ()) -> dict[Way, Any]:
    """What the answer says, by where. Entries of lists are named by what they say, as others may be left out."""
    if isinstance(value, dict):
        return {k: v for key, part in value.items() if key != "lost" for k, v in leaves(part, (*way, key)).items()}
    if isinstance(value, tuple | list) and way[-1:] != ("crop_rect",):
        return {k: v for part in value for k, v in leaves(part, (*way, name_of(part))).items()}
    return {way: value}


def name_of(entry: Any) -> str:
    match entry:
        case {"pk": pk} | {"user": {"pk": pk}} | {"hashtag": {"name": pk}} | {"location": {"name": pk}}:
            return str(pk)
        case {"webUri": pk} | {"media_pk": pk} | {"story_link": {"url": pk}}:
            return str(pk)
        case _:
            return str(entry)


def is_another(way: Way, odd: object) -> bool:
    """Whether what is in the place of an id may be one."""
    named = way[-1] in NAMES or "media_ids" in way
    return named and isinstance(odd, str | int | float) and odd is not True


def units(raw: Any, way: Way) -> Way:
    """Up to where the spoiled element may take what is around it along."""
    names = [str(key) for key in way if isinstance(key, str)]
    end = len(way)
    entry = max((at for at, key in enumerate(way) if isinstance(key, int)), default=None)
    if entry is not None:
        inside = ".".join(str(key) for key in way[entry + 1 :])
        is_tray_or_item = len([key for key in way if isinstance(key, int)]) == 1 and names[:1] in ([], ["items"])
        within = way[entry - 1] if entry else None
        if within == "crop_rect":
            end = entry
        elif (
            (within == "sponsor_tags" and inside == "pk")
            or (not is_tray_or_item and inside in NEEDED)
            or way[-1] == entry
        ):
            end = entry + 1
    named: list[str | int] = []
    for key in way[:end]:
        raw = raw[key]
        named.append(name_of(raw) if isinstance(key, int) else key)
    return tuple(named)


@examples(5_000)
@given(st.sampled_from(ANSWERS), st.sampled_from(ODD), st.data())
def test_whatever_does_not_depend_on_a_spoiled_element_is_still_there(
    sample: tuple[Call, Any], odd: object, data: st.DataObject
) -> None:
    call, raw = sample
    way = data.draw(st.sampled_from([way for way in ways(raw) if not is_another(way, odd)]))
    body = json.dumps(spoiled(raw, way, odd)).encode()
    before = leaves(msgspec.to_builtins(call.read(json.dumps(raw).encode())))
    after = leaves(msgspec.to_builtins(call.read(body)))
    lost = units(raw, way)
    kept = {where: value for where, value in before.items() if where[: len(lost)] != lost}
    assert {where: after.get(where, ...) for where in kept} == kept


def models_of(value: Any) -> Iterator[Model]:
    if isinstance(value, Model):
        yield value
        for name in value.__struct_fields__:
            yield from models_of(getattr(value, name))
    if isinstance(value, tuple):
        for part in value:
            yield from models_of(part)


@examples(5_000)
@given(st.sampled_from(ANSWERS), st.sampled_from([True, [None], float("nan")]), st.data())
def test_nothing_is_lost_in_silence(sample: tuple[Call, Any], odd: object, data: st.DataObject) -> None:
    """A leaf that is no longer there, or null by now, is told by a model or by the list that it was in."""
    call, raw = sample
    way = data.draw(st.sampled_from([way for way in ways(raw) if not is_another(way, odd)]))
    good = call.read(json.dumps(raw).encode())
    value = call.read(json.dumps(spoiled(raw, way, odd)).encode())
    before, after = (leaves(msgspec.to_builtins(one)) for one in (good, value))
    gone = [where for where, leaf in before.items() if leaf is not None and after.get(where) is None]
    told = left_out(value) or any(losses(model) for model in models_of(value))
    assert told or not gone, gone


@pytest.mark.parametrize("kind", [kind for kind in Model.__subclasses__() if kind.__struct_fields__])
def test_each_property_names_what_it_is_made_of(kind: type[Model]) -> None:
    """Or what it lost would not be told."""
    always = {"id", "named_user"} | ({"url", "share_url"} if kind is HighlightReference else set())
    for one in (kind, *kind.__subclasses__()):
        properties = {name for name, value in vars(one).items() if isinstance(value, property)} - always
        assert properties <= one.SOURCES.keys()
        for sources in one.SOURCES.values():
            for source in sources:
                assert source.partition(".")[0] in one.__struct_fields__
    assert Highlight.SOURCES.items() <= LoadedHighlight.SOURCES.items()
