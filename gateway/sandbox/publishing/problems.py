"""Errors of the publishing platform, by the contract's error table; each dialect has its own format."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """A row of the table. `name` is the type in the dialect without codes. `is_input`: the request was malformed."""

    status: int
    code: int
    subcode: int | None
    message: str
    name: str = "ClientError"
    type: str = "OAuthException"
    is_transient: bool = False
    is_input: bool = False


class WriteError(Exception):
    """A write call failed. `regain` is in minutes, until the account may call again."""

    def __init__(self, problem: Problem, message: str | None = None, *, regain: int | None = None) -> None:
        self.problem = problem if message is None else dataclasses.replace(problem, message=message)
        self.regain = regain
        super().__init__(self.problem.message)


APP_LIMIT = Problem(429, 4, None, "Application request limit reached", "RateLimitError", is_transient=True)
RESTRICTED = Problem(400, 4, 2207051, "This action was restricted: it was taken for spam", "FeedbackRequired")
USER_LIMIT = Problem(400, 17, None, "User request limit reached", "PleaseWaitFewMinutes", is_transient=True)
PAGE_LIMIT = Problem(400, 32, None, "Page request limit reached", "RateLimitError", is_transient=True)
RATE_LIMIT = Problem(400, 613, None, "Calls to this API have exceeded the rate limit", "RateLimitError")
BUSINESS_LIMIT = Problem(
    400, 80002, None, "There have been too many calls to this Instagram account", "PleaseWaitFewMinutes"
)
REMOVED = Problem(401, 190, 458, "The user has removed the app", "LoginRequired")
PASSWORD_CHANGED = Problem(401, 190, 460, "The session was invalidated: the password has changed", "LoginRequired")
TOKEN_EXPIRED = Problem(401, 190, 463, "The session has expired", "LoginRequired")
TOKEN_INVALID = Problem(401, 190, 467, "The access token is invalid", "LoginRequired")
PERMISSION = Problem(403, 10, None, "The app has no permission for this action", "ClientForbiddenError")
SCOPE = Problem(403, 200, None, "The token lacks a permission that this action requires", "ClientForbiddenError")
QUOTA = Problem(400, 9, 2207042, "The account has used up its publications of the day", "FeedbackRequired")
CONTAINER_GONE = Problem(400, 24, 2207008, "The media container does not exist or has expired", "MediaNotFound")
NOT_READY = Problem(400, 9007, 2207027, "The media is not ready to be published, please wait", "MediaUnavailable")
FILM_FORMAT = Problem(400, 352, 2207026, "The video format is not supported", "VideoConfigureStoryError")
IMAGE_SIZE = Problem(400, 36000, 2207004, "The image is too large", "PhotoConfigureStoryError")
IMAGE_FORMAT = Problem(400, 36001, 2207005, "The image format is not supported: use JPEG", "PhotoConfigureStoryError")
RATIO = Problem(400, 36003, 2207009, "The aspect ratio is not supported", "PhotoConfigureStoryError")
NOT_FETCHED = Problem(400, 9004, 2207052, "The media could not be fetched from this URI", "ClientConnectionError")
SERVER_ERROR = Problem(500, -1, 2207001, "Instagram server error, try again", "ClientError", is_transient=True)
SERVER_TIMEOUT = Problem(504, -2, 2207003, "Fetching the media took too long", "ClientError", is_transient=True)
INVALID = Problem(400, 100, None, "Invalid parameter", "ClientBadRequestError")
MALFORMED = dataclasses.replace(INVALID, is_input=True)
MISSING = Problem(404, 100, 33, "The object does not exist", "NotFoundError", "GraphMethodException")
KEY_REUSED = Problem(
    422, 100, None, "The idempotency key was used with another request", "ClientError", "IdempotencyKeyReused"
)

TABLE = (
    APP_LIMIT,
    USER_LIMIT,
    PAGE_LIMIT,
    RATE_LIMIT,
    BUSINESS_LIMIT,
    TOKEN_INVALID,
    TOKEN_EXPIRED,
    PASSWORD_CHANGED,
    REMOVED,
    PERMISSION,
    SCOPE,
    QUOTA,
    CONTAINER_GONE,
    NOT_READY,
    FILM_FORMAT,
    IMAGE_SIZE,
    IMAGE_FORMAT,
    RATIO,
    NOT_FETCHED,
    SERVER_ERROR,
    SERVER_TIMEOUT,
    INVALID,
)
# The errors for faults that name only an HTTP status.
BY_STATUS = {401: TOKEN_INVALID, 403: PERMISSION, 404: MISSING, 422: KEY_REUSED, 429: APP_LIMIT, 504: SERVER_TIMEOUT}


def coded(code: int, subcode: int | None) -> Problem:
    """Return the row for a code, or a generic error for an unknown code."""
    for problem in TABLE:
        if problem.code == code and subcode in (None, problem.subcode):
            return problem
    return Problem(400, code, subcode, "The request was refused")


def with_status(status: int) -> Problem:
    usual = SERVER_ERROR if status >= 500 else INVALID
    return dataclasses.replace(BY_STATUS.get(status, usual), status=status)
