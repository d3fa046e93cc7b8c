"""Errors of the Platform API, by its error table. None of the upstream's own texts is passed on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from gateway.errors import (
    AccountDisconnected,
    AccountRestricted,
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
# Code and subcode of an object that does not exist, or is not visible yet.
UNKNOWN = (100, 33)
DISCONNECTED = {
    458: "The account has removed the app: connect it again.",
    460: "The account's password has changed: connect it again.",
    463: "The account's token has expired: connect it again.",
    467: "The account's token is invalid: connect it again.",
}
# By subcode: the code that it belongs to, and the error of the medium.
MEDIA_ERRORS = {
    2207026: (352, "The platform does not accept the format of the video."),
    2207004: (36000, "The platform finds the image too large."),
    2207005: (36001, "The platform does not accept the format of the image."),
    2207009: (36003, "The platform does not accept the aspect ratio of the image."),
    2207052: (9004, "The platform could not fetch the medium from its URL."),
}
BY_CODE = dict(MEDIA_ERRORS.values())
UNPROCESSED = "The platform could not process the medium."


# Code and subcode of an action that the platform takes for spam.
RESTRICTED = (4, 2207051)
# It names no time. To hurry back makes the restriction longer.
REST_SECONDS = 4 * 3_600.0


class NotReady(UpstreamUnavailable):
    """The container is still being processed: the same request succeeds later."""


class PlatformProblem(msgspec.Struct, frozen=True, gc=False):
    """The error in a response. `type` identifies the one error that has no code of its own."""

    code: int | None = None
    error_subcode: int | None = None
    type: str | None = None
    is_transient: bool = False


class ErrorEnvelope(msgspec.Struct, frozen=True, gc=False):
    error: PlatformProblem


# Not strict: numbers may be sent as text.
ENVELOPE = msgspec.json.Decoder(ErrorEnvelope, strict=False)


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """An error response: its status, its problem, and its object. `wait` is in seconds, if a time is named."""

    status: int
    problem: PlatformProblem
    subject: str
    wait: float | None

    @property
    def codes(self) -> tuple[int | None, int | None]:
        return self.problem.code, self.problem.error_subcode


def error_response(reply: Reply, subject: str) -> GatewayError | None:
    """Return the error of a reply, or None for a complete success. `subject` is the requested object: `the upload`."""
    if reply.failure is not None:
        return errors.error_from_failure(reply, subject)
    status = reply.status or 0
    if 200 <= status < 300:
        return None
    problem = problem_in(reply.body)
    if problem is None:
        # A proxy's page says nothing about the account or the medium.
        return _error_by_status(reply, status, subject)
    found = ErrorResponse(status, problem, subject, _wait(reply))
    return next(error for rule in RULES if (error := rule(found)) is not None)


def problem_in(body: bytes) -> PlatformProblem | None:
    try:
        return ENVELOPE.decode(body).error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def flaw_of(*codes: int) -> str:
    """Return the sentence about a medium that could not be processed, by its error codes and subcodes."""
    known = (MEDIA_ERRORS[code][1] if code in MEDIA_ERRORS else BY_CODE.get(code) for code in codes)
    return next((flaw for flaw in known if flaw is not None), UNPROCESSED)


def _wait(reply: Reply) -> float | None:
    """Return the platform's own waiting time: without one, the client sets a pause of its own for a 429."""
    return reply.retry_after if "retry-after" in reply.headers else retry_after_from_usage(reply.headers)


def _error_by_status(reply: Reply, status: int, subject: str) -> GatewayError:
    if status == TOO_MANY:
        return _rate_limited(subject, _wait(reply))
    if status == 413:
        return MediumRefused("The platform finds the medium too large.")
    if status >= 500:
        return UpstreamUnavailable(f"The platform failed at {subject}.", retry_after=reply.retry_after)
    return errors.invalid_answer(subject)


def _rate_limited(subject: str, wait: float | None) -> UpstreamRateLimited:
    return UpstreamRateLimited(f"The platform's rate limit left no room for {subject}.", retry_after=wait)


def _rate_limit(response: ErrorResponse) -> GatewayError | None:
    is_limit = response.problem.code in LIMITS or response.status == TOO_MANY
    return _rate_limited(response.subject, response.wait) if is_limit else None


def _restriction(response: ErrorResponse) -> GatewayError | None:
    if response.codes != RESTRICTED:
        return None
    wait = max(REST_SECONDS, response.wait or 0.0)
    return AccountRestricted("The platform restricts the account's actions: it rests for some hours.", retry_after=wait)


def _invalid_token(response: ErrorResponse) -> GatewayError | None:
    code, subcode = response.codes
    if code == TOKEN or (code is None and response.status == 401):
        return AccountDisconnected(DISCONNECTED.get(subcode or 0, "The platform refuses the account's token."))
    return None


def _missing_permission(response: ErrorResponse) -> GatewayError | None:
    if response.problem.code in PERMISSIONS:
        return PermissionMissing(f"The account's token lacks a permission that {response.subject} needs.")
    return None


def _container_error(response: ErrorResponse) -> GatewayError | None:
    match response.codes:
        case (9, (2207042 | None)):
            extra = {} if response.wait is None else {"retryAfter": response.wait}
            return QuotaExhausted("The account has used up its publications of the day.", **extra)
        case (24, (2207008 | None)):
            return ContainerExpired("The uploaded medium is gone from the platform.")
        case (9007, (2207027 | None)):
            return NotReady("The platform is still working on the medium.", retry_after=response.wait)
        case _:
            return None


def _media_error(response: ErrorResponse) -> GatewayError | None:
    code, subcode = response.codes
    if code in BY_CODE and (subcode is None or MEDIA_ERRORS.get(subcode, (None,))[0] == code):
        return MediumRefused(flaw_of(code))
    return MediumRefused("The platform finds the medium too large.") if response.status == 413 else None


def _unknown_object(response: ErrorResponse) -> GatewayError | None:
    is_unknown = response.status == 404 or response.codes == UNKNOWN
    return NotFound(f"The platform does not know {response.subject}.") if is_unknown else None


def _unavailable(response: ErrorResponse) -> GatewayError | None:
    if response.problem.code in TROUBLE or response.problem.is_transient or response.status >= 500:
        return UpstreamUnavailable(f"The platform failed at {response.subject}.", retry_after=response.wait)
    return None


def _rejected_request(response: ErrorResponse) -> GatewayError:
    if response.problem.type == "IdempotencyKeyReused":
        return PublishingRejected(f"The platform knows the idempotency key of {response.subject} from another request.")
    return PublishingRejected(f"The platform refused {response.subject}.")


# Limits and tokens come first: they apply whatever else the response contains.
RULES: tuple[Callable[[ErrorResponse], GatewayError | None], ...] = (
    _restriction,
    _rate_limit,
    _invalid_token,
    _missing_permission,
    _container_error,
    _media_error,
    _unavailable,
    _unknown_object,
    _rejected_request,
)
