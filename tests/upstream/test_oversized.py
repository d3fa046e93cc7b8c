"""Answers that are too large, as they are sent or as they unpack: the rest of them is never read."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import cache

import httpx
import pytest

from gateway.errors import GatewayError, UpstreamInvalidAnswer, UpstreamUnavailable
from gateway.events import AnswerTooLarge
from gateway.upstream.client.bodies import GZIP, LARGEST, MOST_CODINGS, RAW, ZLIB
from gateway.upstream.client.client import Policy
from gateway.upstream.platforms.dialects import Dialect
from tests.upstream.harness import NATGEO, TRAY, Step, Upstream, answer
from tests.upstream.platforms import stub
from tests.upstream.platforms.stub import upstream as publishing

ONCE = Policy(attempts=1)
MIB = 2**20
# What a bomb may cost beside the bound: the body is copied once, and a few pieces are under way.
ROOM = 2.5 * LARGEST


class Body(httpx.AsyncByteStream):
    """Its pieces, one after another, without an end where `forever`. `sent` counts their bytes."""

    def __init__(self, *pieces: bytes, forever: bool = False) -> None:
        self.pieces = pieces
        self.forever = forever
        self.sent = 0
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            for piece in self.pieces:
                self.sent += len(piece)
                yield piece
            if not self.forever:
                return

    async def aclose(self) -> None:
        self.closed = True


def played(body: Body, status: int = 200, **headers: str) -> Step:
    async def play(request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, stream=body, headers={k.replace("_", "-"): v for k, v in headers.items()})

    return play


@cache
def inflating(wbits: int, piece: bytes = bytes(MIB)) -> bytes:
    """A few bytes that unpack to 64 MiB."""
    packer = zlib.compressobj(6, zlib.DEFLATED, wbits)
    return b"".join([*(packer.compress(piece) for _ in range(64)), packer.flush()])


def packed(*codings: Callable[[bytes], bytes]) -> bytes:
    bomb = inflating(GZIP)
    for coding in codings:
        bomb = coding(bomb)
    return bomb


def empty_blocks() -> bytes:
    """Gzip of 64 MiB of blocks of deflate that hold nothing: the second coding makes no byte of them."""
    return inflating(GZIP, b"\x00\x00\x00\xff\xff" * 209_715)


BOMBS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "gzip": ("gzip", lambda: inflating(GZIP)),
    "gzip by its old name": ("x-gzip", lambda: inflating(GZIP)),
    "deflate": ("deflate", lambda: inflating(ZLIB)),
    "deflate without its header": ("deflate", lambda: inflating(RAW)),
    "gzip twice": ("gzip, gzip", lambda: packed(gzip.compress)),
    "gzip, then deflate": ("gzip, deflate", lambda: packed(zlib.compress)),
    "thrice": ("gzip,deflate, gzip", lambda: packed(zlib.compress, gzip.compress)),
    "what makes nothing of much": ("deflate, gzip", empty_blocks),
}


@pytest.mark.parametrize("name", BOMBS)
async def test_an_answer_that_unpacks_to_too_much_is_left_when_its_bound_is_passed(name: str) -> None:
    """All of it comes in one piece. No library may unpack a piece as a whole."""
    coding, make = BOMBS[name]
    body = Body(make())
    upstream = Upstream(played(body, content_encoding=coding, x_hiker_info="reqs=2"))
    api = upstream.api()
    tracemalloc.start()
    try:
        outcome = await api.fetch(NATGEO)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(outcome.problem, UpstreamInvalidAnswer)
    assert peak < ROOM
    assert body.closed
    assert upstream.seen(AnswerTooLarge) == [AnswerTooLarge("tray", LARGEST)]


async def test_an_answer_that_is_sent_too_large_is_left_when_its_bound_is_passed() -> None:
    body = Body(bytes(64 * 1024), forever=True)
    upstream = Upstream(played(body, x_hiker_info="reqs=2"))
    outcome = await upstream.api().fetch(NATGEO)
    assert isinstance(outcome.problem, UpstreamInvalidAnswer)
    assert body.closed
    assert body.sent <= LARGEST + 64 * 1024
    assert upstream.seen(AnswerTooLarge) == [AnswerTooLarge("tray", LARGEST)]


@pytest.mark.parametrize("length", [LARGEST + 1, 10**30])
async def test_an_answer_that_announces_too_much_is_not_read_at_all(length: int) -> None:
    body = Body(TRAY)
    outcome = await Upstream(played(body, content_length=str(length))).api().fetch(NATGEO)
    assert isinstance(outcome.problem, UpstreamInvalidAnswer)
    assert (body.closed, body.sent) == (True, 0)


async def test_the_largest_answer_is_read_whole() -> None:
    whole = TRAY + b" " * (LARGEST - len(TRAY))
    for body, coding in ((whole, "identity"), (gzip.compress(whole), "gzip")):
        outcome = await Upstream(played(Body(body), content_encoding=coding)).api().fetch(NATGEO)
        assert (outcome.problem, len(outcome.body)) == (None, LARGEST)


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=RAW)
    return packer.compress(body) + packer.flush()


CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "identity": bytes,
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "GZIP": gzip.compress,
    "deflate": zlib.compress,
    "deflate ": raw_deflate,
    "gzip, deflate": lambda body: zlib.compress(gzip.compress(body)),
    "identity, deflate,gzip": lambda body: gzip.compress(zlib.compress(body)),
}


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("size", [1, 7, 10**6])
async def test_each_coding_is_undone_in_pieces_of_any_size(coding: str, size: int) -> None:
    sent = CODINGS[coding](TRAY)
    body = Body(*(sent[at : at + size] for at in range(0, len(sent), size)))
    outcome = await Upstream(played(body, content_encoding=coding)).api().fetch(NATGEO)
    assert outcome.body == TRAY


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "identity", "deflate", "br", "utf-8", "gzip, br"])
@pytest.mark.parametrize("sent", [TRAY, gzip.compress(TRAY)], ids=["plain", "packed"])
async def test_a_body_is_unpacked_or_not_by_how_it_begins(coding: str, sent: bytes) -> None:
    """Proxies pack without a word, and name a coding that they have undone."""
    for size in (1, 10**6):
        body = Body(*(sent[at : at + size] for at in range(0, len(sent), size)))
        outcome = await Upstream(played(body, content_encoding=coding)).api().fetch(NATGEO)
        assert outcome.body == TRAY


async def test_what_is_packed_without_a_word_is_no_larger_either() -> None:
    outcome = await Upstream(played(Body(gzip.compress(b" " * (LARGEST + 1))))).api().fetch(NATGEO)
    assert isinstance(outcome.problem, UpstreamInvalidAnswer)


async def test_what_follows_a_packed_answer_is_passed_over() -> None:
    body = Body(gzip.compress(TRAY), b"and a tail", b"of two pieces")
    outcome = await Upstream(played(body, content_encoding="gzip")).api().fetch(NATGEO)
    assert outcome.body == TRAY


@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "gzip, br", ", ".join(["gzip"] * (MOST_CODINGS + 1))])
async def test_a_coding_that_was_not_asked_for_is_not_undone(coding: str) -> None:
    upstream = Upstream(played(Body(b"\x0b\x02\x80" + TRAY), content_encoding=coding, x_hiker_info="reqs=2"))
    outcome = await upstream.api().fetch(NATGEO)
    assert isinstance(outcome.problem, UpstreamInvalidAnswer)
    assert (outcome.charged, outcome.in_doubt) == (2, True)
    assert upstream.requests[0].headers["accept-encoding"] == "gzip, deflate"


CHARGES: list[tuple[int, str, type[GatewayError], tuple[int, bool]]] = [
    (200, "reqs=1", UpstreamInvalidAnswer, (1, True)),
    (200, "", UpstreamInvalidAnswer, (2, True)),
    (404, "reqs=2", UpstreamInvalidAnswer, (2, True)),
    (503, "reqs=2", UpstreamUnavailable, (0, False)),
]


@pytest.mark.parametrize(("status", "info", "problem", "charge"), CHARGES)
async def test_an_answer_that_is_too_large_is_charged_as_one_that_broke_off(
    status: int, info: str, problem: type[GatewayError], charge: tuple[int, bool]
) -> None:
    body = Body(bytes(64 * 1024), forever=True)
    upstream = Upstream(played(body, status, x_hiker_info=info))
    outcome = await upstream.api(policy=ONCE).fetch(NATGEO)
    assert type(outcome.problem) is problem
    assert (outcome.charged, outcome.in_doubt) == charge
    assert [attempt.charged for attempt in upstream.attempts] == [charge[0]]


async def test_an_upstream_whose_answers_are_too_large_is_not_down() -> None:
    """Or whoever asks for one such answer again and again would shut the upstream for everybody."""
    large = played(Body(TRAY), content_length=str(LARGEST + 1))
    upstream = Upstream(*[large] * 20, answer(200, TRAY))
    api = upstream.api(policy=replace(ONCE, failures=2))
    problems = [type((await api.fetch(NATGEO)).problem) for _ in range(21)]
    assert problems == [UpstreamInvalidAnswer] * 20 + [type(None)]


@pytest.mark.parametrize("dialect", Dialect)
async def test_a_publishing_upstream_s_answers_are_bounded_alike(dialect: Dialect) -> None:
    bomb = played(Body(inflating(GZIP)), content_encoding="gzip")
    for steps, whoami in (([bomb], answer(200, {**stub.SELF, "pk": stub.NATGEO})), ([answer(200, [])], bomb)):
        upstream = publishing(*steps, dialect=dialect, whoami=whoami)
        tracemalloc.start()
        with pytest.raises(UpstreamInvalidAnswer):
            await upstream.publisher().tray(stub.NATGEO)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < ROOM
        assert [event.most for event in upstream.seen(AnswerTooLarge)] == [LARGEST]


async def test_the_account_s_balance_is_bounded_alike() -> None:
    upstream = Upstream(played(Body(inflating(GZIP)), content_encoding="gzip"))
    with pytest.raises(UpstreamInvalidAnswer):
        await upstream.api().balance()
    assert upstream.seen(AnswerTooLarge) == [AnswerTooLarge("balance", LARGEST)]
