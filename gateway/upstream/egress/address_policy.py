"""The SSRF policy for externally supplied addresses: public hosts by https, and no others.

An address is checked twice: its form before it is used (`AddressPolicy.check`), and the resolved address again when a
socket is opened (`AddressPolicy.open`). This defeats DNS rebinding (a public address first, a private one afterwards)
and spellings of an address that two parsers read differently.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any, TypeAlias
from urllib.parse import urlsplit

Address: TypeAlias = IPv4Address | IPv6Address
Lookup: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
AddrInfo: TypeAlias = tuple[Any, Any, int, str, tuple[Any, ...]]

HTTPS = 443
LONGEST_URL = 4_096
# Characters that some parsers skip and others treat as the end of the host.
ODD = re.compile(r"[^!-~]|[\\<>\"^`{|}]")
LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
# Names that denote another host in each network (RFC 6761, 6762, 8375, and ICANN's reservation of `internal`).
LOCAL_NAMES = ("localhost", "local", "internal", "home.arpa", "localdomain", "lan")
# From IANA's registries. `ipaddress` of Python 3.11 reports mapped, translated and relayed addresses as global.
SPECIAL_4 = tuple(map(IPv4Network, ("192.0.0.0/24", "192.88.99.0/24")))
GLOBAL_6 = IPv6Network("2000::/3")
SPECIAL_6 = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
TRANSLATED = IPv6Network("64:ff9b::/96")  # the form of IPv4 addresses in networks without IPv4 (RFC 6052)


class AddressNotAllowed(Exception):
    """The address is not allowed. The message completes the sentence "the URL ...", and quotes no part of the URL."""


def is_public(address: Address) -> bool:
    """Return whether `address` is a single host of the public internet."""
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast and not any(address in net for net in SPECIAL_4)
    if address in TRANSLATED:
        return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
    return address in GLOBAL_6 and not any(address in net for net in SPECIAL_6)


async def system_lookup(host: str, port: int) -> Sequence[str]:
    """Return the addresses of `host` from the system's resolver. Raises OSError if there are none."""
    addresses = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in addresses]


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """`lookup` resolves names, `admits` returns whether an address is allowed, `ports` are the allowed ports."""

    lookup: Lookup = system_lookup
    admits: Callable[[Address], bool] = is_public
    ports: frozenset[int] = frozenset({HTTPS})

    def check(self, url: str) -> tuple[str, int]:
        """Return host and port of `url`. Raises AddressNotAllowed if its form is not allowed."""
        if len(url) > LONGEST_URL:
            raise AddressNotAllowed(f"is longer than {LONGEST_URL} characters")
        if ODD.search(url):
            raise AddressNotAllowed("contains a character that a URL cannot have")
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").removesuffix("."), parts.port or HTTPS
        except ValueError as exc:
            raise AddressNotAllowed("is not a URL") from exc
        if parts.scheme != "https":
            raise AddressNotAllowed("must begin with https://")
        if "@" in parts.netloc:
            raise AddressNotAllowed("must not contain a user name or a password")
        if port not in self.ports:
            raise AddressNotAllowed("must not contain a port")
        self._check_host(host)
        return host, port

    async def resolve(self, url: str) -> bool:
        """Return whether the host of `url` resolves. Raises AddressNotAllowed if one of its addresses is not."""
        host, port = self.check(url)
        try:
            addresses = await self.lookup(host, port)
        except OSError:
            return False
        if not all(self.admits(ipaddress.ip_address(address)) for address in addresses):
            raise AddressNotAllowed("resolves to an address that is not public")
        return bool(addresses)

    def open(self, info: AddrInfo) -> socket.socket:
        """Create a socket for aiohttp after a last check of the address. Raises OSError."""
        if not self.admits(ipaddress.ip_address(info[4][0])):
            raise PermissionError("The address is not public.")
        return socket.socket(*info[:3])

    def _check_host(self, host: str) -> None:
        if literal := _literal(host):
            if not self.admits(literal):
                raise AddressNotAllowed("must name a public host")
            return
        labels = host.split(".")
        if len(labels) < 2 or not all(map(LABEL.fullmatch, labels)) or NUMBER.fullmatch(labels[-1]):
            raise AddressNotAllowed("must name a public host by its full name")
        if any(f".{host}".endswith(f".{name}") for name in LOCAL_NAMES):
            raise AddressNotAllowed("must name a public host")


def _literal(host: str) -> Address | None:
    """Return an address in its usual form, or None. Octal, hexadecimal, integer and zoned forms are no names either."""
    try:
        return ipaddress.ip_address(host) if "%" not in host else None
    except ValueError:
        return None
