"""Everything that can be refused or go wrong, and what a client may see of it.

    GatewayError                      code
    |- InvalidInput                   BAD_USER_INPUT
    |- InvalidRequest                 BAD_REQUEST               the HTTP message carries no GraphQL request
    |  |- MethodNotAllowed            METHOD_NOT_ALLOWED
    |  |- NotAcceptable               NOT_ACCEPTABLE
    |  |- UnsupportedMediaType        UNSUPPORTED_MEDIA_TYPE
    |  |- BodyTooLarge                BODY_TOO_LARGE
    |  |- CrossSite                   CSRF_SUSPECTED            any web page could have made a browser send it
    |  |- DocumentUnknown             PERSISTED_QUERY_NOT_FOUND
    |  |  `- HashUnknown              (the client sends the document along next)
    |  `- DocumentMismatch            PERSISTED_QUERY_MISMATCH  the hash is not the document's
    |- Missing                        (charged upstream, cached for a short time, kept apart from trouble)
    |  |- NotFound                    NOT_FOUND
    |  `- PrivateAccount              PRIVATE_ACCOUNT
    |- UpstreamError                  (the data may exist; asking again later may help)
    |  |- UpstreamUnavailable         UPSTREAM_UNAVAILABLE      5xx, connection trouble, open breaker
    |  |- UpstreamTimeout             UPSTREAM_TIMEOUT          no answer within the deadline
    |  |- UpstreamRateLimited         UPSTREAM_RATE_LIMITED     429 outlasted the retries
    |  |- UpstreamUnauthorized        UPSTREAM_UNAUTHORIZED     the gateway's own key was refused
    |  |- UpstreamRejected            UPSTREAM_REJECTED         400, 410, 422, the edge's 403: request not accepted
    |  |- UpstreamInvalidAnswer       UPSTREAM_INVALID_ANSWER   no JSON, or not of the documented shape
    |  `- InsufficientFunds           INSUFFICIENT_FUNDS        the upstream account is out of money
    `- Refused                        (by the gateway's own rules, before anything is spent)
       |- Unauthenticated             UNAUTHENTICATED
       |- Forbidden                   FORBIDDEN
       |- TooComplex                  OPERATION_TOO_COMPLEX
       |- BudgetExceeded              BUDGET_EXCEEDED
       |- AllowanceExceeded           ALLOWANCE_EXCEEDED
       `- LedgerUnavailable           LEDGER_UNAVAILABLE        spending could not be recorded, so nothing is bought

A message is written for the client: it never holds a key, a token, a URL's query string or the upstream's own text.
`extensions` are safe to show as they are. Codes are stable: docs/errors.md lists each one.
"""

from __future__ import annotations

from typing import ClassVar


class GatewayError(Exception):
    """Base of all expected failures. `code` is stable; `extensions` (which hold it too) go to the client."""

    code: ClassVar[str]

    def __init__(self, message: str, **extensions: object) -> None:
        super().__init__(message)
        self.message = message
        self.extensions: dict[str, object] = {"code": self.code, **extensions}


class InvalidInput(GatewayError):
    """The client's mistake: the message names the field and how to mend it."""

    code = "BAD_USER_INPUT"

    def __init__(self, message: str, *, field: str, **extensions: object) -> None:
        super().__init__(message, field=field, **extensions)


class InvalidRequest(GatewayError):
    """What came by HTTP is no GraphQL request: the message says how to mend it."""

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


class DocumentUnknown(InvalidRequest):
    code = "PERSISTED_QUERY_NOT_FOUND"


class HashUnknown(DocumentUnknown):
    """A step of a normal conversation: clients know the code, and send the document along next."""


class DocumentMismatch(InvalidRequest):
    code = "PERSISTED_QUERY_MISMATCH"


class Missing(GatewayError):
    """The upstream answered, and was paid, to say that there is nothing to be had."""


class NotFound(Missing):
    code = "NOT_FOUND"


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


class InsufficientFunds(UpstreamError):
    code = "INSUFFICIENT_FUNDS"


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


class BudgetExceeded(Refused):
    code = "BUDGET_EXCEEDED"


class AllowanceExceeded(Refused):
    code = "ALLOWANCE_EXCEEDED"


class LedgerUnavailable(Refused):
    code = "LEDGER_UNAVAILABLE"
