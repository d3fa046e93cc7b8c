"""The flow that changes a highlight. What is added becomes live stories first, as for a new one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from gateway.domain.publishing import Published
from gateway.durable.port import Json, Run, Step
from gateway.errors import NotFound
from gateway.publishing.commands import EditHighlight, OnMediaError
from gateway.publishing.context import WorkflowContext, key_of
from gateway.publishing.media_item import MediaItem, pk_of
from gateway.publishing.media_pipeline import MediaPipeline
from gateway.publishing.reconciliation import UncertainEffect
from gateway.publishing.step_kinds import Act


class EditHighlightWorkflow:
    """One run of the body."""

    def __init__(self, ports: WorkflowContext, run: Run, order: EditHighlight) -> None:
        self._ports = ports
        self._run = run
        self._order = order
        self._stories = MediaPipeline(
            ports,
            run,
            order.account,
            order.add,
            order.cover,
            on_media_error=OnMediaError.FAIL,
            on_quota=order.on_quota,
        )

    async def make(self) -> Json:
        """What the receipt tells. Raises StepFailed."""
        await self._stories.use(self._attempt)
        return {"highlight": self._order.pk, "skipped": [], "surplus": self._stories.surplus, "warnings": []}

    async def _attempt(self, number: int) -> Json:
        doubt = UncertainEffect(self._ports, self._run, self._order.account)
        await doubt.mark(number, _nothing)
        return await self._run.step(Step(Act.EDIT.step(number), partial(self._edit, number, doubt)))

    async def _edit(self, number: int, doubt: UncertainEffect) -> Json:
        return await self._stories.unless_dead(partial(self._edit_once, number, doubt))

    async def _edit_once(self, number: int, doubt: UncertainEffect) -> Json:
        wanted = _Changes(self._order.title, self._stories.cover_id, self._stories.whole, self._order.remove)
        if doubt.attempt():
            wanted = wanted.beyond(await self._now())
            if wanted.any:
                doubt.check()
            if wanted.add and self._stories.are_dying:
                return None
        if wanted.any:
            await self._ports.publisher.edit(
                self._order.account,
                self._order.pk,
                title=wanted.title,
                cover_id=wanted.cover,
                add=[medium.media_id for medium in wanted.add],
                remove=wanted.remove,
                key=key_of(self._run.id, "edit", number),
            )
        return True

    async def _now(self) -> Published:
        """Raises NotFound."""
        now = await self._ports.publisher.highlight(self._order.account, self._order.pk)
        if now is None:
            raise NotFound("The highlight is gone.")
        return now


@dataclass(frozen=True, slots=True)
class _Changes:
    title: str | None
    cover: str | None
    add: Sequence[MediaItem]
    remove: Sequence[str]

    @property
    def any(self) -> bool:
        return bool(self.title is not None or self.cover is not None or self.add or self.remove)

    def beyond(self, now: Published) -> _Changes:
        """What an earlier attempt has not done. The cover is set again: a highlight does not tell where it is from."""
        there = {pk_of(id) for id in now.media_ids}
        return _Changes(
            None if now.title == self.title else self.title,
            self.cover,
            [medium for medium in self.add if not medium.names & there],
            [id for id in self.remove if pk_of(id) in there],
        )


async def _nothing() -> Json:
    return None
