"""Rows, and calls of them."""

from __future__ import annotations

import pytest

from gateway.domain.ids import HighlightId, ItemId, ListPlace, Subject, UserId, Username
from gateway.domain.media import MediaId
from gateway.reads.endpoints import Call, Endpoint, Endpoints, call_about
from gateway.reads.facts import FactKind
from gateway.upstream.hikerapi import endpoints as hikerapi
from tests.reads import toy_vendor as toy


def test_an_endpoint_is_found_by_its_fact_and_the_type_of_its_key() -> None:
    table = Endpoints(hikerapi.TRAY, hikerapi.TRAY_BY_USERNAME, hikerapi.HIGHLIGHT)
    assert table.find(FactKind.TRAY, UserId) is table.answering(FactKind.TRAY, UserId) is hikerapi.TRAY
    assert table.find(FactKind.TRAY, Username) is hikerapi.TRAY_BY_USERNAME
    assert table.find(FactKind.HIGHLIGHT, HighlightId) is hikerapi.HIGHLIGHT
    assert list(table) == [hikerapi.TRAY, hikerapi.TRAY_BY_USERNAME, hikerapi.HIGHLIGHT]


def test_what_no_endpoint_answers_is_not_found() -> None:
    assert toy.ENDPOINTS.find(FactKind.TRAY, Username) is None
    assert toy.ENDPOINTS.find(FactKind.SUMMARY, UserId) is None
    with pytest.raises(LookupError):
        toy.ENDPOINTS.answering(FactKind.TRAY, Username)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (toy.ENDPOINTS, True),
        (hikerapi.ENDPOINTS, False),
        (Endpoints(hikerapi.ITEM), False),
    ],
    ids=["embedded", "apart", "without trays"],
)
def test_a_table_states_whether_its_trays_have_items(table: Endpoints[Endpoint], expected: bool) -> None:
    assert table.trays_have_items is expected


def test_a_call_that_cannot_be_forced_is_refused() -> None:
    with pytest.raises(ValueError, match="collections cannot be forced"):
        Call(toy.COLLECTIONS, "10", forced=True)


def test_a_forced_call_has_its_own_price_and_is_another_call() -> None:
    forced, unforced = Call(hikerapi.TRAY, "10", forced=True), Call(hikerapi.TRAY, "10")
    assert (forced.nominal_price, unforced.nominal_price) == (1, 2)
    assert forced != unforced


@pytest.mark.parametrize(
    ("call", "about", "subject"),
    [
        (Call(hikerapi.TRAY, "10"), UserId("10"), "user '10'"),
        (Call(toy.PERSON_BY_HANDLE, "ann"), Username("ann"), "user 'ann'"),
        (Call(toy.COLLECTION, "100"), HighlightId("100"), "highlight '100'"),
        (Call(toy.STORY, "1000"), ItemId("1000"), "item '1000'"),
        (Call(toy.FANS, "10"), UserId("10"), "user '10'"),
        (Call(toy.FANS, "10", cursor="2"), ListPlace(UserId("10"), "2"), "user '10'"),
        (Call(toy.REMARKS, "70", cursor="2"), ListPlace(MediaId("70"), "2"), "media '70'"),
    ],
    ids=lambda value: f"{value.endpoint.label}{value.cursor}" if isinstance(value, Call) else "",
)
def test_a_call_names_its_subject(call: Call, about: object, subject: str) -> None:
    assert (call.about, call.subject) == (about, subject)


@pytest.mark.parametrize(
    ("endpoint", "subject"),
    [
        (hikerapi.TRAY, UserId("10")),
        (hikerapi.PROFILE_BY_USERNAME, Username("ann")),
        (toy.FANS, UserId("10")),
        (toy.FANS, ListPlace(UserId("10"), "2")),
        (toy.REMARKS, ListPlace(MediaId("70"), "2")),
    ],
    ids=lambda value: value.label if isinstance(value, Endpoint) else str(value.key),
)
def test_the_call_about_a_subject_is_about_it(endpoint: Endpoint, subject: Subject) -> None:
    assert call_about(endpoint, subject).about == subject


def test_a_page_is_another_call_of_the_same_price() -> None:
    """And may be called forced where its endpoint can be."""
    first, second = Call(toy.WALL, "10"), Call(toy.WALL, "10", cursor="2")
    assert first != second
    assert first.nominal_price == second.nominal_price == toy.WALL.price
    place = ListPlace(UserId("10"), "2")
    assert call_about(hikerapi.TRAY, place, forced=True) == Call(hikerapi.TRAY, "10", forced=True, cursor="2")


def test_a_user_name_has_no_pages() -> None:
    """The lists that the upstream pages are asked for by id."""
    assert Call(toy.PERSON_BY_HANDLE, "ann", cursor="2").about == Username("ann")


def test_equal_rows_are_two_endpoints() -> None:
    """A row is a key of tables, and is looked up often."""
    rows = [
        Endpoint(label="a", noun="user", answers=FactKind.PROFILE, by=UserId, price=1, decoder=toy.PERSON.decoder)
        for _ in range(2)
    ]
    assert rows[0] != rows[1]
    assert Call(rows[0], "10") != Call(rows[1], "10")
