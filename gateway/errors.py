"""The errors that clients can see.

    GatewayError                      code
    |- InvalidInput                   BAD_USER_INPUT
    |- InvalidRequest                 BAD_REQUEST               the HTTP request is not a GraphQL request
    |  |- MethodNotAllowed            METHOD_NOT_ALLOWED
    |  |- NotAcceptable               NOT_ACCEPTABLE
    |  |- UnsupportedMediaType        UNSUPPORTED_MEDIA_TYPE
    |  |- BodyTooLarge                BODY_TOO_LARGE
    |  |- CrossSite                   CSRF_SUSPECTED            another site may have made a browser send it
    |  |- HostNotServed               MISDIRECTED_REQUEST       the header `Host` does not name the gateway
    |  |- DocumentUnknown             PERSISTED_QUERY_NOT_FOUND
    |  |  `- HashUnknown              (the client sends the document next)
    |  |- DocumentNotTrusted          DOCUMENT_NOT_TRUSTED      only documents of manifests are run
    |  `- DocumentMismatch            PERSISTED_QUERY_MISMATCH  the hash does not match the document
    |- Missing                        (charged by the upstream, cached for a short time)
    |  |- NotFound                    NOT_FOUND
    |  |  `- Renamed                  RENAMED                   the user has another name now
    |  |- PrivateAccount              PRIVATE_ACCOUNT
    |  `- CursorExpired               CURSOR_EXPIRED            the upstream refuses the cursor of a page
    |- UpstreamError                  (the data may exist; a retry may help)
    |  |- UpstreamUnavailable         UPSTREAM_UNAVAILABLE      5xx, connection failure, open circuit breaker
    |  |- UpstreamTimeout             UPSTREAM_TIMEOUT          no response within the deadline
    |  |- UpstreamRateLimited         UPSTREAM_RATE_LIMITED     429 after all retries, or the queue is too long
    |  |- AccountRestricted           ACCOUNT_RESTRICTED        the platform restricts the account's actions for hours
    |  |- ReconnectRequired           RECONNECT_REQUIRED        the account must be connected again
    |  |- UpstreamUnauthorized        UPSTREAM_UNAUTHORIZED     the gateway's key was rejected
    |  |- UpstreamRejected            UPSTREAM_REJECTED         400, 410, 422, or 403 of a proxy: request rejected
    |  |- UpstreamInvalidAnswer       UPSTREAM_INVALID_ANSWER   not JSON, or not of the documented shape
    |  |- UpstreamPartialAnswer       UPSTREAM_PARTIAL_ANSWER   a part of a response could not be decoded
    |  `- InsufficientFunds           INSUFFICIENT_FUNDS        the balance of the upstream account is too low
    |- PublishingError                (the publishing upstream rejected the request; no retry)
    |  |- AccountDisconnected         ACCOUNT_DISCONNECTED      the account's token is no longer accepted
    |  |- PermissionMissing           PERMISSION_MISSING        the token lacks a permission
    |  |- QuotaExhausted              PUBLISHING_QUOTA_EXHAUSTED  the quota of 24 hours is used up
    |  |- MediumRefused               MEDIUM_REFUSED            format, size, ratio, or its URL cannot be fetched
    |  |- ContainerExpired            CONTAINER_EXPIRED         the uploaded medium has expired
    |  |- RouteMissing                UPSTREAM_ROUTE_MISSING    the upstream does not have the route
    |  `- PublishingRejected          PUBLISHING_REJECTED       any other rejection
    |- AnswerTooLarge                 ANSWER_TOO_LARGE          known only after execution: the data is cached
    `- Refused                        (by the gateway's rules, before anything is spent)
       |- Unauthenticated             UNAUTHENTICATED
       |- Forbidden                   FORBIDDEN
       |- TooComplex                  OPERATION_TOO_COMPLEX
       |- TooManyStreams              TOO_MANY_STREAMS          the client has the maximum number open
       |- TooManyBodies               TOO_MANY_BODIES           the maximum is being read, of the client or in total
       |- BudgetExceeded              BUDGET_EXCEEDED
       |- AllowanceExceeded           ALLOWANCE_EXCEEDED
       |- IdempotencyKeyReused        IDEMPOTENCY_KEY_REUSED    the key was used before with another input
       |- PublishingNotConfigured     PUBLISHING_NOT_CONFIGURED  the gateway has no account to publish for
       |- UnsupportedByPlatform       UNSUPPORTED_BY_PLATFORM   the publishing upstream's dialect has no such operation
       |- ServiceStopping             SERVICE_STOPPING          the process ends: another one can be asked
       |- FlowsUnavailable            FLOWS_UNAVAILABLE         the store of the flows cannot be reached
       |- AccountsUnavailable         ACCOUNTS_UNAVAILABLE      the store of the connected accounts cannot be reached
       `- LedgerUnavailable           LEDGER_UNAVAILABLE        spending cannot be recorded, so nothing is bought

A message is written for the client: it never contains a key, a token, a URL's query string or the upstream's own text.
`extensions` are safe to show. Codes are stable: docs/errors.md lists them all. Clients never see an `Unusable`, which
prevents a command or the gateway from starting.
"""

from __future__ import annotations

import copy
import math
from typing import ClassVar, Self


class GatewayError(Exception):
    """The base of all expected errors. `code` is stable; `extensions`, which contain it, are sent to the client.

    Their `retryAfter` is in seconds; a retry after that time is not too early.
    """

    code: ClassVar[str]
    subject: str | None = None
    """The entity, as the message names it, if other operations may have requested it by another name."""

    def __init__(self, message: str, **extensions: object) -> None:
        super().__init__(message)
        self.message = message
        wait = extensions.get("retryAfter")
        if isinstance(wait, float):
            extensions["retryAfter"] = math.ceil(wait * 100 - 1e-6) / 100  # without the inexactness of a float
        self.extensions: dict[str, object] = {"code": self.code, **extensions}

    def about(self, subject: str) -> Self:
        """Return the same error about `subject`, another name of its entity such as `user 'natgeo'`, else itself."""
        if self.subject is None or self.subject == subject or self.subject.split(" ")[0] != subject.split(" ")[0]:
            return self
        error = copy.copy(self)
        error.subject = subject
        for begin in (str, lambda text: text[0].upper() + text[1:]):
            error.message = error.message.replace(begin(self.subject), begin(subject))
        error.args = (error.message,)
        return error


class Unusable(Exception):
    """Invalid settings or an invalid file. The message is for the terminal."""


class InvalidInput(GatewayError):
    """An invalid input value. The message names the field and how to correct it."""

    code = "BAD_USER_INPUT"

    def __init__(self, message: str, *, field: str, **extensions: object) -> None:
        super().__init__(message, field=field, **extensions)


class InvalidRequest(GatewayError):
    """The HTTP request is not a GraphQL request: the message says how to correct it."""

    code = "BAD_REQUEST"


class MethodNotAllowed(InvalidRequest):
    """An unsupported method. `allow` lists the supported ones, as the header does."""

    code = "METHOD_NOT_ALLOWED"

    def __init__(self, message: str, *, allow: str) -> None:
        super().__init__(message)
        self.allow = allow


class NotAcceptable(InvalidRequest):
    code = "NOT_ACCEPTABLE"


class UnsupportedMediaType(InvalidRequest):
    code = "UNSUPPORTED_MEDIA_TYPE"


class BodyTooLarge(InvalidRequest):
    code = "BODY_TOO_LARGE"


class CrossSite(InvalidRequest):
    code = "CSRF_SUSPECTED"


class HostNotServed(InvalidRequest):
    code = "MISDIRECTED_REQUEST"


class DocumentUnknown(InvalidRequest):
    code = "PERSISTED_QUERY_NOT_FOUND"


class HashUnknown(DocumentUnknown):
    """An unknown hash, which is not a failure: clients react to the code by sending the document next."""


class DocumentNotTrusted(InvalidRequest):
    code = "DOCUMENT_NOT_TRUSTED"


class DocumentMismatch(InvalidRequest):
    code = "PERSISTED_QUERY_MISMATCH"


class Missing(GatewayError):
    """A charged response of the upstream that there is no such data."""


class NotFound(Missing):
    code = "NOT_FOUND"


class Renamed(NotFound):
    """The user has another name now. `id` and `username` are the present ones."""

    code = "RENAMED"


class PrivateAccount(Missing):
    code = "PRIVATE_ACCOUNT"


class CursorExpired(Missing):  # `startOverCosts` is the price of the list's first page
    code = "CURSOR_EXPIRED"


class UpstreamError(GatewayError):
    """A failure of the upstream. `retry_after` is in seconds, if it is known; an event of `topic` ends its cause."""

    topic: str | None = None

    def __init__(self, message: str, *, retry_after: float | None = None, **extensions: object) -> None:
        if retry_after is not None:
            extensions["retryAfter"] = retry_after
        super().__init__(message, **extensions)
        self.retry_after = retry_after


class UpstreamUnavailable(UpstreamError):
    code = "UPSTREAM_UNAVAILABLE"


class UpstreamTimeout(UpstreamError):
    code = "UPSTREAM_TIMEOUT"


class UpstreamRateLimited(UpstreamError):
    code = "UPSTREAM_RATE_LIMITED"


class AccountRestricted(UpstreamError):
    code = "ACCOUNT_RESTRICTED"


class ReconnectRequired(UpstreamError):
    code = "RECONNECT_REQUIRED"


class UpstreamUnauthorized(UpstreamError):
    code = "UPSTREAM_UNAUTHORIZED"


class UpstreamRejected(UpstreamError):
    code = "UPSTREAM_REJECTED"


class UpstreamInvalidAnswer(UpstreamError):
    code = "UPSTREAM_INVALID_ANSWER"


class UpstreamPartialAnswer(UpstreamError):
    code = "UPSTREAM_PARTIAL_ANSWER"


class InsufficientFunds(UpstreamError):
    code = "INSUFFICIENT_FUNDS"


class PublishingError(GatewayError):
    """A rejection by the publishing upstream that no retry changes."""


class AccountDisconnected(PublishingError):
    code = "ACCOUNT_DISCONNECTED"


class PermissionMissing(PublishingError):
    code = "PERMISSION_MISSING"


class QuotaExhausted(PublishingError):
    code = "PUBLISHING_QUOTA_EXHAUSTED"


class MediumRefused(PublishingError):
    code = "MEDIUM_REFUSED"


class ContainerExpired(PublishingError):
    code = "CONTAINER_EXPIRED"


class RouteMissing(PublishingError):
    """The response comes from another API, or another release of it: the request had no effect."""

    code = "UPSTREAM_ROUTE_MISSING"


class PublishingRejected(PublishingError):
    code = "PUBLISHING_REJECTED"


class AnswerTooLarge(GatewayError):
    """A response that is too large, which it replaces. `most` is in bytes. The data is charged and cached."""

    code = "ANSWER_TOO_LARGE"

    def __init__(self, most: int) -> None:
        message = f"The response is larger than {most} bytes. Its data was paid for and is cached: split the operation."
        super().__init__(message, most=most)


class Refused(GatewayError):
    """A rejection by the gateway's own rules, before anything was spent."""


class Unauthenticated(Refused):
    code = "UNAUTHENTICATED"


class Forbidden(Refused):
    code = "FORBIDDEN"


class TooComplex(Refused):
    """A document that exceeds a limit: `limit` is its name, `value` the count, `most` the maximum."""

    code = "OPERATION_TOO_COMPLEX"

    def __init__(self, message: str, *, limit: str, most: int, value: int) -> None:
        super().__init__(message, limit=limit, most=most, value=value)


class TooManyStreams(Refused):
    """Too many open streams. `most` is the maximum."""

    code = "TOO_MANY_STREAMS"

    def __init__(self, message: str, *, most: int) -> None:
        super().__init__(message, most=most)


class TooManyBodies(Refused):
    code = "TOO_MANY_BODIES"


class BudgetExceeded(Refused):
    code = "BUDGET_EXCEEDED"


class AllowanceExceeded(Refused):
    code = "ALLOWANCE_EXCEEDED"


class IdempotencyKeyReused(Refused):
    code = "IDEMPOTENCY_KEY_REUSED"


class PublishingNotConfigured(Refused):
    code = "PUBLISHING_NOT_CONFIGURED"


class UnsupportedByPlatform(Refused):
    code = "UNSUPPORTED_BY_PLATFORM"


class ServiceStopping(Refused):
    code = "SERVICE_STOPPING"


class FlowsUnavailable(Refused):
    code = "FLOWS_UNAVAILABLE"


class AccountsUnavailable(Refused):
    code = "ACCOUNTS_UNAVAILABLE"


class LedgerUnavailable(Refused):
    code = "LEDGER_UNAVAILABLE"
