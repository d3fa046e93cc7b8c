"""The workflow that deletes a highlight. Deletion is idempotent, so an attempt may be repeated blindly.

If the client may no longer delete it, the workflow reads the highlight to find out whether an earlier attempt did.
"""

from __future__ import annotations

from gateway.durable.port import Json, Run, Step
from gateway.publishing.commands import DeleteHighlight
from gateway.publishing.context import WorkflowContext
from gateway.publishing.step_kinds import Act


class DeleteHighlightWorkflow:
    """One run of the workflow's body."""

    def __init__(self, context: WorkflowContext, run: Run, command: DeleteHighlight) -> None:
        self._context = context
        self._run = run
        self._command = command

    async def make(self) -> Json:
        """Run the workflow, and return its recorded output. Raises StepFailed."""
        await self._run.step(Step(Act.DELETE.step(), self._delete))
        return {"highlight": self._command.pk, "skipped": [], "surplus": [], "warnings": []}

    async def _delete(self) -> Json:
        account, pk = self._command.account, self._command.pk
        is_permitted = self._context.may_publish(self._run.id, account)
        if is_permitted or await self._context.publisher.highlight(account, pk) is not None:
            await self._context.publisher.delete(account, pk)
        return None
