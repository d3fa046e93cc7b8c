"""The posts of the users: one of each kind in each second of 900 days, so that a pk alone is enough to find one.

Those in the list of their user (`listing`) have the caption that the list gives them.
"""

from __future__ import annotations

from gateway.sandbox import ids, listing, names
from gateway.sandbox.deterministic_random import Dice
from gateway.sandbox.entities import AlbumEntry, Post, PostKind, User

KINDS = tuple(PostKind)
SHORTEST_ALBUM, LONGEST_ALBUM = 2, 10


def post_pk(user: User, taken_at: int, kind: PostKind) -> int:
    """Return the pk of the user's post of that kind and time (Unix seconds)."""
    return ids.post_pk(taken_at, user.index, KINDS.index(kind))


def draw_post(user: User, taken_at: int, kind: PostKind) -> Post:
    pk = post_pk(user, taken_at, kind)
    entry = listing.entry_of(user.index, taken_at, kind)
    return Post(
        pk=pk,
        user=user,
        taken_at=taken_at,
        kind=kind,
        caption=listing.caption_of(entry) if entry else Dice("caption", pk).pick(names.CAPTIONS),
        entries=_draw_entries(user, taken_at, Dice("album", pk)) if kind is PostKind.ALBUM else (),
        listed=entry,
    )


def listed_post(user: User, number: int) -> Post:
    """Return the post of this number in the user's list."""
    entry = listing.entry_at(user.index, number)
    return draw_post(user, entry.taken_at, entry.kind)


def _draw_entries(user: User, taken_at: int, dice: Dice) -> tuple[AlbumEntry, ...]:
    kind = KINDS.index(PostKind.ALBUM)
    return tuple(
        AlbumEntry(ids.post_pk(taken_at, user.index, kind, number), is_video=dice.chance(0.3))
        for number in range(1, dice.between(SHORTEST_ALBUM, LONGEST_ALBUM) + 1)
    )
