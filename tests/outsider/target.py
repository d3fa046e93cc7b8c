"""A gateway as a stranger sees it: a URL, and perhaps a client's key."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
from websockets.sync.client import ClientConnection, connect

from gateway.operations.limits import LIMITS

PORTS = {"http": 80, "https": 443}
PORTS = {"http": 80, "https": 443}
JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
PROTOCOL = "graphql-transport-ws"


@dataclass(frozen=True, slots=True)
class Target:
    """`key` is that of a client with the right to read alone; "" where the gateway asks for none."""

    url: str
    key: str = ""
    context: ssl.SSLContext | bool = True
    seconds: float = 30.0
    """How long an answer may take."""

    @property
    def keyed(self) -> dict[str, str]:
        return {"x-api-key": self.key} if self.key else {}

    def ask(
        self, document: str, variables: Mapping[str, Any] | None = None, *, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        return self.post({"query": document, "variables": variables or {}}, headers)

    def post(self, body: Any, headers: Mapping[str, str] | None = None) -> httpx.Response:
        return self.request("POST", json=body, headers={"accept": GRAPHQL, **self.keyed, **(headers or {})})

    def request(self, method: str, path: str = "/graphql", **options: Any) -> httpx.Response:
        verify = self.context if self.url.startswith("https") else False  # without TLS no authority need be loaded
        return httpx.request(method, self.url + path, timeout=self.seconds, verify=verify, **options)

    def websocket(self, **options: Any) -> ClientConnection:
        """A WebSocket, past its handshake."""
        url = "ws" + self.url.removeprefix("http") + "/graphql"
        context = self.context if isinstance(self.context, ssl.SSLContext) else None
        return connect(url, subprotocols=[PROTOCOL], ssl=context, open_timeout=self.seconds, proxy=None, **options)  # type: ignore[list-item]

    def line(self) -> socket.socket:
        """A connection on which bytes are sent as they are."""
        parts = urlsplit(self.url)
        plain = socket.create_connection((parts.hostname, parts.port or PORTS[parts.scheme]), self.seconds)
        if parts.scheme == "http":
            return plain
        context = self.context if isinstance(self.context, ssl.SSLContext) else ssl.create_default_context()
        return context.wrap_socket(plain, server_hostname=parts.hostname)

    @property
    def authority(self) -> str:
        return urlsplit(self.url).netloc

    def head(self, method: str, *fields: str, path: str = "/graphql") -> bytes:
        """The beginning of a head, without its end."""
        return "".join(
            f"{line}\r\n" for line in (f"{method} {path} HTTP/1.1", f"host: {self.authority}", *fields)
        ).encode()

    def status(self, *pieces: bytes) -> int:
        """Of the answer to these bytes; 0 where the connection is closed without one."""
        with self.line() as line:
            try:
                for piece in pieces:
                    line.sendall(piece)
            except OSError:
                pass  # it does not read on after its refusal
            return status_on(line)


def status_on(line: socket.socket) -> int:
    try:
        answer = line.recv(100)
    except OSError:
        return 0
    return int(answer.split()[1]) if answer else 0


def codes(response: httpx.Response) -> set[str]:
    return {error["extensions"]["code"] for error in response.json().get("errors", ())}


def refused(response: httpx.Response, code: str) -> None:
    """Nothing but this error, in few words, and nothing was bought."""
    assert codes(response) == {code}, response.text[:300]
    assert response.json().get("data") is None, "there are data"
    assert response.headers.get("x-billed-requests", "0") == "0", "something was bought"
    assert len(response.content) < 60_000, f"the refusal has {len(response.content)} bytes"


def too_complex(response: httpx.Response, *limits: str) -> None:
    """Refused by one of these limits of the documents."""
    refused(response, "OPERATION_TOO_COMPLEX")
    found = {error["extensions"]["limit"] for error in response.json()["errors"]}
    assert found <= set(limits), found
    assert found <= LIMITS.keys() | {"list", "entries", "cost", "bytes", "work", "introspection"}


Attempt = Callable[[Target], None]
ATTEMPTS: dict[str, Attempt] = {}
SLOW: set[str] = set()


def attempt(row: str, *, is_slow: bool = False) -> Callable[[Attempt], Attempt]:
    """Register the attempt of a row of docs/security.md. A slow one waits for a limit of time, some seconds."""

    def register(run: Attempt) -> Attempt:
        assert row not in ATTEMPTS, row
        ATTEMPTS[row] = run
        if is_slow:
            SLOW.add(row)
        return run

    return register


def problem_of(row: str, target: Target) -> str | None:
    """What the gateway did instead of what docs/security.md says; None if it did that."""
    try:
        ATTEMPTS[row](target)
    except AssertionError as error:
        return str(error) or "it was not as docs/security.md says"
    except Exception as error:  # an answer that is none of a gateway's
        return f"{type(error).__name__}: {error}"
    return None
