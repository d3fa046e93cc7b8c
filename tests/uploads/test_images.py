"""Images come out as JPEGs within the limits that tell nothing about their makers, or not at all."""

from __future__ import annotations

import io
import random
import struct
import zlib
from pathlib import Path
from typing import Any

import pillow_heif
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from gateway.domain.input_errors import UserErrorCode
from gateway.uploads.formats import Unfit, format_of
from gateway.uploads.images import LARGEST_SOURCE, MOST_PIXELS, to_jpeg
from tests.uploads import profiles

ORIENTATION, GPS = 0x0112, 0x8825
SIDEWAYS = 6  # the camera was turned by 90 degrees
PLACE = {1: "N", 2: (48.0, 8.0, 14.0), 3: "E", 4: (11.0, 34.0, 31.0)}


def picture(size: tuple[int, int] = (60, 40), mode: str = "RGB") -> Image.Image:
    """Red on its left half, blue on its right."""
    image = Image.new("RGB", size, "red")
    image.paste("blue", (size[0] // 2, 0, *size))
    return image.convert(mode)


def noise(size: tuple[int, int]) -> Image.Image:
    """What compresses badly."""
    return Image.frombytes("RGB", size, random.Random(1).randbytes(size[0] * size[1] * 3))


def encoded(image: Image.Image, format_: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    if format_ == "HEIF":
        pillow_heif.from_pillow(image).save(buffer, quality=90)
    else:
        image.save(buffer, format_, **options)
    return buffer.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "image"


def fitted(file: Path, data: bytes, **limits: int) -> Image.Image | None:
    file.write_bytes(data)
    jpeg = to_jpeg(file, format_of(file), **limits)
    return None if jpeg is None else Image.open(io.BytesIO(jpeg))


def refused(file: Path, data: bytes) -> UserErrorCode:
    with pytest.raises(Unfit) as problem:
        fitted(file, data)
    return problem.value.mistake


def is_red(colour: Any) -> bool:
    return bool(colour[0] > 200 and colour[2] < 60)


@pytest.mark.parametrize("format_", ["PNG", "WEBP", "HEIF"])
def test_every_format_becomes_a_jpeg_of_the_same_picture(file: Path, format_: str) -> None:
    image = fitted(file, encoded(picture(), format_))
    assert image is not None
    assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (60, 40))
    assert is_red(image.getpixel((5, 20)))
    assert not is_red(image.getpixel((55, 20)))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
def test_every_kind_of_pixel_is_understood(file: Path, mode: str) -> None:
    plain = Image.new("I;16", (60, 40), 65_535) if mode == "I;16" else picture().convert(mode)
    image = fitted(file, encoded(plain, "PNG"))
    assert image is not None
    assert (image.mode, image.size) == ("RGB", (60, 40))
    if mode == "I;16":
        assert image.getpixel((5, 5)) == (255, 255, 255)


def test_a_jpeg_within_the_limits_passes_as_it_is(file: Path) -> None:
    assert fitted(file, encoded(picture(), "JPEG")) is None
    assert fitted(file, encoded(picture(mode="L"), "JPEG", progressive=True)) is None


def test_the_place_where_it_was_taken_is_cut_out(file: Path) -> None:
    exif = Image.Exif()
    exif[GPS] = PLACE
    image = fitted(file, encoded(picture(), "JPEG", exif=exif))
    assert image is not None
    assert not image.getexif()
    assert "exif" not in image.info


@pytest.mark.parametrize(
    "options", [{"comment": b"by me"}, {"xmp": b"<x:xmpmeta/>"}, {"extra": b"\xff\xed\0\x14Photoshop 3.0\0IPTC"}]
)
def test_all_that_tells_about_its_maker_is_cut_out(file: Path, options: dict[str, Any]) -> None:
    image = fitted(file, encoded(picture(), "JPEG", **options))
    assert image is not None
    assert {name for name, _ in getattr(image, "applist", ())} <= {"APP0"}


def test_a_picture_is_turned_upright(file: Path) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = SIDEWAYS
    image = fitted(file, encoded(picture(), "JPEG", exif=exif))
    assert image is not None
    assert image.size == (40, 60)
    assert is_red(image.getpixel((20, 5)))


def test_what_shines_through_becomes_white(file: Path) -> None:
    image = fitted(file, encoded(Image.new("RGBA", (8, 8), (255, 0, 0, 0)), "PNG"))
    assert image is not None
    assert image.getpixel((4, 4)) == (255, 255, 255)


def test_the_colours_of_print_become_those_of_screens(file: Path) -> None:
    image = fitted(file, encoded(picture(mode="CMYK"), "JPEG"))
    assert image is not None
    assert image.mode == "RGB"
    assert is_red(image.getpixel((5, 20)))


def test_a_colour_profile_goes_along_and_a_huge_one_does_not(file: Path) -> None:
    for size, kept in ((3_000, True), (200_000, False)):
        image = fitted(file, encoded(picture(), "PNG", icc_profile=bytes(size)))
        assert image is not None
        assert ("icc_profile" in image.info) is kept


def shown(image: Image.Image | None, at: tuple[int, int] = (5, 5)) -> tuple[int, ...]:
    """What a screen shows: by the profile that came along, else as sRGB."""
    assert image is not None
    if profile := image.info.get("icc_profile"):
        read = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        ImageCms.profileToProfile(image, read, ImageCms.createProfile("sRGB"), inPlace=True)
    found = image.getpixel(at)
    assert isinstance(found, tuple)
    return found


WIDE, NARROW = (200, 60, 40), (217, 42, 23)  # the same colour in Display P3 and in sRGB
DISPLAY_P3 = profiles.display_p3()


def of_wide_colours(mode: str) -> Image.Image:
    palette = Image.Palette.ADAPTIVE
    image = Image.new("RGB", (60, 40), WIDE).convert(mode, palette=palette)
    image.info["icc_profile"] = DISPLAY_P3
    return image


@pytest.mark.parametrize(
    ("mode", "format_"),
    [
        *(("RGB", format_) for format_ in ("JPEG", "PNG", "WEBP", "HEIF")),
        *(("RGBA", format_) for format_ in ("PNG", "WEBP", "HEIF")),
        ("P", "PNG"),
    ],
)
def test_a_colour_is_the_same_in_every_format_and_kind_of_pixel(file: Path, mode: str, format_: str) -> None:
    """With its profile, or as the colour that it is in sRGB."""
    data = encoded(of_wide_colours(mode), format_, icc_profile=DISPLAY_P3)
    image = fitted(file, data, largest=len(data) - 1) if format_ == "JPEG" else fitted(file, data)
    assert shown(image) == pytest.approx(NARROW, abs=6)


@pytest.mark.parametrize("format_", ["PNG", "WEBP", "HEIF"])
def test_what_half_shines_through_has_the_colour_of_its_profile(file: Path, format_: str) -> None:
    layered = of_wide_colours("RGBA")
    layered.putalpha(128)
    data = encoded(layered, format_, icc_profile=DISPLAY_P3)
    assert shown(fitted(file, data)) == pytest.approx([(part + 255) / 2 for part in NARROW], abs=6)


def test_a_palette_with_holes_has_the_colours_of_its_profile(file: Path) -> None:
    image = Image.new("P", (60, 40), 1)
    image.putpalette([0, 0, 0, *WIDE])
    image.paste(0, (30, 0, 60, 40))
    found = fitted(file, encoded(image, "PNG", icc_profile=DISPLAY_P3, transparency=0))
    assert shown(found, (5, 20)) == pytest.approx(NARROW, abs=6)
    assert shown(found, (55, 20)) == pytest.approx((255, 255, 255), abs=3)


@pytest.mark.parametrize("mode", ["L", "LA", "I;16", "1"])
def test_greys_are_as_bright_as_their_profile_says(file: Path, mode: str) -> None:
    """Of a linear scale the middle is far brighter than that of sRGB; black and white are the same in all."""
    value, bright = {"I;16": (128 * 257, 188), "1": (1, 255)}.get(mode, (128, 188))
    plain = Image.new(mode, (60, 40), (value, 255) if mode == "LA" else value)
    assert shown(fitted(file, encoded(plain, "PNG", icc_profile=profiles.grey(1.0)))) == pytest.approx(
        (bright,) * 3, abs=3
    )


def test_greys_with_a_profile_of_colours_follow_its_curve(file: Path) -> None:
    grey = Image.new("L", (60, 40), 128)
    assert shown(fitted(file, encoded(grey, "PNG", icc_profile=DISPLAY_P3))) == pytest.approx((128,) * 3, abs=3)


def test_the_inks_of_print_are_those_of_its_profile(file: Path) -> None:
    cyan = Image.new("CMYK", (60, 40), (255, 0, 0, 0))
    red = shown(fitted(file, encoded(cyan, "JPEG", icc_profile=profiles.odd_ink(), quality=95)))
    assert is_red(red)


@pytest.mark.parametrize("profile", [bytes(3_000), b"", profiles.odd_ink(), DISPLAY_P3[:200], bytes(5_000_000)])
@pytest.mark.parametrize("mode", ["RGBA", "L"])
def test_a_profile_that_says_nothing_about_its_pixels_changes_none(file: Path, mode: str, profile: bytes) -> None:
    """Damaged, cut off, of inks, or larger than any that is read."""
    plain = Image.new("RGB", (60, 40), (80, 80, 80)).convert(mode)
    plain.info["icc_profile"] = profile
    format_ = "PNG" if len(profile) < 1_000_000 else "WEBP"
    assert shown(fitted(file, encoded(plain, format_, icc_profile=profile))) == pytest.approx((80,) * 3, abs=3)


@pytest.mark.parametrize(("largest", "keeps_size"), [(40_000, True), (14_000, True), (3_000, False)])
def test_a_picture_that_is_too_large_is_made_to_fit(file: Path, largest: int, keeps_size: bool) -> None:
    """By a lower quality first, and smaller only where that is not enough; its shape stays."""
    file.write_bytes(encoded(noise((200, 100)), "JPEG", quality=100))
    assert file.stat().st_size > largest
    jpeg = to_jpeg(file, format_of(file), largest=largest)
    assert jpeg is not None
    assert len(jpeg) <= largest
    image = Image.open(io.BytesIO(jpeg))
    assert (image.size == (200, 100)) is keeps_size
    assert image.width / image.height == pytest.approx(2, abs=0.1)


def png(width: int, height: int) -> bytes:
    """A few bytes that say they are a picture of any size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1_000))) + chunk(b"IEND", b"")
    )


def webp(width: int, height: int) -> bytes:
    extended = b"\x10\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    still = encoded(Image.new("RGBA", (8, 8)), "WEBP", lossless=True)[12:]
    body = b"WEBPVP8X" + struct.pack("<I", 10) + extended + still
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize("bomb", [png(50_000, 50_000), png(2**31 - 1, 2**31 - 1), png(MOST_PIXELS, 2)])
def test_a_decompression_bomb_is_refused_before_it_is_decoded(file: Path, bomb: bytes) -> None:
    assert refused(file, bomb) is UserErrorCode.TOO_LARGE


def test_a_webp_that_lies_about_its_size_is_refused(file: Path) -> None:
    assert refused(file, webp(16_000, 16_000)) in (UserErrorCode.TOO_LARGE, UserErrorCode.DAMAGED)


def test_a_jpeg_of_very_many_passes_is_refused(file: Path) -> None:
    """Each costs a walk over all pixels, and takes a few bytes."""
    whole = encoded(picture(), "JPEG", progressive=True)
    last = whole.rindex(b"\xff\xda")
    assert refused(file, whole[:last] + whole[last:-2] * 200 + whole[-2:]) is UserErrorCode.FORMAT


def test_a_file_beyond_the_limit_is_refused_unread(file: Path) -> None:
    with file.open("wb") as handle:
        handle.write(encoded(picture(), "PNG"))
        handle.truncate(LARGEST_SOURCE + 1)
    with pytest.raises(Unfit) as problem:
        to_jpeg(file, format_of(file))
    assert problem.value.mistake is UserErrorCode.TOO_LARGE


SAMPLES = [encoded(picture(), format_) for format_ in ("JPEG", "PNG", "WEBP", "HEIF")]


LAYERED = encoded(picture(mode="RGBA"), "WEBP", lossless=True, exact=True, icc_profile=DISPLAY_P3)


@pytest.mark.parametrize("sample", SAMPLES, ids=["JPEG", "PNG", "WEBP", "HEIF"])
def test_a_picture_that_was_cut_off_is_refused(file: Path, sample: bytes) -> None:
    assert refused(file, sample[: len(sample) * 2 // 3]) is UserErrorCode.DAMAGED


@given(
    sample=st.sampled_from([*SAMPLES, LAYERED]),
    flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_a_damaged_picture_is_mended_or_refused(
    tmp_path_factory: pytest.TempPathFactory, sample: bytes, flips: list[tuple[float, int]]
) -> None:
    data = bytearray(sample)
    for where, value in flips:
        data[12 + int(where * (len(data) - 12))] = value
    file = tmp_path_factory.getbasetemp() / "damaged"
    file.write_bytes(data)
    try:
        jpeg = to_jpeg(file, format_of(file))
    except Unfit:
        return
    assert jpeg is None or jpeg.startswith(b"\xff\xd8\xff")
