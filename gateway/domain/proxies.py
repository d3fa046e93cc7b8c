"""Proxy selection by the usual environment variables: HTTPS_PROXY and the like, and NO_PROXY."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import SplitResult, urlsplit

from gateway.domain.hosts import address_of, host_in
from gateway.errors import Unusable

EVERYTHING = "all"
SCHEMES = ("http", "https", EVERYTHING)
WITHOUT = "no"
ANYWHERE = "*"
PORTS = {"http": 80, "https": 443}


class ProxyUnusable(Unusable):
    """A proxy variable is invalid.

    The message names the variable and never quotes its value: it may hold a password.
    """

    def __init__(self, variable: str) -> None:
        super().__init__(
            f"{variable} must be an http or https URL like http://proxy.example.com:3128: other types of proxy are not "
            "supported. Hosts in NO_PROXY are reached without a proxy; NO_PROXY=* means all hosts."
        )


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy URL, which may contain a name and a password, and the `variable` that sets it."""

    variable: str
    url: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Proxies:
    """Proxies by the scheme of the requested URL. `without` is a list of hosts, as in NO_PROXY."""

    by_scheme: Mapping[str, Proxy] = field(default_factory=dict)
    without: str = ""

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Read the variables. If both spellings are set, lower case wins, as with curl and Python."""
        found = {scheme: given for scheme in SCHEMES if (given := _from_environment(environ, scheme)) is not None}
        without = _from_environment(environ, WITHOUT)
        return cls(found, "" if without is None else without.url)

    def check(self) -> None:
        """Raise ProxyUnusable for every error that `to` could raise for any URL."""
        if self.without != ANYWHERE:
            for given in self.by_scheme.values():
                _usable(given)

    def to(self, url: str) -> Proxy | None:
        """Return the proxy for `url`, or None. Raise ProxyUnusable."""
        try:
            parts = urlsplit(url)
            parts.port  # noqa: B018 (raises for one that is none)
        except ValueError:
            return None
        given = self.by_scheme.get(parts.scheme) or self.by_scheme.get(EVERYTHING)
        host = host_in(parts.netloc.rpartition("@")[2])
        if given is None or host is None or any(_matches(entry, host, parts) for entry in self.without.split(",")):
            return None
        return _usable(given)


DIRECT = Proxies()


def _matches(entry: str, host: str, parts: SplitResult) -> bool:
    """Return whether an entry of NO_PROXY matches: a host with its subdomains, a host with a port, or a network."""
    entry = entry.strip().lower()
    if entry == ANYWHERE:
        return True
    if _is_in_network(entry, host):
        return True
    name, _, port = entry.removeprefix("*").removeprefix(".").partition(":")
    is_named = bool(name) and (host == name or host.endswith(f".{name}"))
    return is_named and (not port or port == str(parts.port or PORTS.get(parts.scheme)))


def _is_in_network(entry: str, host: str) -> bool:
    address = address_of(host)
    try:
        return address is not None and address in ipaddress.ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        return False


def _from_environment(environ: Mapping[str, str], name: str) -> Proxy | None:
    spellings = f"{name}_proxy", f"{name}_proxy".upper()
    return next((Proxy(one, text) for one in spellings if (text := environ.get(one, "").strip())), None)


def _usable(proxy: Proxy) -> Proxy:
    """Return the proxy with a scheme, which the variable may omit. Raise ProxyUnusable."""
    url = proxy.url if "://" in proxy.url else f"http://{proxy.url}"
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable:
        raise ProxyUnusable(proxy.variable)
    return Proxy(proxy.variable, url)
