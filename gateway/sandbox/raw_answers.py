"""Common parts of the raw bodies."""

from __future__ import annotations

import base64
from typing import Any

from gateway.sandbox.answers import Question, encode
from gateway.sandbox.cursors import Page

LARGEST_EXACT = (1 << 53) - 1  # of a number in JavaScript


def encode_raw(body: object, question: Question) -> bytes:
    """Return the body as JSON; with `safe_int` its large numbers are text."""
    return encode(_made_safe(body) if question.safe_int else body)


def grid_cursor(page: Page) -> str | None:
    """Return a cursor of the platform's own, which looks right and is not accepted."""
    if page.cursor is None:
        return None
    return base64.urlsafe_b64encode(f"grid:{page.positions.stop}".encode() + b"\x07" * 24).decode()


def _made_safe(value: Any) -> Any:
    match value:
        case dict():
            return {name: _made_safe(inner) for name, inner in value.items()}
        case list():
            return [_made_safe(inner) for inner in value]
        case int() if value > LARGEST_EXACT:
            return str(value)
        case _:
            return value
