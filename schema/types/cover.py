"""The cover of a highlight."""

from __future__ import annotations

import strawberry

from schema.media_urls import media_url_field, no_reference


@strawberry.type(description="One rendition of a cover image.")
class CoverImage:
    url: str | None = media_url_field("url", "Signed URL of the image. It expires after some days.", no_reference)
    width: int | None = strawberry.field(description="Width in pixels.")
    height: int | None = strawberry.field(description="Height in pixels.")
    scans_profile: str | None = strawberry.field(description="JPEG scan profile, as named by the platform.")


@strawberry.type(description="The cover image of a highlight, as shown in the tray.")
class Cover:
    url: str | None = media_url_field(
        "url", "Signed URL of the cropped cover. It expires after some days.", no_reference
    )
    width: int | None = strawberry.field(description="Width of the cropped cover in pixels.")
    height: int | None = strawberry.field(description="Height of the cropped cover in pixels.")
    cropped: CoverImage | None = strawberry.field(description="The cover image, cropped to `cropRect`.")
    full: CoverImage | None = strawberry.field(
        description="The uncropped image; null if the platform does not provide it."
    )
    crop_rect: list[float] | None = strawberry.field(
        description="Crop rectangle as `[x1, y1, x2, y2]`, in fractions of the 9:16 frame."
    )
    media_id: strawberry.ID | None = strawberry.field(
        description="Id of the item the cover was taken from, `<pk>_<user id>`."
    )
    upload_id: strawberry.ID | None = strawberry.field(description="Id of the upload the cover was made from.")
