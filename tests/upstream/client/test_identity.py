"""The forms of ids, where many are checked at once, beside the patterns for one."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.models import Item
from gateway.domain.users import UserSummary
from gateway.upstream.client.identity import ID, ITEM_ID, are_ids, have_well_formed_ids

pks = st.one_of(
    st.integers(-1, 10**21),
    st.text("0123456789_,- \u0661x", max_size=4),
    st.from_regex(ID, fullmatch=True),
    st.integers(1, 10**21).map(str),
)
item_ids = st.one_of(
    pks.map(str), st.from_regex(ITEM_ID, fullmatch=True), st.lists(pks.map(str), max_size=4).map("_".join)
)


@given(st.lists(pks, max_size=4))
def test_many_ids_are_well_formed_if_each_is(many: Sequence[str | int]) -> None:
    assert are_ids(many) == all(ID.fullmatch(str(one)) for one in many)


# As responses have them: of one author, or of two.
authored = st.tuples(st.integers(1, 99), st.integers(1, 2)).map(lambda pair: ("{}_{}".format(*pair), *pair))


@given(st.lists(authored, max_size=3) | st.lists(authored | st.tuples(item_ids, pks, pks), max_size=3))
def test_items_are_well_formed_if_each_id_is(many: Sequence[tuple[str, str | int, str | int]]) -> None:
    items = [Item(pk=pk, id=id, author=UserSummary(pk=owner)) for id, pk, owner in many]
    assert have_well_formed_ids(items) == all(
        ITEM_ID.fullmatch(id) and ID.fullmatch(str(pk)) and ID.fullmatch(str(owner)) for id, pk, owner in many
    )
