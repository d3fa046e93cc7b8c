"""Hosts in URLs and in the `Host` header: names and IP addresses, normalized for comparison."""

from __future__ import annotations

import ipaddress
import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TypeAlias
from urllib.parse import urlsplit

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

LOCALHOST = "localhost"
# The prefix length of one site's IPv6 network (RFC 6177): the holder of one address has the whole network.
NETWORK = 64
DEFAULT_PORTS = {"http": 80, "https": 443}
# `host [":" port]` of RFC 3986, without the characters that no host in use has.
AUTHORITY = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9_.-]+))(?::[0-9]{0,5})?")


def host_in(authority: str) -> str | None:
    """Return the host of `authority` in lower case, without port, brackets and final dot, or None."""
    found = AUTHORITY.fullmatch(authority.lower())
    if found is None:
        return None
    if found[1] is not None:
        address = address_of(found[1])
        return None if address is None else str(address)
    return found[2].removesuffix(".") or None


def address_of(host: str) -> Address | None:
    """Return `host` as an IP address without its zone, or None for a name. IPv4-mapped IPv6 addresses become IPv4."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def network_of(host: str) -> str:
    """Return the network of the holder of an address, as far as it is visible; empty if `host` is no address."""
    address = address_of(host)
    if address is None:
        return ""
    if address.version == 4:
        return str(address)
    return f"{address.packed[: NETWORK // 8].hex()}/{NETWORK}"


def is_loopback(host: str) -> bool:
    """Return whether `host`, in the form of `host_in`, is this machine, independent of any name server."""
    address = address_of(host)
    return host == LOCALHOST if address is None else address.is_loopback


def origin_of(url: str) -> str | None:
    """Return the origin of an http or https URL in the form of browsers: without the default port.

    None for any other URL, and for one with credentials.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or "@" in parts.netloc:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return (
        f"{parts.scheme}://{host}" if port in (None, DEFAULT_PORTS[parts.scheme]) else f"{parts.scheme}://{host}:{port}"
    )
