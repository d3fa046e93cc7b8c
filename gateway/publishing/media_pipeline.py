"""From ordered media to live stories: upload, wait until processed, publish; and again what has expired meanwhile.

Nothing is published before all is processed: so the stories are young when the highlight is made, and a medium that
fails leaves nothing published behind.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from itertools import count

import msgspec

from gateway.domain.publishing import Container, ContainerState, FiledMedium, LinkedMedium, Source, Story
from gateway.durable.port import Fault, Json, Run, Step, StepFailed
from gateway.errors import ContainerExpired, GatewayError, MediumRefused
from gateway.publishing.commands import MediumOrder, OnMediaError, OnQuota
from gateway.publishing.context import DAY, WorkflowContext, key_of
from gateway.publishing.media_item import MediaItem
from gateway.publishing.quota import QuotaOf
from gateway.publishing.step_kinds import Act

WIDTH = 4
# A story that has less left than this, in seconds, may be dead before the highlight holds it.
YOUNG_ENOUGH = 600.0
# How often a medium is uploaded before its flow gives up, and how often stories may die before their use. Both count
# anew when the flow is retried.
MOST_UPLOADS = 4
MOST_DEATHS = 2
# Outages of the upstream are outlasted while the containers may live; but where each attempt may leave a story more,
# there are few.
PATIENCE = DAY
LITTLE_PATIENCE = 240.0
# What goes wrong with one medium alone; anything else would befall the next one as well.
OF_ONE_MEDIUM = frozenset({"MEDIUM_REFUSED", "CONTAINER_EXPIRED", "PUBLISHING_REJECTED", "NOT_FOUND"})


class MediaPipeline:
    """The media of one flow. `cover` is the position of one of them, or an image of its own, which needs no story."""

    def __init__(
        self,
        ports: WorkflowContext,
        run: Run,
        account: str,
        orders: Sequence[MediumOrder],
        cover: int | MediumOrder | None,
        *,
        on_media_error: OnMediaError,
        on_quota: OnQuota,
    ) -> None:
        self._ports = ports
        self._run = run
        self._account = account
        self._on_media_error = on_media_error
        self._quota = QuotaOf(ports, run.id, account, on_quota)
        self._deaths = 0
        self._on_upload = ports.publisher.capabilities.publishes_on_upload
        self.media = [MediaItem(place, order) for place, order in enumerate(orders)]
        self._cover = MediaItem(None, cover) if isinstance(cover, MediumOrder) else None
        self._covering = self._cover if cover is None or isinstance(cover, MediumOrder) else self.media[cover]

    @property
    def whole(self) -> list[MediaItem]:
        """The media that have not failed, in order."""
        return [medium for medium in self.media if medium.fault is None]

    @property
    def skipped(self) -> list[int]:
        return [place for place, medium in enumerate(self.media) if medium.fault is not None]

    @property
    def made(self) -> list[Json]:
        """Everything that was made upstream for this flow."""
        return [thing for medium in self._all for thing in medium.made]

    @property
    def surplus(self) -> list[Json]:
        """What of it no highlight holds. Nor is a cover's story in one, where an upload is a story at once."""
        return [
            thing
            for medium in self._all
            for thing in (medium.made if medium.fault or (medium is self._cover and medium.story) else medium.left)
        ]

    @property
    def cover_id(self) -> str | None:
        return self._covering.media_id if self._covering and self._covering.fault is None else None

    @property
    def warnings(self) -> list[str]:
        is_lost = self._covering is not None and self._covering.fault is not None
        return ["The cover that was ordered failed: the highlight has the platform's choice."] if is_lost else []

    @property
    def _all(self) -> list[MediaItem]:
        return [*self.media, *([self._cover] if self._cover else [])]

    async def use(self, attempt: Callable[[int], Awaitable[Json]]) -> Json:
        """Makes them, then what `attempt` makes of them; while that is None, a story has died, and all is done again.

        Raises StepFailed.
        """
        await self._wait_for_quota()
        await self._until_ready()
        await self._rejuvenate(self._dying(await self._run.now()))
        number = 0
        while (made := await attempt(number)) is None:
            number += 1
            # The upstream does not say which of them has died.
            await self._rejuvenate(self._dying(await self._run.now()) or [m for m in self.whole if m.story])
        return made

    async def unless_dead(self, attempt: Callable[[], Awaitable[Json]]) -> Json:
        """Inside a step: None where a story has died and can be published once more; else raises ContainerExpired."""
        made = await self._ports.unless_expired(attempt)
        if made is None:
            self._deaths += 1
            if self._deaths > MOST_DEATHS or not any(medium.story for medium in self.whole):
                raise ContainerExpired("A story died before the highlight could hold it.")
        return made

    @property
    def are_dying(self) -> bool:
        """Inside a step: whether there is no use in trying to hold them, as not every upstream says why it fails."""
        return bool(self._dying(self._ports.clock.now()))

    def _dying(self, now: float) -> list[MediaItem]:
        return [medium for medium in self.whole if medium.story and _is_dying(medium.story, now)]

    async def _rejuvenate(self, media: Sequence[MediaItem]) -> None:
        for medium in media:
            medium.again(upload=self._on_upload)
        await self._until_ready()

    async def _until_ready(self) -> None:
        """What expires in a phase begins anew. It ends, because a medium is uploaded only so often."""
        while not all(medium.is_ready for medium in self._going):
            await self._do(Act.UPLOAD, [m for m in self._going if m.needs_upload], self._upload, self._uploaded)
            await self._do(Act.PROCESS, [m for m in self._going if m.needs_processing], self._process, self._processed)
            if not any(medium.needs_upload for medium in self._going):
                await self._do(Act.PUBLISH, [m for m in self._going if m.needs_story], self._publish, self._published)

    @property
    def _going(self) -> list[MediaItem]:
        return [medium for medium in self._all if medium.fault is None]

    async def _do(
        self,
        act: Act,
        todo: Sequence[MediaItem],
        do: Callable[[MediaItem], Awaitable[Json]],
        take: Callable[[MediaItem, Json], None],
    ) -> None:
        if not todo:
            return
        # Each attempt may leave a story more: the receipt tells how many there were.
        is_counted = not self._ports.publisher.capabilities.idempotent
        patience = LITTLE_PATIENCE if is_counted else PATIENCE
        steps = [
            Step(medium.step(act), partial(self._act, medium, do, count()), medium.place, patience, is_counted)
            for medium in todo
        ]
        for medium, result in zip(todo, await self._run.steps(steps, width=WIDTH), strict=True):
            if isinstance(result, Fault):
                medium.fault = result
            else:
                take(medium, result)
        await self._run.emit("made", self.made)
        self._refuse_faults(todo)

    async def _act(
        self, medium: MediaItem, act: Callable[[MediaItem], Awaitable[Json]], attempts: Iterator[int]
    ) -> Json:
        """A fault says which medium it befell. What was cancelled is not attempted again."""
        if next(attempts):
            await self._ports.check(self._run.id)
        try:
            return await act(medium)
        except GatewayError as error:
            error.extensions.setdefault("medium", medium.label)
            raise

    def _refuse_faults(self, tried: Sequence[MediaItem]) -> None:
        """Raises StepFailed with the fault that a retry would not mend, if there is one, else with the first."""
        faults = sorted((medium.fault for medium in self._all if medium.fault), key=lambda fault: fault.retryable)
        may_skip = self._on_media_error is OnMediaError.SKIP and bool(self.whole)
        # The upstream does work, so what it failed at again and again is the medium's fault.
        works = any(medium.fault is None for medium in tried)
        for fault in faults:
            if not may_skip or not (fault.code in OF_ONE_MEDIUM or (fault.retryable and works)):
                raise StepFailed(fault)

    async def _upload(self, medium: MediaItem) -> Json:
        if medium.uploads == MOST_UPLOADS:
            raise ContainerExpired("The uploaded medium expired again and again.")
        key = key_of(self._run.id, "upload", medium.label, medium.generation)
        source = self._source(medium.order)
        container = await self._quota.when_free(lambda: self._ports.publisher.upload(self._account, source, key=key))
        _refuse_broken(container)
        medium.uploads += 1
        return msgspec.to_builtins(container)

    def _uploaded(self, medium: MediaItem, result: Json) -> None:
        medium.uploaded(msgspec.convert(result, Container))

    async def _process(self, medium: MediaItem) -> Json:
        """Whether it can be published; False where its container is gone."""
        id = str(medium.container)

        async def look() -> tuple[ContainerState | None, float | None]:
            container = await self._ports.publisher.container(self._account, id)
            _refuse_broken(container)
            return None if container.state is ContainerState.IN_PROGRESS else container.state, container.retry_after

        state = await self._ports.unless_expired(
            lambda: self._ports.look_until(look, f"media:{id}", medium.retry_after)
        )
        return state not in (None, ContainerState.EXPIRED)

    def _processed(self, medium: MediaItem, alive: Json) -> None:
        if alive:
            medium.is_processed = True
        else:
            medium.again(upload=True)

    async def _publish(self, medium: MediaItem) -> Json:
        """The story; None where the container is gone."""
        key = key_of(self._run.id, "publish", medium.label, medium.generation)

        async def publish() -> Story:
            return await self._ports.publisher.publish(self._account, str(medium.container), key=key)

        story = await self._ports.unless_expired(lambda: self._quota.when_free(publish))
        if story is None and medium.order.is_uploaded:
            raise ContainerExpired("The medium is gone from the platform.")
        return msgspec.to_builtins(story)

    def _published(self, medium: MediaItem, result: Json) -> None:
        if result is None:
            medium.again(upload=True)
        else:
            medium.story = msgspec.convert(result, Story)

    async def _wait_for_quota(self) -> None:
        need = sum(medium.needs_story for medium in self.media)
        if need and self._ports.publisher.capabilities.tells_quota:
            await self._run.step(Step(Act.QUOTA.step(), partial(self._quota.wait_for, need), patience=PATIENCE))

    def _source(self, order: MediumOrder) -> Source:
        """Raises MediumRefused where the file is no longer kept."""
        if order.url is not None:
            return LinkedMedium(order.url, order.kind)
        path = self._ports.files.path(str(order.file))
        if not path.exists():
            raise MediumRefused("The uploaded file is no longer kept: send it again, with another idempotency key.")
        return FiledMedium(path, order.kind, order.content_type or "image/jpeg")


def _is_dying(story: Story, now: float) -> bool:
    return story.expires_at is not None and story.expires_at - now < YOUNG_ENOUGH


def _refuse_broken(container: Container) -> None:
    if container.state is ContainerState.ERROR:
        raise MediumRefused(container.problem or "The platform could not process the medium.")
