"""Checks of an uploaded medium by its bytes, against the limits of story media."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import ipaddress
import warnings
from dataclasses import dataclass
from urllib.parse import urlsplit

from PIL import Image, ImageOps

from gateway.sandbox.pictures import SIZES, Frame
from gateway.sandbox.publishing.mp4_metadata import Film, NotAFilm, looks_like_film, read_film
from gateway.sandbox.publishing.problems import (
    FILM_FORMAT,
    IMAGE_FORMAT,
    IMAGE_SIZE,
    MALFORMED,
    NOT_FETCHED,
    RATIO,
    Problem,
    WriteError,
)
from gateway.sandbox.uploaded_media import Shots

IMAGE_BYTES = 8 * 2**20
FILM_BYTES = 100 * 2**20
FILM_SECONDS = (3.0, 60.0)
FILM_WIDTH = 1920
FRAME_RATES = (23.0, 60.0)
CODECS = frozenset({"avc1", "avc3", "hvc1", "hev1"})
# The contract names the error, and 9:16 only as advice; these are the platform's published bounds, width to height.
RATIOS = (0.1, 10.0)
SHOWN = (1080, 1920)
LINKED_FILM_SECONDS = 15.0  # the assumed duration of a linked video, which is not fetched
STILL_SECONDS = 15.0  # the duration of a video that is made of an image
# Names of hosts that are not public.
LOCAL = ("localhost", ".localhost", ".local", ".internal", ".home.arpa")


@dataclass(frozen=True, slots=True)
class Medium:
    """A medium. `origin` is `sha256:<hex>` of a file, or the link. `flaw` is detected only in processing."""

    is_video: bool
    origin: str
    duration: float
    shots: Shots
    flaw: Problem | None = None

    @property
    def is_linked(self) -> bool:
        return not self.origin.startswith("sha256:")


def linked(url: str, *, is_video: bool) -> Medium:
    """Return a linked medium without fetching it. Raises WriteError for a URL that is not https or not public."""
    parts = _split(url)
    if parts is None or parts[0] != "https" or not _is_public(parts[1]):
        raise WriteError(NOT_FETCHED)
    return Medium(is_video, url, LINKED_FILM_SECONDS if is_video else 0.0, Shots())


def filed(data: bytes, *, is_video: bool) -> Medium:
    """Return an uploaded medium. Raises WriteError for a wrong size or kind, which are checked at once."""
    return _film(data) if is_video else _image(data)


def as_film(picture: Medium) -> Medium:
    return dataclasses.replace(picture, is_video=True, duration=STILL_SECONDS)


def kind(media_type: object) -> bool:
    """Return whether `media_type` is a video. Raises WriteError."""
    if media_type not in ("IMAGE", "VIDEO"):
        raise WriteError(MALFORMED, "media_type must be IMAGE or VIDEO")
    return media_type == "VIDEO"


def _origin(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _image(data: bytes) -> Medium:
    if not data.startswith(b"\xff\xd8\xff"):
        raise WriteError(IMAGE_FORMAT)
    if len(data) > IMAGE_BYTES:
        raise WriteError(IMAGE_SIZE)
    return Medium(False, _origin(data), 0.0, _developed(data))


def _developed(data: bytes) -> Shots:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data), formats=["JPEG"])
        _check_ratio(*image.size)
        image.draft("RGB", SHOWN)
        upright = ImageOps.exif_transpose(image).convert("RGB")
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as exc:
        raise WriteError(IMAGE_SIZE) from exc
    except (OSError, SyntaxError) as exc:  # Pillow's exceptions for invalid files
        raise WriteError(IMAGE_FORMAT) from exc
    return Shots(story=_jpeg(_shrunk(upright)), cover=_jpeg(ImageOps.fit(upright, SIZES[Frame.COVER])))


def _shrunk(image: Image.Image) -> Image.Image:
    image.thumbnail(SHOWN)
    return image


def _jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def cropped(picture: bytes, crop_rect: tuple[float, float, float, float]) -> bytes:
    """Return a cover: the part of a story's JPEG between two corners, given as fractions."""
    with Image.open(io.BytesIO(picture)) as image:
        left, top, right, bottom = crop_rect
        box = (left * image.width, top * image.height, right * image.width, bottom * image.height)
        return _jpeg(image.resize(SIZES[Frame.COVER], box=box))


def _film(data: bytes) -> Medium:
    if not looks_like_film(data) or len(data) > FILM_BYTES:
        raise WriteError(FILM_FORMAT)
    try:
        film = read_film(data)
    except NotAFilm:
        return Medium(True, _origin(data), 0.0, Shots(), FILM_FORMAT)
    return Medium(True, _origin(data), film.duration, Shots(film=data), _flaw(film))


def _flaw(film: Film) -> Problem | None:
    is_fit = (
        film.codec in CODECS
        and FILM_SECONDS[0] <= film.duration <= FILM_SECONDS[1]
        and 0 < film.width <= FILM_WIDTH
        and film.height > 0
        and FRAME_RATES[0] <= film.frame_rate <= FRAME_RATES[1]
    )
    if not is_fit:
        return FILM_FORMAT
    return None if RATIOS[0] <= film.width / film.height <= RATIOS[1] else RATIO


def _check_ratio(width: int, height: int) -> None:
    if not RATIOS[0] <= width / height <= RATIOS[1]:
        raise WriteError(RATIO)


def _split(url: str) -> tuple[str, str] | None:
    try:
        parts = urlsplit(url)
        return (parts.scheme, parts.hostname) if parts.hostname else None
    except ValueError:
        return None


def _is_public(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host and not host.rstrip(".").endswith(LOCAL)
