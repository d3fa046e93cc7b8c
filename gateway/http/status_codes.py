"""The choice of HTTP status codes and of the headers that belong to them. No other module chooses one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from graphql import GraphQLError

from gateway.errors import (
    AccountsUnavailable,
    AllowanceExceeded,
    BodyTooLarge,
    CrossSite,
    DocumentNotTrusted,
    FlowsUnavailable,
    Forbidden,
    GatewayError,
    HashUnknown,
    HostNotServed,
    InsufficientFunds,
    InvalidRequest,
    LedgerUnavailable,
    MethodNotAllowed,
    NotAcceptable,
    Refused,
    ServiceStopping,
    TooManyBodies,
    TooManyStreams,
    Unauthenticated,
    UnsupportedMediaType,
)
from gateway.http.negotiation import ResponseType
from gateway.operations.extensions import unwrap

OK, NOT_MODIFIED, BAD, BROKEN = 200, 304, 400, 500
MASKED = "INTERNAL_SERVER_ERROR"
# Errors that concern HTTP itself, or a proxy, for any media type. The first class that matches decides.
STATUS: dict[type[GatewayError], int] = {
    Unauthenticated: 401,
    Forbidden: 403,
    CrossSite: 403,
    DocumentNotTrusted: 403,
    MethodNotAllowed: 405,
    NotAcceptable: 406,
    BodyTooLarge: 413,
    UnsupportedMediaType: 415,
    HostNotServed: 421,
    TooManyStreams: 429,
    TooManyBodies: 503,
    HashUnknown: 200,  # a normal step of persisted queries, which clients read from the body
    InvalidRequest: 400,
}
# Clients that ask for plain JSON expect 200 for errors of GraphQL itself.
STATUS_FOR_GRAPHQL_MEDIA_TYPE: dict[type[GatewayError], int] = {
    AllowanceExceeded: 429,
    InsufficientFunds: 503,
    FlowsUnavailable: 503,
    AccountsUnavailable: 503,
    ServiceStopping: 503,
    LedgerUnavailable: 503,
    Refused: 400,
}
# `Retry-After` in seconds, for errors without a time: until the account's balance is read again, and until a failed
# write or connection is tried again.
WAITS = {
    InsufficientFunds.code: 60,
    FlowsUnavailable.code: 1,
    AccountsUnavailable.code: 1,
    LedgerUnavailable.code: 1,
    TooManyStreams.code: 1,
    TooManyBodies.code: 1,
}


def status(media: ResponseType, errors: Sequence[GraphQLError], *, executed: bool) -> int:
    """Return the status of a response in `media`. `executed`: it has a `data` entry, null or not.

    By "GraphQL over HTTP", as the `graphql-http` audits read it: an executed operation is 200, with or without errors.
    """
    if executed or not errors:
        return OK
    causes = [unwrap(error) for error in errors]
    always = _first(STATUS, causes)
    if always is not None or media is ResponseType.JSON:
        return always or OK
    if any((error.extensions or {}).get("code") == MASKED for error in errors):
        return BROKEN
    return _first(STATUS_FOR_GRAPHQL_MEDIA_TYPE, causes) or BAD


def headers(errors: Sequence[GraphQLError]) -> dict[str, str]:
    """Return the headers that HTTP requires with the status: `Retry-After`, `Allow`, `WWW-Authenticate`."""
    found = retry_after(error.extensions or {} for error in errors)
    for cause in map(unwrap, errors):
        if isinstance(cause, MethodNotAllowed):
            found["allow"] = cause.allow
        if isinstance(cause, Unauthenticated):
            found["www-authenticate"] = "Bearer"
    return found


def retry_after(extensions: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return `Retry-After` for errors by their `extensions`: the longest wait of any of them, in whole seconds."""
    named = (one.get("retryAfter", WAITS.get(one.get("code", ""))) for one in extensions)
    waits = [math.ceil(wait) for wait in named if isinstance(wait, int | float)]
    return {"retry-after": str(max(1, *waits))} if waits else {}


def _first(table: dict[type[GatewayError], int], causes: Sequence[Exception | None]) -> int | None:
    return next((code for kind, code in table.items() for cause in causes if isinstance(cause, kind)), None)
