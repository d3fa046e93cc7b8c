"""What the Platform API's refusals mean, by its error table. None of the upstream's own words is passed on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from gateway.errors import (
    AccountDisconnected,
    ContainerExpired,
    GatewayError,
    MediumRefused,
    NotFound,
    PermissionMissing,
    PublishingRejected,
    QuotaExhausted,
    UpstreamRateLimited,
    UpstreamUnavailable,
)
from gateway.upstream.client import errors
from gateway.upstream.client.exchange import TOO_MANY, Reply
from gateway.upstream.client.throttle import retry_after_from_usage

TOKEN = 190
LIMITS = frozenset({4, 17, 32, 613, 80002})
PERMISSIONS = frozenset({10, *range(200, 300)})
TROUBLE = frozenset({-1, -2})
# Code and subcode of an object that does not exist, or not yet where it is looked for.
UNKNOWN = (100, 33)
DISCONNECTED = {
    458: "The account has removed the app: connect it again.",
    460: "The account's password has changed: connect it again.",
    463: "The account's token has expired: connect it again.",
    467: "The account's token is invalid: connect it again.",
}
# The code beside which a subcode stands, and what the pair says of a medium.
MEDIA_ERRORS = {
    2207026: (352, "The platform does not accept the format of the video."),
    2207004: (36000, "The platform finds the image too large."),
    2207005: (36001, "The platform does not accept the format of the image."),
    2207009: (36003, "The platform does not accept the aspect ratio of the image."),
    2207052: (9004, "The platform could not fetch the medium from its URL."),
}
BY_CODE = dict(MEDIA_ERRORS.values())
UNPROCESSED = "The platform could not process the medium."


class NotReady(UpstreamUnavailable):
    """The container is still worked on: the same request succeeds later."""


class Problem(msgspec.Struct, frozen=True, gc=False):
    """`type` is read for the one refusal that has no code of its own."""

    code: int | None = None
    error_subcode: int | None = None
    type: str | None = None
    is_transient: bool = False


class Envelope(msgspec.Struct, frozen=True, gc=False):
    error: Problem


# Numbers may come as text.
ENVELOPE = msgspec.json.Decoder(Envelope, strict=False)


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """A reply that says no: its status, its problem, and what it was about. `wait` is in seconds, where it is named."""

    status: int
    problem: Problem
    subject: str
    wait: float | None

    @property
    def codes(self) -> tuple[int | None, int | None]:
        return self.problem.code, self.problem.error_subcode


def error_response(reply: Reply, subject: str) -> GatewayError | None:
    """None for a whole answer that is no refusal. `subject` is what was asked for: `the upload`."""
    if reply.failure is not None:
        return errors.error_from_failure(reply, subject)
    status = reply.status or 0
    if 200 <= status < 300:
        return None
    problem = problem_in(reply.body)
    if problem is None:
        # A proxy's page says nothing about the account or the medium.
        return _plain(reply, status, subject)
    found = ErrorResponse(status, problem, subject, _wait(reply))
    return next(error for rule in RULES if (error := rule(found)) is not None)


def problem_in(body: bytes) -> Problem | None:
    try:
        return ENVELOPE.decode(body).error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def flaw_of(*codes: int) -> str:
    """What is wrong with a medium that could not be processed, by the codes and subcodes that are told of it."""
    known = (MEDIA_ERRORS[code][1] if code in MEDIA_ERRORS else BY_CODE.get(code) for code in codes)
    return next((flaw for flaw in known if flaw is not None), UNPROCESSED)


def _wait(reply: Reply) -> float | None:
    """The line puts its own pause where a 429 names no time; that one is no word of the platform's."""
    return reply.retry_after if "retry-after" in reply.headers else retry_after_from_usage(reply.headers)


def _plain(reply: Reply, status: int, subject: str) -> GatewayError:
    if status == TOO_MANY:
        return _limited(subject, _wait(reply))
    if status == 413:
        return MediumRefused("The platform finds the medium too large.")
    if status >= 500:
        return UpstreamUnavailable(f"The platform failed at {subject}.", retry_after=reply.retry_after)
    return errors.invalid_answer(subject)


def _limited(subject: str, wait: float | None) -> UpstreamRateLimited:
    return UpstreamRateLimited(f"The platform's rate limit left no room for {subject}.", retry_after=wait)


def _of_limits(no: ErrorResponse) -> GatewayError | None:
    is_limit = no.problem.code in LIMITS or no.status == TOO_MANY
    return _limited(no.subject, no.wait) if is_limit else None


def _of_the_token(no: ErrorResponse) -> GatewayError | None:
    code, subcode = no.codes
    if code == TOKEN or (code is None and no.status == 401):
        return AccountDisconnected(DISCONNECTED.get(subcode or 0, "The platform refuses the account's token."))
    return None


def _of_permissions(no: ErrorResponse) -> GatewayError | None:
    if no.problem.code in PERMISSIONS:
        return PermissionMissing(f"The account's token lacks a permission that {no.subject} needs.")
    return None


def _of_containers(no: ErrorResponse) -> GatewayError | None:
    match no.codes:
        case (9, (2207042 | None)):
            extra = {} if no.wait is None else {"retryAfter": no.wait}
            return QuotaExhausted("The account has used up its publications of the day.", **extra)
        case (24, (2207008 | None)):
            return ContainerExpired("The uploaded medium is gone from the platform.")
        case (9007, (2207027 | None)):
            return NotReady("The platform is still working on the medium.", retry_after=no.wait)
        case _:
            return None


def _of_media(no: ErrorResponse) -> GatewayError | None:
    code, subcode = no.codes
    if code in BY_CODE and (subcode is None or MEDIA_ERRORS.get(subcode, (None,))[0] == code):
        return MediumRefused(flaw_of(code))
    return MediumRefused("The platform finds the medium too large.") if no.status == 413 else None


def _of_objects(no: ErrorResponse) -> GatewayError | None:
    is_unknown = no.status == 404 or no.codes == UNKNOWN
    return NotFound(f"The platform does not know {no.subject}.") if is_unknown else None


def _of_trouble(no: ErrorResponse) -> GatewayError | None:
    if no.problem.code in TROUBLE or no.problem.is_transient or no.status >= 500:
        return UpstreamUnavailable(f"The platform failed at {no.subject}.", retry_after=no.wait)
    return None


def _of_the_request(no: ErrorResponse) -> GatewayError:
    if no.problem.type == "IdempotencyKeyReused":
        return PublishingRejected(f"The platform knows the idempotency key of {no.subject} from another request.")
    return PublishingRejected(f"The platform refused {no.subject}.")


# What limits and tokens say comes first: it holds whatever else the answer names.
RULES: tuple[Callable[[ErrorResponse], GatewayError | None], ...] = (
    _of_limits,
    _of_the_token,
    _of_permissions,
    _of_containers,
    _of_media,
    _of_trouble,
    _of_objects,
    _of_the_request,
)
