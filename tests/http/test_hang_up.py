"""A client that goes away takes its operation with it, and nobody else's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Message

from gateway.sandbox.faults import Latency
from tests.fakes.gateway import RunningGateway, WallClock, running_gateway

USER = "{ user(by: { id: 787132 }) { biography highlights { nodes { title items { nodes { id } } } } } }"


HELD = 3_600.0


class Gate(WallClock):
    """The upstream's answers wait until it is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = asyncio.Event()
        self.open = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        if seconds != HELD:
            return await super().sleep(seconds)
        self.reached.set()
        await self.open.wait()


@pytest.fixture
async def gate() -> Gate:
    return Gate()


@pytest.fixture
async def gateway(tmp_path: Path, gate: Gate) -> AsyncIterator[RunningGateway]:
    async with running_gateway(tmp_path, clock=gate, all_heard=False) as running:
        running.sandbox.faults.lay(Latency(seconds=HELD, endpoint="/v1/user/highlights"))
        yield running


class Browser:
    """An ASGI client that can hang up."""

    def __init__(self, app: Any, query: str) -> None:
        self.app = app
        self.sent: list[Message] = []
        self._hung_up = asyncio.Event()
        self._incoming = [{"type": "http.request", "body": json.dumps({"query": query}).encode(), "more_body": False}]

    async def ask(self) -> None:
        headers = [(b"host", b"gateway.test"), (b"content-type", b"application/json")]
        scope = {"type": "http", "method": "POST", "path": "/graphql", "query_string": b"", "headers": headers}
        await self.app(scope, self._receive, self._send)

    def hang_up(self) -> None:
        self._hung_up.set()

    async def _receive(self) -> Message:
        if self._incoming:
            return self._incoming.pop()
        await self._hung_up.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        self.sent.append(message)

    @property
    def data(self) -> Any:
        return json.loads(b"".join(message.get("body", b"") for message in self.sent))["data"]


async def test_what_the_client_does_not_wait_for_is_not_bought(gateway: RunningGateway, gate: Gate) -> None:
    """The calls that were out by then are paid for, and remembered; the next step of the walk is not taken."""
    browser = Browser(gateway.app, USER)
    asking = asyncio.create_task(browser.ask())
    await gate.reached.wait()
    browser.hang_up()
    await asking
    gate.open.set()
    tray = await gateway.query("{ user(by: { id: 787132 }) { highlights { totalCount } } }")
    assert tray.data == {"user": {"highlights": {"totalCount": 3}}}
    assert browser.sent == []
    assert tray.charged == 0
    assert gateway.calls["tray"] == 1
    assert gateway.calls["highlight"] == 0


async def test_a_shared_call_survives_whoever_hangs_up(gateway: RunningGateway, gate: Gate) -> None:
    leader, follower = Browser(gateway.app, USER), Browser(gateway.app, USER)
    asking = [asyncio.create_task(browser.ask()) for browser in (leader, follower)]
    await gate.reached.wait()
    leader.hang_up()
    await asking[0]
    gate.open.set()
    await asking[1]
    assert leader.sent == []
    assert follower.data["user"]["highlights"]["nodes"][0]["title"] == "Gift Guide"
    assert gateway.calls == {"tray": 1, "profile": 1, "highlight": 3}


async def test_a_client_that_hangs_up_while_it_sends_is_let_go(gateway: RunningGateway) -> None:
    browser = Browser(gateway.app, USER)
    browser._incoming = [{"type": "http.request", "body": b'{"que', "more_body": True}]
    browser.hang_up()
    await browser.ask()
    assert browser.sent == []
