"""The bounds of a JSON text's numbers and values, beside a regular expression and a parser as oracles."""

from __future__ import annotations

import json
import re

from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.json_values import has_number_beyond, values_in

texts = st.lists(
    st.one_of(st.integers(0, 12).map(lambda n: b"7" * n), st.sampled_from((b",", b"[", b'"a"', b"-", b"")))
).map(b"".join)


@given(texts, st.integers(0, 8))
def test_a_number_beyond_the_limit_is_found_wherever_it_stands(text: bytes, most: int) -> None:
    assert has_number_beyond(text, most) == (re.search(rb"[0-9]{%d}" % (most + 1), text) is not None)


@given(st.recursive(st.none() | st.integers(0, 9), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_the_number_of_values_is_never_counted_too_low(value: object) -> None:
    def count(one: object) -> int:
        inner = one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
        return 1 + sum(map(count, inner))

    text = json.dumps(value).encode()
    assert values_in(text, 0) >= count(value)
