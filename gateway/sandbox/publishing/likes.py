"""Likes of media, in both dialects. Whether the media exists is not checked: only that its id is not of the future.

GET /_control/likes  {"likes": [{"account", "media_id"}]}, in their order; needs no key
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.clock import Clock
from gateway.sandbox.control import json_reply
from gateway.sandbox.entities import User
from gateway.sandbox.ids import ITEM_ID, taken_at_ms
from gateway.sandbox.publishing.problems import MALFORMED, MISSING, WriteError
from gateway.sandbox.publishing.write_endpoint import Call
from gateway.sandbox.replies import Reply

Calls = tuple[tuple[str, str, Callable[[Call], Reply]], ...]


class Likes:
    """The media that each account likes, and the calls that change them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.clear()

    def clear(self) -> None:
        self.all: dict[tuple[int, int], None] = {}

    def platform_calls(self) -> Calls:
        return (
            ("POST", "/media/{id}/likes", lambda call: self._of_platform(call, liked=True)),
            ("DELETE", "/media/{id}/likes", lambda call: self._of_platform(call, liked=False)),
        )

    def aiograpi_calls(self) -> Calls:
        return ("POST", "/media/like", self._like), ("DELETE", "/media/like", self._unlike)

    def control_routes(self) -> list[Route]:
        async def read(request: Request) -> Response:
            likes = [{"account": str(account), "media_id": str(media)} for account, media in self.all]
            return json_reply({"likes": likes})

        return [Route("/_control/likes", read, methods=["GET"])]

    def set(self, caller: User, media_id: str, *, liked: bool) -> None:
        """Set or withdraw a like. Raises WriteError for what is no media's id, or that of one of the future."""
        match = ITEM_ID.fullmatch(media_id)
        if match is None:
            raise WriteError(MISSING)
        pk = int(match[1])
        if taken_at_ms(pk) > self._clock.now() * 1_000:
            raise WriteError(MISSING)
        if liked:
            self.all.setdefault((caller.pk, pk))
        else:
            self.all.pop((caller.pk, pk), None)

    def _of_platform(self, call: Call, *, liked: bool) -> Reply:
        self.set(call.caller, call.path["id"], liked=liked)
        return Reply(200, b'{"success": true}')

    def _like(self, call: Call) -> Reply:
        self.set(call.caller, call.body.required("media_id"), liked=True)
        return Reply(200, msgspec.json.encode(True))

    def _unlike(self, call: Call) -> Reply:
        if "media_id" not in call.query:
            raise WriteError(MALFORMED, "media_id is required")
        self.set(call.caller, call.query["media_id"], liked=False)
        return Reply(200, msgspec.json.encode(True))
