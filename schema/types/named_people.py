"""The people whom an answered object names."""

from __future__ import annotations

from gateway.domain.media import Media
from gateway.domain.partial import lost
from gateway.domain.people import WithPeople
from gateway.domain.users import UserSummary
from schema.context import Info
from schema.partial import readable, shortened
from schema.types.user import User


def named_user(info: Info, source: object, attribute: str) -> User | None:
    """Return the user that `attribute` of an answered object names. Raise UpstreamPartialAnswer if it is lost."""
    user: UserSummary | None = readable(source, attribute)
    return None if user is None else User.of_embedded(info, user)


def sponsors_of(info: Info, source: WithPeople) -> list[User]:
    """Return the accounts that paid for an item or a post."""
    sponsors = [User.of_embedded(info, sponsor) for sponsor in source.sponsors or ()]
    return shortened(sponsors, lost(source, "sponsors"))


def coauthors_of(info: Info, source: Media) -> list[User]:
    """Return the other accounts that published a post."""
    coauthors = [User.of_embedded(info, coauthor) for coauthor in source.coauthors]
    return shortened(coauthors, lost(source, "coauthors"))
