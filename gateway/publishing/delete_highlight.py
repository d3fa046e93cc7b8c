"""The flow that deletes a highlight. To delete what is gone is done, so an attempt may be repeated blindly.

Who may not delete it any more is told by a look whether an earlier attempt did.
"""

from __future__ import annotations

from gateway.durable.port import Json, Run, Step
from gateway.publishing.commands import DeleteHighlight
from gateway.publishing.context import WorkflowContext
from gateway.publishing.step_kinds import Act


class DeleteHighlightWorkflow:
    """One run of the body."""

    def __init__(self, ports: WorkflowContext, run: Run, order: DeleteHighlight) -> None:
        self._ports = ports
        self._run = run
        self._order = order

    async def make(self) -> Json:
        """What the receipt tells. Raises StepFailed."""
        await self._run.step(Step(Act.DELETE.step(), self._delete))
        return {"highlight": self._order.pk, "skipped": [], "surplus": [], "warnings": []}

    async def _delete(self) -> Json:
        account, pk = self._order.account, self._order.pk
        is_permitted = self._ports.may_publish(self._run.id, account)
        if is_permitted or await self._ports.publisher.highlight(account, pk) is not None:
            await self._ports.publisher.delete(account, pk)
        return None
