"""The recorded forms of results and notes of workflows. A name in the JSON, once recorded, is never changed."""

from __future__ import annotations

from typing import Literal, TypeVar

import msgspec

from gateway.durable.port import Json

T = TypeVar("T")


class UpstreamObject(msgspec.Struct, frozen=True):
    """An object that a workflow created upstream, for the medium at that position; None for a separate cover."""

    kind: Literal["container", "story"]
    id: str
    medium: int | None


class EffectMark(msgspec.Struct, frozen=True):
    """The mark before an effect: the run of the body that made it, when (Unix seconds), and what was there before."""

    by: str
    at: float
    note: tuple[str, ...] | None = None


class Creation(msgspec.Struct, frozen=True):
    """A created highlight. `in_doubt`: an earlier attempt may have created another one."""

    pk: str
    is_ready: bool
    in_doubt: bool


class WorkflowOutput(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a workflow.

    `entity_id` is what it created or changed, and is recorded as `highlight` whatever its type, which the write's row
    says. `skipped` holds the positions of media that were left out, `surplus` the created objects that no highlight
    holds, `warnings` what the client should check.
    """

    entity_id: str = msgspec.field(name="highlight")
    skipped: tuple[int, ...] = ()
    surplus: tuple[UpstreamObject, ...] = ()
    warnings: tuple[str, ...] = ()


class Notes(msgspec.Struct, frozen=True):
    """The notes of a workflow's progress: what it created upstream, and the id of the new entity."""

    made: tuple[UpstreamObject, ...] = ()
    entity_id: str | None = msgspec.field(name="highlight", default=None)


# The keys of `Notes`.
MADE = "made"
ENTITY = "highlight"


def to_json(value: object) -> Json:
    """Return the recorded form of a struct, or of a sequence of structs."""
    return msgspec.to_builtins(value)


def from_json(value: Json, kind: type[T]) -> T:
    """Return the struct of a recorded form."""
    return msgspec.convert(value, kind)
