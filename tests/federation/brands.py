"""A second subgraph: brands, the accounts that speak for them, and the campaigns that highlights and posts belong to.

It knows users, highlights, posts and locations by their ids alone, and hashtags by their names: all else of them is the
gateway's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import strawberry

from gateway.sandbox import entities, fixture_users


@dataclass(frozen=True, slots=True)
class Contract:
    """Who speaks for a brand, and the highlights and posts it paid for, with their hashtags and locations."""

    name: str
    ambassador: str
    highlights: tuple[str, ...]
    posts: tuple[str, ...] = ()
    hashtags: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()


def highlight_ids(user: entities.User, count: int) -> tuple[str, ...]:
    return tuple(f"highlight:{fixture_users.highlight_pk(user, slot)}" for slot in range(count))


# One for each rule, and no account in two of them: what the gateway remembers of one says nothing of another.
CONTRACTS: Mapping[str, Contract] = {
    "outdoor": Contract("Outdoor", str(fixture_users.NATGEO.pk), highlight_ids(fixture_users.NATGEO, 3)),
    "thirty": Contract("Thirty", str(fixture_users.THIRTY.pk), highlight_ids(fixture_users.THIRTY, 30)),
    "hundred": Contract("Hundred", str(fixture_users.HUNDRED.pk), ()),
    "lost": Contract("Lost", "999", ("highlight:1", *highlight_ids(fixture_users.MIXED, 1))),
    "travel": Contract(
        "Travel",
        "998",
        (),
        posts=("media:3829449844045389376", "media:3311415383537229376"),
        hashtags=("coastline", "oldtown"),
        locations=("location:212000000", "location:212007919"),
    ),
    "tags": Contract("Tags", "997", (), hashtags=("rooftops",)),
}


@strawberry.federation.type(keys=["id"])
class User:
    id: strawberry.ID

    @strawberry.field
    def brand(self) -> Brand | None:
        return next((Brand.of(id_) for id_, contract in CONTRACTS.items() if contract.ambassador == self.id), None)

    @classmethod
    def resolve_reference(cls, id: strawberry.ID) -> Self:
        return cls(id=id)


@strawberry.federation.type(keys=["id"])
class Highlight:
    id: strawberry.ID

    @strawberry.field
    def campaign(self) -> str:
        return f"campaign of {self.id}"

    @classmethod
    def resolve_reference(cls, id: strawberry.ID) -> Self:
        return cls(id=id)


@strawberry.federation.type(keys=["id"])
class Media:
    id: strawberry.ID

    @strawberry.field
    def campaign(self) -> str:
        return f"campaign of {self.id}"

    @classmethod
    def resolve_reference(cls, id: strawberry.ID) -> Self:
        return cls(id=id)


@strawberry.federation.type(keys=["name"])
class Hashtag:
    name: str

    @strawberry.field
    def slogan(self) -> str:
        return f"More of #{self.name}!"

    @classmethod
    def resolve_reference(cls, name: str) -> Self:
        return cls(name=name)


@strawberry.federation.type(keys=["id"])
class Location:
    id: strawberry.ID

    @strawberry.field
    def shop(self) -> str:
        return f"shop at {self.id}"

    @classmethod
    def resolve_reference(cls, id: strawberry.ID) -> Self:
        return cls(id=id)


@strawberry.federation.type(keys=["id"])
class Brand:
    id: strawberry.ID
    name: str
    ambassador: User
    highlights: list[Highlight]
    posts: list[Media]
    hashtags: list[Hashtag]
    locations: list[Location]

    @classmethod
    def of(cls, id_: str) -> Self | None:
        contract = CONTRACTS.get(id_)
        if contract is None:
            return None
        return cls(
            id=strawberry.ID(id_),
            name=contract.name,
            ambassador=User(id=strawberry.ID(contract.ambassador)),
            highlights=[Highlight(id=strawberry.ID(pk)) for pk in contract.highlights],
            posts=[Media(id=strawberry.ID(post)) for post in contract.posts],
            hashtags=[Hashtag(name=name) for name in contract.hashtags],
            locations=[Location(id=strawberry.ID(location)) for location in contract.locations],
        )

    @classmethod
    def resolve_reference(cls, id: strawberry.ID) -> Self | None:
        return cls.of(id)


@strawberry.federation.type(shareable=True)
class PageInfo:
    """Two subgraphs that page by Relay's specification both have one: it composes only where both share it."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@strawberry.type
class Query:
    @strawberry.field
    def brand(self, id: strawberry.ID) -> Brand | None:
        return Brand.of(id)

    @strawberry.field
    def page_of_brands(self) -> PageInfo:
        return PageInfo(has_next_page=False, has_previous_page=False, start_cursor=None, end_cursor=None)


SCHEMA = strawberry.federation.Schema(
    query=Query, types=[User, Highlight, Media, Hashtag, Location], federation_version="2.9"
)
