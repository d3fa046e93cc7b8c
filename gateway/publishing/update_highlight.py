"""The workflow that updates a highlight. Added media become live stories first, as for a new highlight."""

from __future__ import annotations

from functools import partial

from gateway.domain.ids import pk_of
from gateway.domain.publishing import HighlightChanges, Published
from gateway.domain.rights import Right
from gateway.durable.port import Json, Step
from gateway.errors import NotFound
from gateway.publishing.commands import OnMediaError, UpdateHighlight
from gateway.publishing.context import RunContext
from gateway.publishing.inputs import UpdateHighlightInput
from gateway.publishing.media_pipeline import MediaPipeline
from gateway.publishing.phases import MEDIA, FlowState, Phase
from gateway.publishing.reconciliation import UncertainEffect
from gateway.publishing.recorded import WorkflowOutput
from gateway.publishing.validation import InputValidator
from gateway.publishing.write import CachedEntry, Effect, Write
from gateway.upstream.platforms.port import Highlights, MediaUploads

UPDATE = Phase("edit", FlowState.APPLYING, 5, is_effect=True, is_marked=True)


class UpdateHighlightWorkflow:
    """One run of the workflow's body."""

    def __init__(self, context: RunContext, command: UpdateHighlight) -> None:
        self._context = context
        self._command = command
        self._pipeline = MediaPipeline(
            context, command.add, command.cover, on_media_error=OnMediaError.FAIL, on_quota=command.on_quota
        )

    async def make(self) -> WorkflowOutput:
        """Run the workflow, and return its result. Raises StepFailed."""
        await self._pipeline.use(self._attempt)
        return WorkflowOutput(entity_id=self._command.pk, surplus=self._pipeline.surplus)

    async def _attempt(self, number: int) -> Json:
        effect = UncertainEffect(self._context)
        await effect.mark(number, _nothing)
        return await self._context.run.step(Step(UPDATE.step(number), partial(self._update, number, effect)))

    async def _update(self, number: int, effect: UncertainEffect) -> Json:
        return await self._pipeline.unless_dead(partial(self._update_once, number, effect))

    async def _update_once(self, number: int, effect: UncertainEffect) -> bool | None:
        changes = HighlightChanges(
            self._command.title,
            self._pipeline.cover_id,
            [medium.media_id for medium in self._pipeline.whole],
            self._command.remove,
        )
        if effect.attempt():
            changes = self._beyond(changes, await self._current())
            if changes.add and self._pipeline.are_dying and self._context.authorization.is_given:
                return None
        if changes.any:
            self._context.check_effect()
            await self._context.highlights.update(
                self._command.account, self._command.pk, changes, key=self._context.key("edit", number)
            )
        return True

    async def _current(self) -> Published:
        """Return the highlight's current state. Raises NotFound."""
        current = await self._context.highlights.highlight(self._command.account, self._command.pk)
        if current is None:
            raise NotFound("The highlight is gone.")
        return current

    def _beyond(self, changes: HighlightChanges, current: Published) -> HighlightChanges:
        """Return the changes that no earlier attempt has made.

        The cover is always set again: a highlight does not show which image its cover was made from.
        """
        there = {pk_of(id) for id in current.media_ids}
        return HighlightChanges(
            None if current.title == changes.title else changes.title,
            changes.cover_id,
            [medium.media_id for medium in self._pipeline.whole if not medium.names & there],
            [id for id in changes.remove if pk_of(id) in there],
        )


async def _nothing() -> None:
    return None


UPDATE_HIGHLIGHT = Write(
    name="update_highlight",
    description="Updates a highlight: its title, its cover, and its items.",
    summary="Updates a highlight.",
    effect=Effect.WORKFLOW,
    entity="Highlight",
    input=UpdateHighlightInput,
    hashed_as="UpdateRequest",
    command=UpdateHighlight,
    check=InputValidator.update_highlight,
    workflow=UpdateHighlightWorkflow,
    phases=(*MEDIA, UPDATE),
    right=Right.WRITE,
    needs=(MediaUploads, Highlights),
    invalidates=frozenset({CachedEntry.ACCOUNT_LISTS, CachedEntry.ENTITY}),
)
