"""No URL is handed out dead, whatever the lifetimes of entries are set to and however the upstream does meanwhile."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from gateway.sandbox.faults import Status
from gateway.settings import Settings
from tests.fakes.gateway import Answer, RunningGateway, running_gateway
from tests.profiles import examples

DAY = 86_400
MARGIN = 300
# Entries that outlive their URLs by far, unless the URLs cap them.
ETERNAL = Settings(
    ttl_tray=90 * DAY,
    ttl_highlight=90 * DAY,
    ttl_profile=90 * DAY,
    stale_limit=90 * DAY,
    url_margin=MARGIN,
)
DOCUMENTS = (
    '{ user(by: { id: "2488000152" }) { username profilePictureUrl highlights { nodes { cover { url } } } } }',
    '{ user(by: { username: "integer.pk" }) { profilePictureHdUrl profilePictureUrl highlights { totalCount } } }',
    '{ highlight(by: { id: "17902048142215579" }) { cover { url } user { profilePictureUrl } items { nodes { '
    "thumbnailUrl videoUrl urlsExpireAt mentions { user { profilePictureUrl } } sponsors { profilePictureUrl } } } } }",
)
# Which question, how many seconds after the one before, and whether the upstream answers.
Steps = Sequence[tuple[int, int, bool]]
STEPS = st.lists(
    st.tuples(st.integers(0, len(DOCUMENTS) - 1), st.sampled_from([0, 60, DAY, 3 * DAY, 4 * DAY]), st.booleans()),
    min_size=2,
    max_size=8,
)


@given(steps=STEPS, odd=st.integers(0, DAY))
@examples(40)
def test_every_url_in_an_answer_lives_on_for_the_margin(steps: Steps, odd: int) -> None:
    asyncio.run(_play(steps, odd))


async def test_an_entry_lives_to_the_margin_before_its_first_url_dies(tmp_path: Path) -> None:
    """The cap is exact: a second before it costs nothing, at it the answer is bought anew."""
    async with running_gateway(tmp_path, settings=ETERNAL) as gateway:
        dies = min(map(_expiry, (await gateway.query(DOCUMENTS[0])).urls))
        gateway.clock.advance(dies - MARGIN - gateway.clock.now() - 1)
        assert (await gateway.query(DOCUMENTS[0])).charged == 0
        gateway.clock.advance(1)
        assert (await gateway.query(DOCUMENTS[0])).charged == 2


async def test_dead_urls_are_not_served_even_while_the_upstream_fails(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, settings=ETERNAL) as gateway:
        await gateway.query(DOCUMENTS[2])
        gateway.sandbox.faults.lay(Status(status=401))
        gateway.clock.advance(8 * DAY)
        answer = await gateway.query(DOCUMENTS[2])
        assert answer.urls == []
        assert [code for _, code in answer.errors] == ["UPSTREAM_UNAUTHORIZED"]


async def _play(steps: Steps, odd: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with running_gateway(Path(folder), settings=ETERNAL) as gateway:
            gateway.clock.advance(odd)
            for which, seconds, works in steps:
                await _ask(gateway, which, seconds, works=works)


async def _ask(gateway: RunningGateway, which: int, seconds: int, *, works: bool) -> None:
    gateway.clock.advance(seconds)
    if works:
        gateway.sandbox.faults.clear()
    else:
        gateway.sandbox.faults.lay(Status(status=401))
    answer = await gateway.query(DOCUMENTS[which])
    assert answer.urls or not works
    _check(answer, gateway.clock.now())


def _check(answer: Answer, now: float) -> None:
    for url in answer.urls:
        assert _expiry(url) > now + MARGIN, url


def _expiry(url: str) -> int:
    return int(url.rpartition("oe=")[2], 16)
