"""The workflow that creates a highlight: its media become live stories, then it is created, exactly once.

An upstream with idempotency keys gets the same key again. With any other, the tray is read before an attempt is
repeated: it lists the media of each highlight, and media of this workflow are unique to it. One race remains: an
attempt that timed out may take effect after that read. So the tray is read again after an uncertain creation, and a
duplicate is reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from gateway.domain.ids import pk_of
from gateway.domain.publishing import Published
from gateway.domain.rights import Right
from gateway.durable.port import Fault, Json, Step
from gateway.errors import PublishingRejected
from gateway.publishing.commands import CreateHighlight
from gateway.publishing.context import DAY, RunContext
from gateway.publishing.inputs import CreateHighlightInput
from gateway.publishing.media_pipeline import MediaPipeline
from gateway.publishing.phases import MEDIA, FlowState, Phase
from gateway.publishing.reconciliation import UncertainEffect
from gateway.publishing.recorded import ENTITY, Creation, WorkflowOutput, from_json, to_json
from gateway.publishing.validation import InputValidator
from gateway.publishing.write import CachedEntry, Effect, Write
from gateway.upstream.platforms.port import Highlights, MediaUploads

CREATE = Phase("create", FlowState.APPLYING, 5, is_effect=True, is_marked=True)
CONFIRM = Phase("confirm", FlowState.APPLYING, 4, follows=True)
CHECK = Phase("check", FlowState.APPLYING, follows=True)
# When the tray is read for duplicates, in seconds after the previous step.
LOOKS_FOR_TWINS = (2.0, 8.0, 20.0)
# How long an accepted highlight may be missing, in seconds.
UNKNOWN = 120.0


class CreateHighlightWorkflow:
    """One run of the workflow's body."""

    def __init__(self, context: RunContext, command: CreateHighlight) -> None:
        self._context = context
        self._run = context.run
        self._command = command
        self._attempted_media: list[list[frozenset[str]]] = []
        self._preexisting: list[str] = []
        self._pipeline = MediaPipeline(
            context,
            command.media,
            command.cover,
            on_media_error=command.on_media_error,
            on_quota=command.on_quota,
        )

    async def make(self) -> WorkflowOutput:
        """Run the workflow, and return its result. Raises StepFailed."""
        made = await self._pipeline.use(self._attempt)
        await self._run.emit(ENTITY, made.pk)
        if not made.is_ready:
            await self._run.step(Step(CONFIRM.step(), partial(self._confirm, made.pk), patience=DAY))
        duplicates = await self._check(made.pk) if made.in_doubt else ()
        return WorkflowOutput(
            entity_id=made.pk,
            skipped=self._pipeline.skipped,
            surplus=self._pipeline.surplus,
            warnings=(*duplicates, *self._pipeline.warnings),
        )

    async def _attempt(self, number: int) -> Creation | None:
        self._attempted_media.append([medium.names for medium in self._pipeline.whole])
        effect = UncertainEffect(self._context)
        self._preexisting += await effect.mark(number, partial(self._find_preexisting, number))
        result = await self._run.step(Step(CREATE.step(number), partial(self._create, number, effect)))
        return from_json(result, Creation | None)  # type: ignore[arg-type]

    async def _find_preexisting(self, number: int) -> tuple[str, ...]:
        """Return existing highlights of the same media: a medium that the client names by id may be in others, too."""
        if number or any(not medium.spec.is_uploaded for medium in self._pipeline.whole):
            return ()
        return tuple(highlight.pk for highlight in await self._matching())

    async def _create(self, number: int, effect: UncertainEffect) -> Json:
        return to_json(await self._pipeline.unless_dead(partial(self._create_once, number, effect)))

    async def _create_once(self, number: int, effect: UncertainEffect) -> Creation | None:
        in_doubt = effect.attempt()
        if in_doubt and (found := await self._matching()):
            return _creation(found[-1], in_doubt)  # the oldest: created by an earlier attempt
        self._context.check_effect()
        if in_doubt and self._pipeline.are_dying:
            return None
        made = await self._context.highlights.create(
            self._command.account,
            self._command.title,
            [medium.media_id for medium in self._pipeline.whole],
            self._pipeline.cover_id,
            key=self._context.key("create", number),
        )
        return _creation(made, in_doubt)

    async def _matching(self) -> Sequence[Published]:
        """Return the highlights of this workflow's media, newest first."""
        tray = await self._context.highlights.tray(self._command.account)
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
            highlight = await self._context.highlights.highlight(self._command.account, pk)
            if highlight is None and self._context.clock.monotonic() > deadline:
                raise PublishingRejected("The platform accepted the highlight, and then did not make it.")
            return (True if highlight is not None and highlight.is_ready else None), None

        return await self._context.poll_until(look, f"highlight:{pk}", None)

    async def _check(self, pk: str) -> Sequence[str]:
        """Return warnings of duplicates. The highlight exists, so a failed check does not fail the workflow."""
        duplicates: set[str] = set()
        for number, wait in enumerate(LOOKS_FOR_TWINS):
            await self._run.sleep(wait)
            (found,) = await self._run.steps([Step(CHECK.step(number), partial(self._duplicates, pk))], width=1)
            if isinstance(found, Fault):
                return ["The highlight may have a twin: its tray could not be read."]
            duplicates |= set(found)
        return [f"The highlight {duplicate} is a twin of this one: delete it." for duplicate in sorted(duplicates)]

    async def _duplicates(self, pk: str) -> Json:
        return sorted({highlight.pk for highlight in await self._matching()} - {pk})


def _creation(made: Published, in_doubt: bool) -> Creation:
    return Creation(made.pk, made.is_ready, in_doubt)


CREATE_HIGHLIGHT = Write(
    name="create_highlight",
    description="Creates a highlight from media, once for each idempotency key, also if the gateway crashes. Returns "
    "the highlight, or after `waitSeconds` the flow, which continues.",
    summary="Creates a highlight.",
    effect=Effect.WORKFLOW,
    entity="Highlight",
    input=CreateHighlightInput,
    hashed_as="CreateRequest",
    command=CreateHighlight,
    check=InputValidator.create_highlight,
    workflow=CreateHighlightWorkflow,
    phases=(*MEDIA, CREATE, CONFIRM, CHECK),
    right=Right.WRITE,
    needs=(MediaUploads, Highlights),
    invalidates=frozenset({CachedEntry.ACCOUNT_LISTS, CachedEntry.ENTITY}),
)
