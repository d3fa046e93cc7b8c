"""Answers that nobody takes, at a real socket: what is held of them is bounded, and the slowest reader makes room."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from gateway.http.unsent import PATIENCE, STALLED, Reader, UnsentAnswers
from gateway.server.peers import Ceilings
from gateway.server.progress import SECONDS
from tests.server.listening import LARGE, Line, Listening, listening, until

MUCH = b"GET /large HTTP/1.1\r\nhost: h\r\n\r\n"
PAUSED = SimpleNamespace(write_paused=True)
ENDLESS = b"GET /endless HTTP/1.1\r\nhost: h\r\n\r\n"


def now() -> float:
    return asyncio.get_running_loop().time()


async def asking(server: Listening, count: int) -> list[Line]:
    """So many who ask for much and take nothing."""
    lines = []
    for at in range(count):
        lines.append(await server.line())
        await lines[-1].send(MUCH)
        await until(lambda at=at: len(server.app.asked) > at)  # type: ignore[misc]  # mypy knows no default of a lambda
    return lines


@pytest.mark.parametrize(
    "ceilings", [Ceilings(unsent_each=5 * LARGE // 2), Ceilings(unsent_each=2**30, unsent_total=5 * LARGE // 2)]
)
async def test_what_slow_readers_have_not_taken_is_bounded_together(ceilings: Ceilings) -> None:
    async with listening(ceilings) as server:
        begun = now()
        await asking(server, 6)
        await asyncio.sleep(2 * PATIENCE)
        assert LARGE <= server.config.unsent.size <= 3 * LARGE + 300_000
        assert server.app.running <= 3
        assert server.config.peers.connections.total <= 3
        assert now() - begun < SECONDS  # within which a slow reader is left alone where there is room


async def test_whoever_reads_is_answered_while_others_take_nothing() -> None:
    async with listening(Ceilings(unsent_each=3 * LARGE // 2)) as server:
        await asking(server, 3)
        line = await server.line()
        await line.send(MUCH)
        assert await line.status() == 200
        assert len(await line.reader.readexactly(LARGE)) == LARGE


async def test_what_was_taken_is_held_no_longer(server: Listening) -> None:
    line = await server.line()
    for _ in range(2):
        await line.send(MUCH)
        assert await line.status() == 200
        await line.reader.readexactly(LARGE)
    await until(lambda: not server.config.unsent.size)


async def test_nothing_is_held_for_whoever_has_gone(server: Listening) -> None:
    (line,) = await asking(server, 1)
    assert server.config.unsent.size >= LARGE
    line.writer.transport.abort()
    await until(lambda: not server.config.unsent.size)


async def test_what_the_server_itself_holds_counts_as_well() -> None:
    """Of answers that are small, many fit into its buffers."""
    async with listening(Ceilings(unsent_each=200_000)) as server:
        begun = now()
        for _ in range(5):
            line = await server.line()
            await line.send(ENDLESS)
        await until(lambda: len(server.app.asked) == 5)
        await until(lambda: server.config.peers.connections.total <= 2)
        assert 60_000 < server.config.unsent.size <= 200_000
        assert now() - begun < SECONDS / 2


# -- who makes room


def readers(unsent: UnsentAnswers, *peers: str) -> tuple[list[Reader], list[int]]:
    """One of each, and who was cut off."""
    cut: list[int] = []
    made = [unsent.reader(peer, lambda at=at: cut.append(at), PAUSED) for at, peer in enumerate(peers)]  # type: ignore[misc]
    return made, cut


async def test_who_waits_for_room_gets_it_when_it_is_there() -> None:
    (slow, other), cut = readers(unsent := UnsentAnswers(100, 100), "a", "b")
    slow.hold(101)
    waiting = asyncio.create_task(other.room())
    await asyncio.sleep(0)
    assert not waiting.done()
    slow.hold(-1)
    await waiting
    assert (cut, unsent.size) == ([], 100)


async def test_those_who_wait_for_room_go_on_one_by_one() -> None:
    """Or each would find as much as the first, and all of them fill it."""
    (slow, *others), cut = readers(unsent := UnsentAnswers(100, 100), *("a" * 20))

    async def answer(reader: Reader) -> None:
        await reader.room()
        await asyncio.sleep(0)  # while it is made
        assert unsent.size <= 100
        reader.hold(101)
        await asyncio.sleep(STALLED / 5)
        reader.hold(-101)

    slow.hold(101)
    waiting = asyncio.gather(*(answer(one) for one in others))
    await asyncio.sleep(STALLED / 2)
    slow.hold(-101)
    await waiting
    assert cut == []


async def test_the_one_who_took_nothing_for_longest_is_cut_off_first() -> None:
    (first, second, third), cut = readers(UnsentAnswers(100, 100), "a", "a", "a")
    for one in (first, second):
        one.hold(51)
        await asyncio.sleep(STALLED / 4)
    first.note()
    begun = now()
    await third.room()
    assert cut == [1]
    assert now() - begun <= STALLED


async def test_whoever_takes_little_by_little_makes_room_when_it_was_waited_for() -> None:
    (slow, other), cut = readers(unsent := UnsentAnswers(100, 100), "a", "b")
    slow.hold(101)
    waiting, begun = asyncio.create_task(other.room()), now()
    while not waiting.done():
        await asyncio.sleep(STALLED / 5)
        slow.note()
    assert (cut, unsent.size) == ([0], 0)
    assert now() - begun == pytest.approx(PATIENCE, abs=STALLED)


async def test_a_peer_makes_room_for_itself_alone() -> None:
    (mine, other, late), cut = readers(UnsentAnswers(100, 1_000), "a", "b", "b")
    mine.hold(100)
    other.hold(101)
    await mine.room()
    await late.room()
    assert cut == [1]
