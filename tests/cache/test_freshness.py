"""How long an entry is good."""

from __future__ import annotations

import tracemalloc

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cache.freshness import MOST_SIGNED, first_expiry, span
from gateway.reads.facts import Lifetime
from tests.cache.harness import LIFETIMES

NOW = 1_773_304_526.0
EXPIRIES = st.integers(0, 2**40)


def signed(expiry: int) -> str:
    return f"https://scontent.cdninstagram.com/v/t51/1_n.jpg?_nc_ht=x&oh=00_AfA&oe={expiry:X}&_nc_sid=1"


def fields(*urls: str) -> bytes:
    return msgspec.json.encode([{"url": url} for url in urls])


@pytest.mark.parametrize("kind", Lifetime)
def test_each_kind_has_its_own_time_to_live(kind: Lifetime) -> None:
    expected = {"tray": 10, "stories": 10, "profile": 30, "username": 40, "missing": 5}.get(kind.value, 20)
    assert span(kind, b"{}", now=NOW, lifetimes=LIFETIMES).fresh_until == NOW + expected


@pytest.mark.parametrize("kind", Lifetime)
def test_only_answers_may_be_served_stale(kind: Lifetime) -> None:
    """That somebody does not exist, or is private, is no comfort while the upstream fails."""
    found = span(kind, b"{}", now=NOW, lifetimes=LIFETIMES)
    assert found.serve_until - found.fresh_until == (0 if kind is Lifetime.MISSING else 100)


@given(st.sampled_from(Lifetime), st.lists(EXPIRIES, max_size=5), st.floats(0, 2**40))
def test_nothing_is_served_beyond_the_margin_before_its_first_url_dies(
    kind: Lifetime, expiries: list[int], now: float
) -> None:
    body = msgspec.json.encode({"items": [{"thumbnail_url": signed(expiry)} for expiry in expiries]})
    found = span(kind, body, now=now, lifetimes=LIFETIMES)
    assert found.fresh_until <= found.serve_until
    assert found.fresh_until <= now + LIFETIMES.ttls[kind]
    for expiry in expiries:
        assert found.serve_until <= expiry - LIFETIMES.margin


@given(st.lists(EXPIRIES, min_size=1, max_size=5))
@pytest.mark.parametrize(
    "escape",
    [("&", "&"), ("&", "\\u0026"), ("&", "&amp;"), ("?", "\\u003f"), ("?", "\\u003F"), ("/", "\\/")],
)
def test_an_expiry_is_found_however_json_spells_the_url(escape: tuple[str, str], expiries: list[int]) -> None:
    urls = [f"https://a.test/x.jpg?oe={expiry:x}" for expiry in expiries] + [signed(min(expiries))]
    body = fields(*urls).replace(escape[0].encode(), escape[1].encode())
    assert first_expiry(body) == min(expiries)


@pytest.mark.parametrize(
    "text", ["", "oe=69AA3F6F", "?poe=69AA3F6F", "?xoe=1", "&oe=", "&oe=xyz", "?oe=69AA3F6Fz", "?oe=" + "F" * 13]
)
def test_what_is_no_expiry_is_no_expiry(text: str) -> None:
    assert first_expiry(msgspec.json.encode({"url": text})) is None


@pytest.mark.parametrize(
    "text", ["?oe=1", "https://x.test/?oe=1", '"url":"https://x.test/?oe=1', 'url": "https://x.test/?oe=1"', "\\?oe=1"]
)
@pytest.mark.parametrize("name", ["text", "caption_text", "username", "title"])
def test_what_people_write_expires_nothing(name: str, text: str) -> None:
    """A comment with a link in it must not have its page bought again each time."""
    body = msgspec.json.encode([{name: text, "thumbnail_url": signed(int(NOW))}, {name: text}])
    assert first_expiry(body) == int(NOW)
    assert first_expiry(msgspec.json.encode([{name: text}])) is None


def test_an_expiry_that_begins_like_another_is_told_from_it() -> None:
    later = f"{int(NOW) + 999:X}"
    body = fields(f"?xoe={later[:4]}", f"https://a.test/?oe={later}", f"?xoe={later[:5]}z")
    assert first_expiry(body) == int(later, 16)


@pytest.mark.parametrize("text", ["&oe=1", "oe=", "&amp;oe=F"])
def test_an_answer_of_more_urls_than_are_looked_at_is_never_fresh(text: str) -> None:
    body = text.encode() * (MOST_SIGNED + 1)
    tracemalloc.start()
    try:
        assert span(Lifetime.TRAY, body, now=NOW, lifetimes=LIFETIMES).serve_until < NOW
        assert tracemalloc.get_traced_memory()[1] < 10_000
    finally:
        tracemalloc.stop()


def test_an_answer_whose_url_is_dead_already_is_never_fresh() -> None:
    found = span(Lifetime.TRAY, fields(signed(int(NOW) - 1)), now=NOW, lifetimes=LIFETIMES)
    assert found.serve_until < NOW
