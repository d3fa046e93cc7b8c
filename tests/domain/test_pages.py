"""Pages, against the simplest thing that could be right: a list and its indices."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain import pages
from gateway.domain.pages import PageWindow
from gateway.domain.shared_tuple import SharedTuple
from gateway.errors import InvalidInput


@dataclass(frozen=True)
class Named:
    id: str


LISTS = st.lists(st.text(max_size=8), unique=True, max_size=12).map(lambda names: [Named(name) for name in names])
SIZES = st.integers(0, pages.LARGEST_PAGE)


def page_after(entries: list[Named], first: int, after: Named | None) -> pages.Page[Named]:
    cursor = None if after is None else pages.cursor(after.id)
    return pages.window({"first": first, "after": cursor}).of(entries)


@given(LISTS, SIZES, st.data())
def test_a_page_is_the_slice_after_its_cursor(entries: list[Named], first: int, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(entries)))
    page = page_after(entries, first, entries[start - 1] if start else None)
    assert list(page.nodes) == entries[start : start + first]
    assert page.total == len(entries)
    assert page.has_previous == (start > 0)
    assert page.has_next == (start + first < len(entries))


@given(LISTS, st.integers(1, 5))
def test_following_the_cursors_shows_every_entry_once_and_in_order(entries: list[Named], first: int) -> None:
    seen, page = list[Named](), page_after(entries, first, None)
    seen += page.nodes
    while page.has_next:
        page = page_after(entries, first, page.nodes[-1])
        seen += page.nodes
    assert seen == entries


@given(LISTS.filter(lambda entries: len(entries) > 1), st.data())
def test_what_is_added_or_removed_elsewhere_moves_no_page(entries: list[Named], data: st.DataObject) -> None:
    """The list changes between two pages; what stood behind the cursor and stayed is shown, and nothing twice."""
    at = data.draw(st.integers(0, len(entries) - 2))
    removed = data.draw(st.sets(st.sampled_from([entry.id for entry in entries if entry is not entries[at]])))
    added = [Named(f"new entry {number}") for number in range(data.draw(st.integers(0, 3)))]
    place = data.draw(st.integers(0, len(entries)))
    changed = [entry for entry in entries[:place] if entry.id not in removed]
    changed += added + [entry for entry in entries[place:] if entry.id not in removed]
    following = page_after(changed, pages.LARGEST_PAGE, entries[at]).nodes
    assert [entry for entry in following if entry not in added] == [
        entry for entry in entries[at + 1 :] if entry.id not in removed
    ]


def test_a_cursor_whose_entry_is_gone_is_refused() -> None:
    """To begin at the front again without a word would show everything twice."""
    for name in ("after", "before"):
        with pytest.raises(InvalidInput) as refusal:
            pages.window({name: pages.cursor("a")}).of([Named("b")])
        assert refusal.value.extensions["field"] == name


@given(st.text(), st.sampled_from(["after", "before"]))
def test_any_text_is_a_cursor_or_refused(text: str, name: str) -> None:
    try:
        pages.window({name: text})
    except InvalidInput as refusal:
        assert refusal.extensions["field"] == name  # noqa: PT017 (it need not be refused)


@given(st.text())
def test_a_cursor_leads_back_to_its_entry_and_needs_no_escape_in_a_url(entry_id: str) -> None:
    cursor = pages.cursor(entry_id)
    assert set(cursor) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert pages.window({"after": cursor}) == PageWindow(after=entry_id)


@pytest.mark.parametrize("name", ["first", "last"])
@pytest.mark.parametrize("size", [-1, 101, 2**31 - 1, -(2**31)])
def test_a_page_has_from_0_to_100_entries(name: str, size: int) -> None:
    with pytest.raises(InvalidInput) as refusal:
        pages.window({name: size})
    assert refusal.value.extensions["field"] == name


def test_the_largest_page_is_the_default() -> None:
    entries = [Named(str(number)) for number in range(101)]
    assert pages.window({}).size == pages.LARGEST_PAGE
    assert list(pages.window({}).of(entries).nodes) == entries[:100]
    assert list(pages.window({"last": 100}).of(entries).nodes) == entries[1:]


@given(LISTS, st.none() | SIZES, st.none() | SIZES, st.data())
def test_a_page_is_what_the_specification_of_relay_says(
    entries: list[Named], first: int | None, last: int | None, data: st.DataObject
) -> None:
    """EdgesToReturn of the cursor connections specification. No list is longer than a page here."""
    after = data.draw(st.none() | st.sampled_from(entries)) if entries else None
    before = data.draw(st.none() | st.sampled_from(entries)) if entries else None
    left = list(entries)
    if after is not None:
        del left[: left.index(after) + 1]
    if before is not None and before in left:
        del left[left.index(before) :]
    elif before is not None:
        left = []
    left = left if first is None else left[:first]
    left = left if last is None else left[len(left) - min(last, len(left)) :]
    cursors = {name: pages.cursor(one.id) for name, one in (("after", after), ("before", before)) if one is not None}
    window = pages.window({"first": first, "last": last, **cursors})
    page = window.of(entries)
    assert list(page.nodes) == left
    assert len(page.nodes) <= window.size
    if left:
        assert (page.has_previous, page.has_next) == (left[0] is not entries[0], left[-1] is not entries[-1])


@given(LISTS, st.integers(1, 5))
def test_following_the_cursors_backwards_shows_every_entry_once(entries: list[Named], last: int) -> None:
    page = pages.window({"last": last}).of(entries)
    seen = list(page.nodes)
    while page.has_previous:
        page = pages.window({"last": last, "before": pages.cursor(page.nodes[0].id)}).of(entries)
        seen = [*page.nodes, *seen]
    assert seen == entries


def test_a_page_of_all_entries_is_the_list_itself_so_that_it_lasts() -> None:
    entries = SharedTuple([Named(str(number)) for number in range(3)])
    assert PageWindow(first=3).of(entries).nodes is entries
    assert type(PageWindow(first=2).of(entries).nodes) is tuple
