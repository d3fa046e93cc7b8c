"""What is refused of media: every row of the error table that the medium itself can reach."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gateway.sandbox.publishing import media
from gateway.sandbox.publishing.mp4_metadata import NotAFilm, read_film
from gateway.sandbox.publishing.problems import WriteError
from tests.sandbox.harness import SteppedClock
from tests.sandbox.publishing.media import encoded, film, jpeg
from tests.sandbox.publishing.platform_client import LINK, Press, done, refused

MIB = 2**20
PNG = encoded(Image.new("RGB", (90, 160)), "PNG")


@pytest.mark.parametrize(
    "data",
    [PNG, b"\xff\xd8\xff", jpeg()[:200], b"", film(), encoded(Image.new("RGB", (90, 160)), "WEBP"), b"GIF89a"],
)
async def test_an_image_is_a_jpeg_by_its_bytes_whatever_it_is_called(press: Press, data: bytes) -> None:
    refused(await press.upload(data, name="picture.jpg"), 36001, 2207005)


async def test_an_image_may_have_8_mib(press: Press) -> None:
    picture = jpeg()
    full = picture + bytes(8 * MIB - len(picture))
    assert (await press.upload(full)).status_code == 201
    refused(await press.upload(full + b"\0"), 36000, 2207004)


async def test_an_image_that_would_fill_the_memory_is_too_large(press: Press) -> None:
    """A few kilobytes that unpack to hundreds of megapixels."""
    bomb = encoded(Image.new("L", (15_000, 15_000)), "JPEG")
    assert len(bomb) < 8 * MIB
    refused(await press.upload(bomb), 36000, 2207004)


@pytest.mark.parametrize(
    ("size", "is_fit"), [((10, 100), True), ((9, 100), False), ((100, 10), True), ((101, 10), False)]
)
async def test_an_image_is_neither_a_ribbon_nor_a_tower(press: Press, size: tuple[int, int], is_fit: bool) -> None:
    response = await press.upload(jpeg(size=size))
    if is_fit:
        done(response, 201)
    else:
        refused(response, 36003, 2207009)


@pytest.mark.parametrize("data", [b"", jpeg(), PNG, b"\0\0\0\x14ftypheic" + bytes(8)])
async def test_a_film_is_an_mp4_or_quicktime_by_its_bytes(press: Press, data: bytes) -> None:
    refused(await press.upload(data, "VIDEO"), 352, 2207026)


def test_a_film_may_have_100_mib() -> None:
    whole = film()
    full = whole + bytes(100 * MIB - len(whole))
    assert media.filed(full, is_video=True).flaw is None
    with pytest.raises(WriteError) as refusal:
        media.filed(full + b"\0", is_video=True)
    assert (refusal.value.problem.code, refusal.value.problem.subcode) == (352, 2207026)


FIT: list[dict[str, Any]] = [
    {},
    {"codec": "hvc1"},
    {"codec": "hev1", "brand": b"qt  "},
    {"seconds": 3},
    {"seconds": 60, "wide": True},
    {"width": 1920, "height": 1080},
    {"frame_rate": 23},
    {"frame_rate": 60},
]
UNFIT: list[dict[str, Any]] = [
    {"codec": "vp09"},
    {"codec": "mp4v"},
    {"seconds": 2.9},
    {"seconds": 60.5},
    {"width": 1921, "height": 1080},
    {"frame_rate": 22},
    {"frame_rate": 61},
    {"width": 0},
]


@pytest.mark.parametrize("said", FIT)
async def test_a_film_within_the_limits_is_processed(press: Press, clock: SteppedClock, said: dict[str, Any]) -> None:
    upload = done(await press.upload(film(**said), "VIDEO"), 202)
    clock.seconds = 2
    assert done(await press.get(f"/media/{upload['id']}"))["status"] == "FINISHED"


@pytest.mark.parametrize("said", UNFIT)
async def test_a_film_beyond_the_limits_ends_in_error(press: Press, clock: SteppedClock, said: dict[str, Any]) -> None:
    """Only its processing finds that out, so its upload is accepted."""
    await ends_in(352, 2207026, film(**said), press, clock)


async def test_a_film_of_a_shape_that_no_screen_has_ends_in_error(press: Press, clock: SteppedClock) -> None:
    await ends_in(36003, 2207009, film(width=1900, height=100), press, clock)


@pytest.mark.parametrize("cut", [20, 40, 120, 300, 400])
async def test_a_film_that_is_cut_short_ends_in_error(press: Press, clock: SteppedClock, cut: int) -> None:
    await ends_in(352, 2207026, film()[:cut], press, clock)


async def ends_in(code: int, subcode: int, data: bytes, press: Press, clock: SteppedClock) -> None:
    upload = done(await press.upload(data, "VIDEO"), 202)
    clock.seconds += 2
    container = done(await press.get(f"/media/{upload['id']}"))
    assert (container["status"], container["error"]["code"]) == ("ERROR", code)
    assert container["error"].keys() == {"code", "message"}
    refused(await press.publish(upload["id"]), code, subcode)


@given(st.binary(max_size=400), st.integers(0, 400))
def test_whatever_a_file_holds_a_film_is_read_or_refused(noise: bytes, at: int) -> None:
    whole = film()
    for data in (noise, whole[:at] + noise + whole[at:], whole[:at] + noise):
        try:
            assert read_film(data).width >= 0
        except NotAFilm:
            continue


@pytest.mark.parametrize(
    "url",
    [
        "http://cdn.example.com/a.jpg",
        "ftp://cdn.example.com/a.jpg",
        "https://localhost/a.jpg",
        "https://printer.local/a.jpg",
        "https://intranet/a.jpg",
        "https://127.0.0.1/a.jpg",
        "https://10.1.2.3/a.jpg",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/a.jpg",
        "https://[fe80::1]/a.jpg",
        "https:///a.jpg",
        "https://[broken/a.jpg",
        "a.jpg",
    ],
)
async def test_a_link_is_https_and_public(press: Press, url: str) -> None:
    refused(await press.link(url), 9004, 2207052)


async def test_a_link_is_not_fetched(press: Press, clock: SteppedClock) -> None:
    """No test and no visitor of the sandbox makes it call anybody."""
    upload = done(await press.link(f"{LINK}?signature=secret"), 202)
    clock.seconds = 1
    assert done(await press.get(f"/media/{upload['id']}")) == {"id": upload["id"], "status": "FINISHED"}
