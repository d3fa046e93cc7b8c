"""The fields of the query root that lead to a post, a story, a hashtag or a location."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.domain.hashtags import hashtag_name
from gateway.domain.media import media_key
from gateway.planner.selection import Root
from gateway.reads.facts import EntityType
from schema.context import Info
from schema.cost_directives import UNPAGED
from schema.fields import relation
from schema.inputs import one_of_value
from schema.key_lists import each
from schema.types.hashtag import Hashtag
from schema.types.item import Item
from schema.types.location import Location
from schema.types.media import Media, MediaBy, post

OneItem = Annotated[strawberry.ID, strawberry.argument(description="Id of the story, `<pk>_<user id>` or `<pk>`.")]
OneMedia = Annotated[MediaBy, strawberry.argument(description="Key of the post.")]
Medias = Annotated[list[MediaBy], strawberry.argument(description="Keys of the posts.")]
TagName = Annotated[str, strawberry.argument(description="The hashtag, with or without #.")]
OneLocation = Annotated[
    strawberry.ID, strawberry.argument(description="Id of the location, `location:<pk>` or `<pk>`.")
]


@strawberry.type
class PostQueries:
    """A base of the query root."""

    @relation(Root(EntityType.MEDIA), "One post; null, with an error, if it cannot be returned.", shared=True)
    def media(self, info: Info, by: OneMedia) -> Media | None:
        return post(info, media_key(one_of_value(by), field="by"))  # type: ignore[return-value]

    @relation(
        Root(EntityType.MEDIA, many=True),
        "Posts in the order of `by`; null, with an error, for each post that cannot be returned.",
        shared=True,
        directives=[UNPAGED],
    )
    def medias(self, info: Info, by: Medias) -> list[Media | None]:
        return each(enumerate(by), lambda at: post(info, media_key(one_of_value(at[1]), field=f"by[{at[0]}]")))

    @relation(
        Root(EntityType.ITEM, "id"), "One story by its id; null, with an error, if it cannot be returned.", shared=True
    )
    def item(self, info: Info, id: OneItem) -> Item | None:
        return Item.resolve_reference(info, id)  # type: ignore[return-value]

    @relation(
        Root(EntityType.HASHTAG, "name"),
        "One hashtag; null, with an error, if it cannot be returned.",
        shared=True,
    )
    def hashtag(self, info: Info, name: TagName) -> Hashtag | None:
        return Hashtag.of(info, hashtag_name(name, field="name"))

    @relation(
        Root(EntityType.LOCATION, "id"), "One location; null, with an error, if it cannot be returned.", shared=True
    )
    def location(self, info: Info, id: OneLocation) -> Location | None:
        return Location.resolve_reference(info, id)
