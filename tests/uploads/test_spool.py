"""The spool: nothing is lost that somebody holds, and nothing stays that nobody does."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.errors import BodyTooLarge, FlowsUnavailable
from gateway.uploads.directory import UploadDirectory
from gateway.uploads.spool import Spool
from tests.meta.tree import ROOT
from tests.profiles import examples

CONTENT = b"a picture"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


async def pieces(content: bytes, size: int = 4) -> AsyncIterator[bytes]:
    for at in range(0, len(content), size):
        yield content[at : at + size]


async def broken() -> AsyncIterator[bytes]:
    yield b"half of"
    raise ConnectionError


def files(directory: Path) -> set[str]:
    """What is kept besides the marks of processes."""
    kept = (path for path in directory.rglob("*") if path.is_file())
    return {path.name for path in kept if path.name != "lock" and path.suffix != ".alive"}


def contents(directory: Path) -> list[Path]:
    return list(directory.rglob("content"))


def alive(directory: Path) -> list[Path]:
    return list(directory.glob("*.alive"))


def size(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.rglob("*"))


@pytest.fixture
async def spool(tmp_path: Path) -> AsyncIterator[Spool]:
    spool = Spool(tmp_path, total=10_000_000, largest=5_000_000)
    await spool.start()
    yield spool
    await spool.aclose()


async def test_a_file_lies_under_the_hash_of_its_content(spool: Spool) -> None:
    async with spool.intake() as intake:
        entry = await intake.take(pieces(CONTENT))
        assert (entry.sha256, entry.size) == (SHA256, len(CONTENT))
        assert spool.path(SHA256).read_bytes() == CONTENT


async def test_a_file_goes_with_the_request_that_sent_it(spool: Spool, tmp_path: Path) -> None:
    async with spool.intake() as intake:
        await intake.take(pieces(CONTENT))
    assert files(tmp_path) == set()


async def test_a_flow_keeps_the_file_until_it_releases_it(spool: Spool, tmp_path: Path) -> None:
    async with spool.intake() as intake:
        await intake.take(pieces(CONTENT))
        await spool.hold(SHA256, "flow-1")
    assert spool.path(SHA256).read_bytes() == CONTENT
    await spool.release(SHA256, "flow-1")
    await spool.release(SHA256, "flow-1")
    assert files(tmp_path) == set()


async def test_two_flows_share_a_file_and_the_last_takes_it_along(spool: Spool, tmp_path: Path) -> None:
    for flow in ("flow-1", "flow-2"):
        async with spool.intake() as intake:
            await intake.take(pieces(CONTENT))
            await spool.hold(SHA256, flow)
    assert contents(tmp_path) == [spool.path(SHA256)]
    await spool.release(SHA256, "flow-1")
    assert spool.path(SHA256).read_bytes() == CONTENT
    await spool.release(SHA256, "flow-2")
    assert files(tmp_path) == set()


async def test_what_nobody_holds_cannot_be_held_any_more(spool: Spool) -> None:
    with pytest.raises(FlowsUnavailable):
        await spool.hold(SHA256, "flow-1")


async def test_a_file_that_is_replaced_keeps_its_name_and_its_holders(spool: Spool, tmp_path: Path) -> None:
    """The name is of what the client sent: sent again, it is the same order."""
    async with spool.intake() as intake:
        await intake.take(pieces(CONTENT))
        await spool.replace(SHA256, b"a smaller one")
        await spool.hold(SHA256, "flow-1")
    async with spool.intake() as intake:
        await intake.take(pieces(CONTENT))
        assert spool.path(SHA256).read_bytes() == b"a smaller one"
    assert files(tmp_path) == {"ready", "flow-1"}


async def test_an_upload_that_breaks_off_leaves_nothing(spool: Spool, tmp_path: Path) -> None:
    with pytest.raises(ConnectionError):
        async with spool.intake() as intake:
            await intake.take(broken())
    assert files(tmp_path) == set()


async def test_an_upload_that_is_cancelled_leaves_nothing(spool: Spool, tmp_path: Path) -> None:
    """At whichever of its turns."""

    async def take(content: bytes) -> None:
        async with spool.intake() as intake:
            await intake.take(pieces(content, size=1_000_000))
            await asyncio.Event().wait()

    for turns in range(12):
        taking = asyncio.create_task(take(bytes([turns]) * 2_500_000))
        for _ in range(turns):
            await asyncio.sleep(0)
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)
        assert files(tmp_path) == set()


async def test_a_file_that_is_too_large_is_refused_and_leaves_nothing(spool: Spool, tmp_path: Path) -> None:
    with pytest.raises(BodyTooLarge):
        async with spool.intake() as intake:
            await intake.take(pieces(bytes(5_000_001), size=1_000_000))
    assert files(tmp_path) == set()


async def test_the_spool_as_a_whole_has_an_end(spool: Spool, tmp_path: Path) -> None:
    async with spool.intake() as intake:
        for content in (b"a", b"b"):
            await intake.take(pieces(content * 4_500_000, size=1_000_000))
        with pytest.raises(FlowsUnavailable):
            await intake.take(pieces(b"c" * 4_500_000, size=1_000_000))
        assert size(tmp_path) < 10_100_000


async def test_a_disk_that_fails_is_told_as_such(spool: Spool, tmp_path: Path) -> None:
    async with spool.intake() as intake:
        await intake.take(pieces(CONTENT))
    os.rename(tmp_path, tmp_path.with_name("gone"))
    try:
        with pytest.raises(FlowsUnavailable) as failed:
            await spool.write(pieces(CONTENT), "flow-1")
        assert str(tmp_path) not in failed.value.message
    finally:
        os.rename(tmp_path.with_name("gone"), tmp_path)


async def test_a_sweep_leaves_living_requests_and_the_flows_it_is_told(spool: Spool, tmp_path: Path) -> None:
    other = Spool(tmp_path)
    await other.start()
    async with other.intake() as intake:
        entries = [(await intake.take(pieces(content))).sha256 for content in (b"one", b"two", b"three")]
        await spool.hold(entries[0], "flow-kept")
        assert await spool.sweep({"flow-kept"}, grace=0) == 0
        await spool.hold(entries[1], "flow-ended")
    assert await spool.sweep({"flow-kept"}, grace=0) == 1
    assert files(tmp_path) == {"content", "flow-kept"}
    await other.aclose()


async def test_a_sweep_leaves_a_flow_that_has_just_begun(spool: Spool, tmp_path: Path) -> None:
    """It takes hold before it is started, and so before it is among the flows that a sweep is told."""
    async with spool.intake() as intake:
        await intake.take(pieces(CONTENT))
        await spool.hold(SHA256, "flow-1")
    assert await spool.sweep(()) == 0
    assert files(tmp_path) == {"content", "flow-1"}


CRASHING = """
import asyncio, os, signal, sys
from pathlib import Path
from gateway.uploads.spool import Spool

async def endless():
    yield b"half"
    os.kill(os.getpid(), signal.SIGKILL)

async def whole(content):
    yield content

async def main():
    spool = Spool(Path(sys.argv[1]))
    await spool.start()
    async with spool.intake() as intake:
        kept = await intake.take(whole(b"kept"))
        await spool.hold(kept.sha256, "flow-1")
        await intake.take(whole(b"lost"))
        await intake.take(endless())

asyncio.run(main())
"""


def crash(directory: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", CRASHING, str(directory)], cwd=ROOT, timeout=60, check=False)
    assert killed.returncode == -signal.SIGKILL


async def test_what_a_killed_process_left_is_removed_by_the_next_and_a_flow_keeps_its_file(tmp_path: Path) -> None:
    crash(tmp_path)
    spool = Spool(tmp_path)
    await spool.start()
    assert files(tmp_path) == {"content", "flow-1"}
    assert spool.path(hashlib.sha256(b"kept").hexdigest()).read_bytes() == b"kept"
    await spool.aclose()
    assert alive(tmp_path) == []


@pytest.mark.parametrize("name", ["", "..", "../x", "content", "ready", "a/b", "x" * 201])
async def test_a_holder_has_a_name_that_is_no_path(spool: Spool, name: str) -> None:
    async with spool.intake() as intake:
        await intake.take(pieces(CONTENT))
        with pytest.raises(ValueError, match="name"):
            await spool.hold(SHA256, name)
    with pytest.raises(ValueError, match="SHA-256"):
        spool.path(f"../{name}")


class Shelves(RuleBasedStateMachine):
    """An entry is there exactly as long as somebody holds it, whoever comes and goes in whichever order."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.shelf = UploadDirectory(Path(self.folder.name))
        self.shelf.begin()
        self.held: dict[str, set[str]] = {}
        self.numbers = 0

    contents = st.sampled_from([b"a", b"b"])
    holders = st.sampled_from(["flow-1", "flow-2", "flow-3"])

    @rule(content=contents, holder=holders)
    def enter(self, content: bytes, holder: str) -> None:
        self.numbers += 1
        part = self.shelf.part(self.numbers)
        part.append(content)
        part.finish()
        self.shelf.enter(part, holder)
        part.discard()
        self.held.setdefault(part.sha256, set()).add(holder)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), holder=holders)
    def hold(self, data: st.DataObject, holder: str) -> None:
        sha256 = data.draw(st.sampled_from(sorted(self.held)))
        self.shelf.hold(sha256, holder)
        self.held[sha256].add(holder)

    @rule(content=contents, holder=holders)
    def release(self, content: bytes, holder: str) -> None:
        sha256 = hashlib.sha256(content).hexdigest()
        self.shelf.release(sha256, holder)
        self._let_go(sha256, {holder})

    @rule(keep=st.sets(holders))
    def sweep(self, keep: set[str]) -> None:
        self.shelf.sweep(keep, grace=0)
        for sha256 in list(self.held):
            self._let_go(sha256, self.held[sha256] - keep)

    @rule()
    def restart(self) -> None:
        self.shelf.end()
        self.shelf = UploadDirectory(Path(self.folder.name))
        self.shelf.begin()

    @invariant()
    def entries_are_those_that_are_held(self) -> None:
        kept = {path.parent.name for path in Path(self.folder.name).glob("*/content")}
        assert kept == set(self.held)

    def teardown(self) -> None:
        self.shelf.end()
        self.folder.cleanup()

    def _let_go(self, sha256: str, holders: set[str]) -> None:
        if sha256 in self.held:
            self.held[sha256] -= holders
            if not self.held[sha256]:
                del self.held[sha256]


TestShelves = Shelves.TestCase
TestShelves.settings = examples(30, stateful_step_count=15)


async def test_what_was_sent_is_nobody_elses_to_read(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    spool = Spool(folder)
    await spool.start()
    await spool.aclose()
    assert mode(folder) & 0o077 == 0


def mode(path: Path) -> int:
    return path.stat().st_mode
