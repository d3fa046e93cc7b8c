"""The limits per peer: connections of an address, and bytes held for it."""

from __future__ import annotations

import asyncio
import resource
from dataclasses import dataclass

from gateway.domain.hosts import network_of
from gateway.domain.shares import Count
from gateway.http.unsent import MOST, MOST_EACH

# Open files reserved for everything else: databases, upstream connections, the spool.
SPARED_FILES = 200


@dataclass(frozen=True, slots=True)
class Ceilings:
    """The limits of one process. `each` is the maximum of connections per address, 0 for none; `total` is for all.

    `heads` are bytes of unfinished heads, each counted from its second piece on; `bodies` are unread bytes of bodies,
    and of data behind a request; `unsent` are bytes of responses that peers have not read; `leavings` are connections
    on which a refused body still arrives, and is dropped.
    """

    each: int = 2_000
    total: int = 8_000
    heads_each: int = 4 * 2**20
    heads_total: int = 32 * 2**20
    bodies_each: int = 16 * 2**20
    bodies_total: int = 64 * 2**20
    unsent_each: int = MOST_EACH
    unsent_total: int = MOST
    leavings_each: int = 128
    leavings_total: int = 512

    @property
    def connections(self) -> int:
        """The maximum of connections of all peers: each takes one of the files that the process may have open."""
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        spared = self.total if files == resource.RLIM_INFINITY else max(1, files - SPARED_FILES)
        return min(self.total, spared)


class Peers:
    """The counts per address. An address without connections is not stored."""

    def __init__(self, ceilings: Ceilings) -> None:
        most = ceilings.connections
        self.connections = Count(ceilings.each or most, most)
        self.heads = Count(ceilings.heads_each, ceilings.heads_total)
        self.bodies = Count(ceilings.bodies_each, ceilings.bodies_total)
        self.leavings = Count(ceilings.leavings_each, ceilings.leavings_total)


def connection_of(transport: asyncio.BaseTransport) -> str:
    """Return a name of the connection itself, under which a proxy's connection is counted between two requests."""
    host, port, *_ = transport.get_extra_info("peername")
    return f"{host} {port}"


def peer_of(transport: asyncio.BaseTransport) -> str:
    """Return the address of the peer, or its network; "" if it has none."""
    name = transport.get_extra_info("peername")
    return network_of(name[0]) if isinstance(name, tuple) else ""
