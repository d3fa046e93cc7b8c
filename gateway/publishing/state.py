"""The workflow of a state: one effect, which is repeated until it is set.

Repeating it is harmless, so a lost response and a crash are settled by another attempt. An attempt must not undo a
later request for the same state, though: before each one, the workflow looks whether there is one, and then leaves the
state to that.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic

from gateway.durable.port import Record, Status, Step
from gateway.errors import FlowsUnavailable, UpstreamUnavailable
from gateway.publishing.context import RunContext
from gateway.publishing.phases import FlowState, Phase
from gateway.publishing.recorded import WorkflowOutput, from_json
from gateway.publishing.write import CommandT

SET = Phase("set", FlowState.APPLYING, 95, is_effect=True)
# The retry budget in seconds: nothing that was published waits for it.
PATIENCE = 240.0
BATCH = 20
SUPERSEDED = "A later request set this again: this one was left to it."


class StateWorkflow(ABC, Generic[CommandT]):
    """One run of the workflow's body. Subclasses say how the state is set."""

    def __init__(self, context: RunContext, command: CommandT) -> None:
        self._context = context
        self._command = command

    @abstractmethod
    async def apply(self) -> None:
        """Set the state, in one attempt."""

    def entity_key(self, command: CommandT) -> str:
        """Return the key of the entity, the same for each form of its id."""
        return str(command.entity_id)

    async def make(self) -> WorkflowOutput:
        """Run the workflow, and return its result. Raises StepFailed."""
        was_set = await self._context.run.step(Step(SET.step(), self._set, patience=PATIENCE))
        entity_id = str(self._command.entity_id)
        return WorkflowOutput(entity_id=entity_id, warnings=() if was_set else (SUPERSEDED,))

    async def _set(self) -> bool:
        """Return whether the state was set; False if a later request has superseded this one."""
        if await self._is_superseded():
            return False
        self._context.authorization.check()
        await self.apply()
        return True

    async def _is_superseded(self) -> bool:
        try:
            return await self._has_later_request()
        except FlowsUnavailable as error:
            # Transient: the step is retried, and could not be recorded either.
            raise UpstreamUnavailable("The store of flows cannot be reached, so this waits.") from error

    async def _has_later_request(self) -> bool:
        durable, run = self._context.shared.durable, self._context.run
        own = await durable.get(run.id)
        last: str | None = None
        while own is not None and (batch := await durable.list(limit=BATCH, before=last)):
            for record in batch:
                if record.id == run.id:
                    return False
                if record.name == own.name and self._supersedes(record):
                    return True
            last = batch[-1].id
        return False

    def _supersedes(self, later: Record) -> bool:
        """Return whether a later workflow of the same write sets the state of the same entity."""
        if later.status not in (Status.RUNNING, Status.DONE):
            return False
        other = from_json(later.input, type(self._command))
        return other.account == self._command.account and self.entity_key(other) == self.entity_key(self._command)
