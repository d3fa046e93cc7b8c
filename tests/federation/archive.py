"""A third subgraph: editions of an archive. It knows hashtags by their ids, as the brands know them by their names."""

from __future__ import annotations

from typing import Self

import strawberry


@strawberry.federation.type(keys=["id"])
class Hashtag:
    id: strawberry.ID

    @strawberry.field
    def shelf(self) -> str:
        return f"shelf of {self.id}"

    @classmethod
    def resolve_reference(cls, id: strawberry.ID) -> Self:
        return cls(id=id)


@strawberry.type
class Edition:
    hashtag: Hashtag


@strawberry.type
class Query:
    @strawberry.field
    def edition(self, about: strawberry.ID) -> Edition:
        return Edition(hashtag=Hashtag(id=about))


SCHEMA = strawberry.federation.Schema(query=Query, types=[Hashtag], federation_version="2.9")
