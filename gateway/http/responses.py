"""HTTP responses: a single result, an error, or a single event for a client that accepts only streams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from graphql import GraphQLError
from starlette.responses import Response

from gateway.errors import AnswerTooLarge
from gateway.execution.sizes import LARGEST, is_larger
from gateway.http import status_codes
from gateway.http.negotiation import ResponseType
from gateway.http.transports.stream_formats import StreamFormat
from gateway.operations.error_payloads import error_payload

# Shared caches must not store a response that a client paid for, and browsers must not guess another type.
DEFAULT_HEADERS = {"vary": "Accept", "cache-control": "no-store", "x-content-type-options": "nosniff"}
LONGEST_LIFE = 86_400  # seconds, for a response that depends on no cache entry
UTF_8 = "; charset=utf-8"


def json_response(
    media: ResponseType,
    data: bytes | None,
    errors: Sequence[GraphQLError],
    *,
    extensions: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a response. `data` is JSON, maybe null; None omits the entry. Raises AnswerTooLarge for the errors."""
    members = {} if data is None else {"data": data}
    if errors:
        members["errors"] = encoded([error_payload(error) for error in errors])
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
    """Return `result` as JSON. Raises AnswerTooLarge, before memory is allocated for it."""
    if not is_larger(result):
        data = msgspec.json.encode(result)
        if len(data) <= LARGEST:
            return data
    raise AnswerTooLarge(LARGEST)


def body(members: Mapping[str, bytes]) -> bytes:
    """Return the JSON object of `members`, whose values are JSON already: megabytes are copied only once."""
    pieces = [piece for name, value in members.items() for piece in (b",", b'"%s":' % name.encode(), value)]
    return b"".join((b"{", *pieces[1:], b"}"))


def error_response(media: ResponseType, problem: GraphQLError) -> Response:
    """Return the response of a request that failed before execution: no upstream account was used."""
    return json_response(media, None, [problem])


def cache_control(seconds: float) -> str:
    """Return the `Cache-Control` for a lifetime. `private`: only the client's own cache may store what it paid for."""
    return f"private, max-age={int(min(seconds, LONGEST_LIFE))}"


def not_modified(headers: Mapping[str, str]) -> Response:
    """Return 304: the client's cached response is still valid."""
    return Response(status_code=status_codes.NOT_MODIFIED, headers={**DEFAULT_HEADERS, **headers})


def as_single_event(response: Response, framing: StreamFormat) -> Response:
    """Return `response` as a stream of one event, for a client that accepts only streams."""
    headers = {**response.headers, "content-type": framing.content_type}
    del headers["content-length"]
    return Response(framing.whole(bytes(response.body)), response.status_code, headers)
