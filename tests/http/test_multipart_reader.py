"""The reader of multipart bodies, piece by piece."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BodyTooLarge, InvalidRequest
from gateway.http.bodies import Bodies
from gateway.http.multipart import MultipartReader
from tests.http.forms import form, part

QUERY = "mutation M($files: [Upload!]!) { m(files: $files) }"
PROOF = {"graphql-require-preflight": "1"}
PHOTO, FILM = b"a photo" * 1_000, b"a film" * 50_000
LARGEST = 4_000_000


async def test_a_sender_that_stalls_is_given_up() -> None:
    async def stalled() -> AsyncIterator[bytes]:
        yield b"--edge\r\n"
        await asyncio.Event().wait()

    with pytest.raises(InvalidRequest):
        await MultipartReader(stalled(), b"edge", largest=100, patience=0.01).part()


@given(body=st.binary(max_size=300), cuts=st.lists(st.integers(1, 40), max_size=30))
async def test_no_body_breaks_the_reader(body: bytes, cuts: list[int]) -> None:
    with pytest.raises((InvalidRequest, BodyTooLarge)):
        await read(b"--edge\r\n" + body, cuts)


@given(
    contents=st.lists(st.binary(max_size=100).filter(lambda content: b"--edge" not in content), min_size=1, max_size=4),
    cuts=st.lists(st.integers(1, 40), max_size=60),
)
async def test_a_body_reads_the_same_however_it_is_cut(contents: list[bytes], cuts: list[int]) -> None:
    body = form(*(part(f"p{at}", content) for at, content in enumerate(contents)))
    assert await read(body, cuts) == [(f"p{at}", content) for at, content in enumerate(contents)]


async def read(body: bytes, cuts: Sequence[int]) -> list[tuple[str, bytes]]:
    async def chunks() -> AsyncIterator[bytes]:
        at = 0
        for cut in cuts:
            yield body[at : at + cut]
            at += cut
        yield body[at:]

    reader = MultipartReader(chunks(), b"edge", largest=100_000)
    found = []
    with Bodies().reading("a") as reading:
        while (head := await reader.part()) is not None:
            found.append((head.name, await reader.text(1_000, reading)))
    return found
