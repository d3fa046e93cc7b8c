"""Texts of searches, and points on earth."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.ids import UserId
from gateway.domain.searches import LONGEST_QUERY, Point, SearchQuery, UserSearch, point, search_query, user_search
from gateway.errors import InvalidInput

INFINITE = [math.nan, math.inf, -math.inf]


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("ann", "ann"),
        ("  Ann\t\n B ", "ann b"),
        ("cafe\u0301", "caf\u00e9"),
        ("\u00a0ann\u2003b", "ann b"),
        ("#love", "#love"),
        ("\U0001f30a", "\U0001f30a"),
        ("\u0939\u093f\u0928\u094d\u0926\u0940", "\u0939\u093f\u0928\u094d\u0926\u0940"),
        ("a&b=c +/?#%", "a&b=c +/?#%"),
        ("x" * LONGEST_QUERY, "x" * LONGEST_QUERY),
        (" " * 10_000 + "x", "x"),
    ],
)
def test_a_text_is_composed_in_lower_case_and_with_single_spaces(text: str, query: str) -> None:
    assert search_query(text, field="query") == SearchQuery(query)


@pytest.mark.parametrize(
    "text", ["", " \n", "x" * (LONGEST_QUERY + 1), "x" * 1_000_000, "a\x00b", "a\u200bb", "a\u202eb", "\ud83d"]
)
def test_what_is_no_text_to_search_for_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        search_query(text, field="by.query")
    assert refusal.value.extensions["field"] == "by.query"
    assert refusal.value.message == "by.query must be a text of 1 to 100 characters."


@given(st.text(max_size=20))
def test_a_query_is_its_own_query(text: str) -> None:
    """Else one search would have several entries in the cache, and be bought several times."""
    try:
        query = search_query(text, field="query")
    except InvalidInput:
        return
    assert search_query(query.pk, field="query") == query


@pytest.mark.parametrize(
    ("latitude", "longitude", "pk"),
    [
        (0, 0, "0.0000 0.0000"),
        (90, 180, "90.0000 180.0000"),
        (-90, -180, "-90.0000 -180.0000"),
        (52.516_66, 13.4, "52.5167 13.4000"),
        (1e-300, -1e-5, "0.0000 0.0000"),
        (-0.0, -0.0, "0.0000 0.0000"),
    ],
)
def test_a_point_is_rounded_to_about_ten_metres(latitude: float, longitude: float, pk: str) -> None:
    """Zero has no sign: it would be bought twice."""
    assert point(latitude, longitude, field="near") == Point(pk)


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [
        *((odd, 0.0) for odd in (*INFINITE, 90.000_001, -90.000_001, 1e300)),
        *((0.0, odd) for odd in (*INFINITE, 180.000_001, -180.000_001, -1e300)),
    ],
)
def test_a_point_beyond_the_earth_is_refused(latitude: float, longitude: float) -> None:
    with pytest.raises(InvalidInput) as refusal:
        point(latitude, longitude, field="by.near")
    assert refusal.value.extensions["field"] == "by.near"


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_a_point_has_two_numbers_within_the_bounds(latitude: float, longitude: float) -> None:
    north, east = map(float, point(latitude, longitude, field="near").pk.split(" "))
    assert abs(north - latitude) <= 0.000_051
    assert abs(east - longitude) <= 0.000_051
    assert point(north, east, field="near") == point(latitude, longitude, field="near")


def test_a_search_among_followers_names_the_user() -> None:
    key = user_search(UserId("7"), search_query("Ann B", field="matching"))
    assert key == UserSearch("7 ann b")
    assert key.subject == "user '7'"
