"""A publishing upstream in memory, after the contract. It outlives the gateway's crashes.

It has containers that take their time and expire, stories that expire, a quota, idempotency keys or none, and failures
before and after an effect.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from gateway.clock import Clock
from gateway.domain.publishing import (
    Account,
    Container,
    ContainerState,
    HighlightChanges,
    LinkedMedium,
    Published,
    Quota,
    Source,
    Story,
    Traits,
)
from gateway.errors import (
    ContainerExpired,
    MediumRefused,
    NotFound,
    PublishingRejected,
    QuotaExhausted,
    UpstreamTimeout,
    UpstreamUnavailable,
)

T = TypeVar("T")

DAY = 86_400.0
# A dialect with keys processes later, and has stories and a quota; one without publishes at the upload.
IDEMPOTENT = Traits(idempotent=True)
PLAIN = Traits(idempotent=False)


@dataclass
class Uploading:
    id: str
    name: str
    made_at: float
    ready_at: float
    is_published: bool = False


@dataclass
class Live:
    id: str
    medium_id: str
    expires_at: float


@dataclass
class Made:
    """A highlight that was ever made.

    `media_ids` are as requests named them, `items` as the tray does; `visible_at`: when the tray first shows it;
    `ready_at`: when it is made (202).
    """

    pk: str
    title: str
    media_ids: list[str]
    items: list[str]
    cover_id: str | None
    key: str
    visible_at: float
    ready_at: float
    is_deleted: bool = False


@dataclass
class MemoryPublisher:
    """The upstream.

    `poisoned` media fail when they are processed, `refused` ones at once, both for good; `unspeakable` ones fail
    without a report. `trouble`, called before (`before`) and after (`after`) each effect, may raise; `rate` is the
    share of calls that fail by chance.
    """

    clock: Clock
    traits: Traits = IDEMPOTENT
    processing: float = 5.0
    retry_after: float | None = None
    creating: float = 0.0
    lag: float = 0.0
    life: float = DAY
    quota_total: int = 50
    rate: float = 0.0
    dice: random.Random = field(default_factory=lambda: random.Random(1))
    poisoned: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    unspeakable: set[str] = field(default_factory=set)
    owned: set[str] = field(default_factory=set)
    trouble: Callable[[str, str], None] = lambda call, moment: None
    calls: list[str] = field(default_factory=list)
    containers: dict[str, Uploading] = field(default_factory=dict)
    stories: dict[str, Live] = field(default_factory=dict)
    highlights: list[Made] = field(default_factory=list)
    publications: list[float] = field(default_factory=list)
    updates: int = 0
    likes: set[str] = field(default_factory=set)
    _answers: dict[str, tuple[float, str, Any]] = field(default_factory=dict)
    _numbers: Any = field(default_factory=lambda: itertools.count(100))

    def __post_init__(self) -> None:
        self.speak(self.traits)

    def speak(self, traits: Traits) -> None:
        """Take another dialect. What it has is asked of its class."""
        self.traits = traits
        self.__class__ = MemoryPublisher if traits.idempotent else WithoutStories

    async def accounts(self) -> Sequence[Account]:
        return [Account("787132", "natgeo")]

    async def upload(self, account: str, source: Source, *, key: str) -> Container:
        name = source.url if isinstance(source, LinkedMedium) else source.path.name
        return await self._effect("upload", key, [account, name], lambda: self._upload(name))

    async def container(self, account: str, id: str) -> Container:
        await self._ask("container")
        if id not in self.containers:
            raise ContainerExpired("There is no such container.")
        return Container(id, self._state(self.containers[id]))

    async def publish(self, account: str, medium_id: str, *, key: str) -> Story:
        return await self._effect("publish", key, [account, medium_id], lambda: self._publish(medium_id))

    async def create(
        self, account: str, title: str, media_ids: Sequence[str], cover_id: str | None, *, key: str
    ) -> Published:
        body = [account, title, list(media_ids), cover_id]
        return await self._effect("create", key, body, lambda: self._create(title, list(media_ids), cover_id, key))

    async def update(self, account: str, pk: str, changes: HighlightChanges, *, key: str) -> Published:
        body = [account, pk, changes.title, changes.cover_id, list(changes.add), list(changes.remove)]
        return await self._effect("update", key, body, lambda: self._update(pk, changes))

    async def delete(self, account: str, pk: str) -> None:
        await self._ask("delete")
        for one in self.highlights:
            one.is_deleted |= one.pk == pk
        await self._trouble("delete", "after")

    async def set_like(self, account: str, media_id: str, *, liked: bool) -> None:
        await self._ask("set_like")
        if liked:
            self.likes.add(media_id)
        else:
            self.likes.discard(media_id)
        await self._trouble("set_like", "after")

    async def tray(self, account: str) -> Sequence[Published]:
        await self._ask("tray")
        return [self._told(one) for one in reversed(self.standing) if one.visible_at <= self.clock.now()]

    async def highlight(self, account: str, pk: str) -> Published | None:
        await self._ask("highlight")
        return next((self._told(one) for one in self.standing if one.pk == pk), None)

    async def quota(self, account: str) -> Quota:
        await self._ask("quota")
        return Quota(self._used(), self.quota_total, DAY)

    async def aclose(self) -> None:
        pass

    @property
    def standing(self) -> list[Made]:
        """Oldest first."""
        return [one for one in self.highlights if not one.is_deleted]

    def kill_stories(self) -> None:
        for story in self.stories.values():
            story.expires_at = 0

    async def _effect(self, call: str, key: str, body: list[Any], act: Callable[[], T]) -> T:
        await self._ask(call)
        known = self._answers.get(key) if self.traits.idempotent else None
        if known is not None and known[0] + DAY > self.clock.now():
            if known[1] != json.dumps(body):
                raise PublishingRejected("This key was used with another body.")
            answer: T = known[2]
        else:
            answer = act()
            self._answers[key] = self.clock.now(), json.dumps(body), answer
        await self._trouble(call, "after")
        return answer

    async def _ask(self, call: str) -> None:
        self.calls.append(call)
        await self._trouble(call, "before")

    async def _trouble(self, call: str, moment: str) -> None:
        self.trouble(call, moment)
        # Where `trouble` has killed the gateway, nothing of it goes on after this line.
        await asyncio.sleep(0)
        if self.dice.random() < self.rate:
            raise self.dice.choice([UpstreamUnavailable("It failed."), UpstreamTimeout("It took too long.")])

    def _id(self) -> str:
        return f"17{next(self._numbers):015}"

    def _upload(self, name: str) -> Container:
        if name in self.unspeakable:
            raise UpstreamUnavailable("It failed.")
        if name in self.refused:
            raise MediumRefused("Its size is not accepted.")
        now = self.clock.now()
        later = self.processing if self.traits.idempotent else 0.0
        one = Uploading(self._id(), name, now, now + later)
        self.containers[one.id] = one
        story = self._publish(one.id) if not self.traits.idempotent else None
        return Container(one.id, self._state(one), self.retry_after, story=story)

    def _state(self, one: Uploading) -> ContainerState:
        now = self.clock.now()
        if one.is_published:
            return ContainerState.PUBLISHED
        if now < one.ready_at:
            return ContainerState.IN_PROGRESS
        if one.name in self.poisoned:
            return ContainerState.ERROR
        return ContainerState.FINISHED if now < one.made_at + DAY else ContainerState.EXPIRED

    def _publish(self, medium_id: str) -> Story:
        one = self.containers.get(medium_id)
        if medium_id not in self.owned and (one is None or self._state(one) is ContainerState.EXPIRED):
            raise ContainerExpired("The container is gone.")
        if one and self._state(one) is ContainerState.IN_PROGRESS:
            raise UpstreamUnavailable("It is not ready.")
        if self.traits.idempotent and self._used() >= self.quota_total:
            raise QuotaExhausted("The quota is used up.", retryAfter=self.publications[0] + DAY - self.clock.now())
        if one:
            one.is_published = True
        self.publications.append(self.clock.now())
        live = Live(f"{self._id()}_787132", medium_id, self.clock.now() + self.life)
        self.stories[live.id] = live
        return Story(live.id, live.medium_id, live.expires_at)

    def _used(self) -> int:
        self.publications = [at for at in self.publications if at + DAY > self.clock.now()]
        return len(self.publications)

    def _create(self, title: str, media_ids: list[str], cover_id: str | None, key: str) -> Published:
        items = self._items(media_ids)
        now = self.clock.now()
        made = Made(self._id(), title, media_ids, items, cover_id, key, now + self.lag, now + self.creating)
        self.highlights.append(made)
        return self._told(made)

    def _items(self, media_ids: Sequence[str]) -> list[str]:
        """The pks of the live stories. A dialect without codes does not say that one is gone."""
        now = self.clock.now()
        alive = {story.medium_id: story.id for story in self.stories.values() if story.expires_at > now}
        alive |= {id: id for id in self.owned if id not in alive}
        if not alive.keys() >= set(media_ids):
            kind = ContainerExpired if self.traits.idempotent else UpstreamUnavailable
            raise kind("A story is gone.")
        return [alive[id].partition("_")[0] for id in media_ids]

    def _told(self, made: Made) -> Published:
        return Published(made.pk, made.title, tuple(made.items), made.ready_at <= self.clock.now())

    def _update(self, pk: str, changes: HighlightChanges) -> Published:
        made = next((one for one in self.standing if one.pk == pk), None)
        if made is None:
            raise NotFound("There is no such highlight.")
        added = self._items(changes.add)
        removed = {id.partition("_")[0] for id in changes.remove}
        if not removed <= set(made.items):
            raise PublishingRejected("It does not hold what is to be removed.")
        made.title = changes.title or made.title
        made.cover_id = changes.cover_id or made.cover_id
        kept = [i for i, item in enumerate(made.items) if item not in removed]
        made.media_ids = [made.media_ids[i] for i in kept] + list(changes.add)
        made.items = [made.items[i] for i in kept] + added
        self.updates += 1
        return self._told(made)


class WithoutStories(MemoryPublisher):
    """A dialect in which an upload is a story at once, and which tells no quota."""

    publish: Any = None
    quota: Any = None
