"""Where the gateway may go when somebody else names the address: public hosts, by https, and nowhere else.

An address is judged twice. Its form is judged before anything is done with it (`AddressPolicy.check`), and whatever a
name leads to again where a socket is opened (`AddressPolicy.open`): so it does not help to answer with a public address
first and with a private one afterwards, or to write an address in a way that two parsers read differently.
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
# Characters that some parsers skip, and others take for the end of the host.
ODD = re.compile(r"[^!-~]|[\\<>\"^`{|}]")
LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
# Names that mean another host in each network (RFC 6761, 6762, 8375, and ICANN's reservation of `internal`).
LOCAL_NAMES = ("localhost", "local", "internal", "home.arpa", "localdomain", "lan")
# By IANA's registries. `ipaddress` of Python 3.11 takes mapped, translated and relayed addresses for global ones.
SPECIAL_4 = tuple(map(IPv4Network, ("192.0.0.0/24", "192.88.99.0/24")))
GLOBAL_6 = IPv6Network("2000::/3")
SPECIAL_6 = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
TRANSLATED = IPv6Network("64:ff9b::/96")  # what a network without IPv4 resolves a name to (RFC 6052)


class AddressNotAllowed(Exception):
    """The address is not one to go to. The message ends the sentence "the URL ...", and quotes nothing of it."""


def is_public(address: Address) -> bool:
    """Whether it is a single host of the public internet."""
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast and not any(address in net for net in SPECIAL_4)
    if address in TRANSLATED:
        return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
    return address in GLOBAL_6 and not any(address in net for net in SPECIAL_6)


async def system_lookup(host: str, port: int) -> Sequence[str]:
    """The addresses of `host` as the system resolves it. Raises OSError where it has none."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """`lookup` resolves names, `admits` says which addresses may be reached, `ports` which ports."""

    lookup: Lookup = system_lookup
    admits: Callable[[Address], bool] = is_public
    ports: frozenset[int] = frozenset({HTTPS})

    def check(self, url: str) -> tuple[str, int]:
        """Host and port of a URL whose form is acceptable. Raises NotPublic."""
        if len(url) > LONGEST_URL:
            raise AddressNotAllowed(f"is longer than {LONGEST_URL} characters")
        if ODD.search(url):
            raise AddressNotAllowed("holds a character that a URL cannot have")
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").removesuffix("."), parts.port or HTTPS
        except ValueError as exc:
            raise AddressNotAllowed("is not a URL") from exc
        if parts.scheme != "https":
            raise AddressNotAllowed("must begin with https://")
        if "@" in parts.netloc:
            raise AddressNotAllowed("must not hold a user name or a password")
        if port not in self.ports:
            raise AddressNotAllowed("must not name a port of its own")
        self._check_host(host)
        return host, port

    async def resolve(self, url: str) -> bool:
        """Whether the host of `url` is known here. Raises NotPublic if it leads to anything that is not admitted."""
        host, port = self.check(url)
        try:
            found = await self.lookup(host, port)
        except OSError:
            return False
        if not all(self.admits(ipaddress.ip_address(address)) for address in found):
            raise AddressNotAllowed("leads to a host that is not public")
        return bool(found)

    def open(self, info: AddrInfo) -> socket.socket:
        """aiohttp's socket factory: the last look at an address before something is sent to it. Raises OSError."""
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
    """An address in its usual form; octal, hexadecimal, integer and zoned ones are not names either."""
    try:
        return ipaddress.ip_address(host) if "%" not in host else None
    except ValueError:
        return None
