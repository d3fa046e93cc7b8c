"""Filters and orders of highlights, against the plainest way to say the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.highlight_criteria import EVERY, HighlightCriteria, HighlightOrder
from gateway.domain.models import Highlight
from gateway.errors import InvalidInput

MOMENTS = st.none() | st.integers(0, 3).map(lambda day: datetime(2026, 1, 1 + day, tzinfo=UTC))
TITLES = st.sampled_from(["", "Reef", "reef", "REEF 2", "Straße", "Ärger", "🦋 reef"])
ENTRIES = st.lists(st.tuples(TITLES, st.none() | st.booleans(), MOMENTS), max_size=8).map(
    lambda rows: [
        Highlight(str(at), None, title=title, is_pinned=is_pinned, created_at=created_at)
        for at, (title, is_pinned, created_at) in enumerate(rows)
    ]
)


@given(ENTRIES, st.none() | st.sampled_from(["", "eef", "REEF", "strasse", "x"]), st.none() | st.booleans(), MOMENTS)
def test_an_entry_is_there_if_it_meets_every_condition(
    entries: list[Highlight], title: str | None, is_pinned: bool | None, since: datetime | None
) -> None:
    criteria = HighlightCriteria.of(
        {"filter": {"titleContains": title, "isPinned": is_pinned, "createdSince": since}, "order": "TRAY"}
    )
    expected = [
        entry
        for entry in entries
        if not (title is not None and title.casefold() not in entry.title.casefold())
        if not (is_pinned is not None and entry.is_pinned is not is_pinned)
        if not (since is not None and (entry.created_at is None or entry.created_at < since))
    ]
    assert list(criteria.apply(entries)) == expected


@given(ENTRIES, st.sampled_from(HighlightOrder))
def test_an_order_keeps_every_entry_and_equal_ones_as_they_are_in_the_tray(
    entries: list[Highlight], order: HighlightOrder
) -> None:
    ordered = list(HighlightCriteria.of({"order": order}).apply(entries))
    assert sorted(entry.pk for entry in ordered) == [entry.pk for entry in entries]
    for former, latter in pairwise(ordered):
        assert _rank(former, order) <= _rank(latter, order)
        if _rank(former, order) == _rank(latter, order):
            assert int(former.pk) < int(latter.pk)


def _rank(entry: Highlight, order: HighlightOrder) -> tuple[object, ...]:
    seconds = None if entry.created_at is None else entry.created_at.timestamp()
    ranks: dict[HighlightOrder, tuple[object, ...]] = {
        HighlightOrder.TRAY: (int(entry.pk),),
        HighlightOrder.NEWEST: (seconds is None, -(seconds or 0)),
        HighlightOrder.OLDEST: (seconds is None, seconds or 0),
        HighlightOrder.TITLE: (entry.title.casefold(),),
    }
    return ranks[order]


def test_without_criteria_the_list_is_the_list_itself() -> None:
    entries = [Highlight("1", None)]
    for arguments in ({}, {"filter": None, "order": None}, {"filter": {}, "order": "TRAY"}):
        assert HighlightCriteria.of(arguments) is EVERY
    assert EVERY.apply(entries) is entries


def test_a_time_is_compared_in_any_zone_and_refused_without_one() -> None:
    entry = Highlight("1", None, created_at=datetime(2026, 1, 1, 12, tzinfo=UTC))
    same = datetime(2026, 1, 1, 14, tzinfo=timezone(timedelta(hours=2)))
    assert list(HighlightCriteria.of({"filter": {"createdSince": same}}).apply([entry])) == [entry]
    with pytest.raises(InvalidInput) as refusal:
        HighlightCriteria.of({"filter": {"createdSince": datetime(2026, 1, 1)}})
    assert refusal.value.extensions["field"] == "filter.createdSince"


def test_a_title_is_compared_without_regard_to_its_unicode_form() -> None:
    composed, decomposed = "\u00c4rger", "a\u0308rger"
    entry = Highlight("1", None, title=composed)
    assert list(HighlightCriteria.of({"filter": {"titleContains": decomposed}}).apply([entry])) == [entry]
