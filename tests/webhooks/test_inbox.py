"""The inbox of webhooks: what was put into it is worked on, once more after a kill, and known for long enough."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.migrations import StoreVersion, Version
from gateway.webhooks import inbox_store
from gateway.webhooks.inbox import CLAIM_SECONDS, MOST_CLAIMS, REMEMBERED, InboxUnavailable, digest_of
from gateway.webhooks.inbox_store import INBOX
from gateway.webhooks.stored_inbox import StoredInbox
from tests.durable.postgres import Cluster
from tests.fakes.clock import EPOCH, ManualClock
from tests.webhooks.desk import MEDIUM, entry, events, told
from tests.webhooks.inbox_places import Place, in_database, in_memory

NEWER = StoreVersion(Version(9, 0), Version(1, 0))


def sqlite_url(folder: Path) -> str:
    return f"sqlite:///{folder}/{INBOX.file}"


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    match request.param:
        case "memory":
            return in_memory()
        case "sqlite":
            return in_database(sqlite_url(tmp_path))
        case _:
            server: Cluster = request.getfixturevalue("postgres")
            return in_database(server.create())


@contextlib.asynccontextmanager
async def opened(place: Place) -> AsyncIterator[StoredInbox]:
    inbox = place.opened()
    try:
        yield inbox  # type: ignore[misc]
    finally:
        await inbox.aclose()


async def bodies(inbox: StoredInbox, most: int = 10) -> list[bytes]:
    return [one.body for one in await inbox.claim(most)]


async def test_what_was_put_is_got_by_one_process_the_oldest_first(place: Place) -> None:
    async with opened(place) as inbox, opened(place) as other:
        for body in (b"1", b"2", b"3"):
            assert await inbox.put(body)
            place.clock.advance(1.0)
        first, *_ = claimed = await other.claim(2)
        assert [one.body for one in claimed] == [b"1", b"2"]
        assert (first.digest, first.received_at) == (digest_of(b"1"), EPOCH)
        assert await bodies(inbox) == [b"3"]
        assert await bodies(other) == []


async def test_a_body_that_was_put_before_is_not_new_whether_it_was_processed_or_not(place: Place) -> None:
    async with opened(place) as inbox, opened(place) as other:
        assert await inbox.put(b"1")
        assert not await other.put(b"1")
        assert await bodies(other) == [b"1"]
        await other.finish(digest_of(b"1"), remembers=True)
        assert not await inbox.put(b"1")
        place.clock.advance(REMEMBERED - 1.0)
        assert await inbox.tidy() == 0
        assert not await inbox.put(b"1")
        assert await bodies(inbox) == []


async def test_one_that_need_not_be_recognised_is_forgotten(place: Place) -> None:
    async with opened(place) as inbox:
        await inbox.put(b"1")
        await bodies(inbox)
        await inbox.finish(digest_of(b"1"), remembers=False)
        assert await inbox.put(b"1")


async def test_bodies_that_are_put_at_once_are_new_once(place: Place) -> None:
    async with opened(place) as inbox, opened(place) as other:
        puts = [one.put(b"%d" % number) for number in range(5) for one in (inbox, other, inbox)]
        assert sum(await asyncio.gather(*puts)) == 5
        claimed = await asyncio.gather(*[bodies(one, 2) for one in (inbox, other) * 3])
        assert sorted(body for some in claimed for body in some) == [b"%d" % number for number in range(5)]


async def test_a_body_whose_process_was_killed_is_got_once_more(place: Place) -> None:
    async with opened(place) as inbox:
        await inbox.put(b"1")
        assert await bodies(inbox) == [b"1"]
    async with opened(place) as other:
        place.clock.advance(CLAIM_SECONDS - 1.0)
        assert await bodies(other) == []
        place.clock.advance(1.0)
        assert await bodies(other) == [b"1"]


async def test_a_body_that_kills_each_process_is_dropped_in_the_end(place: Place) -> None:
    async with opened(place) as inbox:
        await inbox.put(b"1")
        for _ in range(MOST_CLAIMS):
            assert await bodies(inbox) == [b"1"]
            assert await inbox.tidy() == 0
            place.clock.advance(CLAIM_SECONDS)
        assert await bodies(inbox) == []
        assert [await inbox.tidy(), await inbox.tidy()] == [1, 0]


async def test_a_body_that_nobody_works_on_is_dropped_when_its_events_are_too_old(place: Place) -> None:
    async with opened(place) as inbox:
        await inbox.put(b"1")
        place.clock.advance(REMEMBERED)
        assert [await inbox.tidy(), await inbox.tidy()] == [1, 0]
        assert await bodies(inbox) == []


async def test_a_slow_process_may_finish_what_another_has_finished(place: Place) -> None:
    async with opened(place) as inbox:
        await inbox.put(b"1")
        await bodies(inbox)
        for _ in range(2):
            await inbox.finish(digest_of(b"1"), remembers=True)
        assert not await inbox.put(b"1")


async def test_an_account_is_erased_from_the_bodies_that_wait(place: Place) -> None:
    both = told(entry(MEDIUM, account="787132"), entry(MEDIUM, account="7"))
    own, other = events(MEDIUM, account="787132"), events(MEDIUM, account="7871320")
    odd = b"787132, and no JSON"
    async with opened(place) as inbox:
        for body in (both, own, other, odd):
            await inbox.put(body)
        assert await inbox.erase(["787132", "42"]) == 3
        assert await inbox.erase(["787132"]) == 0
        left = await bodies(inbox)
        assert sorted(left) == sorted([told(entry(MEDIUM, account="7")), other])
        assert not await inbox.put(own)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return sqlite_url(tmp_path)
    server: Cluster = request.getfixturevalue("postgres")
    return server.create()


@pytest.mark.parametrize(("name", "most"), [("MOST_WAITING", 2), ("MOST_BYTES", 8)])
async def test_a_full_inbox_takes_nothing_more_until_something_was_processed(
    url: str, monkeypatch: pytest.MonkeyPatch, name: str, most: int
) -> None:
    monkeypatch.setattr(inbox_store, name, most)
    async with opened(in_database(url)) as inbox:
        assert [await inbox.put(b"1234"), await inbox.put(b"5678")] == [True, True]
        with pytest.raises(InboxUnavailable, match="full"):
            await inbox.put(b"9012")
        await bodies(inbox)
        await inbox.finish(digest_of(b"1234"), remembers=True)
        assert await inbox.put(b"9012")


async def test_of_very_many_digests_the_first_to_expire_are_forgotten(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox_store, "MOST_DIGESTS", 2)
    place = in_database(url)
    async with opened(place) as inbox:
        for body in (b"1", b"2", b"3"):
            await inbox.put(body)
            await inbox.finish(digest_of(body), remembers=True)
            place.clock.advance(1.0)
        assert await inbox.tidy() == 0
        assert [await inbox.put(body) for body in (b"1", b"2", b"3")] == [True, False, False]


async def test_an_inbox_that_a_newer_gateway_has_written_is_unavailable(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(in_database(url)) as inbox:
        await inbox.put(b"1")
    monkeypatch.setattr(inbox_store.INBOX.__class__, "version_of", lambda *_: NEWER)
    async with opened(in_database(url)) as inbox:
        with pytest.raises(InboxUnavailable, match=r"is of version 9\.0"):
            await inbox.put(b"2")


async def test_an_inbox_whose_file_was_deleted_acknowledges_nothing(tmp_path: Path) -> None:
    async with opened(in_database(sqlite_url(tmp_path))) as inbox:
        await inbox.put(b"1")
        (tmp_path / INBOX.file).unlink()
        with pytest.raises(InboxUnavailable, match="deleted or replaced"):
            await inbox.put(b"2")


def found_in(folder: Path, text: bytes) -> dict[str, int]:
    return {path.name: path.read_bytes().count(text) for path in folder.iterdir()}


async def test_the_file_is_its_owners_alone_and_processed_bodies_are_not_in_it(tmp_path: Path) -> None:
    body = b"a body with the account 787132" * 40
    clock = ManualClock()
    inbox = StoredInbox(sqlite_url(tmp_path), clock)
    await inbox.put(body)
    assert (tmp_path / INBOX.file).stat().st_mode & 0o777 == 0o600
    await inbox.claim(1)
    await inbox.finish(digest_of(body), remembers=True)
    await inbox.aclose()
    assert found_in(tmp_path, b"787132") == {INBOX.file: 0}
