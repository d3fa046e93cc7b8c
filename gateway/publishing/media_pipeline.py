"""The pipeline from requested media to live stories: upload, wait for processing, publish; repeated after an expiry.

Nothing is published before all media are processed: so the stories are young when the highlight is created, and a
medium that fails leaves nothing published.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from itertools import count
from typing import TypeVar

from gateway.domain.publishing import Container, ContainerState, FiledMedium, LinkedMedium, Source, Story
from gateway.durable.port import Fault, Json, Step, StepFailed
from gateway.errors import ContainerExpired, FlowsUnavailable, GatewayError, MediumRefused, UpstreamUnavailable
from gateway.publishing.commands import MediumSpec, OnMediaError, OnQuota
from gateway.publishing.context import DAY, RunContext
from gateway.publishing.media_item import MediaItem
from gateway.publishing.phases import PROCESS, PUBLISH, QUOTA, UPLOAD, Phase
from gateway.publishing.quota import QuotaOf
from gateway.publishing.recorded import MADE, UpstreamObject, from_json, to_json
from gateway.upstream.platforms.port import Quotas, Stories

T = TypeVar("T")

WIDTH = 4
# A story with less time left than this, in seconds, may expire before the highlight holds it.
YOUNG_ENOUGH = 600.0
# How often a medium is uploaded before its workflow fails, and how often stories may expire before their use. Both
# start over when the workflow is retried.
MOST_UPLOADS = 4
MOST_EXPIRATIONS = 2
# Retry budgets in seconds. Upstream outages are waited out for the life of a container; but without idempotency keys
# each attempt may leave another story, so the budget is small.
PATIENCE = DAY
SHORT_PATIENCE = 240.0
# Errors of a single medium; any other error would affect the next medium as well.
OF_ONE_MEDIUM = frozenset({"MEDIUM_REFUSED", "CONTAINER_EXPIRED", "PUBLISHING_REJECTED", "NOT_FOUND"})


class MediaPipeline:
    """The media of one workflow. `cover` is the position of one of them, or a separate image, which needs no story."""

    def __init__(
        self,
        context: RunContext,
        media: Sequence[MediumSpec],
        cover: int | MediumSpec | None,
        *,
        on_media_error: OnMediaError,
        on_quota: OnQuota,
    ) -> None:
        self._context = context
        self._run = context.run
        self._account = context.authorization.account
        self._on_media_error = on_media_error
        self._quota = QuotaOf(context, on_quota)
        self._expirations = 0
        self._publishes_on_upload = not isinstance(context.publisher, Stories)
        self.media = [MediaItem(position, spec) for position, spec in enumerate(media)]
        self._cover = MediaItem(None, cover) if isinstance(cover, MediumSpec) else None
        self._cover_item = self._cover if cover is None or isinstance(cover, MediumSpec) else self.media[cover]

    @property
    def whole(self) -> list[MediaItem]:
        """The media that have not failed, in order."""
        return [medium for medium in self.media if medium.fault is None]

    @property
    def skipped(self) -> tuple[int, ...]:
        return tuple(position for position, medium in enumerate(self.media) if medium.fault is not None)

    @property
    def made(self) -> tuple[UpstreamObject, ...]:
        """All objects created upstream for this workflow."""
        return tuple(item for medium in self._all for item in medium.made)

    @property
    def surplus(self) -> tuple[UpstreamObject, ...]:
        """The created objects that no highlight holds.

        With an upstream that publishes on upload, the story of a separate cover is one of them.
        """
        return tuple(
            item
            for medium in self._all
            for item in (medium.made if medium.fault or (medium is self._cover and medium.story) else medium.left)
        )

    @property
    def cover_id(self) -> str | None:
        return self._cover_item.media_id if self._cover_item and self._cover_item.fault is None else None

    @property
    def warnings(self) -> tuple[str, ...]:
        is_lost = self._cover_item is not None and self._cover_item.fault is not None
        return ("The cover that was ordered failed: the highlight has the platform's choice.",) if is_lost else ()

    @property
    def _all(self) -> list[MediaItem]:
        return [*self.media, *([self._cover] if self._cover else [])]

    async def use(self, attempt: Callable[[int], Awaitable[T | None]]) -> T:
        """Publish the media, then call `attempt` and return its result.

        While `attempt` returns None, a story has expired: the affected media are published again. Raises StepFailed.
        """
        await self._wait_for_quota()
        await self._until_ready()
        await self._republish(self._expiring(await self._run.now()))
        number = 0
        while (made := await attempt(number)) is None:
            number += 1
            # The upstream does not say which story has expired.
            await self._republish(self._expiring(await self._run.now()) or [m for m in self.whole if m.story])
        return made

    async def unless_dead(self, attempt: Callable[[], Awaitable[T | None]]) -> T | None:
        """Return the result of `attempt`; None if a story has expired and can be published again.

        Raises ContainerExpired if it cannot. For use inside a step.
        """
        made = await self._context.unless_expired(attempt)
        if made is None:
            self._expirations += 1
            if self._expirations > MOST_EXPIRATIONS or not any(medium.story for medium in self.whole):
                raise ContainerExpired("A story died before the highlight could hold it.")
        return made

    @property
    def are_dying(self) -> bool:
        """True if a story is about to expire, so that an attempt is useless. For use inside a step.

        Not every upstream gives the reason when such an attempt fails.
        """
        return bool(self._expiring(self._context.clock.now()))

    def _expiring(self, now: float) -> list[MediaItem]:
        return [medium for medium in self.whole if medium.story and _is_expiring(medium.story, now)]

    async def _republish(self, media: Sequence[MediaItem]) -> None:
        for medium in media:
            medium.restart(upload=self._publishes_on_upload)
        await self._until_ready()

    async def _until_ready(self) -> None:
        """Run the phases until all media are ready; media that expire start over.

        The loop ends, because a medium is uploaded at most MOST_UPLOADS times.
        """
        while not all(medium.is_ready for medium in self._active):
            await self._run_phase(UPLOAD, [m for m in self._active if m.needs_upload], self._upload, self._uploaded)
            await self._run_phase(
                PROCESS, [m for m in self._active if m.needs_processing], self._process, self._processed
            )
            if not any(medium.needs_upload for medium in self._active):
                await self._run_phase(
                    PUBLISH, [m for m in self._active if m.needs_story], self._publish, self._published
                )

    @property
    def _active(self) -> list[MediaItem]:
        return [medium for medium in self._all if medium.fault is None]

    async def _run_phase(
        self,
        phase: Phase,
        todo: Sequence[MediaItem],
        do: Callable[[MediaItem], Awaitable[Json]],
        take: Callable[[MediaItem, Json], None],
    ) -> None:
        if not todo:
            return
        # Each attempt may leave another story, so attempts are recorded and reported to the client.
        is_counted = not self._context.publisher.traits.idempotent
        patience = SHORT_PATIENCE if is_counted else PATIENCE
        steps = [
            Step(medium.step(phase), partial(self._attempt, medium, do, count()), medium.position, patience, is_counted)
            for medium in todo
        ]
        for medium, result in zip(todo, await self._run.steps(steps, width=WIDTH), strict=True):
            if isinstance(result, Fault):
                medium.fault = result
            else:
                take(medium, result)
        await self._run.emit(MADE, to_json(self.made))
        self._raise_faults(todo)

    async def _attempt(
        self, medium: MediaItem, act: Callable[[MediaItem], Awaitable[Json]], attempts: Iterator[int]
    ) -> Json:
        """Attempt a step of one medium, and add the medium to its error. After a cancellation there is no retry."""
        if next(attempts):
            await self._context.check_running()
        try:
            return await act(medium)
        except GatewayError as error:
            error.extensions.setdefault("medium", medium.label)
            raise

    def _raise_faults(self, tried: Sequence[MediaItem]) -> None:
        """Raise StepFailed unless all faults may be skipped; a fault that is not retryable comes first."""
        faults = sorted((medium.fault for medium in self._all if medium.fault), key=lambda fault: fault.retryable)
        may_skip = self._on_media_error is OnMediaError.SKIP and bool(self.whole)
        # The upstream works for other media, so a repeated failure is due to this medium.
        works = any(medium.fault is None for medium in tried)
        for fault in faults:
            if not may_skip or not (fault.code in OF_ONE_MEDIUM or (fault.retryable and works)):
                raise StepFailed(fault)

    async def _upload(self, medium: MediaItem) -> Json:
        if medium.uploads == MOST_UPLOADS:
            raise ContainerExpired("The uploaded medium expired again and again.")
        key = self._context.key("upload", medium.label, medium.generation)
        source = await self._source(medium.spec)

        async def upload() -> Container:
            self._context.check_effect()
            return await self._context.uploads.upload(self._account, source, key=key)

        container = await self._quota.when_free(upload)
        _raise_if_failed(container)
        medium.uploads += 1
        return to_json(container)

    def _uploaded(self, medium: MediaItem, result: Json) -> None:
        medium.uploaded(from_json(result, Container))

    async def _process(self, medium: MediaItem) -> Json:
        """Wait for processing, and return whether the medium can be published; False if its container has expired."""
        id = str(medium.container)

        async def look() -> tuple[ContainerState | None, float | None]:
            container = await self._context.uploads.container(self._account, id)
            _raise_if_failed(container)
            return None if container.state is ContainerState.IN_PROGRESS else container.state, container.retry_after

        state = await self._context.unless_expired(
            lambda: self._context.poll_until(look, f"media:{id}", medium.retry_after)
        )
        return state not in (None, ContainerState.EXPIRED)

    def _processed(self, medium: MediaItem, alive: Json) -> None:
        if alive:
            medium.is_processed = True
        else:
            medium.restart(upload=True)

    async def _publish(self, medium: MediaItem) -> Json:
        """Return the story; None if the container has expired."""
        key = self._context.key("publish", medium.label, medium.generation)

        async def publish() -> Story:
            self._context.check_effect()
            return await self._context.stories.publish(self._account, str(medium.container), key=key)

        story = await self._context.unless_expired(lambda: self._quota.when_free(publish))
        if story is None and medium.spec.is_uploaded:
            raise ContainerExpired("The medium is gone from the platform.")
        return to_json(story)

    def _published(self, medium: MediaItem, result: Json) -> None:
        if result is None:
            medium.restart(upload=True)
        else:
            medium.story = from_json(result, Story)

    async def _wait_for_quota(self) -> None:
        need = sum(medium.needs_story for medium in self.media)
        quotas = self._context.publisher
        if need and isinstance(quotas, Quotas):
            await self._run.step(Step(QUOTA.step(), partial(self._quota.wait_for, quotas, need), patience=PATIENCE))

    async def _source(self, spec: MediumSpec) -> Source:
        """Return the source of the upload. Raises MediumRefused if the file no longer exists."""
        if spec.url is not None:
            return LinkedMedium(spec.url, spec.kind)
        try:
            path = await self._context.shared.files.fetch(str(spec.file), self._run.id)
        except FlowsUnavailable as error:
            # Transient: the step is retried.
            raise UpstreamUnavailable("The storage of files cannot be reached, so this waits.") from error
        if path is None:
            raise MediumRefused("The uploaded file is no longer kept: send it again, with another idempotency key.")
        return FiledMedium(path, spec.kind, spec.content_type or "image/jpeg")


def _is_expiring(story: Story, now: float) -> bool:
    return story.expires_at is not None and story.expires_at - now < YOUNG_ENOUGH


def _raise_if_failed(container: Container) -> None:
    if container.state is ContainerState.ERROR:
        raise MediumRefused(container.problem or "The platform could not process the medium.")
