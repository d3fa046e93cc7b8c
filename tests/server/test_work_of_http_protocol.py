"""What is parsed, however it is cut, is work in proportion to its length: counted in function calls."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway.server.refusals import MOST_HEAD
from tests.server.listening import Listening, connected
from tests.work import MOST, growth

GET = b"GET / HTTP/1.1\r\nhost: h\r\n"
CHUNKED = b"POST /read HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n"


def fed(server: Listening, data: bytes, packet: int) -> Callable[[], None]:
    protocol, _ = connected(server)

    def feed() -> None:
        for at in range(0, len(data), packet):
            protocol.data_received(data[at : at + packet])
            server.config.turns.end()  # each packet comes in a turn of its own

    return feed


@pytest.mark.parametrize("packet", [10, 262_144])
@pytest.mark.parametrize(
    "shape",
    [
        lambda n: GET + b"x: " + b"a" * (60 * n),
        lambda n: GET + b"x: a\r\n" * n,
        lambda n: b"GET /" + b"a" * (60 * n),
        lambda n: CHUNKED + b"1\r\nX\r\n" * (100 * n),
        lambda n: CHUNKED + b"ff;" + b"e" * (60 * n),
        lambda n: (GET + b"\r\n") * n,
        lambda n: b"\r\n" * (30 * n),
    ],
)
async def test_ten_times_the_bytes_are_at_most_twelve_times_the_work(
    server: Listening, shape: Callable[[int], bytes], packet: int
) -> None:
    assert growth(fed(server, shape(20), packet), fed(server, shape(200), packet)) <= MOST


async def test_what_comes_after_a_refusal_is_hardly_any_work(server: Listening) -> None:
    large = GET + b"x: " + b"a" * 10_000_000
    assert growth(fed(server, large[: MOST_HEAD + 1_000], 262_144), fed(server, large, 262_144)) <= 2.5


async def test_a_body_of_an_announced_length_is_parsed_at_once(server: Listening) -> None:
    line = b"POST /read HTTP/1.1\r\nhost: h\r\ncontent-length: 900000\r\n\r\n"
    short, long = line + b"a" * 10_000, line + b"a" * 200_000
    assert growth(fed(server, short, 262_144), fed(server, long, 262_144)) <= 1.5
