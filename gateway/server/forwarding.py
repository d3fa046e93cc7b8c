"""Reverse proxies that are trusted to name the peer they forward for, by `X-Forwarded-For`.

A proxy appends the address of its own peer to the field, so entries are believed from the right, as long as a trusted
proxy has appended them. `Forwarded`, `X-Forwarded-Host` and `X-Forwarded-Proto` are not read: a proxy that does not set
them passes on those of its client, and no response depends on them.
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.domain.hosts import Address, Network, address_of, host_in

FIELD = b"x-forwarded-for"
# Entries that are read: one for each proxy on the way. A head has room for thousands.
MOST_HOPS = 16


class TrustedProxies:
    """The addresses whose `X-Forwarded-For` is believed."""

    def __init__(self, networks: Iterable[Network] = ()) -> None:
        self._networks = tuple(networks)

    def trusts(self, host: str) -> bool:
        """Return whether `host` is the address of a trusted proxy."""
        address = address_of(host) if self._networks else None
        return address is not None and self._contains(address)

    def peer(self, proxy: str, headers: Iterable[tuple[bytes, bytes]]) -> str:
        """Return the address of the peer for which the trusted `proxy` forwards a request with these headers.

        That is the last address in the field which is not a trusted proxy, or the first one if all are. An entry that
        is not an address hides who is behind it, so the proxy that appended it is the peer.
        """
        value = b",".join(value for name, value in headers if name == FIELD).decode("latin-1")
        peer = proxy
        for entry in reversed(value.rsplit(",", MOST_HOPS)[-MOST_HOPS:]):
            address = _address_in(entry.strip())
            if address is None:
                break
            peer = str(address)
            if not self._contains(address):
                break
        return peer

    def _contains(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


def _address_in(entry: str) -> Address | None:
    """Return the address of an entry, which some proxies write with a port."""
    return address_of(entry) or address_of(host_in(entry) or "")
