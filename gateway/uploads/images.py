"""Images into what the upstream takes: a JPEG of at most 8 MB, which does not tell where and by whom it was taken."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import BinaryIO, assert_never

import pillow_heif
from PIL import Image, ImageCms, ImageOps
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from gateway.domain.input_errors import InputErrorCode
from gateway.uploads.formats import Format, Unfit

LARGEST_SOURCE = 50_000_000  # bytes
LARGEST_JPEG = 8_000_000  # bytes, by the upstream's contract
# Decoded, 3 bytes each; a phone's camera makes 50 million.
MOST_PIXELS = 64_000_000
# A progressive JPEG has some ten; each one of thousands would cost a pass over all pixels.
MOST_SCANS = 100
START_OF_SCAN = b"\xff\xda"
LARGEST_PROFILE = 100_000  # bytes that go along
LARGEST_READ_PROFILE = 4_000_000  # bytes: those of printers are tables
GREYS = frozenset({"1", "L", "LA", "La"})
QUALITIES = (92, 85, 75)
SHRINK = 0.75
# Segments that say how to read the picture, and nothing else: JFIF, the colour profile, Adobe's colour transform.
PLAIN = {"APP0": b"JFIF", "APP2": b"ICC_PROFILE", "APP14": b"Adobe"}


def to_jpeg(path: Path, format_: Format, *, largest: int = LARGEST_JPEG) -> bytes | None:
    """The image as a JPEG of at most `largest` bytes; None if the file is one, and may go as it is.

    Upright, opaque, and without EXIF, XMP, IPTC and comments. Raises Unfit and OSError. Takes a while, and 12 bytes for
    each of MOST_PIXELS: not for the event loop.
    """
    size = path.stat().st_size
    if size > LARGEST_SOURCE:
        raise Unfit(InputErrorCode.TOO_LARGE, f"is larger than {LARGEST_SOURCE} bytes, the most for an image")
    with path.open("rb") as file:
        try:
            image = _decoded(file, format_)
            if format_ is Format.JPEG and size <= largest and _is_plain(image):
                return None
            return _encoded(_upright(image), largest)
        except Unfit:
            raise
        except Exception as exc:
            # Decoders raise what they like: it means that the file is damaged, or made to do damage.
            raise Unfit(InputErrorCode.DAMAGED, "cannot be read as an image") from exc


def _decoded(file: BinaryIO, format_: Format) -> Image.Image:
    if format_ is Format.JPEG and _scans(file) > MOST_SCANS:
        raise Unfit(InputErrorCode.FORMAT, "is a JPEG of more scans than a picture needs")
    image = _opened(file, format_)
    if math.prod(image.size) > MOST_PIXELS:
        raise Unfit(InputErrorCode.TOO_LARGE, f"has more than {MOST_PIXELS} pixels")
    image.load()
    return image


def _opened(file: BinaryIO, format_: Format) -> ImageFile:
    """By the class itself: `Image.open` would look at what else the bytes could be, and warn where we refuse."""
    match format_:
        case Format.JPEG:
            return JpegImageFile(file)
        case Format.PNG:
            return PngImageFile(file)
        case Format.WEBP:
            return WebPImageFile(file)
        case Format.HEIC:
            image: ImageFile = pillow_heif.HeifImageFile(file)  # type: ignore[no-untyped-call]
            return image
        case Format.MP4 | Format.MOV:
            raise AssertionError("a film is no image")
        case _:
            assert_never(format_)


def _scans(file: BinaryIO) -> int:
    """Within the picture's data a marker cannot occur by chance; a preview in the metadata adds a few."""
    count = file.read().count(START_OF_SCAN)
    file.seek(0)
    return count


def _is_plain(image: Image.Image) -> bool:
    segments: list[tuple[str, bytes]] = getattr(image, "applist", [])
    return image.mode in ("RGB", "L") and all(
        name in PLAIN and content.startswith(PLAIN[name]) for name, content in segments
    )


def _upright(image: Image.Image) -> Image.Image:
    """RGB on white. The profile of RGB pictures goes along; all other colours become those of sRGB."""
    profile = image.info.get("icc_profile") or b""
    turned = ImageOps.exif_transpose(image)
    if turned.mode.startswith("I;16"):
        turned = turned.convert("I").point(lambda value: value / 256).convert("L")
    goes_along = image.mode == "RGB" and 0 < len(profile) <= LARGEST_PROFILE
    alpha = turned.convert("RGBA").getchannel("A") if turned.has_transparency_data else None
    colours = turned.convert("RGB") if goes_along else _in_srgb(turned, profile)
    opaque = colours if alpha is None else _on_white(colours, alpha)
    opaque.info = {"icc_profile": profile} if goes_along else {}
    return opaque


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """By its profile. One that is damaged, or of other pixels than these, says nothing about them."""
    try:
        read = _profile(profile)
        given = None if read is None else _given(image.mode, read.profile.xcolor_space)
        if read is None or given is None:
            return image.convert("RGB")
        transform = ImageCms.buildTransform(read, ImageCms.createProfile("sRGB"), given, "RGB")
    except (ImageCms.PyCMSError, OSError):
        return image.convert("RGB")
    return transform.apply(image.convert(given))


def _profile(data: bytes) -> ImageCms.ImageCmsProfile | None:
    """Raises OSError for one that is damaged."""
    return ImageCms.ImageCmsProfile(io.BytesIO(data)) if 0 < len(data) <= LARGEST_READ_PROFILE else None


def _given(mode: str, space: str) -> str | None:
    """The mode in which pixels are given to a profile of this colour space (ICC.1, 7.2.6); None where they are none of
    its own."""
    match space:
        case "RGB " if mode != "CMYK":
            return "RGB"
        case "GRAY" if mode in GREYS:
            return "L"
        case "CMYK" if mode == "CMYK":
            return "CMYK"
        case _:
            return None


def _on_white(colours: Image.Image, alpha: Image.Image) -> Image.Image:
    opaque = Image.new("RGB", colours.size, "white")
    opaque.paste(colours, mask=alpha)
    return opaque


def _encoded(image: Image.Image, largest: int) -> bytes:
    """The best quality that fits; smaller, where none does."""
    while True:
        for quality in QUALITIES:
            if len(data := _jpeg(image, quality)) <= largest:
                return data
        image = _shrunk(image)


def _shrunk(image: Image.Image) -> Image.Image:
    width, height = (max(1, int(side * SHRINK)) for side in image.size)
    smaller = image.resize((width, height), Image.Resampling.LANCZOS)
    smaller.info = image.info
    return smaller


def _jpeg(image: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality, optimize=True, icc_profile=image.info.get("icc_profile"))
    return buffer.getvalue()
