"""Hosts as URLs and the header `Host` write them: names and IP addresses, brought into one form to be compared."""

from __future__ import annotations

import ipaddress
import re
from ipaddress import IPv4Address, IPv6Address
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address

LOCALHOST = "localhost"
# What a network of one's own is in IPv6 (RFC 6177): whoever has one address of it has them all.
NETWORK = 64
# `host [":" port]` of RFC 3986, without the characters that no host in use has.
AUTHORITY = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9_.-]+))(?::[0-9]{0,5})?")


def host_in(authority: str) -> str | None:
    """The host of `authority`: in lower case, without port, brackets and final dot. None where there is none."""
    found = AUTHORITY.fullmatch(authority.lower())
    if found is None:
        return None
    if found[1] is not None:
        address = address_of(found[1])
        return None if address is None else str(address)
    return found[2].removesuffix(".") or None


def address_of(host: str) -> Address | None:
    """The IP address that `host` is, without its zone; None for a name. What is mapped into IPv6 is an IPv4 address."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def network_of(host: str) -> str:
    """Whose an address is, as far as it shows; empty for what is no address."""
    address = address_of(host)
    if address is None:
        return ""
    if address.version == 4:
        return str(address)
    return f"{address.packed[: NETWORK // 8].hex()}/{NETWORK}"


def is_loopback(host: str) -> bool:
    """Whether `host`, in the form of `host_in`, is this machine and no other, whatever a name server says."""
    address = address_of(host)
    return host == LOCALHOST if address is None else address.is_loopback
