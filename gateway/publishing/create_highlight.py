"""The workflow that creates a highlight: its media become live stories, then it is created, exactly once.

An upstream with idempotency keys gets the same key again. With any other, the tray is read before an attempt is
repeated: it lists the media of each highlight, and media of this workflow are unique to it. One race remains: an
attempt that timed out may take effect after that read. So the tray is read again after an uncertain creation, and a
duplicate is reported.
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

# When the tray is read for duplicates, in seconds after the previous step.
LOOKS_FOR_TWINS = (2.0, 8.0, 20.0)
# How long an accepted highlight may be missing, in seconds.
UNKNOWN = 120.0


class CreateHighlightWorkflow:
    """One run of the workflow's body."""

    def __init__(self, context: WorkflowContext, run: Run, command: CreateHighlight) -> None:
        self._context = context
        self._run = run
        self._command = command
        self._attempted_media: list[list[frozenset[str]]] = []
        self._preexisting: list[str] = []
        self._pipeline = MediaPipeline(
            context,
            run,
            command.account,
            command.media,
            command.cover,
            on_media_error=command.on_media_error,
            on_quota=command.on_quota,
        )

    async def make(self) -> Json:
        """Run the workflow, and return its recorded output. Raises StepFailed."""
        made = await self._pipeline.use(self._attempt)
        pk = made["pk"]
        await self._run.emit("highlight", pk)
        if not made["is_ready"]:
            await self._run.step(Step(Act.CONFIRM.step(), partial(self._confirm, pk), patience=DAY))
        duplicates = await self._check(pk) if made["in_doubt"] else []
        return {
            "highlight": pk,
            "skipped": self._pipeline.skipped,
            "surplus": self._pipeline.surplus,
            "warnings": duplicates + self._pipeline.warnings,
        }

    async def _attempt(self, number: int) -> Json:
        self._attempted_media.append([medium.names for medium in self._pipeline.whole])
        effect = UncertainEffect(self._context, self._run, self._command.account)
        marked = await effect.mark(number, partial(self._find_preexisting, number))
        self._preexisting += marked
        return await self._run.step(Step(Act.CREATE.step(number), partial(self._create, number, effect)))

    async def _find_preexisting(self, number: int) -> Json:
        """Return existing highlights of the same media: a medium that the client names by id may be in others, too."""
        if number or any(not medium.order.is_uploaded for medium in self._pipeline.whole):
            return []
        return [highlight.pk for highlight in await self._matching()]

    async def _create(self, number: int, effect: UncertainEffect) -> Json:
        return await self._pipeline.unless_dead(partial(self._create_once, number, effect))

    async def _create_once(self, number: int, effect: UncertainEffect) -> Json:
        in_doubt = effect.attempt()
        if in_doubt and (found := await self._matching()):
            return _result(found[-1], in_doubt)  # the oldest: created by an earlier attempt
        effect.check()
        if in_doubt and self._pipeline.are_dying:
            return None
        made = await self._context.publisher.create(
            self._command.account,
            self._command.title,
            [medium.media_id for medium in self._pipeline.whole],
            self._pipeline.cover_id,
            key=key_of(self._run.id, "create", number),
        )
        return _result(made, in_doubt)

    async def _matching(self) -> Sequence[Published]:
        """Return the highlights of this workflow's media, newest first."""
        tray = await self._context.publisher.tray(self._command.account)
        return [
            highlight for highlight in tray if highlight.pk not in self._preexisting and self._was_attempted(highlight)
        ]

    def _was_attempted(self, highlight: Published) -> bool:
        pks = [pk_of(id) for id in highlight.media_ids]
        return any(
            len(pks) == len(attempted) and all(pk in names for pk, names in zip(pks, attempted, strict=True))
            for attempted in self._attempted_media
        )

    async def _confirm(self, pk: str) -> Json:
        deadline = self._context.clock.monotonic() + UNKNOWN

        async def look() -> tuple[bool | None, float | None]:
            highlight = await self._context.publisher.highlight(self._command.account, pk)
            if highlight is None and self._context.clock.monotonic() > deadline:
                raise PublishingRejected("The platform accepted the highlight, and then did not make it.")
            return (True if highlight is not None and highlight.is_ready else None), None

        return await self._context.look_until(look, f"highlight:{pk}", None)

    async def _check(self, pk: str) -> list[str]:
        """Return warnings of duplicates. The highlight exists, so a failed check does not fail the workflow."""
        duplicates: set[str] = set()
        for number, wait in enumerate(LOOKS_FOR_TWINS):
            await self._run.sleep(wait)
            (found,) = await self._run.steps([Step(Act.CHECK.step(number), partial(self._duplicates, pk))], width=1)
            if isinstance(found, Fault):
                return ["The highlight may have a twin: its tray could not be read."]
            duplicates |= set(found)
        return [f"The highlight {duplicate} is a twin of this one: delete it." for duplicate in sorted(duplicates)]

    async def _duplicates(self, pk: str) -> Json:
        return sorted({highlight.pk for highlight in await self._matching()} - {pk})


def _result(made: Published, in_doubt: bool) -> Json:
    return {"pk": made.pk, "is_ready": made.is_ready, "in_doubt": in_doubt}
