"""The control endpoints: faults, meter, reset. They are the sandbox's own, no part of the contract, and need no key.

GET    /_control/faults   the rules in force, with what is left of their `times`
POST   /_control/faults   {"faults": [{"kind": "status", "status": 503, "rate": 0.2, ...}], "seed": 7} replaces them
DELETE /_control/faults   no more faults
GET    /_control/meter    {"calls": {path: n}, "billed": {path: n}, "total_calls": n, "total_billed": n, "balance": n}
POST   /_control/reset    everything as at the start: meter, faults, balance, world, what was published, webhooks

What concerns publishing is controlled in `gateway/sandbox/publishing/control.py`.
"""

from __future__ import annotations

from typing import Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.sandbox.faults import Faults, Script
from gateway.sandbox.meter import Meter


class Controlled(Protocol):
    """What can be controlled."""

    faults: Faults
    meter: Meter

    @property
    def balance(self) -> int: ...

    def reset(self) -> None: ...


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


def json_reply(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")
