"""Connections to an upstream that remember what their clients do not say: why there was none, and the server's time."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from typing import TypeAlias
from urllib.parse import urlsplit

import httpx

from gateway.clock import Clock
from gateway.domain.hosts import address_of
from gateway.domain.proxies import Proxy
from gateway.upstream.client.network import over_network

TIMEOUT_SECONDS = 10.0
KEEP_ALIVE_SECONDS = 4.0

Connect: TypeAlias = Callable[[Proxy | None], httpx.AsyncBaseTransport]


def connect(proxy: Proxy | None) -> httpx.AsyncBaseTransport:
    """Return the transport that the gateway itself uses."""
    return over_network(connections=1, keep_alive=KEEP_ALIVE_SECONDS, proxy=proxy)


class Recorder(httpx.AsyncBaseTransport):
    """A transport that records the last exchange over `transport`. `ahead` is by how much the server's clock is."""

    def __init__(self, transport: httpx.AsyncBaseTransport, clock: Clock) -> None:
        self._transport = transport
        self._clock = clock
        self.error: Exception | None = None
        self.status: int | None = None
        self.seconds = 0.0
        self.ahead: float | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        began, sent = self._clock.monotonic(), self._clock.now()
        try:
            response = await self._transport.handle_async_request(request)
        except asyncio.CancelledError:  # by the deadline of the client
            self.error = TimeoutError()
            raise
        except Exception as error:
            self.error = error
            raise
        finally:
            self.seconds = self._clock.monotonic() - began
        self.status = response.status_code
        self.ahead = _ahead(response.headers, sent + self.seconds / 2)
        return response

    async def aclose(self) -> None:
        await self._transport.aclose()


def _ahead(headers: httpx.Headers, now: float) -> float | None:
    """Return the seconds from `now` to the time in the header Date; None without a usable one."""
    try:
        age = int(headers.get("age", "0"))  # of a response that a cache has stored
        return parsedate_to_datetime(headers["date"]).timestamp() + age - now
    except (KeyError, ValueError, OverflowError):
        return None


def reason(error: Exception | None, url: str, proxy: Proxy | None, name: str) -> tuple[str, str]:
    """Return why there was no response from `url`, and what to do about it. `name` is the setting of the URL."""
    host = urlsplit(url).hostname or "the host"
    peer, check = (host, name) if proxy is None else (f"the proxy of {proxy.variable}", proxy.variable)
    for cause in _causes(error):
        match cause:
            case ssl.SSLCertVerificationError():
                text = f"the certificate of {host} is not trusted: {cause.verify_message}."
                return _capitalised(text), f"Check {name}. If the network inspects TLS, name its CA in SSL_CERT_FILE."
            case ssl.SSLError():
                text, remedy = f"{peer} speaks no usable TLS.", f"Check the scheme and the port in {check}."
            case socket.gaierror():
                text, remedy = f"the name of {peer} is unknown.", f"Check {check}, and this machine's name server."
            case ConnectionRefusedError():
                text, remedy = f"{peer} refuses the connection.", f"Check {check}, and whether the server runs."
            case httpx.ProxyError():
                text, remedy = f"{peer} does not connect to {host}.", f"Check {check}: name, password, and its rules."
            case TimeoutError() | httpx.TimeoutException():
                text = f"{peer} has not answered within {TIMEOUT_SECONDS:.0f} seconds."
                remedy = f"Check {check}, the firewall, and whether a proxy is needed (HTTPS_PROXY)."
            case _:
                continue
        return _capitalised(text), remedy
    text, remedy = f"there is no response from {peer}.", f"Check {check}, the network, and whether a proxy is needed."
    return _capitalised(text), remedy


def _capitalised(sentence: str) -> str:
    """Return the sentence with a capital, unless it begins with a name."""
    return sentence[0].upper() + sentence[1:] if sentence.startswith(("the ", "there ")) else sentence


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the error and its causes, the first one first: it is the most exact."""
    chain = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or error.__context__
    yield from reversed(chain)


def is_in_clear(url: str) -> bool:
    """Return whether requests to the URL, and the keys in them, can be read on the network."""
    parts = urlsplit(url)
    address = address_of(parts.hostname or "")
    is_here = parts.hostname == "localhost" or (address is not None and address.is_loopback)
    return parts.scheme == "http" and not is_here
