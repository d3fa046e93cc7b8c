"""Everything that can be refused or go wrong, and what a client may see of it.

    GatewayError                      code
    |- InvalidInput                   BAD_USER_INPUT
    |- InvalidRequest                 BAD_REQUEST               the HTTP message carries no GraphQL request
    |  |- MethodNotAllowed            METHOD_NOT_ALLOWED
    |  |- NotAcceptable               NOT_ACCEPTABLE
    |  |- UnsupportedMediaType        UNSUPPORTED_MEDIA_TYPE
    |  |- BodyTooLarge                BODY_TOO_LARGE
    |  |- CrossSite                   CSRF_SUSPECTED            any web page could have made a browser send it
    |  |- HostNotServed               MISDIRECTED_REQUEST       the header `Host` names no host of the gateway
    |  |- DocumentUnknown             PERSISTED_QUERY_NOT_FOUND
    |  |  `- HashUnknown              (the client sends the document along next)
    |  |- DocumentNotTrusted          DOCUMENT_NOT_TRUSTED      only documents of manifests are run, and this is none
    |  `- DocumentMismatch            PERSISTED_QUERY_MISMATCH  the hash is not the document's
    |- Missing                        (charged upstream, cached for a short time, kept apart from trouble)
    |  |- NotFound                    NOT_FOUND
    |  |  `- Renamed                  RENAMED                   the user goes by another name now
    |  `- PrivateAccount              PRIVATE_ACCOUNT
    |- UpstreamError                  (the data may exist; asking again later may help)
    |  |- UpstreamUnavailable         UPSTREAM_UNAVAILABLE      5xx, connection trouble, open breaker
    |  |- UpstreamTimeout             UPSTREAM_TIMEOUT          no answer within the deadline
    |  |- UpstreamRateLimited         UPSTREAM_RATE_LIMITED     429 outlasted the retries
    |  |- UpstreamUnauthorized        UPSTREAM_UNAUTHORIZED     the gateway's own key was refused
    |  |- UpstreamRejected            UPSTREAM_REJECTED         400, 410, 422, the edge's 403: request not accepted
    |  |- UpstreamInvalidAnswer       UPSTREAM_INVALID_ANSWER   no JSON, or not of the documented shape
    |  |- UpstreamPartialAnswer       UPSTREAM_PARTIAL_ANSWER   a part of an answer could not be read; the rest stands
    |  `- InsufficientFunds           INSUFFICIENT_FUNDS        the upstream account is out of money
    |- PublishingError                (the publishing upstream refused for good)
    |  |- AccountDisconnected         ACCOUNT_DISCONNECTED      the account's token is no longer accepted: reconnect it
    |  |- PermissionMissing           PERMISSION_MISSING        the token lacks a permission
    |  |- QuotaExhausted              PUBLISHING_QUOTA_EXHAUSTED  the publications of 24 hours are used up
    |  |- MediumRefused               MEDIUM_REFUSED            format, size, ratio, or its URL cannot be fetched
    |  |- ContainerExpired            CONTAINER_EXPIRED         the uploaded medium is gone: upload it anew
    |  |- RouteMissing                UPSTREAM_ROUTE_MISSING    the upstream does not know what it is asked by
    |  `- PublishingRejected          PUBLISHING_REJECTED       any other refusal
    |- AnswerTooLarge                 ANSWER_TOO_LARGE          known only when it was made: what it took is cached
    `- Refused                        (by the gateway's own rules, before anything is spent)
       |- Unauthenticated             UNAUTHENTICATED
       |- Forbidden                   FORBIDDEN
       |- TooComplex                  OPERATION_TOO_COMPLEX
       |- TooManyStreams              TOO_MANY_STREAMS          as many are open as the client may have
       |- TooManyBodies               TOO_MANY_BODIES           as much is being read as may be, of the client or in all
       |- BudgetExceeded              BUDGET_EXCEEDED
       |- AllowanceExceeded           ALLOWANCE_EXCEEDED
       |- IdempotencyKeyReused        IDEMPOTENCY_KEY_REUSED    the key was used before, with other input
       |- PublishingNotConfigured     PUBLISHING_NOT_CONFIGURED  the gateway holds no account to publish for
       |- FlowsUnavailable            FLOWS_UNAVAILABLE         the store of the flows cannot be reached
       `- LedgerUnavailable           LEDGER_UNAVAILABLE        spending could not be recorded, so nothing is bought

A message is written for the client: it never holds a key, a token, a URL's query string or the upstream's own text.
`extensions` are safe to show as they are. Codes are stable: docs/errors.md lists each one.

No client sees an `Unusable`: that is what keeps a command, or the gateway itself, from starting.
"""

from __future__ import annotations

import copy
import math
from typing import ClassVar, Self


class GatewayError(Exception):
    """Base of all expected failures. `code` is stable; `extensions` (which hold it too) go to the client.

    Among them `retryAfter` is in seconds: who asks again after them is not too early.
    """

    code: ClassVar[str]
    subject: str | None = None
    """What it is about, as its message names it, where others may have asked for the same by another name."""

    def __init__(self, message: str, **extensions: object) -> None:
        super().__init__(message)
        self.message = message
        wait = extensions.get("retryAfter")
        if isinstance(wait, float):
            extensions["retryAfter"] = _in_hundredths(wait)
        self.extensions: dict[str, object] = {"code": self.code, **extensions}

    def about(self, subject: str) -> Self:
        """Return the same error about `subject`, another name of the same entity such as `user 'natgeo'`.

        Return the error itself if it is not about such an entity.
        """
        if self.subject is None or self.subject == subject or _noun(self.subject) != _noun(subject):
            return self
        told = copy.copy(self)
        told.subject = subject
        for begin in (str, _capitalised):
            told.message = told.message.replace(begin(self.subject), begin(subject))
        told.args = (told.message,)
        return told


def _noun(subject: str) -> str:
    return subject.partition(" ")[0]


def _capitalised(subject: str) -> str:
    return subject[0].upper() + subject[1:]


def _in_hundredths(seconds: float) -> float:
    """Round up to hundredths, without the inexactness of a float."""
    return math.ceil(seconds * 100 - 1e-6) / 100


class Unusable(Exception):
    """Settings or a file with which nothing can begin. The message is for the person at the terminal."""


class InvalidInput(GatewayError):
    """The client's mistake: the message names the field and how to mend it."""

    code = "BAD_USER_INPUT"

    def __init__(self, message: str, *, field: str, **extensions: object) -> None:
        super().__init__(message, field=field, **extensions)


class InvalidRequest(GatewayError):
    """The HTTP request is not a GraphQL request: the message says how to correct it."""

    code = "BAD_REQUEST"


class MethodNotAllowed(InvalidRequest):
    """`allow` names the methods that would do, as the header does."""

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
    """A step of a normal conversation: clients know the code, and send the document along next."""


class DocumentNotTrusted(InvalidRequest):
    code = "DOCUMENT_NOT_TRUSTED"


class DocumentMismatch(InvalidRequest):
    code = "PERSISTED_QUERY_MISMATCH"


class Missing(GatewayError):
    """The upstream answered, and was paid, to say that there is nothing to be had."""


class NotFound(Missing):
    code = "NOT_FOUND"


class Renamed(NotFound):
    """The user goes by another name now. `id` and `username` say which."""

    code = "RENAMED"


class PrivateAccount(Missing):
    code = "PRIVATE_ACCOUNT"


class UpstreamError(GatewayError):
    """Trouble with the upstream. `retry_after` is in seconds, where it is known."""

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


class UpstreamUnauthorized(UpstreamError):
    code = "UPSTREAM_UNAUTHORIZED"


class UpstreamRejected(UpstreamError):
    code = "UPSTREAM_REJECTED"


class UpstreamInvalidAnswer(UpstreamError):
    code = "UPSTREAM_INVALID_ANSWER"


class UpstreamPartialAnswer(UpstreamError):
    """Told beside what could be read."""

    code = "UPSTREAM_PARTIAL_ANSWER"


class InsufficientFunds(UpstreamError):
    code = "INSUFFICIENT_FUNDS"


class PublishingError(GatewayError):
    """The publishing upstream refused, and would again."""


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
    """The answer comes from another API than the gateway speaks to, or another release of it: nothing was done."""

    code = "UPSTREAM_ROUTE_MISSING"


class PublishingRejected(PublishingError):
    code = "PUBLISHING_REJECTED"


class AnswerTooLarge(GatewayError):
    """Told in the place of an answer. `most` is in bytes. What was bought for it is paid for, and remembered."""

    code = "ANSWER_TOO_LARGE"

    def __init__(self, most: int) -> None:
        message = f"The response is larger than {most} bytes. Its data was paid for and is cached: split the operation."
        super().__init__(message, most=most)


class Refused(GatewayError):
    """Refused by the gateway's own rules, before anything was spent."""


class Unauthenticated(Refused):
    code = "UNAUTHENTICATED"


class Forbidden(Refused):
    code = "FORBIDDEN"


class TooComplex(Refused):
    """The document is larger than one may be: `limit` is what is limited, `value` what was counted."""

    code = "OPERATION_TOO_COMPLEX"

    def __init__(self, message: str, *, limit: str, most: int, value: int) -> None:
        super().__init__(message, limit=limit, most=most, value=value)


class TooManyStreams(Refused):
    """`most` is how many may be open at once."""

    code = "TOO_MANY_STREAMS"

    def __init__(self, message: str, *, most: int) -> None:
        super().__init__(message, most=most)


class TooManyBodies(Refused):
    """Asking again in a moment helps."""

    code = "TOO_MANY_BODIES"


class BudgetExceeded(Refused):
    code = "BUDGET_EXCEEDED"


class AllowanceExceeded(Refused):
    code = "ALLOWANCE_EXCEEDED"


class IdempotencyKeyReused(Refused):
    code = "IDEMPOTENCY_KEY_REUSED"


class PublishingNotConfigured(Refused):
    code = "PUBLISHING_NOT_CONFIGURED"


class FlowsUnavailable(Refused):
    code = "FLOWS_UNAVAILABLE"


class LedgerUnavailable(Refused):
    code = "LEDGER_UNAVAILABLE"


def forget_frames(error: BaseException) -> None:
    """Of `error` and all that led to it.

    The frames that an error has passed often hold it, or what holds it. All that the operation has read would stay in
    such a cycle until the garbage collector comes by.
    """
    left: list[BaseException | None] = [error]
    seen = set[int]()
    while left:
        one = left.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            left += [one.__cause__, one.__context__, getattr(one, "original_error", None)]
            one.__traceback__ = one.__context__ = None
