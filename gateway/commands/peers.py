"""Who is connected: how many connections an address has, and how much of unfinished heads is held for it."""

from __future__ import annotations

import asyncio
import resource
from collections import Counter
from dataclasses import dataclass

from gateway.domain.hosts import address_of

# What a network of one's own is in IPv6 (RFC 6177): whoever has one address of it has them all.
NETWORK = 64
# Open files that connections leave to all else: the databases, the upstream's connections, the spool.
SPARED_FILES = 200


@dataclass(frozen=True, slots=True)
class Ceilings:
    """Of one process. `each` is how many connections an address may have, 0 for any number; `total` is for all.

    The bytes are of heads that have begun and not ended, each counted from its second piece on.
    """

    each: int = 2_000
    total: int = 8_000
    bytes_each: int = 4 * 2**20
    bytes_total: int = 32 * 2**20

    @property
    def connections(self) -> int:
        """For all together: each takes one of the files that the process may have open."""
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        spared = self.total if files == resource.RLIM_INFINITY else max(1, files - SPARED_FILES)
        return min(self.total, spared)


class Peers:
    """Counts addresses that are connected, and forgets those that are not."""

    def __init__(self, ceilings: Ceilings) -> None:
        most = ceilings.connections
        self._connections = Count(ceilings.each or most, most)
        self._bytes = Count(ceilings.bytes_each, ceilings.bytes_total)

    @property
    def connections(self) -> int:
        return self._connections.total

    @property
    def bytes(self) -> int:
        return self._bytes.total

    def enter(self, peer: str) -> bool:
        """Counts a connection, which `leave` ends in any case. Whether it may stay."""
        return self._connections.add(peer, 1)

    def leave(self, peer: str) -> None:
        self._connections.subtract(peer, 1)

    def hold(self, peer: str, size: int) -> bool:
        """Counts bytes, which `release` ends in any case. Whether they may be held."""
        return self._bytes.add(peer, size)

    def release(self, peer: str, size: int) -> None:
        self._bytes.subtract(peer, size)


class Count:
    """By address, and in all."""

    def __init__(self, most_each: int, most: int) -> None:
        self._most_each = most_each
        self._most = most
        self._each = Counter[str]()
        self.total = 0

    def add(self, peer: str, amount: int) -> bool:
        """Whether it is within both ceilings with that."""
        self._each[peer] += amount
        self.total += amount
        return self._each[peer] <= self._most_each and self.total <= self._most

    def subtract(self, peer: str, amount: int) -> None:
        self.total -= amount
        self._each[peer] -= amount
        if not self._each[peer]:
            del self._each[peer]


def peer_of(transport: asyncio.BaseTransport) -> str:
    """Its address, or its network; empty where it has none."""
    name = transport.get_extra_info("peername")
    address = address_of(name[0]) if isinstance(name, tuple) else None
    if address is None:
        return ""
    if address.version == 4:
        return str(address)
    return f"{address.packed[: NETWORK // 8].hex()}/{NETWORK}"
