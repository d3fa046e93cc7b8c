"""JSON that is small as it is sent and large or slow as it is read: what it may take is bounded by its values."""

from __future__ import annotations

import sys
import tracemalloc
from typing import Any

import pytest

from gateway.errors import UpstreamInvalidAnswer
from gateway.reads.endpoints import Call, Endpoint
from gateway.upstream.client.decoding import MOST_VALUES
from gateway.upstream.client.lenient_decoding import MOST_MISFITS
from gateway.upstream.hikerapi import endpoints
from tests.profiles import sample
from tests.upstream.harness import HIGHLIGHT

MIB = 2**20
ENTRY = b'{"pk": "1", "user": {"pk": 1}}'
DRIFTED = b'{"pk": "1", "user": {"pk": 1}, "title": 1}'
STICKERS = b'{"pk": 1, "id": "1", "stickers": [', b"]}"
OTHERS = b'{"pk": 1, "zip": 1, "other": [', b"]}"
# Head, what is repeated, tail.
SHAPES = {
    "highlights": (endpoints.TRAY, b"[", ENTRY, b"]"),
    "highlights that drift": (endpoints.TRAY, b"[", DRIFTED, b"]"),
    "objects": (endpoints.TRAY, b"[", b"{}", b"]"),
    "lists": (endpoints.TRAY, b"[", b"[]", b"]"),
    "stickers": (endpoints.ITEM, STICKERS[0], b"{}", STICKERS[1]),
    "stickers that drift": (endpoints.ITEM, STICKERS[0], b'{"x": ""}', STICKERS[1]),
    "what nobody asked for, beside what drifts": (endpoints.PROFILE, OTHERS[0], b"[]", OTHERS[1]),
}


def shaped(name: str, count: int) -> tuple[Endpoint, bytes]:
    endpoint, head, unit, tail = SHAPES[name]
    return endpoint, head + b",".join([unit] * count) + tail


def attempt(endpoint: Endpoint, body: bytes) -> Any:
    try:
        return Call(endpoint, "1").read(body)
    except UpstreamInvalidAnswer:
        return None


def steps(endpoint: Endpoint, body: bytes) -> int:
    """Calls and returns, of C functions as well."""
    count = 0

    def step(*_: object) -> None:
        nonlocal count
        count += 1

    before = sys.getprofile()
    sys.setprofile(step)
    try:
        attempt(endpoint, body)
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("name", SHAPES)
def test_an_answer_of_too_many_values_is_not_decoded(name: str) -> None:
    """Nobody asks for so many, and each takes up to forty times what it takes in JSON."""
    endpoint, body = shaped(name, MOST_VALUES)
    tracemalloc.start()
    try:
        assert attempt(endpoint, body) is None
        assert tracemalloc.get_traced_memory()[1] < MIB
    finally:
        tracemalloc.stop()


def test_an_answer_of_endless_numbers_is_not_decoded() -> None:
    """To read a number, and to show it, takes the square of its digits. A few are read part by part, as odd values."""
    number = b"9" * 4_000
    body = b'{"pk": "1", "user": {"pk": 1}, "title": "t", "media_ids": [%s]}'
    assert attempt(endpoints.HIGHLIGHT, body % b",".join([number] * 1_000)) is None
    few = attempt(endpoints.HIGHLIGHT, body % b",".join([number, b"1"]))
    assert (few.title, few.media_ids) == ("t", (1,))


@pytest.mark.parametrize("name", sample(tuple(SHAPES)))
def test_an_answer_of_as_many_values_as_may_be_takes_bounded_memory(name: str) -> None:
    endpoint, body = shaped(name, MOST_VALUES // 8)
    tracemalloc.start()
    try:
        attempt(endpoint, body)
        assert tracemalloc.get_traced_memory()[1] < 48 * MIB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", sample(tuple(SHAPES)))
def test_ten_times_as_much_takes_at_most_twelve_times_as_long(name: str) -> None:
    attempt(*shaped(name, 10))  # what only the first answer needs is made
    for count in (10, 100):
        assert steps(*shaped(name, count * 10)) <= 12 * steps(*shaped(name, count)) + 100


@pytest.mark.parametrize("name", ["highlights that drift", "stickers that drift"])
def test_an_answer_whose_every_part_drifts_is_given_up(name: str) -> None:
    """Each part that does not fit is looked at field by field: a tray of 8 MiB held the loop for a minute."""
    assert attempt(*shaped(name, MOST_MISFITS // 4)) is not None
    endpoint, body = shaped(name, MOST_MISFITS * 2)
    assert attempt(endpoint, body) is None
    assert steps(endpoint, body) <= 100 * MOST_MISFITS


def test_marks_within_texts_make_no_answer_invalid() -> None:
    odd = HIGHLIGHT.replace(b'"title": "me', b'"title": "' + b",[{" * 1_000)
    assert odd != HIGHLIGHT
    assert attempt(endpoints.HIGHLIGHT, odd + b" " * MOST_VALUES) is not None
