"""Many at once: what 1,800 connections of one address do in the same moment, none of it dear by itself."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

HOST = "127.0.0.1"
CROWD = 1_800  # connections: fewer than one address may have
SECONDS = 5.0  # that a crowd stays which would not leave by itself
DOCUMENTS = 200
LINKS = 60  # fragments of each document
HANDSHAKE = 14_000  # bytes


def head(*fields: str, line: str = "GET /healthz HTTP/1.1") -> bytes:
    return "\r\n".join((line, f"host: {HOST}", *fields, "")).encode()


UPGRADE = head(
    *("connection: upgrade", "upgrade: websocket", "sec-websocket-version: 13"),
    *("sec-websocket-key: MDEyMzQ1Njc4OWFiY2RlZg==", "sec-websocket-protocol: graphql-transport-ws"),
    line="GET /graphql HTTP/1.1",
)
POST = "POST /graphql HTTP/1.1"
JSON = "content-type: application/json"


@contextlib.contextmanager
def crowd(port: int, size: int = CROWD) -> Iterator[list[socket.socket]]:
    """Its connections, open and silent."""
    with contextlib.ExitStack() as stack:
        connections = []
        for _ in range(size):
            connection = stack.enter_context(socket.create_connection((HOST, port), timeout=SECONDS))
            connections.append(connection)
        yield connections


def say(connections: list[socket.socket], data: bytes) -> None:
    """All at once; what cannot be sent at once is not sent."""
    for connection in connections:
        connection.setblocking(False)
        with contextlib.suppress(OSError):
            connection.send(data)


def listen(connections: list[socket.socket]) -> None:
    """Until each has answered something."""
    for connection in connections:
        connection.settimeout(SECONDS)
        with contextlib.suppress(OSError):
            connection.recv(1_000)


def question(query: str, variables: object = None) -> bytes:
    body = json.dumps({"query": query, "variables": variables}).encode()
    return head(JSON, f"content-length: {len(body)}", line=POST) + b"\r\n" + body


def pages_of_a_crowd(port: int, folder: Path) -> None:
    page = head("accept: text/html", line="GET /graphql HTTP/1.1") + b"\r\n"
    with crowd(port) as connections:
        say(connections, page * 200)
        time.sleep(SECONDS)


def questions_of_a_crowd(port: int, folder: Path) -> None:
    with crowd(port) as connections:
        say(connections, question("{ __typename }"))
        listen(connections)


def handshakes_of_a_crowd(port: int, folder: Path) -> None:
    padding = b"".join(b"x%d: " % at + b"a" * (HANDSHAKE // 4) + b"\r\n" for at in range(4))
    with crowd(port) as connections:
        say(connections, UPGRADE + padding + b"\r\n")
        listen(connections)


def new_documents_of_a_crowd(port: int, folder: Path) -> None:
    with crowd(port, DOCUMENTS) as connections:
        for at, connection in enumerate(connections):
            say([connection], question(chain(at)))
        listen(connections)


def chain(number: int) -> str:
    """A document of fragments that spread each other."""
    links = [f"fragment F{at}x{number} on User {{ id username ...F{at + 1}x{number} }}" for at in range(LINKS)]
    last = f"fragment F{LINKS}x{number} on User {{ id }}"
    return " ".join([f'{{ user(by: {{ id: "9{number}" }}) {{ ...F0x{number} }} }}', *links, last])
