"""Images for the sandbox's CDN: a gradient in colours that differ by picture, with initials."""

from __future__ import annotations

import colorsys
import enum
import io
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont, ImageOps

from gateway.sandbox.deterministic_random import Dice


class Frame(enum.Enum):
    """The purpose of a picture; the value is its folder on the CDN."""

    COVER = "v/t51.12442-15"
    PROFILE = "v/t51.2885-19"
    STORY = "v/t51.71878-15"
    POST = "v/t51.82787-15"


SIZES = {Frame.COVER: (150, 150), Frame.PROFILE: (150, 150), Frame.STORY: (360, 640), Frame.POST: (480, 600)}


@lru_cache(maxsize=256)
def render(frame: Frame, pk: int, caption: str) -> bytes:
    """Return a JPEG, the same for the same arguments."""
    width, height = SIZES[frame]
    image = ImageOps.colorize(Image.linear_gradient("L").resize((width, height)), *_colours(pk))
    ImageDraw.Draw(image).text(
        (width / 2, height / 2), _initials(caption), fill="white", font=ImageFont.load_default(width / 3), anchor="mm"
    )
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def _colours(pk: int) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    hue = Dice("colour", pk).fraction()
    return _rgb(hue, 0.8), _rgb(hue + 0.15, 0.95)


def _rgb(hue: float, value: float) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, 0.6, value)
    return int(red * 255), int(green * 255), int(blue * 255)


def _initials(caption: str) -> str:
    """Return the initials of the first two words, in letters of the built-in font."""
    words = (word for word in caption.split() if word[0].isascii() and word[0].isalnum())
    return "".join(word[0] for word in list(words)[:2]).upper()
