"""Odd answers: a flat page keeps what is odd for its decoder to judge, and refuses what is no page of its endpoint."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.media import Media
from gateway.domain.partial import left_out, losses
from gateway.upstream.client.decoding import lenient, strict
from gateway.upstream.client.lenient_decoding import UndecodableResponse
from gateway.upstream.hikerapi import flat_comments, flat_media, flat_pages, flat_users, flat_versions
from gateway.upstream.hikerapi.flat_parts import Part
from tests.upstream.hikerapi.flattening import FUNCTIONS, MEDIA_PAGE, MediaPage, enveloped, flat
from tests.upstream.hikerapi.raw_pages import RawPages

USER = {"pk": 7, "username": "ann"}
POST: dict[str, Any] = {"pk": 11, "id": "11_7", "taken_at": 1_773_532_800, "user": USER}
NAMES = sorted(
    {
        field.encode_name
        for module in (flat_comments, flat_media, flat_pages, flat_users, flat_versions)
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Part)
        for field in msgspec.structs.fields(kind)
    }
    | {"comment_infos", "11_7"}
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda parts: st.lists(parts, max_size=4) | st.dictionaries(st.sampled_from(NAMES), parts, max_size=6),
    max_leaves=30,
)


@pytest.mark.parametrize(
    ("changes", "lost"),
    [
        ({"caption": "text"}, {"caption": 0}),
        ({"image_versions2": "text"}, {"thumbnail_url": 0, "width": 0, "height": 0}),
        ({"image_versions2": {"candidates": ["text"]}}, {"thumbnail_url": 0, "width": 0, "height": 0}),
        ({"image_versions2": {"candidates": [{"url": "u", "width": "wide", "height": 5}]}}, {"width": 0}),
        ({"video_versions": 5}, {"video_url": 0, "width": 0, "height": 0}),
        ({"usertags": "text"}, {"tagged_users": 0}),
        ({"usertags": {"in": [5, {"user": USER, "position": [1]}]}}, {"tagged_users": 1}),
        ({"carousel_media": ["text"]}, {"children": 1}),
        ({"sponsor_tags": ["text"]}, {"sponsors": 1}),
        ({"user": "text"}, {"author": 0}),
        ({"taken_at": {}}, {"taken_at": 0}),
        ({"like_count": []}, {"likes": 0}),
    ],
)
def test_odd_values_are_lost_by_themselves_and_recorded(changes: dict[str, Any], lost: dict[str, int]) -> None:
    body = flat_pages.user_medias("7", msgspec.json.encode(enveloped("user_medias", [POST, POST | changes])))
    assert strict(MEDIA_PAGE, body) is None
    page, paths = lenient(MediaPage, body, shortens=True, by_part=False)
    assert [media.pk for media in page.entries] == [11, 11]
    assert losses(page.entries[0]) == {}
    assert {name: count for name, count in losses(page.entries[1]).items() if "." not in name} == lost
    assert paths


@pytest.mark.parametrize("name", FUNCTIONS)
def test_entries_that_are_no_objects_stay_to_be_counted(name: str) -> None:
    page = flat(FUNCTIONS[name], enveloped(name, ["text", {"pk": "1", "id": "1"}, 5, None, []]))
    assert [entry if not isinstance(entry, dict) else "object" for entry in page["entries"]] == [
        *("text", "object", 5, None, [])
    ]


def test_a_page_counts_what_its_decoder_leaves_out() -> None:
    body = flat_pages.user_medias("7", msgspec.json.encode(enveloped("user_medias", ["text", POST])))
    entries, _ = lenient(
        tuple[Media, ...], msgspec.json.encode(json.loads(body)["entries"]), shortens=True, by_part=False
    )
    assert left_out(entries) == 1


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("body", [b"", b"<html>", b'{"response": ', b"{}", b"[]", b"null", b'{"response": {}}', b"5"])
def test_other_answers_are_refused(name: str, body: bytes) -> None:
    if (name, body) in {("user_array", b"[]"), ("comment_infos", b"[]")}:
        assert flat(FUNCTIONS[name], json.loads(body))["entries"] == []
        return
    with pytest.raises(UndecodableResponse):
        FUNCTIONS[name]("7", body)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_page_of_another_endpoint_is_not_guessed_at(name: str) -> None:
    """Only lists without a name, and of users with the same name, are read as each other's."""
    others = {
        "accounts": {"likers"},
        "likers": {"accounts"},
        "user_array": {"media_chunk"},
        "comment_infos": {"user_array", "media_chunk"},
    }
    accepted = {other for other in FUNCTIONS if is_accepted(name, enveloped(other, []))}
    assert accepted == {name} | others.get(name, set())


def is_accepted(name: str, answer: Any) -> bool:
    try:
        FUNCTIONS[name]("7", msgspec.json.encode(answer))
    except UndecodableResponse:
        return False
    return True


def test_malformed_json_with_structure_is_repaired() -> None:
    """As in all other answers: a paid page is not refused for half a character."""
    body = (
        b'\xef\xbb\xbf{"response": {"items": [{"pk": 11, "like_count": NaN, "code": "\\ud83d"}]}, "next_page_id": "c"} '
    )
    page = json.loads(flat_pages.user_medias("7", body))
    (entry,) = page["entries"]
    assert (entry["pk"], entry["code"], entry["like_count"], page["next"]) == (11, "\ufffd", [], "c")


@pytest.mark.parametrize("number", [2**53 + 1, 2**64 + 1, 10**300 + 1, 1.5])
def test_numbers_stay_exact(number: float) -> None:
    for odd in ({}, {"caption": 5}):  # read in one step, and in two
        (entry,) = flat(flat_pages.user_medias, enveloped("user_medias", [POST | odd | {"pk": number}]))["entries"]
        assert entry["pk"] == number


def test_a_number_too_long_to_parse_is_lost_alone() -> None:
    body = b'{"response": {"items": [{"pk": 11, "like_count": ' + b"9" * 5_000 + b"}]}}"
    (entry,) = json.loads(flat_pages.user_medias("7", body))["entries"]
    assert (entry["pk"], entry["like_count"]) == (11, [])


@pytest.mark.parametrize("depth", [300, 450, 490, 500, 1_000, 100_000])
def test_nested_replies_end_somewhere(depth: int) -> None:
    body = b'{"child_comments": ' + b'[{"pk": 1, "preview_child_comments": ' * depth + b"[]" + b"}]" * depth + b"}"
    with suppress(UndecodableResponse):
        assert flat_pages.replies("7", body).startswith(b'{"entries":[{"pk":1,')


@given(st.sampled_from(sorted(FUNCTIONS)), VALUES | st.binary())
def test_any_answer_is_flattened_or_refused(name: str, answer: Any) -> None:
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    try:
        page = json.loads(FUNCTIONS[name]("7", body))
    except UndecodableResponse:
        return
    assert list(page) == ["entries", "next", "owner", "total"]
    assert isinstance(page["entries"], list)


@given(st.sampled_from(sorted(FUNCTIONS.keys() - {"hashtag_medias"})), st.lists(VALUES, max_size=8))
def test_no_entry_is_dropped(name: str, entries: list[Any]) -> None:
    assert len(flat(FUNCTIONS[name], enveloped(name, entries))["entries"]) == len(entries)


@given(st.lists(VALUES, max_size=8))
def test_no_entry_of_a_hashtag_is_dropped_but_repeated_ones(entries: list[Any]) -> None:
    found = flat(flat_pages.hashtag_medias, enveloped("hashtag_medias", entries))["entries"]
    alone = [flat(flat_pages.hashtag_medias, enveloped("hashtag_medias", [entry]))["entries"][0] for entry in entries]
    pks = [json.dumps(str(entry["pk"])) for entry in alone if isinstance(entry, dict) and entry.get("pk") is not None]
    assert len(found) >= len(entries) - (len(pks) - len(set(pks)))
    assert all(entry in alone for entry in found)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each container in `value` with each of its keys."""
    for key in value if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from places(value[key])


@given(st.integers(min_value=0), VALUES)
def test_one_odd_value_in_a_real_page_costs_no_other_entry(at: int, odd: Any) -> None:
    answer = json.loads(RawPages().user_medias(3))
    found = [place for item in answer["response"]["items"] for place in places(item)]
    container, key = found[at % len(found)]
    container[key] = odd
    page = flat(flat_pages.user_medias, answer)
    unchanged = flat(flat_pages.user_medias, json.loads(RawPages().user_medias(3)))
    same = [entry == other for entry, other in zip(page["entries"], unchanged["entries"], strict=True)]
    assert same.count(False) <= 1
