"""Answers as HTTP responses: a single one, a refusal, or one for a client that reads streams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from graphql import GraphQLError
from starlette.responses import Response

from gateway.errors import AnswerTooLarge
from gateway.execution.sizes import LARGEST, is_larger
from gateway.http import status_codes
from gateway.http.negotiation import Media
from gateway.http.transports.stream_formats import StreamFormat

# No cache on the way may keep what a client paid for, and no browser may guess another type.
DEFAULT_HEADERS = {"vary": "Accept", "cache-control": "no-store", "x-content-type-options": "nosniff"}
LONGEST_LIFE = 86_400  # seconds, for an answer that stands on nothing
UTF_8 = "; charset=utf-8"


def json_response(
    media: Media,
    data: bytes | None,
    errors: Sequence[GraphQLError],
    *,
    extensions: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """`data` is JSON, be it null; without any there is no such entry. Raises AnswerTooLarge for the errors."""
    members = {} if data is None else {"data": data}
    if errors:
        members["errors"] = encoded([error.formatted for error in errors])
    if extensions:
        members["extensions"] = msgspec.json.encode(extensions)
    return Response(
        body(members),
        status_code=status_codes.status(media, errors, executed=data is not None),
        headers={
            **DEFAULT_HEADERS,
            "content-type": media.value + UTF_8,
            **status_codes.headers(errors),
            **(headers or {}),
        },
    )


def encoded(result: Any) -> bytes:
    """Raises AnswerTooLarge, before memory is taken for it."""
    if not is_larger(result):
        data = msgspec.json.encode(result)
        if len(data) <= LARGEST:
            return data
    raise AnswerTooLarge(LARGEST)


def body(members: Mapping[str, bytes]) -> bytes:
    """The JSON object of `members`, whose values are JSON already: megabytes are copied once."""
    pieces = [piece for name, value in members.items() for piece in (b",", b'"%s":' % name.encode(), value)]
    return b"".join((b"{", *pieces[1:], b"}"))


def error_response(media: Media, problem: GraphQLError) -> Response:
    """Nothing was executed, and nobody's account was touched."""
    return json_response(media, None, [problem])


def cache_control(seconds: float) -> str:
    """The `Cache-Control` of an answer that lives so long. No cache but the client's own may keep what it paid for."""
    return f"private, max-age={int(min(seconds, LONGEST_LIFE))}"


def not_modified(headers: Mapping[str, str]) -> Response:
    """What the client has is still good."""
    return Response(status_code=status_codes.NOT_MODIFIED, headers={**DEFAULT_HEADERS, **headers})


def as_single_event(response: Response, framing: StreamFormat) -> Response:
    """A single answer for a client that reads nothing but streams."""
    headers = {**response.headers, "content-type": framing.content_type}
    del headers["content-length"]
    return Response(framing.whole(bytes(response.body)), response.status_code, headers)
