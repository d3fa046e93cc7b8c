"""Lists by cursor: `{"data": [...], "paging": {"cursors": {"after"}, "next"?}}`. A cursor is the last entry's id."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from starlette.datastructures import QueryParams

from gateway.sandbox.entities import Highlight
from gateway.sandbox.publishing.problems import MALFORMED, WriteError

USUAL_LIMIT = 25
HIGHEST_LIMIT = 100


def page_of(highlights: Sequence[Highlight], query: QueryParams) -> tuple[Sequence[Highlight], bool]:
    """Return the page for `limit` and `after`, and whether there are more. Raises WriteError."""
    start = _start(highlights, query.get("after"))
    end = start + _limit(query.get("limit"))
    return highlights[start:end], end < len(highlights)


def paging(page: Sequence[Highlight], url: str, query: QueryParams, *, has_more: bool) -> dict[str, Any]:
    """Return the `paging` member. `url` is that of the list; `next` is the URL of the following page."""
    if not page:
        return {}
    after = base64.urlsafe_b64encode(str(page[-1].pk).encode()).decode()
    cursors = {"cursors": {"after": after}}
    limit = f"limit={query['limit']}&" if "limit" in query else ""
    return cursors | {"next": f"{url}?{limit}after={after}"} if has_more else cursors


def _start(highlights: Sequence[Highlight], after: str | None) -> int:
    if after is None:
        return 0
    try:
        pk = int(base64.urlsafe_b64decode(after))
        return [highlight.pk for highlight in highlights].index(pk) + 1
    except (binascii.Error, ValueError) as exc:
        raise WriteError(MALFORMED, "The cursor is not one of this list") from exc


def _limit(text: str | None) -> int:
    if text is None:
        return USUAL_LIMIT
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= HIGHEST_LIMIT):
        raise WriteError(MALFORMED, f"limit must be a number from 1 to {HIGHEST_LIMIT}")
    return int(text)
