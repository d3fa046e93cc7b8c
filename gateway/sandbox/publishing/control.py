"""The control endpoints of the write API; like the others they belong to no contract, and need no key.

GET    /_control/published  all objects ever created: {"highlights": [...], "stories": [...], "uploads": [...]}
GET    /_control/webhooks   {"urls": [...]}
POST   /_control/webhooks   {"url", "app_secret", "verify_token", "mode"?: {"late", "twice", "never", "out_of_order",
                            "late_seconds", "seed"}}: performs the handshake, then sends events; 400 if it fails.
                            Over real sockets the URL must be on this machine.
DELETE /_control/webhooks   removes all subscribers
POST   /_control/quota      {"total": n} publications per account and rolling day
POST   /_control/clock      {"advance": seconds}, returns {"now": Unix seconds}; 409 if the clock cannot be advanced
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.clock import Clock
from gateway.sandbox.clocks import MovableClock
from gateway.sandbox.control import json_reply
from gateway.sandbox.faults import Count, Seconds
from gateway.sandbox.publishing.webhooks import HandshakeFailed, Subscription, Webhooks
from gateway.sandbox.publishing.write_state import WriteState
from gateway.sandbox.scheduler import Scheduler

# The most that the clock may be advanced in one step: longer than any expiry.
Advance = Annotated[Seconds, Meta(le=366 * 86_400)]


class Move(Struct, forbid_unknown_fields=True):
    advance: Advance


class QuotaTotal(Struct, forbid_unknown_fields=True):
    total: Count


def publishing_control(studio: WriteState, agenda: Scheduler, clock: Clock, webhooks: Webhooks) -> list[Route]:
    async def read_published(request: Request) -> Response:
        agenda.catch_up()
        return json_reply(studio.published())

    async def set_quota(request: Request) -> Response:
        try:
            studio.quota.total = msgspec.json.decode(await request.body(), type=QuotaTotal).total
        except msgspec.MsgspecError as exc:
            return json_reply({"error": str(exc)}, 400)
        return json_reply({"total": studio.quota.total})

    async def move_clock(request: Request) -> Response:
        if not isinstance(clock, MovableClock):
            return json_reply({"error": "this sandbox was not given a clock that can be moved"}, 409)
        try:
            clock.advance(msgspec.json.decode(await request.body(), type=Move).advance)
        except msgspec.MsgspecError as exc:
            return json_reply({"error": str(exc)}, 400)
        agenda.catch_up()
        return json_reply({"now": clock.now()})

    return [
        Route("/_control/published", read_published, methods=["GET"]),
        *_webhook_routes(webhooks),
        Route("/_control/quota", set_quota, methods=["POST"]),
        Route("/_control/clock", move_clock, methods=["POST"]),
    ]


def _webhook_routes(webhooks: Webhooks) -> list[Route]:
    async def read_webhooks(request: Request) -> Response:
        return json_reply({"urls": webhooks.urls})

    async def subscribe(request: Request) -> Response:
        try:
            await webhooks.subscribe(msgspec.json.decode(await request.body(), type=Subscription))
        except (msgspec.MsgspecError, HandshakeFailed) as exc:
            return json_reply({"error": str(exc)}, 400)
        return json_reply({"urls": webhooks.urls}, 201)

    async def unsubscribe(request: Request) -> Response:
        webhooks.clear()
        return Response(status_code=204)

    return [
        Route("/_control/webhooks", read_webhooks, methods=["GET"]),
        Route("/_control/webhooks", subscribe, methods=["POST"]),
        Route("/_control/webhooks", unsubscribe, methods=["DELETE"]),
    ]
