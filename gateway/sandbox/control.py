"""The control endpoints: faults, meter, reset. They belong to the sandbox, not to the contract, and need no key.

Web pages therefore cannot use them, and those of an embedded sandbox accept only the same machine or no client at all
(`Control`).

GET    /_control/faults   the rules in force, with what is left of their `times`
POST   /_control/faults   {"faults": [{"kind": "status", "status": 503, "rate": 0.2, ...}], "seed": 7} replaces them
DELETE /_control/faults   no more faults
GET    /_control/meter    {"calls": {path: n}, "billed": {path: n}, "total_calls": n, "total_billed": n, "balance": n}
POST   /_control/reset    restores the initial state: meter, faults, balance, data, published objects, webhooks

The control endpoints of publishing are in `gateway/sandbox/publishing/control.py`.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Protocol, assert_never

import msgspec
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.domain.hosts import is_loopback
from gateway.sandbox.call_counter import Meter
from gateway.sandbox.faults import Faults, Script

# A request with one of these has come through a proxy, which may be on this machine while its client is not.
FORWARDED = ("x-forwarded-for", "forwarded")


class Controlled(Protocol):
    """The controllable state of a sandbox."""

    faults: Faults
    meter: Meter

    @property
    def balance(self) -> int: ...

    def reset(self) -> None: ...


class Control(enum.Enum):
    """The clients that may control a sandbox."""

    ANYBODY = enum.auto()
    """Any client that reaches it: for a sandbox that was started for trials."""
    THIS_MACHINE = enum.auto()
    """Peers on loopback, without a proxy: for a sandbox in a gateway with local clients only."""
    NOBODY = enum.auto()
    """No client: for a sandbox in a gateway with remote clients."""


class ControlCheck:
    """The ASGI middleware of the control endpoints, which rejects requests from web pages.

    A page can make a browser send any body that is not JSON to any address; its POST requests carry an Origin.
    """

    def __init__(self, app: ASGIApp, *, control: Control) -> None:
        self.app = app
        self.control = control

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(Request(scope))
        await (refusal or self.app)(scope, receive, send)

    def _refusal(self, request: Request) -> Response | None:
        if "origin" in request.headers:
            return json_reply({"error": "no page may control the sandbox"}, 403)
        match self.control:
            case Control.ANYBODY:
                return None
            case Control.THIS_MACHINE:
                return _refusal_of_others(request)
            case Control.NOBODY:
                return json_reply({"error": "nobody may control this sandbox"}, 403)
            case _:
                assert_never(self.control)


def _refusal_of_others(request: Request) -> Response | None:
    is_forwarded = any(name in request.headers for name in FORWARDED)
    if is_forwarded or request.client is None or not is_loopback(request.client.host):
        return json_reply({"error": "this sandbox is controlled from its own machine alone"}, 403)
    if request.method == "POST" and not _is_json(request):
        return json_reply({"error": "send it as application/json"}, 415)
    return None


def checked(routes: Sequence[Route], control: Control) -> list[Route]:
    """Return the control endpoints `routes` with the check for allowed clients."""
    if control is Control.NOBODY:
        return []
    check = Middleware(ControlCheck, control=control)
    return [Route(route.path, route.endpoint, methods=[*(route.methods or ())], middleware=[check]) for route in routes]


def control_routes(sandbox: Controlled) -> list[Route]:
    async def read_faults(request: Request) -> Response:
        return json_reply(sandbox.faults.script)

    async def lay_faults(request: Request) -> Response:
        try:
            sandbox.faults.play(msgspec.json.decode(await request.body(), type=Script))
        except msgspec.MsgspecError as exc:
            return json_reply({"error": str(exc)}, 400)
        return json_reply(sandbox.faults.script)

    async def clear_faults(request: Request) -> Response:
        sandbox.faults.clear()
        return json_reply(sandbox.faults.script)

    async def read_meter(request: Request) -> Response:
        meter = sandbox.meter
        return json_reply(
            {
                "calls": dict(meter.calls),
                "billed": dict(meter.billed),
                "total_calls": meter.total_calls,
                "total_billed": meter.total_billed,
                "balance": sandbox.balance,
            }
        )

    async def reset(request: Request) -> Response:
        sandbox.reset()
        return Response(status_code=204)

    return [
        Route("/_control/faults", read_faults, methods=["GET"]),
        Route("/_control/faults", lay_faults, methods=["POST"]),
        Route("/_control/faults", clear_faults, methods=["DELETE"]),
        Route("/_control/meter", read_meter, methods=["GET"]),
        Route("/_control/reset", reset, methods=["POST"]),
    ]


def _is_json(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"


def json_reply(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")
