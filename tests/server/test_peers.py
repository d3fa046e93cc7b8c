"""Whose connections are counted together, and how many there may be."""

from __future__ import annotations

import asyncio
import resource

import pytest

from gateway.server.peers import SPARED_FILES, Ceilings, peer_of


class Named(asyncio.BaseTransport):
    def __init__(self, peername: object) -> None:
        super().__init__({"peername": peername})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("192.0.2.1", 1), ("192.0.2.1", 2)),
        (("::ffff:192.0.2.1", 1, 0, 0), ("192.0.2.1", 2)),
        (("2001:db8:0:1::1", 1, 0, 0), ("2001:db8:0:1:ffff::2", 2, 0, 0)),
        (("fe80::1%eth0", 1, 0, 2), ("fe80::2", 2, 0, 0)),
    ],
)
def test_an_address_is_one_peer_and_so_is_a_network_of_ipv6(one: object, other: object) -> None:
    assert peer_of(Named(one)) == peer_of(Named(other)) != ""


def test_other_addresses_are_other_peers() -> None:
    names = [("192.0.2.1", 1), ("192.0.2.2", 1), ("2001:db8:0:1::1", 1, 0, 0), ("2001:db8:0:2::1", 1, 0, 0), "", None]
    assert len({peer_of(Named(name)) for name in names}) == 5


def test_no_ceiling_is_higher_than_the_limit_of_open_files_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or there would be no file for the ledger, and no connection to the upstream."""
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1_024, 4_096))
    assert Ceilings().connections == 1_024 - SPARED_FILES
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert Ceilings().connections == 8_000
