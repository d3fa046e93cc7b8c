"""Keys of searches: what is searched for, and where."""

from __future__ import annotations

import unicodedata

from gateway.domain.ids import EntityId, UserId
from gateway.errors import InvalidInput

LONGEST_QUERY = 100  # characters


class SearchQuery(EntityId, frozen=True, gc=False):
    """The text of a search: trimmed, in lower case, with single spaces."""

    noun = "search"


class Point(EntityId, frozen=True, gc=False):
    """A point on earth: latitude and longitude in degrees, separated by a space."""

    noun = "point"


class UserSearch(EntityId, frozen=True, gc=False):
    """A search among the followers of a user, or among those followed: the user's id, a space and the text."""

    noun = "user"

    @property
    def user_pk(self) -> str:
        return self.pk.partition(" ")[0]

    @property
    def subject(self) -> str:
        return f"user '{self.user_pk}'"


def search_query(text: str, *, field: str) -> SearchQuery:
    """Return the key of a search for `text`. Raise InvalidInput."""
    query = " ".join(unicodedata.normalize("NFC", text).lower().split())
    if not 1 <= len(query) <= LONGEST_QUERY or not query.isprintable():
        raise InvalidInput(f"{field} must be a text of 1 to {LONGEST_QUERY} characters.", field=field)
    return SearchQuery(query)


def user_search(user: UserId, query: SearchQuery) -> UserSearch:
    return UserSearch(f"{user.pk} {query.pk}")


def point(latitude: float, longitude: float, *, field: str) -> Point:
    """Return the key of a point, to about ten metres. Raise InvalidInput."""
    # Nothing is within the bounds of a number that is none.
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):
        raise InvalidInput(f"{field} must be from -90 to 90 degrees north and -180 to 180 degrees east.", field=field)
    # A zero is added, because there is a negative one.
    return Point(f"{round(latitude, 4) + 0.0:.4f} {round(longitude, 4) + 0.0:.4f}")
