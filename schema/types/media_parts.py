"""The types of the parts of a post."""

from __future__ import annotations

import strawberry

from gateway.domain import media
from gateway.domain.ids import pk_of
from gateway.planner.selection import Relation
from schema.context import Info
from schema.fields import relation
from schema.media_kind import MediaKind
from schema.media_urls import media_url_field
from schema.types.user import User

# Descriptions of the size of a post, and of a photo or video of an album.
SIZE = "of the video, or of the photo without one, in pixels; null if the platform does not say."
WIDTH, HEIGHT = f"Width {SIZE}", f"Height {SIZE}"


def album_of(source: media.MediaChild) -> str:
    album = pk_of(source.parent_id or "")
    return f"{media.MEDIA_PREFIX}{album}" if album else ""


@strawberry.type(description="An account tagged in a post, with the position of the tag.")
class UserTag:
    @relation(Relation.MENTIONED, "The tagged account; null, with an error, if its data cannot be read.", shared=True)
    def user(source: strawberry.Parent[media.UserTag], info: Info) -> User | None:
        return User.of_embedded(info, source.user)

    x: float | None = strawberry.field(description="Horizontal position, as a fraction of the width.")
    y: float | None = strawberry.field(description="Vertical position, as a fraction of the height.")


@strawberry.type(description="A photo or video of an album.")
class MediaChild:
    id: strawberry.ID = strawberry.field(description="The platform's numeric id.")
    kind: MediaKind | None = strawberry.field(
        description="Kind of the media; null for a kind that the gateway does not know."
    )
    thumbnail_url: str | None = media_url_field(
        "thumbnail_url", "Signed URL of the photo, or of the video's first frame. It expires after some days.", album_of
    )
    video_url: str | None = media_url_field(
        "video_url", "Signed URL of the video; null for a photo. It expires after some days.", album_of
    )
    width: int | None = strawberry.field(description=WIDTH)
    height: int | None = strawberry.field(description=HEIGHT)
