"""The handler of a write endpoint: caller, work, and the faults before and after it. Nothing is billed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, assert_never

from starlette.datastructures import QueryParams
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.sandbox import connection
from gateway.sandbox.entities import User
from gateway.sandbox.faults import (
    DeadCursors,
    DeadKeepAlive,
    EdgeHtml,
    Effects,
    Failure,
    Hang,
    Placed,
    PlatformError,
    Status,
    Truncated,
    WrongShape,
    WrongTypes,
    mangled,
)
from gateway.sandbox.publishing.bodies import Body, read_body
from gateway.sandbox.publishing.problems import Problem, WriteError, coded, with_status
from gateway.sandbox.read_endpoint import SandboxServices
from gateway.sandbox.replies import JSON, Reply, edge_page


@dataclass(frozen=True, slots=True)
class Call:
    """A write call by a known account. `name` is its method and route, `key` its idempotency key."""

    name: str
    caller: User
    path: Mapping[str, str]
    query: QueryParams
    body: Body
    key: str | None
    effects: Effects


class Dialect(Protocol):
    async def identify(self, request: Request) -> User:
        """Return the calling account. Raises WriteError."""

    def answer(self, call: Call, work: Callable[[Call], Reply]) -> Reply:
        """Return the reply of `work`. Raises WriteError."""

    def refuse(self, denied: WriteError, retry_after: float | None) -> Reply: ...

    def headers(self, caller: User | None, effects: Effects, denied: WriteError | None) -> dict[str, str]: ...


@dataclass(frozen=True, slots=True)
class Outcome:
    reply: Reply
    caller: User | None = None
    denied: WriteError | None = None


@dataclass(frozen=True, slots=True)
class WriteEndpoint:
    """An ASGI app for one method of one route."""

    house: SandboxServices
    dialect: Dialect
    name: str
    work: Callable[[Call], Reply]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        effects = self.house.faults.draw(self.name, is_write=True)
        if effects.latency:
            await self.house.clock.sleep(effects.latency)
        self.house.agenda.catch_up()
        failure = effects.failure
        if not (_is_before(failure) and isinstance(failure, DeadKeepAlive)):  # in that case nothing was read
            self.house.meter.calls[self.name] += 1
        if _is_before(failure) and await _silenced(failure, receive):
            return
        try:
            outcome = await self._outcome(Request(scope, receive), effects)
        except ClientDisconnect:
            return
        if not _is_before(failure) and await _silenced(failure, receive):
            return
        await self._response(outcome, effects)(scope, receive, send)

    async def _outcome(self, request: Request, effects: Effects) -> Outcome:
        caller = None
        try:
            caller = await self.dialect.identify(request)
            if _is_before(effects.failure) and (failed := self._failed(effects.failure, caller)):
                return failed
            body = await read_body(request)
            key = request.headers.get("idempotency-key")
            call = Call(self.name, caller, request.path_params, request.query_params, body, key, effects)
            outcome = Outcome(self.dialect.answer(call, self.work), caller)
        except WriteError as denied:
            # Without its traceback, whose frames would form a reference cycle with the outcome.
            return Outcome(self.dialect.refuse(denied, None), caller, denied.with_traceback(None))
        return self._failed(effects.failure, caller) or outcome

    def _failed(self, failure: Failure | None, caller: User) -> Outcome | None:
        """Return the outcome that replaces the work's own, if the fault is of that kind."""
        match failure:
            case EdgeHtml(status=status):
                return Outcome(edge_page(status), caller)
            case Status(status=status, retry_after=retry_after):
                return self._refused(WriteError(with_status(status)), retry_after, caller)
            case PlatformError(retry_after=retry_after, regain=regain):
                return self._refused(WriteError(_problem(failure), regain=regain), retry_after, caller)
            case Hang() | DeadKeepAlive() | Truncated() | WrongTypes() | WrongShape() | DeadCursors() | None:
                return None
            case _:
                assert_never(failure)

    def _refused(self, denied: WriteError, retry_after: float | None, caller: User) -> Outcome:
        return Outcome(self.dialect.refuse(denied, retry_after), caller, denied)

    def _response(self, outcome: Outcome, effects: Effects) -> Response:
        reply = outcome.reply
        body = mangled(effects.failure, reply.body) if reply.media_type == JSON and reply.body else reply.body
        headers = {} if reply.from_edge else self.dialect.headers(outcome.caller, effects, outcome.denied)
        return Response(body, reply.status, reply.headers | headers, reply.media_type if body else None)


def _is_before(failure: Failure | None) -> bool:
    return isinstance(failure, Placed) and not failure.is_after


async def _silenced(failure: Failure | None, receive: Receive) -> bool:
    """Return whether no response is to be sent, after the connection was closed."""
    match failure:
        case DeadKeepAlive():
            await connection.drop(receive)
        case Hang():
            await connection.until_gone(receive)
        case Status() | EdgeHtml() | PlatformError() | Truncated() | WrongTypes() | WrongShape() | DeadCursors() | None:
            return False
        case _:
            assert_never(failure)
    return True


def _problem(fault: PlatformError) -> Problem:

    problem = coded(fault.code, fault.subcode)
    return problem if fault.status is None else dataclasses.replace(problem, status=fault.status)
