"""Resolver helpers that report the losses of upstream responses."""

from __future__ import annotations

from typing import Any, TypeVar

from gateway.domain.partial import WHOLE, Incomplete, lost, problem_of

T = TypeVar("T")


def readable(source: object, attribute: str) -> Any:
    """Return the attribute. Raise UpstreamPartialAnswer if it could not be read."""
    if lost(source, attribute) == WHOLE:
        raise problem_of(WHOLE)
    return getattr(source, attribute)


def shortened(value: T, count: int | None) -> T:
    """Return `value`, and report in addition that `count` entries of its list were left out, unless it is None."""
    return value if count is None else Incomplete(value, problem_of(count))  # type: ignore[return-value]  # unwrapped
