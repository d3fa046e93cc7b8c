"""The sandbox's data: a thousand users and what they show, generated on first access and always the same.

All generated dates lie before `EPOCH`, except those of live stories. Only tests change the data (a user's name, deleted
highlights), and write calls overlay it: stories, and created or edited highlights.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cache
from itertools import chain

from gateway.sandbox import extent, feed, ids, names
from gateway.sandbox.deterministic_random import Dice
from gateway.sandbox.entities import STORY_SECONDS, Highlight, HighlightSpec, Item, Post, User
from gateway.sandbox.fixture_users import CAST
from gateway.sandbox.ids import FEED_SLOT, PUBLISHED_SLOT, ItemKey

EPOCH = extent.EPOCH
POPULATION = extent.POPULATION
HOUR = extent.HOUR
DAY = extent.DAY
FEED_SPAN = extent.FEED_SPAN
STORY_SLOT = 120  # past the 100 highlights a user may have
# Each row: cumulative share of the users (or of the highlights), minimum, maximum.
HIGHLIGHT_COUNTS = ((0.06, 0, 0), (0.60, 1, 8), (0.92, 9, 30), (1.0, 31, 100))
ITEM_COUNTS = ((0.55, 1, 10), (0.92, 11, 40), (1.0, 41, 100))


class World:
    """Users by index, pk and name; their highlights and items; their posts. Unknown or deleted objects are None.

    `version` grows with every change, so that cached responses of an earlier one are recognized.
    """

    def __init__(self) -> None:
        self.version = 0
        self._indices = _indices()
        self.restore()

    def restore(self) -> None:
        """Undo all renamings, deletions and publications."""
        self.version += 1
        self._users = {user.index: user for user in CAST}
        self._names = dict(_names())
        self._deleted: set[int] = set()
        self._held: dict[int, Highlight] = {}  # created ones in their order, and edited ones
        self._kept: dict[int, Item] = {}  # published, or held by one of these highlights
        self._live: dict[int, Item] = {}

    def rename(self, pk: int, username: str) -> None:
        """Rename a user; the old name becomes unknown. Raises KeyError for an unknown user."""
        user = self.user(self._indices[pk])
        del self._names[user.username]
        self._names[username] = user.index
        self._users[user.index] = dataclasses.replace(user, username=username)
        self.version += 1

    def delete_highlight(self, pk: int) -> None:
        """Delete a highlight and its items. Raises KeyError for an unknown highlight."""
        if self.highlight(pk) is None:
            raise KeyError(pk)
        self._deleted.add(pk)
        self._held.pop(pk, None)
        self.version += 1

    def put(self, highlight: Highlight) -> None:
        """Add a created highlight, which becomes the newest of its user, or replace an edited one."""
        self._held[highlight.pk] = highlight
        self._kept |= {item.pk: item for item in highlight.held or ()}
        self.version += 1

    def post(self, story: Item) -> None:
        self._kept[story.pk] = self._live[story.pk] = story
        self.version += 1

    def retire(self, pk: int) -> None:
        """Remove a story from the live ones when its day is over."""
        self._live.pop(pk, None)
        self.version += 1

    def bury(self) -> list[Item]:
        """Remove the items that are neither live nor in a highlight. Return the published stories among them."""
        held = {item.pk for highlight in self._held.values() for item in highlight.held or ()}
        dead = [item for pk, item in self._kept.items() if pk not in self._live and pk not in held]
        for item in dead:
            del self._kept[item.pk]
        self.version += bool(dead)
        return [item for item in dead if item.is_published]

    def user(self, index: int) -> User:
        if index not in self._users:
            self._users[index] = _draw_user(index)
        return self._users[index]

    def user_by_pk(self, pk: int) -> User | None:
        index = self._indices.get(pk)
        return None if index is None else self.user(index)

    def user_by_name(self, username: str) -> User | None:
        index = self._names.get(username.lower())
        return None if index is None else self.user(index)

    def named(self, words: str) -> list[int]:
        """Return the indices of the users whose names contain these words in lower case."""
        return [index for name, index in self._names.items() if words in name or words in name.replace(".", " ")]

    def tray(self, user: User) -> list[Highlight]:
        """Return the user's highlights, newest first."""
        created = (each for each in reversed(self._held.values()) if each.slot == PUBLISHED_SLOT)
        drawn = (_highlight(user, slot) for slot in range(len(user.highlights)))
        return [
            *(self._renamed(highlight) for highlight in created if highlight.user.index == user.index),
            *(self._edited(highlight) for highlight in drawn if highlight.pk not in self._deleted),
        ]

    def highlight(self, pk: int) -> Highlight | None:
        if pk in self._deleted:
            return None
        if pk in self._held:
            return self._renamed(self._held[pk])
        return self._cast_highlight(pk) or self._numbered_highlight(pk)

    def items(self, highlight: Highlight) -> list[Item]:
        """Return the highlight's items, oldest first, without the dropped ones."""
        if highlight.held is not None:
            return list(highlight.held)
        positions = range(highlight.sketch.media_count)
        return [item_at(highlight, position) for position in positions if position not in highlight.sketch.dropped]

    def stories(self, user: User, now: int) -> list[Item]:
        """Return the stories that are live at `now`, oldest first: the generated ones, and published ones."""
        today = now // DAY
        drawn = (item for day in (today - 1, today) for item in self.items(_day_of_stories(user, day)))
        live = (item for item in self._live.values() if item.user.index == user.index)
        return [*(item for item in drawn if item.is_live(now)), *live]

    def newest_story(self, user: User, now: int) -> int:
        """Return the time of the newest story that is live at `now`, 0 without one."""
        days = (_day_of_stories(user, day) for day in (now // DAY - 1, now // DAY))
        drawn = (_taken_at(day, position) for day in days for position in range(day.sketch.media_count))
        live = (item.taken_at for item in self._live.values() if item.user.index == user.index)
        return max(chain((moment for moment in drawn if now - STORY_SECONDS < moment <= now), live), default=0)

    def item(self, pk: int) -> Item | None:
        return self._kept.get(pk) or self._drawn_item(pk)

    def post_by_pk(self, pk: int) -> Post | None:
        """Return the post. The entries of an album are no posts."""
        key, taken_at = ids.item_key(pk), ids.taken_at(pk)
        is_post = key.slot == FEED_SLOT and key.user < POPULATION and key.position < len(feed.KINDS)
        if not is_post or not EPOCH - FEED_SPAN < taken_at <= EPOCH:
            return None
        post = feed.draw_post(self.user(key.user), taken_at, feed.KINDS[key.position])
        return post if post.pk == pk else None

    def _drawn_item(self, pk: int) -> Item | None:
        key = ids.item_key(pk)
        highlight = self._holder(key, ids.taken_at(pk) // DAY)
        if highlight is None or key.position >= highlight.sketch.media_count:
            return None
        item = item_at(highlight, key.position)
        if item.pk != pk or key.position in highlight.sketch.dropped:
            return None
        edited = self._held.get(highlight.pk)
        return item if edited is None or pk in media_ids(edited) else None

    def _edited(self, highlight: Highlight) -> Highlight:
        return self._renamed(self._held[highlight.pk]) if highlight.pk in self._held else highlight

    def _renamed(self, highlight: Highlight) -> Highlight:
        """Return an overlaid highlight with its owner's current name."""
        return dataclasses.replace(highlight, user=self.user(highlight.user.index))

    def _holder(self, key: ItemKey, day: int) -> Highlight | None:
        """Return the highlight, or the stories of the day, that contains the item of this key."""
        if key.user >= POPULATION:
            return None
        user = self.user(key.user)
        if key.slot == STORY_SLOT:
            return _day_of_stories(user, day)
        if key.slot >= len(user.highlights):
            return None
        highlight = _highlight(user, key.slot)
        return None if highlight.pk in self._deleted else highlight

    def _cast_highlight(self, pk: int) -> Highlight | None:
        return next(
            (
                _highlight(self.user(user.index), slot)
                for user in CAST
                for slot, sketch in enumerate(user.highlights)
                if sketch.pk == pk
            ),
            None,
        )

    def _numbered_highlight(self, pk: int) -> Highlight | None:
        index, slot = ids.highlight_key(pk)
        if not 0 <= index < POPULATION:
            return None
        user = self.user(index)
        if slot >= len(user.highlights):
            return None
        highlight = _highlight(user, slot)
        return highlight if highlight.pk == pk else None


@cache
def _indices() -> Mapping[int, int]:
    """Return the index of each user by pk."""
    cast = {user.pk: user.index for user in CAST}
    return cast | {ids.user_pk(index): index for index in range(len(CAST), POPULATION)}


@cache
def _names() -> Mapping[str, int]:
    """Return the index of each user by its original name."""
    cast = {user.username: user.index for user in CAST}
    return cast | {names.username(index): index for index in range(len(CAST), POPULATION)}


def media_ids(highlight: Highlight) -> list[int]:
    """Return the ids of all media of the highlight, the dropped ones too."""
    if highlight.held is not None:
        return [item.pk for item in highlight.held]
    return [_item_pk(highlight, position) for position in range(highlight.sketch.media_count)]


def item_at(highlight: Highlight, position: int) -> Item:
    key = ItemKey(highlight.user.index, highlight.slot, position)
    alternating = highlight.sketch.alternating
    return Item(
        pk=_item_pk(highlight, position),
        title=highlight.title,
        key=key,
        user=highlight.user,
        taken_at=_taken_at(highlight, position),
        is_video=position % 2 == 1 if alternating else Dice("kind", *key).chance(0.4),
        attached=highlight.sketch.attached,
    )


def _item_pk(highlight: Highlight, position: int) -> int:
    key = ItemKey(highlight.user.index, highlight.slot, position)
    return ids.item_pk(_taken_at(highlight, position), key)


def _taken_at(highlight: Highlight, position: int) -> int:
    """Return an item's time: evenly spread, the last one at `latest_at`."""
    last = max(highlight.sketch.media_count - 1, 1)
    behind = highlight.sketch.media_count - 1 - position
    return highlight.latest_at - (highlight.latest_at - highlight.first_at) * behind // last


def _draw_user(index: int) -> User:
    dice = Dice("user", index)
    username = names.username(index)
    return User(
        index=index,
        pk=ids.user_pk(index),
        username=username,
        full_name=username.replace(".", " ").title(),
        is_private=dice.chance(extent.PRIVATE_SHARE),  # drawn first: `catalogue` draws it alone
        is_verified=dice.chance(0.1),
        integer_pk=dice.chance(0.1),
        empty_is_404=dice.chance(0.5),
        highlights=_draw_sketches(index),
    )


def _draw_sketches(index: int) -> tuple[HighlightSpec, ...]:
    dice = Dice("sketches", index)
    return tuple(_draw_sketch(dice) for _ in range(_draw_count(dice, HIGHLIGHT_COUNTS)))


def _draw_sketch(dice: Dice) -> HighlightSpec:
    count = _draw_count(dice, ITEM_COUNTS)
    dropped = frozenset(dice.below(count) for _ in range(3)) if dice.chance(0.05) else frozenset[int]()
    return HighlightSpec(count, dropped=dropped)


def _draw_count(dice: Dice, table: tuple[tuple[float, int, int], ...]) -> int:
    share = dice.fraction()
    low, high = next((low, high) for limit, low, high in table if share < limit)
    return dice.between(low, high)


def _highlight(user: User, slot: int) -> Highlight:
    dice = Dice("highlight", user.index, slot)
    sketch = user.highlights[slot]
    first_at, latest_at = _period(user, slot, dice)
    if sketch.created_at is not None and sketch.latest_at is not None:
        first_at, latest_at = min(sketch.created_at, sketch.latest_at - 5 * DAY) - HOUR, sketch.latest_at
    return Highlight(
        pk=ids.highlight_pk(user.index, slot) if sketch.pk is None else sketch.pk,
        user=user,
        slot=slot,
        title=dice.pick(names.TITLES) if sketch.title is None else sketch.title,
        created_at=first_at + HOUR if sketch.created_at is None else sketch.created_at,
        first_at=first_at,
        latest_at=latest_at,
        is_pinned=slot == 0 and sketch.pk is None and dice.chance(0.2),
        sketch=sketch,
    )


def _period(user: User, slot: int, dice: Dice) -> tuple[int, int]:
    """Return the time of the first and the last item. Periods of one user do not overlap, so slots run newest first."""
    length = min(60 * DAY, 1_000 * DAY // len(user.highlights))
    end = EPOCH - DAY - Dice("rest", user.index).below(20 * DAY) - slot * length
    return end - int(length * dice.real(0.5, 0.9)), end - int(length * dice.real(0.0, 0.04))


def _day_of_stories(user: User, day: int) -> Highlight:
    """Return the stories of a day in the form of a highlight. `day` counts from the Unix epoch.

    Those of each day are taken at the same times, so as many are live at any moment.
    """
    count = Dice("stories", user.index).between(0, 6) if user.highlights else 0
    return Highlight(
        pk=0,
        user=user,
        slot=STORY_SLOT,
        title="",
        created_at=day * DAY,
        first_at=day * DAY + HOUR,
        latest_at=(day + 1) * DAY - HOUR,
        is_pinned=False,
        sketch=HighlightSpec(count),
    )
