"""The ids of a request: which of a client's are taken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.correlation import CURRENT, Correlation, RequestIds, trace_in, within

TRACE = "0af7651916cd43dd8448eb211c80319c"  # pragma: allowlist secret
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"
IDS = RequestIds()


@pytest.mark.parametrize("given_id", [b"a", b"Client_1.2-3", b"0" * 64])
def test_a_well_formed_id_is_taken(given_id: bytes) -> None:
    assert IDS.of(given_id) == given_id


@pytest.mark.parametrize("given_id", [None, b"", b"0" * 65, b"a b", b'a"', b"a\n", "é".encode(), b"a/b", b"a=b"])
def test_another_id_is_replaced(given_id: bytes | None) -> None:
    assert IDS.of(given_id) != given_id


@given(st.lists(st.binary(max_size=70), max_size=3))
def test_an_id_is_always_well_formed(values: list[bytes]) -> None:
    correlation = IDS.correlation([(b"x-request-id", value) for value in values])
    assert IDS.of(correlation.request.encode()) == correlation.request.encode()


def test_no_two_ids_are_the_same() -> None:
    made = {ids.make() for ids in (RequestIds(), RequestIds()) for _ in range(100)}
    assert len(made) == 200


def test_an_id_that_is_sent_twice_is_not_taken() -> None:
    twice = [(b"x-request-id", b"one"), (b"traceparent", PARENT.encode())] * 2
    correlation = IDS.correlation(twice)
    assert correlation.request != "one"
    assert correlation.trace is None


@pytest.mark.parametrize(
    "parent", [PARENT, PARENT[:-2] + "00", "01" + PARENT[2:], "cc" + PARENT[2:] + "-what-comes-next"]
)
def test_the_trace_id_is_that_of_the_parent(parent: str) -> None:
    assert trace_in(parent.encode()) == TRACE


@pytest.mark.parametrize(
    "parent",
    [
        *("", "00", TRACE, PARENT.upper(), PARENT[:-1], PARENT + "-more", PARENT + "0", " " + PARENT, PARENT + "\n"),
        "ff" + PARENT[2:],
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[:-1]}g-b7ad6b7169203331-01",
        "01" + PARENT[2:] + "." + "x",
        "01" + PARENT[2:] + "-" + "x" * 500,
    ],
)
def test_an_invalid_parent_has_no_trace(parent: str) -> None:
    assert trace_in(parent.encode()) is None


def test_the_operations_of_a_connection_have_its_id_and_a_number() -> None:
    assert Correlation("a", TRACE).of_operation(2) == Correlation("a.2", TRACE)


def test_the_current_correlation_ends_with_its_request() -> None:
    with within(Correlation("a")):
        assert CURRENT.get() == Correlation("a")
    assert CURRENT.get() is None
