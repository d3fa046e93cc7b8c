"""The names of parts and files, in whichever encoding their sender writes them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidRequest
from gateway.http.multipart import LONGEST_NAME, FormPart, MultipartReader

CAFE = "caf\u00e9.jpg"


async def head_of(disposition: bytes, media_type: bytes = b"image/jpeg") -> FormPart:
    async def whole() -> AsyncIterator[bytes]:
        yield b"--edge\r\nContent-Disposition: " + disposition
        yield b"\r\nContent-Type: " + media_type + b"\r\n\r\nx\r\n--edge--\r\n"

    part = await MultipartReader(whole(), b"edge", largest=100_000).part()
    assert part is not None
    return part


@pytest.mark.parametrize(
    "told",
    [
        b'filename="caf\xc3\xa9.jpg"',
        b'filename="caf\xe9.jpg"',
        b"filename*=UTF-8''caf%C3%A9.jpg",
        b"filename*=utf-8'fr'caf%c3%a9.jpg",
        b"filename*=ISO-8859-1''caf%E9.jpg",
        b"filename*=windows-1252''caf%E9.jpg",
        b"filename*=\"UTF-8''caf%C3%A9.jpg\"",
        b"filename=\"cafe.jpg\"; filename*=UTF-8''caf%C3%A9.jpg",
        b"filename*=UTF-8''caf%C3%A9.jpg; filename=\"cafe.jpg\"",
        b"FileName*=UTF-8''caf%C3%A9.jpg",
    ],
)
async def test_a_file_name_is_read_in_the_encoding_of_its_sender(told: bytes) -> None:
    assert await head_of(b'form-data; name="0"; ' + told) == FormPart("0", CAFE, "image/jpeg")


@pytest.mark.parametrize(
    "told", [b"filename*=nonsense", b"filename*=rot13''a", b"filename*=punycode''a", b"filename*=iso-8859-12''a"]
)
async def test_a_name_that_cannot_be_read_gives_way_to_the_plain_one(told: bytes) -> None:
    assert (await head_of(b'form-data; name="0"; filename="plain.jpg"; ' + told)).filename == "plain.jpg"


async def test_what_stands_within_a_name_is_no_parameter() -> None:
    told = b'form-data; name="0"; filename="a; filename*=UTF-8\'\'b"'
    assert (await head_of(told)).filename == "a; filename*=UTF-8''b"


async def test_the_name_of_a_part_is_read_like_that_of_a_file() -> None:
    """`map` names it in UTF-8, whatever the form is in."""
    assert (await head_of(b'form-data; name="\xe9"; filename="a.jpg"')).name == "\u00e9"
    assert (await head_of('form-data; name="\u00e9"; filename="a.jpg"'.encode())).name == "\u00e9"


async def test_no_name_is_longer_than_one_may_be() -> None:
    for told in (b'filename="' + b"\xe9" * 3_000 + b'"', b"filename*=UTF-8''" + quote("\u00e9" * 500).encode()):
        assert len((await head_of(b'form-data; name="0"; ' + told)).filename) == LONGEST_NAME


LINE = st.binary(max_size=120).map(lambda line: line.replace(b"\r", b"").replace(b"\n", b""))


@given(disposition=LINE, media_type=LINE)
async def test_no_head_of_a_part_breaks_the_reader(disposition: bytes, media_type: bytes) -> None:
    try:
        part = await head_of(b"form-data; " + disposition, media_type)
    except InvalidRequest:
        return
    assert len(part.filename) <= LONGEST_NAME
