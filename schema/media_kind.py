"""The enum of media kinds, which items and posts share."""

from __future__ import annotations

from gateway.domain.models import MediaKind
from schema.enums import describe_enum

__all__ = ["MediaKind"]

describe_enum(
    MediaKind,
    name="MediaKind",
    description="The kind of an item's media.",
    values={MediaKind.PHOTO: "A photo.", MediaKind.VIDEO: "A video.", MediaKind.ALBUM: "Several photos or videos."},
)
