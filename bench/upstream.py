"""The read API for the benchmark: a raw asyncio protocol that answers from templates.

    python -m bench.upstream PORT

`/bench/latency/30` makes each answer wait 30 ms; `/bench/calls` says how many calls there were since the last such
question, and what they would have cost.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from typing import cast

import uvloop

from bench import world

PRICES = {"tray": 2, "highlight": 1}
TRAY = re.compile(rb"GET /v1/user/highlights\?(?:.*&)?user_id=([0-9]{14})[& ]")
HIGHLIGHT = re.compile(rb"GET /v1/highlight/by/url\?(?:.*&)?url=[^& ]*?([0-9]{17})[^0-9]")
LATENCY = re.compile(rb"GET /bench/latency/([0-9]+) ")
BALANCE = {"requests": 10**9, "rate": 15, "currency": "USD", "amount": 10**6}
NOT_FOUND = {"detail": "Entries not found", "exc_type": "NotFoundError"}


class Upstream:
    def __init__(self) -> None:
        self.seconds = 0.0
        self.calls = 0
        self.billed = 0

    def answer(self, request: bytes) -> tuple[bytes, float]:
        """The reply to one request, and after how many seconds it is due."""
        if match := HIGHLIGHT.match(request):
            return self._sell("highlight", world.highlight(match[1])), self.seconds
        if match := TRAY.match(request):
            return self._sell("tray", world.tray(match[1])), self.seconds
        return self._free(request), 0.0

    def _sell(self, kind: str, body: bytes) -> bytes:
        self.calls += 1
        self.billed += PRICES[kind]
        return reply(body, PRICES[kind])

    def _free(self, request: bytes) -> bytes:
        if request.startswith(b"GET /sys/balance "):
            return reply(json.dumps(BALANCE).encode(), 0)
        if request.startswith(b"GET /bench/calls "):
            counts = {"calls": self.calls, "billed": self.billed}
            self.calls = self.billed = 0
            return reply(json.dumps(counts).encode(), 0)
        if match := LATENCY.match(request):
            self.seconds = int(match[1]) / 1000
            return reply(b"{}", 0)
        return reply(json.dumps(NOT_FOUND).encode(), 1, b"404 Not Found")


def reply(body: bytes, price: int, status: bytes = b"200 OK") -> bytes:
    head = b'HTTP/1.1 %b\r\ncontent-type: application/json\r\nx-hiker-info: {"reqs": %d}\r\ncontent-length: %d\r\n\r\n'
    return head % (status, price, len(body)) + body


class Connection(asyncio.Protocol):
    """Answers one request after the other. Requests carry no body here: the API knows only GET."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self.pending = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        *requests, self.pending = (self.pending + data).split(b"\r\n\r\n")
        for request in requests:
            answer, seconds = self.upstream.answer(request)
            if seconds:
                asyncio.get_running_loop().call_later(seconds, self._send, answer)
            else:
                self._send(answer)

    def _send(self, answer: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(answer)


async def serve(port: int) -> None:
    upstream = Upstream()
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(upstream), "127.0.0.1", port, backlog=2048
    )
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
