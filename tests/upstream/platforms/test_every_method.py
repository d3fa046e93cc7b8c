"""Every method of both dialects against the embedded upstream, with files, which take real time to read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.domain.publishing import Account, FiledMedium, HighlightChanges, MediumKind, Source
from gateway.sandbox.faults import PlatformError, Processing
from gateway.upstream.platforms.dialects import Dialect
from tests.sandbox.publishing.media import film, jpeg
from tests.upstream.platforms.sandboxed import BOTH, LINK, PLATFORM, House, key_of
from tests.upstream.platforms.stub import KEY, NATGEO

LOOP = asyncio.SelectorEventLoop


@pytest.fixture
async def house(dialect: Dialect) -> AsyncIterator[House]:
    """What it answers fits: nothing of it may be drift."""
    one = House(dialect, clock=SystemClock())
    one.lay(Processing(seconds=0.05, retry_after=0.05))
    yield one
    assert one.drift == []


def filed(path: Path, kind: MediumKind = MediumKind.IMAGE) -> FiledMedium:
    path.write_bytes(jpeg() if kind is MediumKind.IMAGE else film())
    return FiledMedium(path, kind, "image/jpeg" if kind is MediumKind.IMAGE else "video/mp4")


@BOTH
async def test_every_method_does_its_work(house: House, tmp_path: Path) -> None:
    publisher = house.publisher
    assert await publisher.accounts() == [Account(NATGEO, "natgeo")]
    before = [one.pk for one in await publisher.tray(NATGEO)]
    media: list[Source] = [LINK, filed(tmp_path / "picture"), filed(tmp_path / "film", MediumKind.VIDEO)]
    stories = [await house.story(source, str(place)) for place, source in enumerate(media)]
    ids = [story.medium_id for story in stories]
    assert all((story.expires_at or 0) > house.clock.now() + 80_000 for story in stories)

    made = await publisher.create(NATGEO, "Reef", ids, ids[1], key=KEY)
    assert (made.title, list(made.media_ids), made.is_ready) == ("Reef", ids, True)
    assert await publisher.highlight(NATGEO, made.pk) == made
    tray = await publisher.tray(NATGEO)
    assert [one.pk for one in tray] == [made.pk, *before]
    assert tray[0] == made

    extra = (await house.story(LINK, "extra")).medium_id
    changes = HighlightChanges(title="Sea", cover_id=ids[2], add=[extra], remove=[ids[0]])
    edited = await publisher.update(NATGEO, made.pk, changes, key=key_of("edit"))
    assert (edited.title, edited.media_ids) == ("Sea", (ids[1], ids[2], extra))
    assert await publisher.highlight(NATGEO, made.pk) == edited

    await publisher.delete(NATGEO, made.pk)
    await publisher.delete(NATGEO, made.pk)
    assert await publisher.highlight(NATGEO, made.pk) is None
    assert [one.pk for one in await publisher.tray(NATGEO)] == before


@PLATFORM
async def test_a_file_whose_token_is_refused_goes_with_another(house: House, tmp_path: Path) -> None:
    await house.publisher.accounts()
    house.lay(PlatformError(code=190, subcode=467, endpoint="POST *upload", times=1))
    assert (await house.publisher.upload(NATGEO, filed(tmp_path / "picture"), key=KEY)).id
    assert house.sandbox.meter.calls["GET /platform/refresh_access_token"] == 1


@PLATFORM
async def test_a_file_that_is_sent_again_is_the_same_upload(house: House, tmp_path: Path) -> None:
    """Its body is the same each time, or the second one would be another request under a used key."""
    picture = filed(tmp_path / "picture")
    first = await house.publisher.upload(NATGEO, picture, key=KEY)
    assert (await house.publisher.upload(NATGEO, picture, key=KEY)).id == first.id
