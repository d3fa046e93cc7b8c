"""The workflow that updates a highlight. Added media become live stories first, as for a new highlight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from gateway.domain.publishing import Published
from gateway.durable.port import Json, Run, Step
from gateway.errors import NotFound
from gateway.publishing.commands import OnMediaError, UpdateHighlight
from gateway.publishing.context import WorkflowContext, key_of
from gateway.publishing.media_item import MediaItem, pk_of
from gateway.publishing.media_pipeline import MediaPipeline
from gateway.publishing.reconciliation import UncertainEffect
from gateway.publishing.step_kinds import Act


class UpdateHighlightWorkflow:
    """One run of the workflow's body."""

    def __init__(self, context: WorkflowContext, run: Run, command: UpdateHighlight) -> None:
        self._context = context
        self._run = run
        self._command = command
        self._pipeline = MediaPipeline(
            context,
            run,
            command.account,
            command.add,
            command.cover,
            on_media_error=OnMediaError.FAIL,
            on_quota=command.on_quota,
        )

    async def make(self) -> Json:
        """Run the workflow, and return its recorded output. Raises StepFailed."""
        await self._pipeline.use(self._attempt)
        return {"highlight": self._command.pk, "skipped": [], "surplus": self._pipeline.surplus, "warnings": []}

    async def _attempt(self, number: int) -> Json:
        effect = UncertainEffect(self._context, self._run, self._command.account)
        await effect.mark(number, _nothing)
        return await self._run.step(Step(Act.EDIT.step(number), partial(self._edit, number, effect)))

    async def _edit(self, number: int, effect: UncertainEffect) -> Json:
        return await self._pipeline.unless_dead(partial(self._edit_once, number, effect))

    async def _edit_once(self, number: int, effect: UncertainEffect) -> Json:
        changes = _Changes(self._command.title, self._pipeline.cover_id, self._pipeline.whole, self._command.remove)
        if effect.attempt():
            changes = changes.beyond(await self._current())
            if changes.any:
                effect.check()
            if changes.add and self._pipeline.are_dying:
                return None
        if changes.any:
            await self._context.publisher.edit(
                self._command.account,
                self._command.pk,
                title=changes.title,
                cover_id=changes.cover,
                add=[medium.media_id for medium in changes.add],
                remove=changes.remove,
                key=key_of(self._run.id, "edit", number),
            )
        return True

    async def _current(self) -> Published:
        """Return the highlight's current state. Raises NotFound."""
        current = await self._context.publisher.highlight(self._command.account, self._command.pk)
        if current is None:
            raise NotFound("The highlight is gone.")
        return current


@dataclass(frozen=True, slots=True)
class _Changes:
    title: str | None
    cover: str | None
    add: Sequence[MediaItem]
    remove: Sequence[str]

    @property
    def any(self) -> bool:
        return bool(self.title is not None or self.cover is not None or self.add or self.remove)

    def beyond(self, current: Published) -> _Changes:
        """Return the changes that no earlier attempt has made.

        The cover is always set again: a highlight does not show which image its cover was made from.
        """
        there = {pk_of(id) for id in current.media_ids}
        return _Changes(
            None if current.title == self.title else self.title,
            self.cover,
            [medium for medium in self.add if not medium.names & there],
            [id for id in self.remove if pk_of(id) in there],
        )


async def _nothing() -> Json:
    return None
