"""The row of a write: everything that is true of it, in one declaration. All else loops over the rows."""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from gateway.domain.publishing import EntityRef
from gateway.domain.rights import Right
from gateway.publishing.phases import UNKNOWN, Phase, word_of

if TYPE_CHECKING:
    from gateway.publishing.commands import Command
    from gateway.publishing.context import RunContext
    from gateway.publishing.inputs import InputProblem, WriteInput
    from gateway.publishing.recorded import WorkflowOutput
    from gateway.publishing.validation import InputValidator

InputT = TypeVar("InputT", bound="WriteInput")
CommandT = TypeVar("CommandT", bound="Command")


class Effect(enum.Enum):
    """The kind of a write's effect: how a doubt about it is settled, after an attempt whose answer was lost."""

    STATE = "state"
    """Set. Repeating it is harmless, so it is repeated, and needs no idempotency key."""
    EVENT = "event"
    """Happens each time. It needs an idempotency key, and is looked for before it is repeated."""
    WORKFLOW = "workflow"
    """Phases, each with a rule of its own. Needs an idempotency key, but for a change of what exists."""


class CachedEntry(enum.Enum):
    """A cached entry that a write may make stale."""

    ACCOUNT_LISTS = "account lists"
    """All lists of the account: its highlights and its live stories."""
    ENTITY = "entity"
    """The entity that the write is about."""


class Workflow(Protocol):
    """One run of a workflow's body."""

    async def make(self) -> WorkflowOutput:
        """Run the workflow, and return its result, which is recorded. Raises StepFailed."""


@dataclass(frozen=True, slots=True, eq=False)
class Write(Generic[InputT, CommandT]):
    """One write.

    name         recorded with its workflows, so it is never changed; its mutation has this name
    description  what the mutation does, for clients
    summary      what its flows do, for clients: the description of a value of `FlowKind`
    effect       how a doubt about it is settled
    entity       the GraphQL type of what it creates or changes
    input        what a client sends
    hashed_as    the name by which fingerprints of its input are recorded, never changed
    command      what is recorded
    check        turns the input into the command, for the accounts that the client may write for
    workflow     carries the command out
    phases       of the workflow, in their order
    right        that the client needs, for the account
    needs        protocols of the publishing port that the dialect has to implement
    invalidates  cached entries that it makes stale
    removes      the entity is gone afterwards
    """

    name: str
    description: str
    summary: str
    effect: Effect
    entity: str
    input: type[InputT]
    hashed_as: str
    command: type[CommandT]
    check: Callable[[InputValidator, InputT, Collection[str]], Awaitable[CommandT | tuple[InputProblem, ...]]]
    workflow: Callable[[RunContext, CommandT], Workflow]
    phases: tuple[Phase, ...]
    right: Right
    needs: tuple[type[Any], ...]
    invalidates: frozenset[CachedEntry] = frozenset()
    removes: bool = False

    def reference(self, id: str | None) -> EntityRef | None:
        """Return the reference to the entity of that id."""
        return None if id is None else EntityRef(self.entity, id)

    def phase_of(self, step: str) -> Phase:
        """Return the phase of the step of this name; UNKNOWN if only another version knows it."""
        word = word_of(step)
        for phase in self.phases:
            if phase.word == word:
                return phase
        return UNKNOWN

    def span_of(self, phase: Phase) -> tuple[float, float]:
        """Return the progress before and after a phase, from 0 to 1."""
        before = 0
        for each in self.phases:
            if each is phase:
                return before / 100, (before + phase.share) / 100
            before += each.share
        return 0.0, 0.0

    def is_supported_by(self, publisher: object) -> bool:
        """Return whether the dialect of a publisher can do it."""
        return all(isinstance(publisher, protocol) for protocol in self.needs)
