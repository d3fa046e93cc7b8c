"""The flow that makes a highlight: its media become live stories, then it is created, exactly once.

An upstream with idempotency keys is sent the same key again. Any other is read before an attempt is repeated: the tray
names the media of each highlight, and those of this flow are its own. One race stays: an attempt that was given up may
be carried out after that reading. So what was in doubt is looked at once more in the end, and a twin is reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from gateway.domain.publishing import Published
from gateway.durable.port import Fault, Json, Run, Step
from gateway.errors import PublishingRejected
from gateway.publishing.commands import CreateHighlight
from gateway.publishing.context import DAY, WorkflowContext, key_of
from gateway.publishing.media_item import pk_of
from gateway.publishing.media_pipeline import MediaPipeline
from gateway.publishing.reconciliation import UncertainEffect
from gateway.publishing.step_kinds import Act

# When the tray is read for twins, in seconds after the step before.
LOOKS_FOR_TWINS = (2.0, 8.0, 20.0)
# For how long a highlight that was accepted may be unknown, in seconds.
UNKNOWN = 120.0


class CreateHighlightWorkflow:
    """One run of the body."""

    def __init__(self, ports: WorkflowContext, run: Run, order: CreateHighlight) -> None:
        self._ports = ports
        self._run = run
        self._order = order
        self._tried: list[list[frozenset[str]]] = []
        self._strangers: list[str] = []
        self._stories = MediaPipeline(
            ports,
            run,
            order.account,
            order.media,
            order.cover,
            on_media_error=order.on_media_error,
            on_quota=order.on_quota,
        )

    async def make(self) -> Json:
        """What the receipt tells. Raises StepFailed."""
        made = await self._stories.use(self._attempt)
        pk = made["pk"]
        await self._run.emit("highlight", pk)
        if not made["is_ready"]:
            await self._run.step(Step(Act.CONFIRM.step(), partial(self._confirm, pk), patience=DAY))
        twins = await self._check(pk) if made["in_doubt"] else []
        return {
            "highlight": pk,
            "skipped": self._stories.skipped,
            "surplus": self._stories.surplus,
            "warnings": twins + self._stories.warnings,
        }

    async def _attempt(self, number: int) -> Json:
        self._tried.append([medium.names for medium in self._stories.whole])
        doubt = UncertainEffect(self._ports, self._run, self._order.account)
        marked = await doubt.mark(number, partial(self._find_strangers, number))
        self._strangers += marked
        return await self._run.step(Step(Act.CREATE.step(number), partial(self._create, number, doubt)))

    async def _find_strangers(self, number: int) -> Json:
        """Highlights made of the same media before: what the client names by id may be in others, too."""
        if number or any(not medium.order.is_uploaded for medium in self._stories.whole):
            return []
        return [one.pk for one in await self._ours()]

    async def _create(self, number: int, doubt: UncertainEffect) -> Json:
        return await self._stories.unless_dead(partial(self._create_once, number, doubt))

    async def _create_once(self, number: int, doubt: UncertainEffect) -> Json:
        in_doubt = doubt.attempt()
        if in_doubt and (found := await self._ours()):
            return _told(found[-1], in_doubt)  # the oldest: what an earlier attempt made
        doubt.check()
        if in_doubt and self._stories.are_dying:
            return None
        made = await self._ports.publisher.create(
            self._order.account,
            self._order.title,
            [medium.media_id for medium in self._stories.whole],
            self._stories.cover_id,
            key=key_of(self._run.id, "create", number),
        )
        return _told(made, in_doubt)

    async def _ours(self) -> Sequence[Published]:
        """Newest first."""
        tray = await self._ports.publisher.tray(self._order.account)
        return [one for one in tray if one.pk not in self._strangers and self._was_tried(one)]

    def _was_tried(self, one: Published) -> bool:
        pks = [pk_of(id) for id in one.media_ids]
        return any(
            len(pks) == len(tried) and all(pk in names for pk, names in zip(pks, tried, strict=True))
            for tried in self._tried
        )

    async def _confirm(self, pk: str) -> Json:
        give_up = self._ports.clock.monotonic() + UNKNOWN

        async def look() -> tuple[bool | None, float | None]:
            one = await self._ports.publisher.highlight(self._order.account, pk)
            if one is None and self._ports.clock.monotonic() > give_up:
                raise PublishingRejected("The platform accepted the highlight, and then did not make it.")
            return (True if one is not None and one.is_ready else None), None

        return await self._ports.look_until(look, f"highlight:{pk}", None)

    async def _check(self, pk: str) -> list[str]:
        """Warnings. The highlight is made: that it cannot be looked at does not fail the flow."""
        twins: set[str] = set()
        for number, wait in enumerate(LOOKS_FOR_TWINS):
            await self._run.sleep(wait)
            (found,) = await self._run.steps([Step(Act.CHECK.step(number), partial(self._twins, pk))], width=1)
            if isinstance(found, Fault):
                return ["The highlight may have a twin: its tray could not be read."]
            twins |= set(found)
        return [f"The highlight {twin} is a twin of this one: delete it." for twin in sorted(twins)]

    async def _twins(self, pk: str) -> Json:
        return sorted({one.pk for one in await self._ours()} - {pk})


def _told(made: Published, in_doubt: bool) -> Json:
    return {"pk": made.pk, "is_ready": made.is_ready, "in_doubt": in_doubt}
