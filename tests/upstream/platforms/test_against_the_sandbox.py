"""Both dialects against the embedded upstream, which was written from the same contract by other hands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest

from gateway.domain.publishing import (
    ContainerState,
    HighlightChanges,
    LinkedMedium,
    MediumKind,
    Quota,
)
from gateway.errors import (
    AccountDisconnected,
    ContainerExpired,
    GatewayError,
    MediumRefused,
    NotFound,
    PermissionMissing,
    PublishingRejected,
    QuotaExhausted,
    UpstreamRateLimited,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from gateway.sandbox.faults import Accepted, AnyFault, Hang, PlatformError, Processing, Status
from gateway.upstream.platforms.dialects import Dialect
from tests.upstream.platforms.sandboxed import BOTH, LINK, PLATFORM, House, key_of, refused
from tests.upstream.platforms.stub import KEY, NATGEO


@pytest.fixture
async def house(dialect: Dialect) -> AsyncIterator[House]:
    """What it answers fits: nothing of it may be drift."""
    one = House(dialect)
    yield one
    assert one.drift == []


@BOTH
async def test_the_whole_tray_is_read_however_long_it_is(house: House) -> None:
    story = (await house.story(LINK, "0")).medium_id
    for number in range(30):
        await house.publisher.create(NATGEO, "Reef", [story], None, key=key_of(str(number)))
    tray = await house.publisher.tray(NATGEO)
    assert len(tray) == len({one.pk for one in tray}) >= 30
    assert all(one.media_ids for one in tray)


@PLATFORM
async def test_the_quota_is_told_and_kept(house: House) -> None:
    await house.story(LINK, "0")
    assert await house.publisher.quota(NATGEO) == Quota(1, 50, 86_400.0)
    full = House(Dialect.PLATFORM, quota=1)
    await full.story(LINK, "0")
    with refused(QuotaExhausted):
        await full.story(LINK, "1")


@PLATFORM
async def test_the_same_key_is_the_same_effect(house: House) -> None:
    first = await house.publisher.upload(NATGEO, LINK, key=KEY)
    assert await house.publisher.upload(NATGEO, LINK, key=KEY) == first
    story = await house.story(LINK, "0")
    made = [
        await house.publisher.create(NATGEO, "Reef", [story.medium_id], None, key=key_of("create")) for _ in range(3)
    ]
    assert len({one.pk for one in made}) == 1
    with refused(PublishingRejected):
        await house.publisher.create(NATGEO, "Sea", [story.medium_id], None, key=key_of("create"))


@PLATFORM
async def test_what_is_made_later_is_not_ready_until_then(house: House) -> None:
    story = await house.story(LINK, "0")
    house.lay(Accepted(seconds=30))
    made = await house.publisher.create(NATGEO, "Reef", [story.medium_id], None, key=KEY)
    assert not made.is_ready
    pending = await house.publisher.highlight(NATGEO, made.pk)
    assert pending is not None
    assert not pending.is_ready
    await asyncio.sleep(31)
    whole = await house.publisher.highlight(NATGEO, made.pk)
    assert whole is not None
    assert (whole.is_ready, whole.media_ids) == (True, (story.medium_id,))


@PLATFORM
async def test_a_container_is_waited_for_fails_and_expires(house: House) -> None:
    house.lay(Processing(seconds=5, retry_after=2, times=1), Processing(seconds=5, code=36003, times=1))
    slow, broken = [await house.publisher.upload(NATGEO, LINK, key=key_of(str(number))) for number in range(2)]
    assert (slow.state, slow.retry_after) == (ContainerState.IN_PROGRESS, 2.0)
    with refused_as_not_ready():
        await house.publisher.publish(NATGEO, slow.id, key=key_of("early"))
    await asyncio.sleep(6)
    assert (await house.publisher.container(NATGEO, slow.id)).state is ContainerState.FINISHED
    failed = await house.publisher.container(NATGEO, broken.id)
    assert (failed.state, failed.problem) == (
        ContainerState.ERROR,
        "The platform does not accept the aspect ratio of the image.",
    )
    house.clock.advance(86_400)
    assert (await house.publisher.container(NATGEO, slow.id)).state is ContainerState.EXPIRED
    with refused(ContainerExpired):
        await house.publisher.publish(NATGEO, slow.id, key=key_of("late"))


@contextmanager
def refused_as_not_ready() -> Iterator[None]:
    with pytest.raises(UpstreamUnavailable, match="still working"):
        yield


@PLATFORM
async def test_a_dead_story_cannot_be_held(house: House) -> None:
    story = await house.story(LINK, "0")
    house.clock.advance(90_000)
    with refused(ContainerExpired):
        await house.publisher.create(NATGEO, "Reef", [story.medium_id], None, key=KEY)


@PLATFORM
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        *((PlatformError(code=code), UpstreamRateLimited) for code in (4, 17, 32, 613, 80002)),
        *((PlatformError(code=190, subcode=sub), AccountDisconnected) for sub in (458, 460, 463, 467)),
        *((PlatformError(code=code), PermissionMissing) for code in (10, 200)),
        (PlatformError(code=9), QuotaExhausted),
        (PlatformError(code=24), ContainerExpired),
        *((PlatformError(code=code), MediumRefused) for code in (352, 36000, 36001, 36003, 9004)),
        *((PlatformError(code=code), UpstreamUnavailable) for code in (-1, -2)),
        (PlatformError(code=100), PublishingRejected),
        (Status(status=503), UpstreamUnavailable),
        (Hang(), UpstreamTimeout),
    ],
)
async def test_each_row_of_the_error_table_arrives(house: House, fault: AnyFault, error: type[GatewayError]) -> None:
    await house.publisher.accounts()
    house.lay(fault)
    with refused(error):
        await house.publisher.upload(NATGEO, LINK, key=KEY)


@PLATFORM
async def test_access_is_regained_when_it_was_said(house: House) -> None:
    await house.publisher.accounts()
    house.lay(PlatformError(code=80002, regain=3, times=1))
    for _ in range(2):
        with pytest.raises(UpstreamRateLimited) as caught:
            await house.publisher.tray(NATGEO)
        assert caught.value.retry_after == pytest.approx(180.0)
    await asyncio.sleep(181)
    await house.publisher.tray(NATGEO)


@BOTH
async def test_what_was_done_before_the_answer_was_lost_can_be_found(house: House) -> None:
    """The ids that were sent are the ids that the tray tells, in the same order: a reconciling read compares them."""
    ids = [(await house.story(LINK, str(number))).medium_id for number in range(2)][::-1]
    house.lay(Status(status=500, when="after", endpoint="POST *highlight*", times=1))
    with refused(UpstreamUnavailable):
        await house.publisher.create(NATGEO, "Reef", ids, None, key=KEY)
    assert [one.title for one in await house.publisher.tray(NATGEO) if list(one.media_ids) == ids] == ["Reef"]


@BOTH
async def test_a_medium_that_nobody_can_fetch_is_not_published(house: House) -> None:
    """The other dialect fails without saying why."""
    with pytest.raises(GatewayError) as caught:
        await house.publisher.upload(NATGEO, LinkedMedium("https://localhost/x.jpg", MediumKind.IMAGE), key=KEY)
    expected = MediumRefused if house.dialect is Dialect.PLATFORM else UpstreamUnavailable
    assert type(caught.value) is expected


@BOTH
async def test_a_wrong_token_is_nobody_s(house: House) -> None:
    with refused(AccountDisconnected):
        await house.connect("another").accounts()


@PLATFORM
async def test_an_edit_of_what_is_not_there_says_so(house: House) -> None:
    with refused(NotFound):
        await house.publisher.update(NATGEO, "179", HighlightChanges(title="Sea"), key=KEY)


@BOTH
async def test_a_bad_title_is_refused(house: House) -> None:
    story = await house.story(LINK, "0")
    with pytest.raises(GatewayError) as caught:
        await house.publisher.create(NATGEO, "x" * 17, [story.medium_id], None, key=KEY)
    expected = PublishingRejected if house.dialect is Dialect.PLATFORM else UpstreamUnavailable
    assert type(caught.value) is expected
