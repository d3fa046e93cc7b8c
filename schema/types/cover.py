"""The cover of a highlight."""

from __future__ import annotations

import strawberry

from schema.media_urls import media_url_field


def unknown(source: object) -> str:
    """Return an empty reference: a cover does not name its owner, so an early expired URL requires the tray again."""
    return ""


@strawberry.type(description="One rendition of a cover.")
class CoverImage:
    url: str | None = media_url_field("url", "Signed URL; it stops working after some days.", unknown)
    width: int | None = strawberry.field(description="Pixels.")
    height: int | None = strawberry.field(description="Pixels.")
    scans_profile: str | None = strawberry.field(description="The JPEG scan profile the platform names.")


@strawberry.type(description="The picture a highlight shows in the tray.")
class Cover:
    url: str | None = media_url_field("url", "Signed URL of the cropped cover.", unknown)
    width: int | None = strawberry.field(description="Pixels of the cropped cover.")
    height: int | None = strawberry.field(description="Pixels of the cropped cover.")
    cropped: CoverImage | None = strawberry.field(description="The cover cut to `cropRect`.")
    full: CoverImage | None = strawberry.field(description="The whole picture, where the platform shows it.")
    crop_rect: list[float] | None = strawberry.field(
        description="x1, y1, x2, y2 of the crop, as fractions of the 9:16 frame."
    )
    media_id: strawberry.ID | None = strawberry.field(description="The item the cover was made of, `<pk>_<user>`.")
    upload_id: strawberry.ID | None = strawberry.field(description="The upload the cover was made of.")
