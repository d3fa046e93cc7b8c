"""Replies of the read endpoints, and the upstream's error bodies."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

CHARGED = frozenset({200, 400, 403, 404})
JSON = "application/json"
HTML = "text/html; charset=UTF-8"
EDGE_PAGE = (
    "<!DOCTYPE html>\n<html><head><title>{status} | api</title></head>"
    "<body><h1>Error {status}</h1><p>The web server reported an error.</p></body></html>\n"
)
# status: exc_type, text. The account layer's envelope has `state` and `error`, the endpoint layer's has `detail`.
ACCOUNT_LAYER: dict[int, tuple[str | None, str]] = {
    401: (None, "Token is invalid"),
    402: ("InsufficientFunds", "Top up your account at https://hikerapi.com/billing"),
    429: ("TooManyRequests", "Too many requests"),
}
ENDPOINT_LAYER: dict[int, tuple[str | None, str]] = {
    400: ("ValidationError", "Invalid value"),
    403: ("PrivateAccount", "Private account"),
    404: ("NotFoundError", "Entries not found"),
    410: ("EndpointDeprecated", "This endpoint is deprecated"),
    500: ("InstagramServerError", "Instagram server error"),
    503: ("InstagramRateLimitError", "Instagram rate limit"),
    504: ("InstagramGatewayError", "Instagram gateway error"),
}
INTERNAL = ("InternalError", "Internal error")


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply. `from_edge`: the request did not reach the API, so it is not charged and has no price."""

    status: int
    body: bytes
    media_type: str = JSON
    from_edge: bool = False
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def is_charged(self) -> bool:
        return self.status in CHARGED and not self.from_edge


class ReadError(Exception):
    """A read call failed; carries the error reply."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


def refusal(
    status: int, text: str | None = None, exc_type: str | None = None, *, retry_after: float | None = None
) -> Reply:
    """Return the documented error of a status; `text` and `exc_type` replace its own. `retry_after` is in seconds."""
    is_account = status in ACCOUNT_LAYER
    usual_type, usual_text = ACCOUNT_LAYER[status] if is_account else ENDPOINT_LAYER.get(status, INTERNAL)
    message = text or usual_text
    body: dict[str, object] = {"state": False, "error": message} if is_account else {"detail": message}
    if name := exc_type or usual_type:
        body["exc_type"] = name
    headers = {} if retry_after is None else {"retry-after": f"{retry_after:g}"}
    return Reply(status, msgspec.json.encode(body), headers=headers)


def missing_parameter(name: str) -> Reply:
    detail = [{"loc": ["query", name], "msg": "field required", "type": "value_error.missing"}]
    return Reply(422, msgspec.json.encode({"detail": detail}))


def edge_page(status: int) -> Reply:
    return Reply(status, EDGE_PAGE.format(status=status).encode(), HTML, from_edge=True)


NO_USER_AGENT = Reply(403, b"error code: 1010", "text/plain; charset=UTF-8", from_edge=True)
