"""A highlight's cover."""

from __future__ import annotations

import strawberry


@strawberry.type(description="One rendition of a cover.")
class CoverImage:
    url: str | None = strawberry.field(description="Signed URL; it stops working after some days.")
    width: int | None = strawberry.field(description="Pixels.")
    height: int | None = strawberry.field(description="Pixels.")
    scans_profile: str | None = strawberry.field(description="The JPEG scan profile the platform names.")


@strawberry.type(description="The picture a highlight shows in the tray.")
class Cover:
    url: str | None = strawberry.field(description="Signed URL of the cropped cover.")
    width: int | None = strawberry.field(description="Pixels of the cropped cover.")
    height: int | None = strawberry.field(description="Pixels of the cropped cover.")
    cropped: CoverImage | None = strawberry.field(description="The cover cut to `cropRect`.")
    full: CoverImage | None = strawberry.field(description="The whole picture, where the platform shows it.")
    crop_rect: list[float] | None = strawberry.field(
        description="x1, y1, x2, y2 of the crop, as fractions of the 9:16 frame."
    )
    media_id: strawberry.ID | None = strawberry.field(description="The item the cover was made of, `<pk>_<user>`.")
    upload_id: strawberry.ID | None = strawberry.field(description="The upload the cover was made of.")
