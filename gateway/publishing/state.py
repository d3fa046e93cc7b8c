"""The workflow of a state: one effect, which is repeated until it is set.

Repeating it is harmless, so a lost response and a crash are settled by another attempt. An attempt must not undo a
later request for the same state, though: before each one, the workflow looks whether there is one, and then leaves the
state to that. If one came during an attempt, which may have reached the platform last, the workflow sets what the later
request wants.
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
    async def apply(self, command: CommandT) -> None:
        """Set the state that `command` wants, in one attempt."""

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
        if await self._latest_request() is not None:
            return False
        self._context.check_effect()
        wanted = self._command
        await self.apply(wanted)
        while (latest := await self._latest_request()) not in (None, wanted):
            wanted = latest
            self._context.run.check_lease()
            await self.apply(wanted)
        return wanted is self._command

    async def _latest_request(self) -> CommandT | None:
        """Return the command of the latest request, if it is later than this one."""
        try:
            return await self._find_latest_request()
        except FlowsUnavailable as error:
            # Transient: the step is retried, and could not be recorded either.
            raise UpstreamUnavailable("The store of flows cannot be reached, so this waits.") from error

    async def _find_latest_request(self) -> CommandT | None:
        durable, run = self._context.shared.durable, self._context.run
        own = await durable.get(run.id)
        last: str | None = None
        while own is not None and (batch := await durable.list(limit=BATCH, before=last)):
            for record in batch:
                if record.id == run.id:
                    return None
                if record.name == own.name and (command := self._superseding(record)) is not None:
                    return command
            last = batch[-1].id
        return None

    def _superseding(self, later: Record) -> CommandT | None:
        """Return the command of a later workflow of the same write, if it sets the state of the same entity."""
        if later.status not in (Status.RUNNING, Status.DONE):
            return None
        other = from_json(later.input, type(self._command))
        same = other.account == self._command.account and self.entity_key(other) == self.entity_key(self._command)
        return other if same else None
