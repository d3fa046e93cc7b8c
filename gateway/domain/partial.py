"""Partial responses: models and lists with unreadable parts, and the record of the losses.

A domain model with a loss is an instance of a generated subclass. A count of 0 means that the whole value could not be
read; any other count is the number of entries left out of a list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

import msgspec

from gateway.domain.users import Model
from gateway.errors import GatewayError, UpstreamPartialAnswer

M = TypeVar("M", bound=Model)
T = TypeVar("T")
WHOLE = 0
NOTHING: Mapping[str, int] = {}


class Partial(Model, frozen=True, gc=False):
    """The mixin of generated subclasses for models with a loss."""


class Shortened(tuple[T, ...]):
    """A list that lacks `left_out` entries, because they could not be read."""

    left_out: int

    @classmethod
    def of(cls, entries: Iterable[T], left_out: int) -> Shortened[T]:
        shortened = cls(entries)
        shortened.left_out = left_out
        return shortened


def partial(model: M, lost: Mapping[str, int]) -> M:
    """Return `model` with the losses in `lost`, by attribute; nested attributes are named like `cover.url`."""
    values = {name: getattr(model, name) for name in model.__struct_fields__ if name != "lost"}
    kind: Any = type(model).__base__ if isinstance(model, Partial) else type(model)
    made: M = _partial_class(kind)(**values, lost=dict(lost)) if lost else kind(**values)
    return made


def losses(value: object) -> Mapping[str, int]:
    """Return all losses of `value`, by attribute."""
    return value.lost if isinstance(value, Partial) else NOTHING  # type: ignore[attr-defined]  # of each subclass


def lost(value: object, attribute: str) -> int | None:
    """Return the count lost of an attribute, which may be a property computed from others; None without a loss."""
    if not isinstance(value, Partial):
        return None
    found = losses(value)
    counts = [found[source] for source in value.SOURCES.get(attribute, (attribute,)) if source in found]
    return sum(counts) if counts else None


@dataclass(frozen=True, slots=True)
class Incomplete:
    """A resolver's result for an object or a list whose `problem` is reported in addition to its value."""

    value: Any
    problem: GatewayError


def problem_of(count: int) -> UpstreamPartialAnswer:
    """Return the error for `count` entries that were left out, or for WHOLE."""
    if count == WHOLE:
        return UpstreamPartialAnswer("The upstream's value of this field could not be decoded.")
    entries = "1 entry" if count == 1 else f"{count} entries"
    return UpstreamPartialAnswer(f"The upstream's list had {entries} that could not be decoded.", leftOut=count)


def left_out(entries: object) -> int:
    """Return the number of entries missing from a list."""
    return entries.left_out if isinstance(entries, Shortened) else 0


@cache
def _partial_class(kind: type[Model]) -> Any:
    """Return the generated subclass. Its first base is `kind`."""
    name = f"Partial{kind.__name__}"
    bases = (kind, Partial)
    return msgspec.defstruct(name, [("lost", dict[str, int])], bases=bases, frozen=True, gc=False, kw_only=True)
