"""What stands between the gateways and the upstream, sees each call, and kills at the named points."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import httpx
from starlette.types import Receive, Scope, Send

from gateway.sandbox.connection import drop, until_gone
from tests.chaos.kill_points import Kind, Moment, Points, kind_of

SECRET_HEADERS = {"authorization": "Bearer {}", "x-session-id": "{}"}
HOP_BY_HOP = frozenset({"host", "connection", "content-length", "transfer-encoding", "keep-alive", "date", "server"})
# Between breaking a connection and the arrival of what was sent on it.
LATE_SECONDS = (1.0, 3.0)
# The longest that it waits for its repetition.
STALLED_SECONDS = 20.0
KEY = "sandbox"
# Longer than any gateway waits: it is for them to give up.
PATIENCE = 600.0

Headers = list[tuple[bytes, bytes]]


class Proxy:
    """An ASGI app. A gateway's base URL is `/NAME/DIALECT`; `token` is what the gateways are to know, and no more.

    `kill` is told the gateway's name, and at which point it dies. Of the gateways in `holds` no
    call of `held_kinds` is ever answered, and one arrives only with `forwards_held`; `held` counts these calls.
    """

    def __init__(
        self, upstream: str, token: str, points: Points, kill: Callable[[str, str], None], dice: random.Random
    ) -> None:
        self._upstream = upstream
        self._token = token
        self._points = points
        self._kill = kill
        self._dice = dice
        self._client = httpx.AsyncClient(
            timeout=PATIENCE, limits=httpx.Limits(max_connections=None, keepalive_expiry=2.0)
        )
        self._later: set[asyncio.Task[object]] = set()
        self._created: defaultdict[bytes, asyncio.Event] = defaultdict(asyncio.Event)
        self.calls: Counter[Kind] = Counter()
        self.failed = 0
        self.holds: set[str] = set()
        self.held = 0
        self.held_kinds = frozenset({Kind.PUBLISH, Kind.CREATE})
        self.forwards_held = False

    async def aclose(self) -> None:
        await asyncio.gather(*self._later, return_exceptions=True)
        await self._client.aclose()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        _, gateway, dialect, path = scope["path"].split("/", 3)
        kind = kind_of(scope["method"], f"/{path}")
        self.calls[kind] += 1
        request = self._request(scope, f"/{dialect}/{path}", await _whole(receive))
        if gateway in self.holds and kind in self.held_kinds:
            if self.forwards_held:
                await self._answer(request, receive)
            self.held += 1
            return await until_gone(receive)
        if moment := self._points.before(kind):
            return await self._break(gateway, kind, moment, request, receive)
        response = await self._answer(request, receive)
        if response is None:
            self.failed += 1
            return await drop(receive)
        self.failed += not response.is_success
        if kind is Kind.CREATE and response.is_success:
            self._created[request.content].set()
        # Of a deletion whose answer was lost the repetition is told that nothing is there: it is done as well.
        is_done = response.is_success or (kind is Kind.DELETE and response.status_code == httpx.codes.NOT_FOUND)
        last = self._points.after(kind) if is_done else None
        if last is Moment.COMMITTED:
            self._kill(gateway, f"{kind.value}: {last.value}")
            return await drop(receive)
        await _send(send, response)
        if last is not None:
            await asyncio.sleep(self._dice.uniform(0.0, 0.02))
            self._kill(gateway, f"{kind.value}: {last.value}")

    async def _break(self, gateway: str, kind: Kind, moment: Moment, request: httpx.Request, receive: Receive) -> None:
        if moment is not Moment.STALLED:
            self._kill(gateway, f"{kind.value}: {moment.value}")
        if moment is not Moment.BEFORE:
            task = asyncio.create_task(self._send_later(moment, request))
            self._later.add(task)
        await drop(receive)

    async def _send_later(self, moment: Moment, request: httpx.Request) -> None:
        """Until it is carried out: what is on its way is not lost by chance, too."""
        if moment is Moment.STALLED:
            await self._until_repeated(request.content)
        else:
            await asyncio.sleep(self._dice.uniform(*LATE_SECONDS))
        while True:
            try:
                response = await asyncio.wait_for(self._client.send(request), 1.0)
            except (httpx.HTTPError, TimeoutError):
                continue
            if response.is_success:
                return

    async def _until_repeated(self, body: bytes) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._created[body].wait(), STALLED_SECONDS)

    async def _answer(self, request: httpx.Request, receive: Receive) -> httpx.Response | None:
        """None where the upstream breaks the connection, or the gateway has."""
        sent = asyncio.Event()

        async def trace(name: str, info: dict[str, Any]) -> None:
            if name.endswith("send_request_headers.started"):
                sent.set()

        request.extensions["trace"] = trace
        asking = asyncio.ensure_future(self._client.send(request))
        asking.add_done_callback(lambda done: sent.set())
        leaving = asyncio.ensure_future(until_gone(receive))
        try:
            await asyncio.wait({asking, leaving}, return_when=asyncio.FIRST_COMPLETED)
            return asking.result() if asking.done() else None
        except httpx.HTTPError:
            return None
        finally:
            # A connection that is given up while it is made stays open.
            await sent.wait()
            asking.cancel()
            leaving.cancel()
            await asyncio.gather(asking, leaving, return_exceptions=True)

    def _request(self, scope: Scope, path: str, body: bytes) -> httpx.Request:
        query = scope["query_string"].decode()
        url = f"{self._upstream}{path}" + (f"?{query}" if query else "")
        headers = [(name, self._opened(name.decode(), value)) for name, value in _end_to_end(scope["headers"])]
        return self._client.build_request(scope["method"], url, headers=headers, content=body)

    def _opened(self, name: str, value: bytes) -> bytes:
        """The gateways' token is ours to tell, the sandbox has its own."""
        form = SECRET_HEADERS.get(name)
        if form is None:
            return value
        return form.format(KEY).encode() if value.decode() == form.format(self._token) else b"?"


def _end_to_end(headers: Headers) -> Headers:
    return [(name.lower(), value) for name, value in headers if name.lower().decode() not in HOP_BY_HOP]


async def _whole(receive: Receive) -> bytes:
    """What came, also where the rest never does."""
    body = b""
    while (message := await receive())["type"] == "http.request":
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    return body


async def _send(send: Send, response: httpx.Response) -> None:
    headers = [*_end_to_end(response.headers.raw), (b"content-length", str(len(response.content)).encode())]
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": response.content})
