"""Publication of a medium as a story: within the quota, and for a day, unless a highlight contains it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import dropwhile

from gateway.clock import Clock
from gateway.sandbox import ids
from gateway.sandbox.entities import Item, User
from gateway.sandbox.ids import ITEM_ID, PUBLISHED_SLOT, ItemKey
from gateway.sandbox.publishing.containers import DAY, Containers
from gateway.sandbox.publishing.problems import CONTAINER_GONE, PERMISSION, QUOTA, WriteError
from gateway.sandbox.publishing.webhook_events import StoryNews, Tell
from gateway.sandbox.scheduler import Scheduler
from gateway.sandbox.uploaded_media import Gallery
from gateway.sandbox.wire import duration_of
from gateway.sandbox.world import World

QUOTA_TOTAL = 50


@dataclass(frozen=True, slots=True)
class Story:
    """A story. `medium` is the id it was published from, `expires_at` is in Unix seconds."""

    item: Item
    medium: str
    expires_at: float
    key: str | None


def pk_of(text: str) -> int:
    """Return the pk in `<pk>` or `<pk>_<user>`. Raises WriteError for any other form."""
    if not (match := ITEM_ID.fullmatch(text)):
        raise WriteError(CONTAINER_GONE, f"{text[:40]!r} is not the id of a medium")
    return int(match[1])


class Quota:
    """The publications of each account in a rolling day."""

    def __init__(self, clock: Clock, total: int) -> None:
        self._clock = clock
        self._opening_total = total
        self.clear()

    def clear(self) -> None:
        self.total = self._opening_total
        self._times: dict[int, deque[float]] = {}

    def used(self, account: int) -> int:
        since = self._clock.now() - DAY
        recent = deque(dropwhile(lambda time: time <= since, self._times.get(account, ())))
        self._times[account] = recent
        return len(recent)

    def spend(self, account: int) -> None:
        """Count a publication. Raises WriteError if the quota is exhausted."""
        if self.used(account) >= self.total:
            raise WriteError(QUOTA)
        self._times[account].append(self._clock.now())


class Stories:
    def __init__(
        self,
        world: World,
        containers: Containers,
        gallery: Gallery,
        agenda: Scheduler,
        clock: Clock,
        quota: Quota,
        tell: Tell,
    ) -> None:
        self._world = world
        self._containers = containers
        self._gallery = gallery
        self._agenda = agenda
        self._clock = clock
        self._tell = tell
        self.quota = quota
        self.clear()

    def clear(self) -> None:
        self.all: list[Story] = []
        self._latest_ms = 0

    def publish(self, owner: User, medium: str, key: str | None) -> Story:
        """Publish a finished container, or an existing item of the account. Raises WriteError."""
        pk = pk_of(medium)
        if item := self._world.item(pk):
            self._check_owner(item, owner)
            return self._post(owner, medium, item.pk, item.is_video, duration_of(item), key)
        container = self._containers.ready(owner, pk)
        story = self._post(owner, medium, pk, container.medium.is_video, container.medium.duration, key)
        self._containers.mark_published(container)
        return story

    def find(self, owner: User, id: str) -> Item:
        """Return a live or held item, by its own id or that of its container. Raises WriteError."""
        pk = pk_of(id)
        item = self._world.item(pk) or self._published_from(pk)
        if item is None:
            raise WriteError(CONTAINER_GONE, "The story does not exist or has expired")
        self._check_owner(item, owner)
        return item

    def bury(self) -> None:
        for item in self._world.bury():
            self._tell(StoryNews(item.user.pk, item.id, "expired"))

    def _post(self, owner: User, medium: str, original: int, is_video: bool, duration: float, key: str | None) -> Story:
        self.quota.spend(owner.pk)
        now = self._clock.now()
        item = self._item(owner, now, is_video, duration)
        self._gallery.share(item.pk, original)
        story = Story(item, medium, now + DAY, key)
        self.all.append(story)
        self._world.post(item)
        self._agenda.add(story.expires_at, self._retire(item.pk))
        return story

    def _item(self, owner: User, now: float, is_video: bool, duration: float) -> Item:
        self._latest_ms = max(int(now * 1000), self._latest_ms + 1)
        pk = ids.story_pk(self._latest_ms, owner.index)
        key = ItemKey(owner.index, PUBLISHED_SLOT, len(self.all))
        return Item(pk, "", key, owner, int(now), is_video, duration=duration)

    def _published_from(self, pk: int) -> Item | None:
        """Return the newest item that was published from a container."""
        medium = str(pk)
        found = (self._world.item(story.item.pk) for story in reversed(self.all) if story.medium == medium)
        return next((item for item in found if item is not None), None)

    def _retire(self, pk: int) -> Callable[[], None]:
        def act() -> None:
            self._world.retire(pk)
            self.bury()

        return act

    def _check_owner(self, item: Item, owner: User) -> None:
        if item.user.pk != owner.pk:
            raise WriteError(PERMISSION)
