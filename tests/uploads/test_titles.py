"""Titles: 1 to 16 characters that can be seen, on one line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.publishing.rules import GRAPHEME, ValidationErrors


@pytest.mark.parametrize(
    ("title", "mistake"),
    [
        ("a", None),
        ("a" * 16, None),
        ("a" * 17, "TOO_LONG"),
        ("\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466" * 16, None),
        ("\U0001f1e9\U0001f1ea" * 17, "TOO_LONG"),
        ("e\u0301" * 16, None),
        ("e" + "\u0301" * 200_000, "TOO_LONG"),
        ("\U0001f468\u200d" * 100_000, "TOO_LONG"),
        ("\U0001f9d1\U0001f3fe\u200d\u2764\ufe0f\u200d\U0001f48b\u200d\U0001f9d1\U0001f3fc" * 16, None),
        ("", "REQUIRED"),
        ("\u3000\t", "REQUIRED"),
        ("a\nb", "INVALID"),
        ("a\0b", "INVALID"),
        ("a\u2028b", "INVALID"),
        ("\u200b", "REQUIRED"),
        ("\u200d\u2060\ufeff", "REQUIRED"),
        ("\u00ad \u3164", "REQUIRED"),
        ("\u0301", "REQUIRED"),
        ("a\u200b", None),
        ("\u2764\ufe0f", None),
        ("\uf8ff", None),
        ("\ud83d", "INVALID"),
        ("Reef \udc00", "INVALID"),
    ],
)
def test_a_title_is_1_to_16_characters_as_people_count_them(title: str, mistake: str | None) -> None:
    found = ValidationErrors()
    found.title(title)
    assert [problem.code for problem in found.problems] == ([mistake] if mistake else [])


@given(st.text(max_size=40))
def test_a_title_that_passes_is_trimmed_and_short_and_on_one_line(text: str) -> None:
    found = ValidationErrors()
    title = found.title(text)
    if not found.problems:
        assert title == text.strip()
        assert 1 <= len(GRAPHEME.findall(title)) <= 16
        assert len(title.splitlines()) == 1
