"""The handler of a read endpoint: edge, key, rate limit, balance, work, billing, and injected faults."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

import msgspec
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.clock import Clock
from gateway.sandbox import connection
from gateway.sandbox.account import Account
from gateway.sandbox.call_counter import Meter
from gateway.sandbox.faults import (
    DeadCursors,
    DeadKeepAlive,
    EdgeHtml,
    Failure,
    Faults,
    Hang,
    Info,
    PlatformError,
    Status,
    Truncated,
    WrongShape,
    WrongTypes,
    mangled,
)
from gateway.sandbox.replies import JSON, NO_USER_AGENT, ReadError, Reply, edge_page, refusal
from gateway.sandbox.scheduler import Scheduler


@dataclass(frozen=True, slots=True)
class SandboxServices:
    """The services shared by all read endpoints."""

    clock: Clock
    account: Account
    meter: Meter
    faults: Faults
    agenda: Scheduler


@dataclass(frozen=True, slots=True)
class ReadEndpoint:
    """An ASGI app for one path. `work` returns the body of a 200 or raises ReadError; `price` is in billed requests.

    `cursor` is the query parameter of the page, None for an endpoint without pages.
    """

    services: SandboxServices
    path: str
    price: Callable[[QueryParams], int]
    work: Callable[[QueryParams], bytes]
    cursor: str | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        has_cursor = self.cursor is not None and bool(request.query_params.get(self.cursor))
        effects = self.services.faults.draw(self.path, has_cursor=has_cursor)
        if effects.latency:
            await self.services.clock.sleep(effects.latency)
        self.services.agenda.catch_up()
        if isinstance(effects.failure, DeadKeepAlive):
            await connection.drop(receive)
            return
        price = self.price(request.query_params) if effects.info.price is None else effects.info.price
        reply = self._reply(request, price, effects.failure)
        self._record(reply, price)
        if isinstance(effects.failure, Hang):
            await connection.until_gone(receive)
            return
        body = mangled(effects.failure, reply.body) if reply.media_type == JSON else reply.body
        headers = reply.headers if reply.from_edge else reply.headers | _price_tag(effects.info, price)
        await Response(body, reply.status, headers, reply.media_type)(scope, receive, send)

    def _reply(self, request: Request, price: int, failure: Failure | None) -> Reply:
        if refused := self._turned_away(request, price):
            return refused
        match failure:
            case Status(status=status, retry_after=retry_after):
                return refusal(status, retry_after=retry_after)
            case EdgeHtml(status=status):
                return edge_page(status)
            case DeadCursors():
                return refusal(400, "The cursor has expired")
            case DeadKeepAlive() | Hang() | Truncated() | WrongTypes() | WrongShape() | PlatformError() | None:
                pass  # the work is done first
            case _:
                assert_never(failure)
        try:
            return Reply(200, self.work(request.query_params))
        except ReadError as declined:
            return declined.reply

    def _turned_away(self, request: Request, price: int) -> Reply | None:
        account = self.services.account
        if not request.headers.get("user-agent"):
            return NO_USER_AGENT
        if not account.knows(request.headers.get("x-access-key")):
            return refusal(401)
        if price and (seconds := account.wait_for_turn()):
            return refusal(429, retry_after=seconds)
        return refusal(402) if account.balance < price else None

    def _record(self, reply: Reply, price: int) -> None:
        self.services.meter.calls[self.path] += 1
        if reply.is_charged and price:
            self.services.meter.billed[self.path] += price
            self.services.account.balance -= price


def _price_tag(info: Info, price: int) -> dict[str, str]:
    text = f"reqs={price}" if info.spelling == "text" else msgspec.json.encode({"reqs": price}).decode()
    return {"x-hiker-info": text}
