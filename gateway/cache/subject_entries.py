"""The entries that hold data of a user, a highlight or a post: those about it, and those that name it.

Ids and names are looked for in the bytes of all entries, so that no entry is missed that cannot be decoded as it once
was. More may be found than needed: they are bought again.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterable, Iterator
from typing import TypeAlias

from gateway.cache.entity_cache import EntityCache, short_fields
from gateway.cache.entry_keys import IdOf, OwnerOf
from gateway.cache.store import Entry
from gateway.domain.comments import CommentId
from gateway.domain.ids import EntityId, HighlightId, ItemId, UserId, Username
from gateway.domain.list_pages import ListPage
from gateway.domain.media import Media, MediaId
from gateway.domain.models import Highlight, Item, LoadedHighlight
from gateway.domain.searches import UserSearch
from gateway.errors import UpstreamInvalidAnswer
from gateway.reads.endpoints import Call
from gateway.reads.facts import Value

Target: TypeAlias = UserId | Username | HighlightId | MediaId
Pause: TypeAlias = Callable[[int], Awaitable[None]]
"""A function that waits until so many units of work may be done: see `gateway.scheduling`."""

# Bytes that are searched, and decoded, in a unit of work.
SEARCHED = 4_096
DECODED = 400
# The text before a user name in JSON, and before an id. An id is the value of a field whose name ends in `pk` or `id`,
# or an element of an array; it may follow a noun, or the id of its medium.
BEFORE_NAME = rb'username"\s*:\s*"'
BEFORE_ID = rb'(?:(?:pk|ids?)_*"\s*:\s*\[?|[\[,])\s*"?(?:[a-z]+:|[0-9]+_)?'


async def keys_of(cache: EntityCache, target: Target, pause: Pause) -> list[Hashable]:
    """Return the keys of the entries with data of `target`, or of its highlights, items and posts."""
    search = _Search(await _names(cache, target, pause) if isinstance(target, UserId | Username) else {target})
    found: dict[Hashable, None] = {}
    async for key, entry in _entries(cache, pause):
        if search.finds(key, entry):
            found[key] = None
            await pause(len(entry.body) // DECODED)
            search.note_objects(key, entry)
    for key in cache.store.key_list():
        await pause(1)
        if _subject(key) in search.objects or (isinstance(key, Call) and _owner(cache, key) in search.subjects):
            found[key] = None
    return list(found)


async def _entries(cache: EntityCache, pause: Pause) -> AsyncIterator[tuple[Hashable, Entry]]:
    """Yield the entries that there were at first, unless they are gone meanwhile."""
    for key in cache.store.key_list():
        entry = cache.store.peek(key)
        if entry is not None:
            await pause(1 + len(entry.body) // SEARCHED)
            yield key, entry


async def _names(cache: EntityCache, user: UserId | Username, pause: Pause) -> set[EntityId | Username]:
    """Return all ids and names under which entries show the user."""
    pairs = set[tuple[UserId, Username]]()
    async for key, entry in _entries(cache, pause):
        if isinstance(key, IdOf):
            pairs.add((UserId(entry.body.decode()), Username(key.username)))
        elif isinstance(key, OwnerOf) and (name := short_fields(entry).username) is not None:
            pairs.add((UserId(key.user_id), Username(name.lower())))
    ids = {id for id, name in pairs if user in (id, name)}
    return {user, *ids, *(name for id, name in pairs if id in ids)}


class _Search:
    """The search for subjects. `objects` are those of users among them, and the items of highlights among them."""

    def __init__(self, subjects: Iterable[EntityId | Username]) -> None:
        self.subjects = set(subjects)
        self.objects = set[EntityId | Username | None]()
        self._ids = {one.pk.encode() for one in self.subjects if isinstance(one, EntityId)}
        self._usernames = {one.name.encode() for one in self.subjects if isinstance(one, Username)}
        self._with_id = re.compile(BEFORE_ID + b"(?:%s)(?![0-9])" % b"|".join(map(re.escape, self._ids)))
        self._with_name = re.compile(BEFORE_NAME + b'(?:%s)"' % b"|".join(map(re.escape, self._usernames)), re.I)

    def finds(self, key: Hashable, entry: Entry) -> bool:
        """Return whether the entry is about a subject, or names it."""
        if _subject(key) in self.subjects or (isinstance(key, IdOf) and entry.body in self._ids):
            return True
        body = entry.body
        # Most entries have none of them anywhere, and a pattern is searched for a hundred times slower than a text.
        if any(id in body for id in self._ids) and self._with_id.search(body):
            return True
        lower = body.lower() if self._usernames else b""
        return any(name in lower for name in self._usernames) and self._with_name.search(body) is not None

    def note_objects(self, key: Hashable, entry: Entry) -> None:
        """Note the objects of a subject in an answer. One that cannot be decoded any more has none."""
        if not isinstance(key, Call) or entry.problem is not None:
            return
        try:
            value = key.read(entry.body)
        except UpstreamInvalidAnswer:
            return
        for part in _parts(value):
            if isinstance(part, Highlight):
                is_own = HighlightId(part.pk) in self.subjects
                if is_own or (part.owner is not None and UserId(part.owner.id) in self.subjects):
                    self.objects |= {HighlightId(part.pk), *_items_of(part)}
            elif isinstance(part, Media | Item) and part.author is not None and UserId(part.author.id) in self.subjects:
                self.objects |= {MediaId(str(part.pk)), ItemId(str(part.pk))}


def _parts(value: Value) -> Iterable[object]:
    if isinstance(value, tuple):
        return value
    return value.entries if isinstance(value, ListPage) else (value,)


def _items_of(highlight: Highlight) -> Iterator[ItemId]:
    if isinstance(highlight, LoadedHighlight):
        yield from (ItemId(str(item.pk)) for item in highlight.items)


def _subject(key: Hashable) -> EntityId | Username | None:
    """Return what the entry of `key` is about: for a search among people the user, for replies the post."""
    if isinstance(key, OwnerOf):
        return UserId(key.user_id)
    if isinstance(key, IdOf):
        return Username(key.username)
    if not isinstance(key, Call):
        return None
    named = key.endpoint.by(key.key)
    if isinstance(named, UserSearch):
        return UserId(named.user_pk)
    return MediaId(named.pk.partition(" ")[0]) if isinstance(named, CommentId) else named


def _owner(cache: EntityCache, call: Call) -> UserId | None:
    """Return the owner of the highlight that a call is about, as the cache knows it."""
    owner = cache.owner_of(call.key) if call.endpoint.by is HighlightId else None
    return None if owner is None else UserId(owner)
