"""Fixture users, which tests and documentation may name. They never change; all other users are generated.

| user name            | purpose                                                                                    |
|----------------------|--------------------------------------------------------------------------------------------|
| `natgeo`             | recorded tray of three, by id and by name; its highlights' items are generated             |
| `salwaaa_ki`         | one recorded highlight with three recorded items (and a media_count of 98)                 |
| `thirty.highlights`  | exactly 30 highlights of 40 items each, none dropped                                       |
| `hundred.highlights` | exactly 100 highlights; the first holds 100 items, the others 2                            |
| `private.person`     | private, with 5 hidden highlights                                                          |
| `empty.list`         | no highlights and no stories: the lists are answered `[]`                                  |
| `empty.404`          | no highlights and no stories: the lists are answered 404 "Entries not found"               |
| `dropped.items`      | 2 highlights; the first names 12 media and has 9 items, the second names 3 and has none    |
| `every.attachment`   | a highlight whose 3 items each carry at least one of every attachment, sponsors too        |
| `integer.pk`         | its own pk and id are sent as JSON numbers, not strings; 4 highlights of 3 items           |
| `zero.items`         | a highlight of media_count 0, whose own answer is empty, then one of 5                     |
| `photos.and.videos`  | a highlight of 20 items, photos and videos in turn, a photo first                          |

Their lists, as `SIZES` has them; `natgeo` has the richest:

| user name            | posts       | of them pinned | followers                        | follows                  |
|----------------------|-------------|----------------|----------------------------------|--------------------------|
| `natgeo`             | 240         | 3              | 514                              | 180                      |
| `salwaaa_ki`         | 37          | 3              | 317                              | 64                       |
| `thirty.highlights`  | 120 of 3701 | 3              | 15 of 335056                     | 400 of 1520              |
| `hundred.highlights` | 520         | 3              | 245                              | 120                      |
| `private.person`     | 403         | 403            | 403                              | 403                      |
| `empty.list`         | none: `[]`  |                | none                             | none                     |
| `empty.404`          | none: 404   |                | none                             | none                     |
| `dropped.items`      | 12          | 2              | 186                              | 15                       |
| `every.attachment`   | 9           | 2              | 164                              | 20                       |
| `integer.pk`         | 120 of 2586 | 3              | 15 of 734982                     | 90                       |
| `zero.items`         | 1           | none           | 146                              | 3                        |
| `photos.and.videos`  | 60          | 3              | 150                              | 40                       |

"120 of 3701": the profile says 3701, and the list ends after 120 without a word.

A private user has highlight pks too (`highlight_pk`), and posts (`feed.post_pk`): they answer 403.

`natgeo` may publish: its access token, and its session id in the other dialect, is `sandbox`. It, `thirty.highlights`
and `private.person` can be connected on the consent page.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from gateway.sandbox import ids
from gateway.sandbox.entities import HighlightSpec, User

NATGEO_PK = 787132
SALWAAA_PK = 75885841119
SALWAAA_HIGHLIGHT = 18085475671830440
TOKENS = MappingProxyType({"sandbox": NATGEO_PK})
NATGEO_HIGHLIGHTS = (
    HighlightSpec(12, pk=17983616051768088, title="Gift Guide", created_at=1764846391, latest_at=1766242839),
    HighlightSpec(11, pk=18018069326790931, title="BOTW 2026", created_at=1761052067, latest_at=1762870363),
    HighlightSpec(11, pk=17893209825281221, title="Limitless", created_at=1754674432, latest_at=1752840788),
)


def _cast(
    index: int,
    username: str,
    *highlights: HighlightSpec,
    is_private: bool = False,
    integer_pk: bool = False,
    empty_is_404: bool = False,
) -> User:
    return User(
        index=index,
        pk=ids.user_pk(index),
        username=username,
        full_name=username.replace(".", " ").title(),
        is_private=is_private,
        integer_pk=integer_pk,
        empty_is_404=empty_is_404,
        highlights=highlights,
    )


NATGEO = User(0, NATGEO_PK, "natgeo", "National Geographic", is_verified=True, highlights=NATGEO_HIGHLIGHTS)
SALWAAA = User(
    1,
    SALWAAA_PK,
    "salwaaa_ki",
    "𓆩سلوى 𓆪",
    highlights=(HighlightSpec(98, pk=SALWAAA_HIGHLIGHT, title="me 🦋", created_at=1764138733, latest_at=1773304526),),
)
THIRTY = _cast(2, "thirty.highlights", *(HighlightSpec(40) for _ in range(30)))
HUNDRED = _cast(3, "hundred.highlights", HighlightSpec(100), *(HighlightSpec(2) for _ in range(99)))
PRIVATE = _cast(4, "private.person", *(HighlightSpec(4) for _ in range(5)), is_private=True)
EMPTY_LIST = _cast(5, "empty.list")
EMPTY_404 = _cast(6, "empty.404", empty_is_404=True)
DROPPED = _cast(
    7, "dropped.items", HighlightSpec(12, dropped=frozenset({0, 4, 11})), HighlightSpec(3, dropped=frozenset({0, 1, 2}))
)
ATTACHED = _cast(8, "every.attachment", HighlightSpec(3, title="Everything", attached=True))
INTEGER_PK = _cast(9, "integer.pk", *(HighlightSpec(3) for _ in range(4)), integer_pk=True)
ZERO = _cast(10, "zero.items", HighlightSpec(0, title="Nothing yet"), HighlightSpec(5))
MIXED = _cast(11, "photos.and.videos", HighlightSpec(20, title="Turns", alternating=True))

CAST = (
    NATGEO,
    SALWAAA,
    THIRTY,
    HUNDRED,
    PRIVATE,
    EMPTY_LIST,
    EMPTY_404,
    DROPPED,
    ATTACHED,
    INTEGER_PK,
    ZERO,
    MIXED,
)


class Size(NamedTuple):
    """The number of a user's posts, and of the users it follows.

    `claims` are the numbers of followers and followed in the profile of a user whose lists end earlier: the platform
    gives up in the middle of a very long list.
    """

    posts: int = 0
    following: int = 0
    claims: tuple[int, int] | None = None


SIZES: Mapping[int, Size] = MappingProxyType(
    {
        NATGEO.index: Size(240, 180),
        SALWAAA.index: Size(37, 64),
        THIRTY.index: Size(3_701, 400, (335_056, 1_520)),
        HUNDRED.index: Size(520, 120),
        PRIVATE.index: Size(75, 50, (255_782, 1_353)),
        EMPTY_LIST.index: Size(),
        EMPTY_404.index: Size(),
        DROPPED.index: Size(12, 15),
        ATTACHED.index: Size(9, 20),
        INTEGER_PK.index: Size(2_586, 90, (734_982, 90)),
        ZERO.index: Size(1, 3),
        MIXED.index: Size(60, 40),
    }
)
UNFOLLOWED = frozenset({EMPTY_LIST.index, EMPTY_404.index})


def highlight_pk(user: User, slot: int) -> str:
    """Return the pk of a fixture user's highlight; slot 0 is the newest, the first of the tray."""
    pk = user.highlights[slot].pk
    return str(ids.highlight_pk(user.index, slot) if pk is None else pk)
