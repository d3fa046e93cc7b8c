"""The syntax of the values of settings."""

from __future__ import annotations

import base64
import ipaddress
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar
from urllib.parse import parse_qsl, urlsplit

from gateway.domain.hosts import Network, address_of, host_in
from gateway.domain.window import Window

T = TypeVar("T")

YEAR = 365 * 86400
UNITS = {"": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
SQLITE = "sqlite:///"
POSTGRESQL = "postgresql://"
SEALING_KEY_BYTES = 32
# The options that a Redis URL may have, by its scheme: others would change how the gateway uses its connections.
REDIS_OPTIONS = {
    "redis": ("db",),
    "rediss": ("db", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname"),
    "unix": ("db", "username", "password"),
}
DEFAULT_PORTS = {"http": ":80", "https": ":443"}


@dataclass(frozen=True, slots=True)
class Form(Generic[T]):
    """The syntax of a value. `accepts` completes the sentence "NAME must be ..."; `parse` raises ValueError.

    `is_secret`: the value is a secret or may contain one.
    """

    accepts: str
    parse: Callable[[str], T]
    is_secret: bool = False


def _bytes(text: str) -> int:
    match = re.fullmatch(r"([0-9]{1,15}) ?(KiB|MiB|GiB|)", text)
    if not match:
        raise ValueError
    return _within(int(match[1]) * UNITS[match[2]], 2**20, 2**40)


def _rate(text: str) -> float:
    rate = float(text)
    if not (math.isfinite(rate) and rate > 0):
        raise ValueError
    return rate


def _base_url(text: str) -> str:
    parts = urlsplit(text)
    plain = not (parts.query or parts.fragment or "@" in parts.netloc)
    if parts.scheme not in ("http", "https") or not parts.hostname or not plain:
        raise ValueError
    return text.rstrip("/")


def _key(text: str) -> str:
    """Return the key. It is sent in a header unchanged, so it must not contain a character that ends the header."""
    if not re.fullmatch(r"[!-~]{1,500}", text):
        raise ValueError
    return text


def _database_url(text: str) -> str:
    if not text.startswith((SQLITE, POSTGRESQL)) or text in (SQLITE, POSTGRESQL):
        raise ValueError
    return text


def _redis_url(text: str) -> str:
    parts = urlsplit(text)
    is_socket = parts.scheme == "unix" and parts.path not in ("", "/")
    if not (is_socket or (parts.scheme in ("redis", "rediss") and parts.hostname)) or parts.fragment:
        raise ValueError
    if parts.scheme != "unix" and not re.fullmatch(r"/?[0-9]{0,4}", parts.path):
        raise ValueError
    parts.port  # noqa: B018 (raises a ValueError)
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name not in REDIS_OPTIONS[parts.scheme] or (name == "db" and not re.fullmatch(r"[0-9]{1,4}", value)):
            raise ValueError
    return text


def _sealing_key(text: str) -> bytes:
    key = base64.b64decode(text, validate=True)  # raises a ValueError
    if len(key) != SEALING_KEY_BYTES:
        raise ValueError
    return key


def _sealing_keys(text: str) -> tuple[bytes, ...]:
    return tuple(_sealing_key(part.strip()) for part in text.split(","))


def _login(text: str) -> str:
    if text.lower() not in ("platform", "instagram"):
        raise ValueError
    return text.lower()


def _log_level(text: str) -> str:
    if text.lower() not in ("debug", "info", "warning", "error"):
        raise ValueError
    return text.lower()


def _log_format(text: str) -> str:
    if text.lower() not in ("text", "json"):
        raise ValueError
    return text.lower()


def _socket_address(text: str) -> tuple[str, int]:
    """Return host and port. An IPv6 address is in brackets."""
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9_.-]+)):([0-9]{1,5})", text)
    if not match:
        raise ValueError
    return match[1] or match[2], _within(int(match[3]), 0, 2**16 - 1)


def _storage_url(text: str) -> str:
    if not re.fullmatch(r"(s3|az|gs)://[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9._-]+)*/?", text):
        raise ValueError
    return text.rstrip("/")


def _vault_key_url(text: str) -> str:
    if text.startswith("awskms:"):
        if not re.fullmatch(r"awskms:[A-Za-z0-9:/_-]{1,512}", text):
            raise ValueError
        return text
    if not text.startswith("transit+"):
        raise ValueError
    url = _base_url(text.removeprefix("transit+"))
    if not re.fullmatch(r"(/[A-Za-z0-9._-]+){2,}", urlsplit(url).path):
        raise ValueError
    return f"transit+{url}"


def _documents(text: str) -> str:
    if text not in ("any", "trusted"):
        raise ValueError
    return text


def _switch(text: str) -> bool:
    if text not in ("on", "off"):
        raise ValueError
    return text == "on"


def _origins(text: str) -> frozenset[str]:
    return frozenset(_origin(origin) for origin in text.split())


def _origin(text: str) -> str:
    """Return the origin in the form of browsers: lower case, without the default port, and with nothing after it."""
    scheme, _, host = text.lower().partition("://")
    if scheme not in DEFAULT_PORTS or not re.fullmatch(r"[a-z0-9.-]+(:[0-9]{1,5})?|\[[0-9a-f:]+\](:[0-9]{1,5})?", host):
        raise ValueError
    return f"{scheme}://{host.removesuffix(DEFAULT_PORTS[scheme])}"


def _hosts(text: str) -> frozenset[str]:
    return frozenset(_host(host) for host in text.split())


def _host(text: str) -> str:
    """Return the host in its normalized form, without a port, which does not identify the host."""
    if (address := address_of(text)) is not None:
        return str(address)
    host = host_in(text)
    if host is None or re.search(r":[0-9]*$", text):
        raise ValueError
    return host


def _networks(text: str) -> frozenset[Network]:
    return frozenset(_network(network) for network in text.split())


def _network(text: str) -> Network:
    """Return the network, or that of one address. Every address together is none: each could name any peer."""
    network = ipaddress.ip_network(text)
    is_mapped = network.version == 6 and network.network_address.ipv4_mapped is not None
    if network.prefixlen == 0 or is_mapped:  # a peer's address is compared as an IPv4 address
        raise ValueError
    return network


def _dialect(text: str) -> str:
    if text not in ("platform", "aiograpi"):
        raise ValueError
    return text


def _digits(text: str) -> str:
    if not re.fullmatch(r"[0-9]{1,12}", text):
        raise ValueError
    return text


def _allowance(text: str) -> tuple[tuple[Window, int], ...]:
    limits = [part.partition("=") for part in text.split(",")]
    allowance = {Window(window): int(_digits(limit)) for window, _, limit in limits}
    if len(allowance) < len(limits):
        raise ValueError
    return tuple(allowance.items())


def _percents(text: str) -> tuple[int, ...]:
    return tuple(_within(int(_digits(part)), 1, 99) for part in text.split(","))


def _within(number: int, least: int, most: int) -> int:
    if not least <= number <= most:
        raise ValueError
    return number


def seconds(least: int, most: int) -> Form[int]:
    """Return the form of a duration in whole seconds within these bounds."""
    return Form(
        f"a whole number of seconds from {least} to {most}", lambda text: _within(int(_digits(text)), least, most)
    )


SECONDS = seconds(0, YEAR)
TIMEOUT = seconds(1, 3_600)
COUNT = Form("a whole number up to 12 digits", lambda text: int(_digits(text)))
PAGES = Form("a whole number from 1 to 100", lambda text: _within(int(_digits(text)), 1, 100))
BYTES = Form("a size from 1 MiB to 1024 GiB, like 256 MiB", _bytes)
RATE = Form("a number of requests per second above 0, like 15", _rate)
BASE_URL = Form("an http or https URL without credentials, query and fragment", _base_url)
KEY = Form("a key of 1 to 500 printable ASCII characters without spaces", _key, is_secret=True)
PATH = Form("a path", Path)
REDIS_URL = Form("redis://HOST:PORT/NUMBER, rediss:// for TLS, or unix:///PATH", _redis_url, is_secret=True)
DATABASE_URL = Form(
    f"{SQLITE}PATH (four slashes begin an absolute path), or {POSTGRESQL}USER@HOST/NAME", _database_url, is_secret=True
)
STORAGE_URL = Form("s3://BUCKET/PREFIX, az://CONTAINER/PREFIX or gs://BUCKET/PREFIX", _storage_url)
VAULT_KEY_URL = Form(
    "awskms: and the id, ARN or alias of a key, or transit+https://HOST:PORT/MOUNT/KEY", _vault_key_url
)
PERCENTS = Form("percents from 1 to 99, separated by commas, like 20,5", _percents)
ALLOWANCE = Form(f"billed requests per {', '.join(w.value for w in Window)}, like hour=50,day=200", _allowance)
SEALING_KEY = Form(f"{SEALING_KEY_BYTES} bytes in base64", _sealing_key, is_secret=True)
SEALING_KEYS = Form(
    f"{SEALING_KEY_BYTES} bytes in base64, or several of them, separated by commas", _sealing_keys, is_secret=True
)
ORIGINS = Form("http or https origins, separated by spaces, like https://app.example.com", _origins)
HOSTS = Form("host names or addresses without ports, separated by spaces, like gateway.example.com", _hosts)
NETWORKS = Form("addresses or networks, separated by spaces, like 127.0.0.1 10.0.0.0/8", _networks)
SOCKET_ADDRESS = Form("an address with a port, like 127.0.0.1:9464", _socket_address)
DOCUMENTS = Form("any or trusted", _documents)
SWITCH = Form("on or off", _switch)
LOGIN = Form("platform or instagram", _login)
DIALECT = Form("platform or aiograpi", _dialect)
LOG_LEVEL = Form("debug, info, warning or error", _log_level)
LOG_FORMAT = Form("text or json", _log_format)
