"""The control endpoints of the OAuth servers.

GET    /_control/oauth         {"tokens": [...]}: the access tokens that were given, for a search in what a client keeps
POST   /_control/oauth         {"is_wrapped"?, "is_listed"?}: the shape in which the exchange answers from now on
POST   /_control/oauth/end     {"account", "reason"?: "removed" | "password_changed" | "expired"}: no token of the
                               account is accepted any longer; {"ended": n}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.sandbox.control import json_reply
from gateway.sandbox.publishing.accounts import Accounts
from gateway.sandbox.publishing.oauth import ExchangeShape, OAuthServer
from gateway.sandbox.publishing.problems import PASSWORD_CHANGED, REMOVED, TOKEN_EXPIRED, Problem, WriteError

REASONS: Mapping[str, Problem] = MappingProxyType(
    {"removed": REMOVED, "password_changed": PASSWORD_CHANGED, "expired": TOKEN_EXPIRED}
)


class End(msgspec.Struct, forbid_unknown_fields=True):
    account: str
    reason: Literal["removed", "password_changed", "expired"] = "removed"


def oauth_control(accounts: Accounts, servers: Sequence[OAuthServer]) -> list[Route]:
    async def read(request: Request) -> Response:
        return json_reply({"tokens": accounts.tokens()})

    async def shape(request: Request) -> Response:
        try:
            chosen = msgspec.json.decode(await request.body(), type=ExchangeShape)
        except msgspec.MsgspecError as exc:
            return json_reply({"error": str(exc)}, 400)
        for server in servers:
            server.shape = chosen
        return json_reply(chosen)

    async def end(request: Request) -> Response:
        try:
            asked = msgspec.json.decode(await request.body(), type=End)
            user = accounts.named(asked.account)
        except (msgspec.MsgspecError, WriteError) as exc:
            return json_reply({"error": str(exc)}, 400)
        return json_reply({"ended": accounts.end(user.pk, REASONS[asked.reason])})

    return [
        Route("/_control/oauth", read, methods=["GET"]),
        Route("/_control/oauth", shape, methods=["POST"]),
        Route("/_control/oauth/end", end, methods=["POST"]),
    ]
