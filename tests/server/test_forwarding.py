"""Whom a trusted proxy forwards for, by `X-Forwarded-For`: nobody can name somebody else."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.server.forwarding import MOST_HOPS, TrustedProxies

PROXIES = TrustedProxies([ip_network("10.0.0.0/8"), ip_network("192.0.2.1/32"), ip_network("fd00::/64")])
PROXY = "10.0.0.1"


def peer(*fields: str) -> str:
    return PROXIES.peer(PROXY, [(b"host", b"h"), *((b"x-forwarded-for", field.encode("latin-1")) for field in fields)])


def test_a_proxy_is_trusted_by_its_address_or_network_however_it_is_written() -> None:
    for host in ("10.255.0.1", "192.0.2.1", "::ffff:192.0.2.1", "::ffff:c000:201", "fd00::7", "FD00:0::7%eth0"):
        assert PROXIES.trusts(host)
    for host in ("11.0.0.1", "192.0.2.2", "fd00:1::7", "::1", "proxy", "", "10.0.0.1 "):
        assert not PROXIES.trusts(host)
    assert not TrustedProxies().trusts("127.0.0.1")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (("203.0.113.7",), "203.0.113.7"),
        (("198.51.100.1, 203.0.113.7",), "203.0.113.7"),  # the client has sent the first
        (("198.51.100.1", "203.0.113.7"), "203.0.113.7"),
        (("198.51.100.1, 203.0.113.7, 10.0.0.2",), "203.0.113.7"),  # by two proxies
        (("198.51.100.1, 203.0.113.7, 10.0.0.2, fd00::3",), "203.0.113.7"),
        (("10.0.0.3, 10.0.0.2",), "10.0.0.3"),
        ((), PROXY),
        (("",), PROXY),
        (("2001:db8::7",), "2001:db8::7"),
        (("::ffff:203.0.113.7",), "203.0.113.7"),
        (("203.0.113.7:4711",), "203.0.113.7"),
        (("[2001:db8::7]:4711",), "2001:db8::7"),
        (("203.0.113.7, unknown",), PROXY),
        (("203.0.113.7, unknown, 10.0.0.2",), "10.0.0.2"),
        (("203.0.113.7,",), PROXY),
        (("203.0.113.7, \xe9, 10.0.0.2",), "10.0.0.2"),
        (("203.0.113.7, evil.example",), PROXY),
    ],
)
def test_the_peer_is_the_last_address_that_no_trusted_proxy_has(fields: tuple[str, ...], expected: str) -> None:
    assert peer(*fields) == expected


@given(st.lists(st.text(st.characters(codec="latin-1"), max_size=30), max_size=4))
def test_nothing_that_a_client_sends_changes_what_the_proxy_appends(fields: list[str]) -> None:
    """Nginx appends to the last field, others send one of their own."""
    assert peer(*fields, "203.0.113.7") == "203.0.113.7"
    if fields:
        assert peer(*fields[:-1], f"{fields[-1]}, 203.0.113.7") == "203.0.113.7"


def test_no_more_entries_are_read_than_there_are_proxies_on_the_way() -> None:
    assert peer(", ".join(["203.0.113.7", *["10.0.0.2"] * 10_000])) == "10.0.0.2"
    assert peer(", ".join(["203.0.113.7", *["10.0.0.2"] * (MOST_HOPS - 1)])) == "203.0.113.7"


def test_no_other_field_names_a_peer() -> None:
    """A proxy that does not set them passes on those of its client."""
    others = (b"forwarded", b"x-real-ip", b"x-client-ip", b"cf-connecting-ip", b"true-client-ip")
    values = [(name, b"203.0.113.7") for name in others]
    assert PROXIES.peer(PROXY, [*values, (b"forwarded", b"for=203.0.113.7")]) == PROXY
