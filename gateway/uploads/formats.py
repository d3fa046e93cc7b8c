"""File formats, detected from the first bytes: names and content types are claims of the client."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import assert_never

from gateway.domain.input_errors import UserErrorCode
from gateway.domain.publishing import MediumKind

HEAD = 32  # bytes that are read
# ISO base media: the major brand identifies the format (ISO 14496-12, 23008-12; QuickTime).
HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
MP4_BRANDS = frozenset(
    {b"isom", b"iso2", b"iso3", b"iso4", b"iso5", b"iso6", b"iso7", b"iso8", b"iso9"}
    | {b"mp41", b"mp42", b"mp71", b"avc1", b"dash", b"M4V ", b"M4VH", b"M4VP", b"MSNV", b"XAVC", b"f4v "}
)


class MediaFormat(enum.Enum):
    """An accepted format; the value is its content type."""

    JPEG = "image/jpeg"
    PNG = "image/png"
    WEBP = "image/webp"
    HEIC = "image/heic"
    MP4 = "video/mp4"
    MOV = "video/quicktime"

    @property
    def kind(self) -> MediumKind:
        match self:
            case MediaFormat.JPEG | MediaFormat.PNG | MediaFormat.WEBP | MediaFormat.HEIC:
                return MediumKind.IMAGE
            case MediaFormat.MP4 | MediaFormat.MOV:
                return MediumKind.VIDEO
            case _:
                assert_never(self)


class Unfit(Exception):
    """The file cannot be converted to a form that the upstream accepts.

    The message completes the sentence "the file ...".
    """

    def __init__(self, mistake: UserErrorCode, message: str) -> None:
        super().__init__(message)
        self.mistake = mistake
        self.message = message


def format_of(path: Path) -> MediaFormat:
    """Return the format of a file. Raises Unfit and OSError."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    if not head:
        raise Unfit(UserErrorCode.REQUIRED, "is empty: it has no bytes")
    found = _format(head)
    if found is None:
        raise Unfit(UserErrorCode.FORMAT, "must be JPEG, PNG, WebP, HEIC, MP4 or MOV")
    return found


def _format(head: bytes) -> MediaFormat | None:
    if head.startswith(b"\xff\xd8\xff"):
        return MediaFormat.JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return MediaFormat.PNG
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return MediaFormat.WEBP
    if head[4:8] == b"ftyp":
        return _branded(head[8:12])
    # QuickTime files from before 2001 have no brand, and begin with one of these boxes.
    return MediaFormat.MOV if head[4:8] in (b"moov", b"mdat", b"wide", b"free", b"skip") else None


def _branded(brand: bytes) -> MediaFormat | None:
    if brand in HEIC_BRANDS:
        return MediaFormat.HEIC
    if brand in MP4_BRANDS:
        return MediaFormat.MP4
    return MediaFormat.MOV if brand == b"qt  " else None
