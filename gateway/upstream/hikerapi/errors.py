"""Errors and charges of the read API's replies, by the vendor's documentation.

Only 200, 400, 403 and 404 are charged, at the price in `x-hiker-info`: JSON `{"reqs": 1}` or, older, `reqs=1`. A 403
that is not JSON and has no price comes from the edge in front of the API, and is free. An unknown charge counts as the
nominal price: a budget may be underspent, never overspent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.errors import (
    CursorExpired,
    GatewayError,
    InsufficientFunds,
    NotFound,
    PrivateAccount,
    UpstreamRateLimited,
    UpstreamRejected,
    UpstreamUnauthorized,
    UpstreamUnavailable,
)
from gateway.upstream.client.errors import error_from_failure, error_type, invalid_answer
from gateway.upstream.client.exchange import Failure, Reply

CHARGED = frozenset({200, 400, 403, 404})
PRICE = re.compile(r'\breqs"?\s*[:=]\s*"?([0-9]{1,18})\b')
# Times the listed price. A higher price is a mistake, and believing it would block the endpoint for all clients with a
# smaller budget.
DEAREST = 10


@dataclass(frozen=True, slots=True)
class Charge:
    """The charge of a reply.

    `amount` is in billed requests; `in_doubt`: there was no price, or no credible one; `named` is the upstream's price,
    credible or not.
    """

    amount: int
    in_doubt: bool = False
    named: int | None = None

    @property
    def is_believed(self) -> bool:
        return self.named == self.amount


FREE = Charge(0)
# The `exc_type` of a missing object: one that can be requested, not a session, a proxy or a path.
ABSENT = re.compile(
    r"(User|Account|Profile|Highlight|Reel|Story|Stories|Media|Item|Comment|Hashtag|Location|Entries|Client)?"
    r"NotFound(Error)?"
)
# Endings of the `exc_type` for a failure of the platform or the API itself.
TROUBLE = ("ServerError", "InternalError", "GatewayError", "TimeoutError", "ConnectionError", "RateLimitError")


def charge_from_response(reply: Reply, nominal: int) -> Charge:
    if reply.failure is not None and reply.status is None:
        is_free = not reply.was_sent or reply.failure is Failure.UNREACHED
        return FREE if is_free else Charge(nominal, in_doubt=True)
    info = reply.headers.get("x-hiker-info", "")
    if reply.status not in CHARGED or (not info and _is_edge(reply)):
        return FREE
    found = PRICE.search(info)
    named = int(found[1]) if found else None
    is_odd = named is not None and named > DEAREST * nominal
    amount = nominal if named is None or is_odd else named
    return Charge(amount, in_doubt=is_odd or reply.failure is not None, named=named)


def is_empty_list(reply: Reply) -> bool:
    """Return whether a 404 is an empty list: the API may send it so. An unknown user has another `exc_type`."""
    return error_type(reply) == "NotFoundError"


def error_from_response(reply: Reply, subject: str, charged: int = 0) -> GatewayError | None:
    """Return the error of a reply, or None for a complete 200, whose body is not decoded yet.

    `subject` is the requested object: `user 'natgeo'`. `charged` is in billed requests: an error that cost something
    carries it.
    """
    if reply.failure is not None and (reply.status is None or reply.status in CHARGED):
        return error_from_failure(reply, subject)
    match reply.status:
        case 200:
            return None
        case 400 | 403 | 404:
            return _refusal(reply, subject, charged)
        case 429:
            return UpstreamRateLimited(
                f"The upstream's rate limit left no room for {subject}.", retry_after=reply.retry_after
            )
        case _ if reply.is_trouble:
            return UpstreamUnavailable(f"The upstream failed to answer for {subject}.", retry_after=reply.retry_after)
        case _ if (trouble := _trouble(error_type(reply), reply, subject)) is not None:
            return trouble
        case 401:
            return UpstreamUnauthorized("The upstream refused the gateway's own key.")
        case 402:
            return InsufficientFunds("The gateway's account with the upstream has run out of requests.")
        case status if status is not None and status >= 400:
            return UpstreamRejected(f"The upstream did not accept the request for {subject}.")
        case _:
            return invalid_answer(subject)


def error_instead(reply: Reply, subject: str, charged: int = 0) -> GatewayError:
    """Return the error of a complete 200 without the requested object: a refusal if it has an `exc_type`."""
    return _refusal(reply, subject, charged) if error_type(reply) else invalid_answer(subject)


def cursor_expired(subject: str, charged: int, price: int) -> CursorExpired:
    """Return the error for a cursor that the upstream refuses. `price` is that of the list's first page."""
    details = {"charged": charged} if charged else {}
    return CursorExpired(
        f"The upstream no longer accepts this cursor of a list of {subject}: start again without `after`.",
        startOverCosts=price,
        **details,
    )


def _is_edge(reply: Reply) -> bool:
    """Return whether the edge sent a 403. An incomplete 403 may be from either, so it counts as charged."""
    return reply.status == 403 and reply.failure is None and error_type(reply) is None


def _refusal(reply: Reply, subject: str, charged: int) -> GatewayError:
    """Return the error of a charged refusal, by its `exc_type`: a failing platform is also reported with a 404.

    Only a type that names a missing object means NotFound. A proxy's page, an unknown path or an unknown type says
    nothing about the user, and must not be cached as if it did.
    """
    kind, sentence = error_type(reply), subject[0].upper() + subject[1:]
    if (trouble := _trouble(kind, reply, subject, charged)) is not None:
        return trouble
    match kind:
        case "PrivateAccount":
            return PrivateAccount(f"{sentence} belongs to a private account.")
        case str() if ABSENT.fullmatch(kind):
            return NotFound(f"{sentence} was not found.")
        case None | "" if reply.status == 404:
            return invalid_answer(subject)
        case _:
            details = {"charged": charged} if charged else {}
            return UpstreamRejected(f"The upstream did not accept the request for {subject}.", **details)


def _trouble(kind: str | None, reply: Reply, subject: str, charged: int = 0) -> GatewayError | None:
    """Return the error if the `exc_type` concerns the account, the platform or the API rather than the request.

    This holds for any status that is not transient by itself.
    """
    details = {"charged": charged} if charged else {}
    match kind:
        case "InsufficientFunds":
            return InsufficientFunds("The gateway's account with the upstream has run out of requests.")
        case "InstagramRateLimitError":
            message = f"The platform's rate limit left no room for {subject}."
            return UpstreamRateLimited(message, retry_after=reply.retry_after, **details)
        case str() if kind.endswith(TROUBLE):
            message = f"The upstream failed to answer for {subject}."
            return UpstreamUnavailable(message, retry_after=reply.retry_after, **details)
        case _:
            return None
