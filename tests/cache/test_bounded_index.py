"""Pointers are bounded, and the oldest go first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.cache.bounded_index import EACH, BoundedIndex


def test_they_point_where_they_were_told_last() -> None:
    pointers: BoundedIndex[str] = BoundedIndex(100 * EACH)
    pointers.point(["a", "b"], "x")
    pointers.point(["b"], "y")
    assert [pointers.get(key) for key in "abc"] == ["x", "y", None]


def test_the_oldest_go_first() -> None:
    pointers: BoundedIndex[str] = BoundedIndex(32 * EACH)
    pointers.point([f"{number}" for number in range(32)], "x")
    pointers.point(["new"], "y")
    assert (pointers.get("0"), pointers.get("31"), pointers.get("new")) == (None, "x", "y")


@given(told=st.lists(st.lists(st.integers(0, 300).map(str), max_size=120), max_size=12), most=st.integers(0, 60))
def test_they_never_outgrow_their_bytes(told: list[list[str]], most: int) -> None:
    pointers: BoundedIndex[str] = BoundedIndex(most * EACH)
    for keys in told:
        pointers.point(keys, "x")
        assert len(pointers) <= most
