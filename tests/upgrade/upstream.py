"""The sandbox behind recorded flows: what it is asked is noted, and the same asked of another makes it the same."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.types import Message, Receive, Scope, Send

from gateway.clock import SystemClock
from gateway.sandbox import Sandbox, create_sandbox
from gateway.sandbox.connection import ConnectionDropped, drop, until_gone
from tests.chaos.kill_points import Moment
from tests.upgrade.fixtures import Call

NOTED = ("/platform/", "/aiograpi/", "/_control/")
HEADERS = ("authorization", "x-session-id", "content-type", "idempotency-key")
DIALECT = re.compile(r"/(?:platform|aiograpi)(?=/)")
# How much faster than the machine's the time of a resumed gateway and its upstream goes by.
SPEED = 20.0


class SteppedClock(SystemClock):
    """Stands still between the moments it is set to, until it runs."""

    def __init__(self, at: float) -> None:
        self._at = at
        self._began: float | None = None

    def set(self, at: float) -> None:
        self._at = at

    def run(self) -> None:
        self._began = time.monotonic()

    def now(self) -> float:
        return self._at + self.monotonic()

    def monotonic(self) -> float:
        return 0.0 if self._began is None else (time.monotonic() - self._began) * SPEED

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / SPEED)


@dataclass(slots=True)
class Stop:
    """The `nth` call that `pattern` matches, as METHOD PATH without the dialect.

    If `moment` is None the call is held, and the gateway is not killed.
    """

    pattern: str
    moment: Moment | None
    nth: int = 1

    def is_reached(self, scope: Scope) -> bool:
        path = DIALECT.sub("", scope["path"], count=1)
        if re.fullmatch(self.pattern, f"{scope['method']} {path}"):
            self.nth -= 1
            return self.nth == 0
        return False


class Noting:
    """An ASGI app: the sandbox, one call after the other. `kill` is called where the stop is reached."""

    def __init__(self, url: str) -> None:
        self.clock = SteppedClock(time.time())
        self.app = create_sandbox(clock=self.clock, base_url=url)
        self.calls: list[Call] = []
        self.stop: Stop | None = None
        self.kill: Callable[[], None] = _nobody
        self.is_held = False
        self._turn = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = await _read(scope, receive)
        stop = self.stop if self.stop is not None and self.stop.is_reached(scope) else None
        if stop is not None and stop.moment is None:
            self.is_held = True
            return await until_gone(receive)
        if stop is not None and stop.moment is Moment.BEFORE:
            self.kill()
            return await drop(receive)
        messages = await self._work(call)
        if stop is not None and stop.moment is Moment.COMMITTED:
            self.kill()
        if messages is None or (stop is not None and stop.moment is Moment.COMMITTED):
            return await drop(receive)
        for message in messages:
            await send(message)
        if stop is not None:
            self.kill()

    async def _work(self, call: Call) -> list[Message] | None:
        async with self._turn:
            now = time.time()
            self.clock.set(now)
            call = msgspec.structs.replace(call, at=now)
            if call.path.startswith(NOTED) and not (call.path.startswith("/_control/") and call.method == "GET"):
                self.calls.append(call)
            return await _ask(self.app, call)


async def replayed(calls: Iterable[Call], clock: SteppedClock, url: str) -> Starlette:
    """A sandbox that was asked the same at the same times."""
    app = create_sandbox(clock=clock, base_url=url)
    for call in calls:
        clock.set(call.at)
        await _ask(app, call)
    return app


def published_in(app: Starlette) -> dict[str, Any]:
    sandbox: Sandbox = app.state.sandbox
    sandbox.services.agenda.catch_up()
    published: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(sandbox.publishing.studio.published()))
    return published


async def _read(scope: Scope, receive: Receive) -> Call:
    body = b""
    while (message := await receive())["type"] == "http.request":
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    headers = [(name.decode(), value.decode()) for name, value in scope["headers"]]
    kept = [(name, value) for name, value in headers if name in HEADERS or not scope["path"].startswith(NOTED)]
    return Call(0.0, scope["method"], scope["path"], scope["query_string"].decode(), kept, body)


async def _ask(app: Starlette, call: Call) -> list[Message] | None:
    """The messages of the answer; None where the connection breaks."""
    messages: list[Message] = []
    asked: list[Message] = [{"type": "http.request", "body": call.body}]

    async def receive() -> Message:
        return asked.pop() if asked else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        messages.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http",
        "method": call.method,
        "path": call.path,
        "raw_path": call.path.encode(),
        "root_path": "",
        "query_string": call.query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in call.headers],
        "client": ("127.0.0.1", 0),
        "server": ("127.0.0.1", 80),
    }
    try:
        await app(scope, receive, send)
    except ConnectionDropped:
        return None
    return messages


def _nobody() -> None:
    """No gateway is there to be killed."""
