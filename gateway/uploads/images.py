"""Conversion of images to the upstream's format: a JPEG of at most 8 MB, without metadata of place and author."""

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

from gateway.domain.input_errors import UserErrorCode
from gateway.uploads.formats import MediaFormat, Unfit

LARGEST_SOURCE = 50_000_000  # bytes
LARGEST_JPEG = 8_000_000  # bytes, by the upstream's contract
# 3 bytes each when decoded; photos of phones have up to 50 million.
MOST_PIXELS = 64_000_000
# A progressive JPEG has about ten; each scan costs a pass over all pixels, so thousands are an attack.
MOST_SCANS = 100
START_OF_SCAN = b"\xff\xda"
LARGEST_PROFILE = 100_000  # bytes of a profile that is kept
LARGEST_READ_PROFILE = 4_000_000  # bytes: profiles of printers contain large tables
GREYS = frozenset({"1", "L", "LA", "La"})
QUALITIES = (92, 85, 75)
SHRINK = 0.75
# Segments needed to decode the picture: JFIF, the colour profile, Adobe's colour transform.
PLAIN = {"APP0": b"JFIF", "APP2": b"ICC_PROFILE", "APP14": b"Adobe"}


def to_jpeg(path: Path, format_: MediaFormat, *, largest: int = LARGEST_JPEG) -> bytes | None:
    """Return the image as a JPEG of at most `largest` bytes; None if the file already is one and can be sent as it is.

    The JPEG is upright, opaque, and without EXIF, XMP, IPTC and comments. Raises Unfit and OSError. The conversion is
    slow, and takes 12 bytes for each of up to MOST_PIXELS: call it in a thread, not on the event loop.
    """
    size = path.stat().st_size
    if size > LARGEST_SOURCE:
        raise Unfit(UserErrorCode.TOO_LARGE, f"is larger than {LARGEST_SOURCE} bytes, the most for an image")
    with path.open("rb") as file:
        try:
            image = _decoded(file, format_)
            if format_ is MediaFormat.JPEG and size <= largest and _is_plain(image):
                return None
            return _encoded(_upright(image), largest)
        except Unfit:
            raise
        except Exception as exc:
            # Decoders raise various errors; each means that the file is damaged or malicious.
            raise Unfit(UserErrorCode.DAMAGED, "cannot be read as an image") from exc


def _decoded(file: BinaryIO, format_: MediaFormat) -> Image.Image:
    if format_ is MediaFormat.JPEG and _scans(file) > MOST_SCANS:
        raise Unfit(UserErrorCode.FORMAT, "is a JPEG of more scans than a picture needs")
    image = _opened(file, format_)
    if math.prod(image.size) > MOST_PIXELS:
        raise Unfit(UserErrorCode.TOO_LARGE, f"has more than {MOST_PIXELS} pixels")
    image.load()
    return image


def _opened(file: BinaryIO, format_: MediaFormat) -> ImageFile:
    """Open the image with the plugin class of its format.

    `Image.open` would try other formats, too, and warn where this module rejects.
    """
    match format_:
        case MediaFormat.JPEG:
            return JpegImageFile(file)
        case MediaFormat.PNG:
            return PngImageFile(file)
        case MediaFormat.WEBP:
            return WebPImageFile(file)
        case MediaFormat.HEIC:
            image: ImageFile = pillow_heif.HeifImageFile(file)  # type: ignore[no-untyped-call]
            return image
        case MediaFormat.MP4 | MediaFormat.MOV:
            raise AssertionError("a film is no image")
        case _:
            assert_never(format_)


def _scans(file: BinaryIO) -> int:
    """Return the number of scan markers. They cannot occur by chance in image data; an embedded preview adds a few."""
    count = file.read().count(START_OF_SCAN)
    file.seek(0)
    return count


def _is_plain(image: Image.Image) -> bool:
    segments: list[tuple[str, bytes]] = getattr(image, "applist", [])
    return image.mode in ("RGB", "L") and all(
        name in PLAIN and content.startswith(PLAIN[name]) for name, content in segments
    )


def _upright(image: Image.Image) -> Image.Image:
    """Return the image upright, in RGB on white. The profile of an RGB image is kept; other images become sRGB."""
    profile = image.info.get("icc_profile") or b""
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I;16"):
        upright = upright.convert("I").point(lambda value: value / 256).convert("L")
    keeps_profile = image.mode == "RGB" and 0 < len(profile) <= LARGEST_PROFILE
    alpha = upright.convert("RGBA").getchannel("A") if upright.has_transparency_data else None
    colours = upright.convert("RGB") if keeps_profile else _in_srgb(upright, profile)
    opaque = colours if alpha is None else _on_white(colours, alpha)
    opaque.info = {"icc_profile": profile} if keeps_profile else {}
    return opaque


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Convert the image to sRGB by its profile. A profile that is damaged or of another colour space is ignored."""
    try:
        read = _profile(profile)
        input_mode = None if read is None else _input_mode(image.mode, read.profile.xcolor_space)
        if read is None or input_mode is None:
            return image.convert("RGB")
        transform = ImageCms.buildTransform(read, ImageCms.createProfile("sRGB"), input_mode, "RGB")
    except (ImageCms.PyCMSError, OSError):
        return image.convert("RGB")
    return transform.apply(image.convert(input_mode))


def _profile(data: bytes) -> ImageCms.ImageCmsProfile | None:
    """Return the parsed profile; None if it is missing or too large. Raises OSError if it is damaged."""
    return ImageCms.ImageCmsProfile(io.BytesIO(data)) if 0 < len(data) <= LARGEST_READ_PROFILE else None


def _input_mode(mode: str, space: str) -> str | None:
    """Return the mode in which pixels are passed to a profile of this colour space (ICC.1, 7.2.6).

    Returns None if the profile is for another kind of image.
    """
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
    """Return the JPEG of the best quality that fits; the image is scaled down until one does."""
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
