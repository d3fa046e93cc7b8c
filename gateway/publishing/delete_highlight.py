"""The workflow that deletes a highlight. Deletion is idempotent, so an attempt may be repeated blindly.

If the client may no longer delete it, the workflow reads the highlight to find out whether an earlier attempt did.
"""

from __future__ import annotations

from gateway.domain.rights import Right
from gateway.durable.port import Step
from gateway.publishing.commands import DeleteHighlight
from gateway.publishing.context import RunContext
from gateway.publishing.inputs import DeleteHighlightInput
from gateway.publishing.phases import FlowState, Phase
from gateway.publishing.recorded import WorkflowOutput
from gateway.publishing.validation import InputValidator
from gateway.publishing.write import CachedEntry, Effect, Write
from gateway.upstream.platforms.port import Highlights

DELETE = Phase("delete", FlowState.APPLYING, 95, is_effect=True)


class DeleteHighlightWorkflow:
    """One run of the workflow's body."""

    def __init__(self, context: RunContext, command: DeleteHighlight) -> None:
        self._context = context
        self._command = command

    async def make(self) -> WorkflowOutput:
        """Run the workflow, and return its result. Raises StepFailed."""
        await self._context.run.step(Step(DELETE.step(), self._delete))
        return WorkflowOutput(entity_id=self._command.pk)

    async def _delete(self) -> None:
        account, pk = self._command.account, self._command.pk
        highlights, authorization = self._context.highlights, self._context.authorization
        if not authorization.is_given and await highlights.highlight(account, pk) is None:
            return
        self._context.check_effect()
        await highlights.delete(account, pk)


DELETE_HIGHLIGHT = Write(
    name="delete_highlight",
    description="Deletes a highlight. Succeeds if it no longer exists.",
    summary="Deletes a highlight.",
    effect=Effect.STATE,
    entity="Highlight",
    input=DeleteHighlightInput,
    hashed_as="DeleteRequest",
    command=DeleteHighlight,
    check=InputValidator.delete_highlight,
    workflow=DeleteHighlightWorkflow,
    phases=(DELETE,),
    right=Right.WRITE,
    needs=(Highlights,),
    invalidates=frozenset({CachedEntry.ACCOUNT_LISTS, CachedEntry.ENTITY}),
    removes=True,
)
