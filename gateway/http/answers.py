"""Answers as HTTP responses: a single one, a refusal, or one in parts."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

import msgspec
from graphql import GraphQLError
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.http import statuses
from gateway.http.negotiation import MULTIPART, Media

# No cache on the way may keep what a client paid for, and no browser may guess another type.
ALWAYS = {"vary": "Accept", "cache-control": "no-store", "x-content-type-options": "nosniff"}
UTF_8 = "; charset=utf-8"
PARTS = f'{MULTIPART}; boundary="-"'
# The incremental delivery protocol fixes the boundary: some clients look for nothing else.
BOUNDARY = b"\r\n---\r\n"
END = b"\r\n-----\r\n"


def single(
    media: Media,
    data: object,
    errors: Sequence[GraphQLError],
    *,
    executed: bool,
    extensions: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """`executed`: there is a `data` entry, be it null."""
    body: dict[str, Any] = {"data": data} if executed else {}
    if errors:
        body["errors"] = [error.formatted for error in errors]
    if extensions:
        body["extensions"] = dict(extensions)
    return Response(
        msgspec.json.encode(body),
        status_code=statuses.status(media, errors, executed=executed),
        headers={**ALWAYS, "content-type": media.value + UTF_8, **statuses.headers(errors), **(headers or {})},
    )


def refusal(media: Media, problem: GraphQLError) -> Response:
    """Nothing was executed, and nobody's account was touched."""
    return single(media, None, [problem], executed=False)


def unchanged(headers: Mapping[str, str]) -> Response:
    """What the client has is still good."""
    return Response(status_code=statuses.NOT_MODIFIED, headers={**ALWAYS, **headers})


def alone(response: Response) -> Response:
    """A single answer for a client that reads nothing but parts."""
    headers = {**response.headers, "content-type": PARTS}
    del headers["content-length"]
    return Response(_framed(bytes(response.body)) + END, response.status_code, headers)


class Parts:
    """An answer in parts, each sent as soon as it is there (`@defer`, `@stream`)."""

    def __init__(self, frames: AsyncGenerator[Mapping[str, Any], None], headers: Mapping[str, str]) -> None:
        self.frames = frames
        self.headers = {**ALWAYS, "content-type": PARTS, **headers}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in self.headers.items()]
        async with aclosing(self.frames):
            await send({"type": "http.response.start", "status": statuses.OK, "headers": raw})
            async for frame in self.frames:
                body = _framed(msgspec.json.encode(frame))
                await send({"type": "http.response.body", "body": body, "more_body": True})
        await send({"type": "http.response.body", "body": END, "more_body": False})


def _framed(body: bytes) -> bytes:
    return BOUNDARY + b"content-type: application/json; charset=utf-8\r\n\r\n" + body
