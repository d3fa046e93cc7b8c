"""The options in the headers of a request: the API key, the billing limit, the itemised bill."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from starlette.datastructures import Headers

from gateway.errors import InvalidInput

LIMIT = "x-billing-limit"
EXPLAIN = "x-billing-explain"
LONGEST_LIMIT = 12  # digits


@dataclass(frozen=True, slots=True)
class RequestOptions:
    """The API key and billing options of a request. `streams`: the client accepts incremental delivery."""

    key: str | None
    limit: int | None
    explains: bool
    streams: bool = False

    @classmethod
    def of(cls, headers: Headers, *, streams: bool = False) -> Self:
        """Return the options in `headers`. Raises InvalidInput for an invalid limit."""
        return cls(key_in(headers), _limit(headers.get(LIMIT)), headers.get(EXPLAIN) == "1", streams)


def key_in(headers: Headers) -> str | None:
    return bearer(headers) or headers.get("x-api-key") or None


def bearer(headers: Headers) -> str | None:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _limit(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_LIMIT):
        raise InvalidInput("X-Billing-Limit must be a whole number of billed requests.", field="X-Billing-Limit")
    return int(text)
