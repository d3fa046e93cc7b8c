"""What a reply of the read API means and what it cost, by the vendor's documentation.

Only 200, 400, 403 and 404 are charged, at the price in `x-hiker-info`: JSON `{"reqs": 1}` or, older, `reqs=1`. A 403
that is no JSON and names no price comes from the edge in front of the API, and is free. Where the charge is unknown it
is taken for the nominal price: a budget may be underspent, never overspent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.errors import (
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
# Times the listed price: one that is named beyond it is a mistake, and to believe it would shut the endpoint for all
# whose budgets are smaller.
DEAREST = 10


@dataclass(frozen=True, slots=True)
class Charge:
    """`amount` in billed requests; `in_doubt`: nobody said how much it was, or nobody to be believed; `named` is what
    the upstream said, whether it is believed or not."""

    amount: int
    in_doubt: bool = False
    named: int | None = None

    @property
    def is_believed(self) -> bool:
        return self.named == self.amount


FREE = Charge(0)
# The `exc_type` of an absence: of what can be asked for, and not of a session, a proxy or a path.
ABSENT = re.compile(r"(User|Account|Profile|Highlight|Reel|Story|Stories|Media|Item|Entries|Client)?NotFound(Error)?")
# How that of trouble with the platform or the API itself ends.
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


def is_empty_tray(reply: Reply) -> bool:
    """For trays of which nothing was found: so the API may spell an empty list; an unknown user has another type."""
    return error_type(reply) == "NotFoundError"


def error_from_response(reply: Reply, subject: str, charged: int = 0) -> GatewayError | None:
    """None for a whole 200, whose body is still to be read. `subject` is what was asked for: `user 'natgeo'`.

    `charged` is in billed requests: trouble that cost something says how much.
    """
    if reply.failure is not None and (reply.status is None or reply.status in CHARGED):
        return error_from_failure(reply, subject)
    match reply.status:
        case 200:
            return None
        case 400 | 403 | 404:
            return _refused(reply, subject, charged)
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


def told_instead(reply: Reply, subject: str, charged: int = 0) -> GatewayError:
    """For a whole 200 that is no answer to what was asked: the refusal that it is in truth, if it names its type."""
    return _refused(reply, subject, charged) if error_type(reply) else invalid_answer(subject)


def _is_edge(reply: Reply) -> bool:
    """A 403 that broke off may have been either, so it counts as charged."""
    return reply.status == 403 and reply.failure is None and error_type(reply) is None


def _refused(reply: Reply, subject: str, charged: int) -> GatewayError:
    """For a refusal that is charged. Its type decides: a failing platform is told by the status of an absence, too.

    Only a type that names an absence is one. A proxy's page, an unknown path or a type that nobody knows says nothing
    about the user, and must not be remembered as if it did.
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
            more = {"charged": charged} if charged else {}
            return UpstreamRejected(f"The upstream did not accept the request for {subject}.", **more)


def _trouble(kind: str | None, reply: Reply, subject: str, charged: int = 0) -> GatewayError | None:
    """What types say of the account, the platform or the API, and not of the question, under any status that is no
    trouble by itself."""
    more = {"charged": charged} if charged else {}
    match kind:
        case "InsufficientFunds":
            return InsufficientFunds("The gateway's account with the upstream has run out of requests.")
        case "InstagramRateLimitError":
            told = f"The platform's rate limit left no room for {subject}."
            return UpstreamRateLimited(told, retry_after=reply.retry_after, **more)
        case str() if kind.endswith(TROUBLE):
            told = f"The upstream failed to answer for {subject}."
            return UpstreamUnavailable(told, retry_after=reply.retry_after, **more)
        case _:
            return None
