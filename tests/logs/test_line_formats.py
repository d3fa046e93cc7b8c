"""Any values at all are one line, which reads back as what was written."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.logs.line_formats import FORMATS, LogFormat, line, time_text
from tests.logs.logfmt import pairs_in

TEXT, JSON = FORMATS[LogFormat.TEXT], FORMATS[LogFormat.JSON]
# What breaks lines, begins fields, moves a terminal's cursor or turns the direction of writing.
HOSTILE = st.sampled_from([*'\n\r"\\= \x00\x7f\x9b\u2028\u202eé', "\x1b[2J"])
VALUES = st.lists(st.one_of(HOSTILE, st.text(max_size=5)), max_size=6).map("".join)


@given(st.lists(VALUES, max_size=4))
def test_hostile_text_is_one_line_in_both_forms(values: list[str]) -> None:
    names = ["a", "b", "c", "d"][: len(values)]
    pairs = list(zip(names, values, strict=True))
    for form in (TEXT, JSON):
        written = line(form, pairs)
        assert written.endswith("\n")
        assert re.fullmatch(r"[ -~]*", written[:-1]), "printable ASCII alone"
    assert list(pairs_in(line(TEXT, pairs)[:-1])) == pairs
    assert json.loads(line(JSON, pairs)) == dict(pairs)


@pytest.mark.parametrize(
    ("value", "text", "member"),
    [
        (True, "a=true", True),
        (0, "a=0", 0),
        (0.1234567, "a=0.123457", 0.123457),
        (2.0, "a=2", 2.0),
        (LogFormat.JSON, "a=json", "json"),
        (("one", "two"), "a=one,two", ["one", "two"]),
        ("", 'a=""', ""),
    ],
)
def test_a_value_is_written_as_what_it_is(value: object, text: str, member: object) -> None:
    assert line(TEXT, [("a", value)]) == text + "\n"
    assert json.loads(line(JSON, [("a", value)])) == {"a": member}


def test_a_field_without_a_value_is_left_out() -> None:
    pairs = [("a", None), ("b", 1), ("c", ())]
    assert line(TEXT, pairs) == "b=1\n"
    assert line(JSON, pairs) == '{"b":1}\n'


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0, "1970-01-01T00:00:00.000Z"), (1774958400.9996, "2026-03-31T12:00:00.999Z")]
)
def test_the_time_is_in_utc_with_milliseconds(seconds: float, text: str) -> None:
    assert time_text(seconds) == text
