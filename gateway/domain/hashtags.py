"""Hashtags: their names, and the frozen model decoded from the read API's responses."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import ClassVar

from msgspec import field

from gateway.domain.ids import EntityId
from gateway.domain.users import Count, Model
from gateway.errors import InvalidInput

HASHTAG_PREFIX = "hashtag:"  # of a hashtag's id in the graph, before its name
NAME = re.compile(r"\w+")
LONGEST, TOO_LONG = 100, 400  # characters of a name, and of a text that is looked at
MOST_COUNTED = 2**31 - 1  # the platform counts no further


class HashtagName(EntityId, frozen=True, gc=False):
    """A hashtag's name, as the platform writes it in links: in lower case, without `#`."""

    noun = "hashtag"


def hashtag_key(by: Mapping[str, str], *, field: str) -> HashtagName:
    """Return the key in a hashtag's `id`. Raise InvalidInput."""
    return hashtag_name(by["id"], field=field)


def hashtag_name(text: str, *, field: str) -> HashtagName:
    """Return the name. Accept `hashtag:<name>`, `#<name>` and `<name>`. Raise InvalidInput."""
    given = text.strip().removeprefix(HASHTAG_PREFIX).removeprefix("#")[:TOO_LONG]
    name = normalized(given)
    if len(name) <= LONGEST and NAME.fullmatch(_without_marks(name)) and not name.endswith("_"):
        return HashtagName(name)
    raise InvalidInput(
        f"{field} must be a hashtag: 1 to 100 letters, digits and underscores, with no underscore at its end.",
        field=field,
    )


def normalized(name: str) -> str:
    """Return the name in lower case, in the composed form of Unicode."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).lower())


def _without_marks(name: str) -> str:
    """Return the name without the vowel signs and accents that many scripts write as characters of their own."""
    return name[:1] + "".join(letter for letter in name[1:] if unicodedata.category(letter) not in ("Mn", "Mc"))


def names_in(text: str) -> tuple[str, ...]:
    """Return the name of a hashtag as links have it, or nothing for a text that cannot be one."""
    try:
        return (hashtag_name(text, field="name").pk,)
    except InvalidInput:
        return ()


class Hashtag(Model, frozen=True, gc=False):
    name: str
    number: str | int | None = field(name="id", default=None)
    posts: Count | None = field(name="media_count", default=None)
    profile_picture_url: str | None = field(name="profile_pic_url", default=None)

    SOURCES: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "id": ("name",),
        "pk": ("number",),
        "keys": ("name",),
        "media_count": ("posts",),
        "is_media_count_lower_bound": ("posts",),
    }

    @property
    def id(self) -> str:
        return f"{HASHTAG_PREFIX}{self.name}"

    @property
    def keys(self) -> tuple[HashtagName, ...]:
        """The key; none for a text that cannot be a hashtag."""
        return tuple(map(HashtagName, names_in(self.name)))

    @property
    def pk(self) -> str | None:
        """The platform's number."""
        return None if self.number is None else str(self.number)

    @property
    def media_count(self) -> int | None:
        return self.posts

    @property
    def is_media_count_lower_bound(self) -> bool | None:
        """True if there may be more posts: the platform counts no further."""
        return None if self.posts is None else self.posts >= MOST_COUNTED
