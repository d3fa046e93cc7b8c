"""How resolvers tell what upstream answers lost."""

from __future__ import annotations

from typing import Any, TypeVar

from gateway.domain.partial import WHOLE, Incomplete, lost, problem_of

T = TypeVar("T")


def readable(source: object, attribute: str) -> Any:
    """The attribute. Raises UpstreamPartialAnswer where it could not be read."""
    if lost(source, attribute) == WHOLE:
        raise problem_of(WHOLE)
    return getattr(source, attribute)


def shortened(value: T, count: int | None) -> T:
    """`value`, with the error that so many entries of its list were left out beside it; None for none."""
    return value if count is None else Incomplete(value, problem_of(count))  # type: ignore[return-value]  # unwrapped
