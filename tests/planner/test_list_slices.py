"""Slices of lists that the upstream pages: what a client is given that reads a list from cursor to cursor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.ids import EntityId, ListPlace, UserId
from gateway.domain.list_pages import ListPage, UserPage
from gateway.domain.media import MediaId
from gateway.domain.users import ListedUser
from gateway.errors import CursorExpired, GatewayError, InvalidInput
from gateway.planner.list_slices import ListSlice, SliceRequest, read_slice
from gateway.planner.resolved_data import EmptyDataSource, OperationData
from gateway.reads.cursors import MOST_RECENT, START, ListCursors, Position
from gateway.reads.facts import FactKind
from tests.fakes.paging import PAGING
from tests.profiles import examples

KIND, OWNER = FactKind.FOLLOWERS, UserId("10")
CURSORS = ListCursors(b"a secret")
LARGEST = 100  # entries of one slice
DEAD = CursorExpired("The upstream no longer accepts this cursor.")


@dataclass
class Pages:
    """The pages of one list by cursor, the first one by the empty one. It notes which are read."""

    pages: dict[str, UserPage | GatewayError]
    read: list[str] = field(default_factory=list)

    def page(self, kind: FactKind, subject: Any) -> ListPage | GatewayError | None:
        assert kind is KIND
        cursor = subject.cursor if isinstance(subject, ListPlace) else ""
        self.read.append(cursor)
        return self.pages.get(cursor)

    def represents(self, *_: object) -> None:
        """Each page is a real one."""

    def slice(self, first: int | None = None, after: str | None = None, *, max_pages: int = 10) -> ListSlice:
        self.read.clear()
        start = START if after is None else CURSORS.open(KIND, OWNER, after, field="after")
        return read_slice(self, KIND, OWNER, SliceRequest(first, after), start, max_pages=max_pages)


def cut(*pages: Sequence[int]) -> Pages:
    """Return these pages, each of which names the next one."""
    last = len(pages) - 1
    return Pages(
        {
            str(at or ""): UserPage(tuple(ListedUser(pk) for pk in pks), next=str(at + 1) if at < last else None)
            for at, pks in enumerate(pages)
        }
    )


def pks(found: ListSlice) -> list[Any]:
    return [entry.pk for entry, _ in found.entries if isinstance(entry, ListedUser)]


def cursor_after(found: ListSlice, count: int) -> str:
    return CURSORS.close(KIND, OWNER, found.position(count))


def end_of(found: ListSlice) -> str:
    return cursor_after(found, len(found.entries))


def walk(pages: Pages, firsts: Sequence[int | None], *, max_pages: int = 10) -> Iterator[ListSlice]:
    """Read slice by slice until there is no next one. The numbers of wanted entries are taken by turns."""
    after, at = None, 0
    while True:
        found = pages.slice(firsts[at % len(firsts)], after, max_pages=max_pages)
        yield found
        if not found.has_next:
            return
        after, at = end_of(found), at + 1
        assert at < 1_000, "it never ends"


# Pages that cut a list anywhere: how many new entries each has, and how many of the page before it repeats.
CUTS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=8)
FIRSTS = st.lists(st.none() | st.integers(1, 8) | st.just(LARGEST), min_size=1, max_size=4)
MOST_PAGES = st.integers(1, 5)


def overlapping(cuts: Sequence[tuple[int, int]]) -> Pages:
    pages, end = list[Sequence[int]](), 0
    for new, repeated in cuts:
        earlier = list(pages[-1])[-repeated:] if pages and repeated else []
        pages.append([*earlier, *range(end, end + new)])
        end += new
    return cut(*pages)


def total(cuts: Sequence[tuple[int, int]]) -> int:
    return sum(new for new, _ in cuts)


@examples(2_000)
@given(cuts=CUTS, firsts=FIRSTS, max_pages=MOST_PAGES)
def test_slice_by_slice_each_entry_comes_once_and_in_order(
    cuts: list[tuple[int, int]], firsts: list[int | None], max_pages: int
) -> None:
    slices = list(walk(overlapping(cuts), firsts, max_pages=max_pages))
    assert [pk for found in slices for pk in pks(found)] == list(range(total(cuts)))
    assert all(found.missing is None and found.problem is None for found in slices)


@examples(2_000)
@given(cuts=CUTS, first=st.none() | st.integers(1, 8), at=st.integers(0, 60), max_pages=MOST_PAGES)
def test_after_any_entry_of_a_slice_the_next_one_follows(
    cuts: list[tuple[int, int]], first: int | None, at: int, max_pages: int
) -> None:
    """Not only after the last one: each edge has a cursor."""
    pages = overlapping(cuts)
    for found in walk(pages, [first], max_pages=max_pages):
        if found.entries:
            count = at % len(found.entries) + 1
            rest = list(walk_from(pages, cursor_after(found, count)))
            assert rest == list(range(pks(found)[count - 1] + 1, total(cuts)))


def walk_from(pages: Pages, after: str) -> Iterator[int]:
    has_next = True
    while has_next:
        found = pages.slice(3, after)
        yield from pks(found)
        has_next, after = found.has_next, end_of(found)


@examples(2_000)
@given(cuts=CUTS, first=st.none() | st.integers(1, LARGEST), max_pages=MOST_PAGES)
def test_no_more_pages_are_read_than_entries_are_wanted_nor_than_one_field_may(
    cuts: list[tuple[int, int]], first: int | None, max_pages: int
) -> None:
    pages = overlapping(cuts)
    for found in walk(pages, [first], max_pages=max_pages):
        assert len(pages.read) <= min(first or 1, max_pages)
        assert len(found.entries) <= (first or LARGEST)


@examples(2_000)
@given(
    cuts=CUTS,
    first=st.integers(1, 6),
    in_front=st.integers(0, 6),
    length=st.integers(0, 12),
    max_pages=MOST_PAGES,
)
def test_what_was_handed_out_last_is_not_repeated_when_the_first_page_has_changed(
    cuts: list[tuple[int, int]], first: int, in_front: int, length: int, max_pages: int
) -> None:
    """Entries were added in front, and the page was bought again: as long as before, or of another length."""
    pages = overlapping(cuts)
    had = pages.slice(first, max_pages=max_pages)
    old = pages.pages[""]
    assert isinstance(old, UserPage)
    new = (*(ListedUser(1_000 + at) for at in range(in_front)), *old.entries)
    pages.pages[""] = UserPage(new[: length or None], old.next)
    after, handed_out, has_next = end_of(had), pks(had), had.has_next
    while has_next:
        found = pages.slice(first, after, max_pages=max_pages)
        assert not set(pks(found)) & set(handed_out)
        handed_out += pks(found)
        after, has_next = end_of(found), found.has_next
    assert len(set(handed_out)) == len(handed_out)


def test_only_the_entries_handed_out_last_are_remembered() -> None:
    """A cursor has room for more than an ordinary page, and not for a whole list."""
    found = cut(range(LARGEST), range(LARGEST)).slice(LARGEST)
    again = cut(range(LARGEST), range(LARGEST)).slice(LARGEST, end_of(found))
    assert pks(again) == list(range(LARGEST - MOST_RECENT))


# -- where a slice ends


def test_without_a_number_a_slice_is_the_rest_of_one_page() -> None:
    pages = cut([1, 2, 3], [4, 5])
    assert (pks(pages.slice()), pages.read) == ([1, 2, 3], [""])
    rest = pages.slice(None, end_of(pages.slice(1)))
    assert (pks(rest), pages.read, rest.has_next) == ([2, 3], [""], True)


def test_pages_are_read_until_as_many_entries_are_found_as_are_wanted() -> None:
    pages = cut([1, 2], [2, 3], [4, 5])
    found = pages.slice(4)
    assert (pks(found), pages.read, found.has_next) == ([1, 2, 3, 4], ["", "1", "2"], True)


def test_a_page_that_brings_nothing_new_ends_the_slice_and_not_the_list() -> None:
    pages = cut([1, 2], [], [3])
    found = pages.slice(10)
    assert (pks(found), pages.read, found.has_next) == ([1, 2], ["", "1"], True)
    assert pks(pages.slice(10, end_of(found))) == [3]


def test_a_list_without_entries_has_a_cursor_where_it_goes_on() -> None:
    pages = cut([], [1])
    empty = pages.slice()
    assert (pks(empty), empty.has_next) == ([], True)
    assert pks(pages.slice(None, end_of(empty))) == [1]


@pytest.mark.parametrize("following", [None, "", "1"], ids=["none", "empty", "its own"])
def test_a_page_that_names_no_next_one_is_the_last(following: str | None) -> None:
    pages = cut([1], [2])
    pages.pages["1"] = UserPage((ListedUser(2),), following)
    found = pages.slice(10)
    assert (pks(found), found.has_next, pages.read) == ([1, 2], False, ["", "1"])


def test_a_page_that_leads_back_to_another_is_the_last() -> None:
    pages = cut([1], [2], [3])
    pages.pages["2"] = UserPage((ListedUser(3),), "1")
    found = pages.slice(10)
    assert (pks(found), found.has_next, pages.read) == ([1, 2, 3], False, ["", "1", "2"])


def test_what_is_open_is_the_first_unknown_page() -> None:
    pages = cut([1], [2], [3])
    del pages.pages["1"]
    assert pages.slice(1).missing is None
    found = pages.slice(3)
    assert (pks(found), found.missing) == ([1], ListPlace(OWNER, "1"))
    assert Pages({}).slice().missing == OWNER


def test_an_error_ends_the_slice_after_the_entries_before_it() -> None:
    pages = cut([1], [2])
    pages.pages["1"] = DEAD
    found = pages.slice(5)
    assert (pks(found), found.problem, found.missing, found.has_next) == ([1], DEAD, None, False)
    again = pages.slice(5, end_of(found))
    assert (pks(again), again.problem, pages.read) == ([], DEAD, ["1"])


def test_the_length_of_a_list_is_what_its_last_page_says() -> None:
    pages = cut([1], [2], [3])
    pages.pages[""] = UserPage((ListedUser(1),), "1", total=5)
    pages.pages["1"] = UserPage((ListedUser(2),), "2", total=6)
    assert [pages.slice(first).total for first in (1, 2, 3)] == [5, 6, 6]


# -- requests and cursors


@pytest.mark.parametrize("first", [0, 101, -1])
def test_a_number_of_entries_is_from_1_to_100(first: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        SliceRequest.of({"first": first})
    assert refused.value.extensions["field"] == "first"
    assert SliceRequest.of({"first": 1, "after": "x"}) == SliceRequest(1, "x")
    assert SliceRequest.of({"first": 100}) == SliceRequest(100)
    assert SliceRequest.of({"first": None, "after": None}) == SliceRequest.of({}) == SliceRequest()


POSITIONS = st.builds(
    Position,
    st.text(max_size=300),
    st.integers(0, 1_000),
    st.binary(max_size=256).map(lambda digests: digests[: len(digests) // 4 * 4]),
)


@examples(500)
@given(position=POSITIONS, secret=st.binary(max_size=80))
def test_a_position_survives_a_restart_with_the_same_secret(position: Position, secret: bytes) -> None:
    text = ListCursors(secret).close(KIND, OWNER, position)
    assert ListCursors(secret).open(KIND, OWNER, text, field="after") == position
    assert ListCursors(secret).close(KIND, OWNER, position) == text
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def refuses(cursors: ListCursors, kind: FactKind, owner: EntityId, text: str) -> bool:
    with pytest.raises(InvalidInput) as refused:
        cursors.open(kind, owner, text, field="after")
    return refused.value.extensions["field"] == "after" and str(refused.value).startswith("after ")


@examples(500)
@given(position=POSITIONS, data=st.data())
def test_an_altered_cursor_is_none(position: Position, data: st.DataObject) -> None:
    text = CURSORS.close(KIND, OWNER, position)
    at = data.draw(st.integers(0, len(text)))
    other = text[:at] + data.draw(st.text(max_size=3)) + text[at + data.draw(st.integers(0, 2)) :]
    if other != text:
        assert refuses(CURSORS, KIND, OWNER, other)


@pytest.mark.parametrize("cursor", ["", "1", "22"], ids=len)
def test_a_cursor_is_altered_by_each_of_its_characters(cursor: str) -> None:
    """The last one has bits to spare, and there may be room for a filling."""
    text = CURSORS.close(KIND, OWNER, Position(cursor))
    for other in (text[:-1] + chr(ord(text[-1]) + 1), text + "=", text + "=="):
        assert refuses(CURSORS, KIND, OWNER, other)


@pytest.mark.parametrize("text", ["", "x", "€", "\ud800", "a" * 9_000, "AAAA" * 8, "after", "MTA="])
def test_any_other_text_is_no_cursor(text: str) -> None:
    assert refuses(CURSORS, KIND, OWNER, text)


@examples(200)
@given(position=POSITIONS)
def test_a_cursor_is_one_of_its_own_list_alone(position: Position) -> None:
    text = CURSORS.close(KIND, OWNER, position)
    assert refuses(CURSORS, FactKind.FOLLOWING, OWNER, text)
    assert refuses(CURSORS, KIND, UserId("11"), text)
    assert refuses(CURSORS, FactKind.COMMENTS, MediaId("10"), text)
    assert refuses(ListCursors(b"another secret"), KIND, OWNER, text)


def test_an_operation_reads_no_page_after_a_cursor_of_another_list() -> None:
    facts = OperationData(EmptyDataSource(), PAGING)
    text = PAGING.cursors.close(KIND, OWNER, Position("1"))
    assert facts.slice(KIND, OWNER, SliceRequest(after=text)).missing == ListPlace(OWNER, "1")
    for kind, owner in ((FactKind.FOLLOWING, OWNER), (KIND, UserId("11"))):
        with pytest.raises(InvalidInput) as refused:
            facts.slice(kind, owner, SliceRequest(after=text))
        assert refused.value.extensions["field"] == "after"
