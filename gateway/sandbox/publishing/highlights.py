"""Highlights of write calls: created from stories, edited, deleted. Generated highlights can be edited, too."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import regex

from gateway.clock import Clock
from gateway.sandbox import ids
from gateway.sandbox.entities import Cover, Highlight, HighlightSpec, Item, User
from gateway.sandbox.ids import PUBLISHED_SLOT
from gateway.sandbox.pictures import Frame
from gateway.sandbox.publishing.containers import Containers
from gateway.sandbox.publishing.media import cropped
from gateway.sandbox.publishing.problems import INVALID, MISSING, PERMISSION, WriteError
from gateway.sandbox.publishing.stories import Stories, pk_of
from gateway.sandbox.publishing.webhook_events import HighlightNews, Tell
from gateway.sandbox.scheduler import Scheduler
from gateway.sandbox.uploaded_media import Gallery, Shots
from gateway.sandbox.wire import MIDDLE, cover_of
from gateway.sandbox.world import World

TITLE_LENGTH = 16
CHARACTER = regex.compile(r"\X")  # a grapheme cluster, as users count characters
MOST_MEDIA = 100
Rect = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class CoverChoice:
    """A chosen cover: a story, or a container of its own. `crop_rect` is in fractions of the frame: x1, y1, x2, y2."""

    id: str
    crop_rect: Rect | None = None


@dataclass(slots=True)
class Creation:
    """A highlight that was created here, and its request. `media` are the ids as the request named them."""

    highlight: Highlight
    media: tuple[str, ...]
    key: str | None
    dialect: str
    is_ready: bool = False
    is_deleted: bool = False

    @property
    def status(self) -> str:
        if self.is_deleted:
            return "DELETED"
        return "LIVE" if self.is_ready else "IN_PROGRESS"


class Highlights:
    def __init__(
        self,
        world: World,
        containers: Containers,
        stories: Stories,
        gallery: Gallery,
        agenda: Scheduler,
        clock: Clock,
        tell: Tell,
    ) -> None:
        self._world = world
        self._containers = containers
        self._stories = stories
        self._gallery = gallery
        self._agenda = agenda
        self._clock = clock
        self._tell = tell
        self.clear()

    def clear(self) -> None:
        self.all: dict[int, Creation] = {}
        self._covers = 0

    def create(
        self,
        owner: User,
        title: str,
        media: Sequence[str],
        cover: CoverChoice | None,
        *,
        key: str | None,
        dialect: str,
        seconds: float = 0.0,
    ) -> Creation:
        """Create a highlight that exists after `seconds`. The default cover is the first medium. Raises WriteError."""
        items = self._items(owner, media)
        pk = ids.created_pk(len(self.all))
        highlight = _made(pk, owner, _title(title), items, int(self._clock.now()))
        chosen = self._cover(owner, cover or CoverChoice(items[0].id))
        creation = Creation(dataclasses.replace(highlight, cover=chosen), tuple(media), key, dialect)
        self.all[pk] = creation
        self._agenda.add(self._clock.now() + seconds, self._appear(creation))
        self._agenda.catch_up()  # without a delay it exists at once
        return creation

    def edit(
        self,
        owner: User,
        pk: int,
        *,
        title: str | None,
        cover: CoverChoice | None,
        add: Sequence[str],
        remove: Sequence[str],
    ) -> Highlight:
        """Edit a highlight. Added media come last; adding or removing a medium twice is allowed. Raises WriteError."""
        before = self.own(owner, pk)
        removed = {pk_of(id) for id in remove}
        kept = [item for item in self._world.items(before) if item.pk not in removed]
        held = {item.pk for item in kept}
        items = _counted([*kept, *(item for item in self._found(owner, add) if item.pk not in held)])
        name = before.title if title is None else _title(title)
        after = _made(pk, owner, name, items, before.created_at, slot=before.slot, is_pinned=before.is_pinned)
        chosen = self._cover_after(before, items) if cover is None else self._cover(owner, cover)
        self._world.put(dataclasses.replace(after, cover=chosen))
        self._stories.bury()
        self._tell(HighlightNews(owner.pk, str(pk), "edited"))
        return self.own(owner, pk)

    def delete(self, owner: User, pk: int) -> None:
        """Delete a highlight of `owner`. Raises WriteError."""
        self.own(owner, pk)
        self._world.delete_highlight(pk)
        if pk in self.all:
            self.all[pk].is_deleted = True
        self._stories.bury()
        self._tell(HighlightNews(owner.pk, str(pk), "deleted"))

    def own(self, owner: User, pk: int) -> Highlight:
        """Return a highlight of `owner`. Raises WriteError."""
        highlight = self._world.highlight(pk)
        if highlight is None:
            raise WriteError(MISSING)
        if highlight.user.pk != owner.pk:
            raise WriteError(PERMISSION)
        return highlight

    def pending(self, owner: User, pk: int) -> bool:
        """Return whether the highlight is still being created."""
        creation = self.all.get(pk)
        return creation is not None and creation.highlight.user.pk == owner.pk and not creation.is_ready

    def _items(self, owner: User, media: Sequence[str]) -> tuple[Item, ...]:
        items = self._found(owner, media)
        if len({item.pk for item in items}) < len(items):
            raise WriteError(INVALID, "A medium is named twice")
        return _counted(items)

    def _found(self, owner: User, media: Sequence[str]) -> list[Item]:
        return [self._stories.find(owner, id) for id in media]

    def _appear(self, creation: Creation) -> Callable[[], None]:
        def act() -> None:
            creation.is_ready = True
            self._world.put(creation.highlight)
            self._tell(HighlightNews(creation.highlight.user.pk, str(creation.highlight.pk), "created"))

        return act

    def _cover(self, owner: User, choice: CoverChoice) -> Cover:
        pk = pk_of(choice.id)
        if pk in self._containers.all:
            return Cover(self._cut(self._containers.ready(owner, pk).id, choice.crop_rect))
        item = self._stories.find(owner, choice.id)
        return Cover(self._cut(item.pk, choice.crop_rect), item.id, choice.crop_rect or MIDDLE)

    def _cut(self, original: int, crop_rect: Rect | None) -> int:
        """Return the pk of the cover's picture: a new one only if a part of stored pixels was chosen."""
        picture = self._gallery.picture(Frame.STORY, original)
        if crop_rect is None or picture is None:
            return original
        self._covers += 1
        pk = ids.cover_pk(self._covers)
        self._gallery.hang(pk, Shots(cover=cropped(picture, crop_rect)))
        return pk

    def _cover_after(self, before: Highlight, items: tuple[Item, ...]) -> Cover:
        """Return the cover after an edit: unchanged, or the first medium if the cover's medium was removed."""
        cover = cover_of(before)
        if cover.item is None or cover.item in {item.id for item in items}:
            return cover
        return Cover(items[0].pk, items[0].id, MIDDLE)


def _title(text: str) -> str:
    title = text.strip()
    if not 1 <= len(CHARACTER.findall(title)) <= TITLE_LENGTH:
        raise WriteError(INVALID, f"title must have 1 to {TITLE_LENGTH} characters")
    return title


def _counted(items: Sequence[Item]) -> tuple[Item, ...]:
    if not 1 <= len(items) <= MOST_MEDIA:
        raise WriteError(INVALID, f"A highlight holds 1 to {MOST_MEDIA} media")
    return tuple(items)


def _made(
    pk: int,
    owner: User,
    title: str,
    items: tuple[Item, ...],
    created_at: int,
    *,
    slot: int = PUBLISHED_SLOT,
    is_pinned: bool = False,
) -> Highlight:
    times = [item.taken_at for item in items]
    sketch = HighlightSpec(len(items), pk=pk, title=title)
    return Highlight(pk, owner, slot, title, created_at, min(times), max(times), is_pinned, sketch, held=items)
