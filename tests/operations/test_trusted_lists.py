"""Lists of accounts say who has no live story; by a setting the gateway believes it, and buys no stories of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.operations.test_partial import serving
from tests.robustness.long_lists import FOLLOWERS, user

STORIES = "/v1/user/stories"
QUERY = '{ user(by: { id: "7" }) { followers { nodes { id hasLiveStories stories { id } } } } }'


def followers(*newest: int | None) -> dict[str, Any]:
    """A page of followers whose newest live stories have these times; None says nothing of them."""
    users = [user(pk) | {"latest_reel_media": at} for pk, at in enumerate(newest, 11)]
    return {"response": {"users": users, "next_max_id": None}, "next_page_id": None}


@pytest.mark.parametrize("trust_no_stories", [True, False])
async def test_who_has_no_live_story_by_a_list_is_asked_for_none(tmp_path: Path, trust_no_stories: bool) -> None:
    async with serving(tmp_path, trust_no_stories=trust_no_stories) as gateway:
        gateway.upstream.answers |= {FOLLOWERS: followers(0, 1_700_000_000, None), STORIES: []}
        answer = await gateway.ask(QUERY)
        found = answer.data["user"]["followers"]["nodes"]
        assert [one["hasLiveStories"] for one in found] == [False, True, None]
        assert [one["stories"] for one in found] == [[], [], []]
        assert gateway.upstream.calls.count(STORIES) == (2 if trust_no_stories else 3)


async def test_with_the_setting_none_costs_nothing(tmp_path: Path) -> None:
    async with serving(tmp_path, trust_no_stories=True) as gateway:
        gateway.upstream.answers[FOLLOWERS] = followers(0, 0, 0)
        answer = await gateway.again_and_again(QUERY, price=1)
        assert (answer.errors, gateway.upstream.calls) == ([], [FOLLOWERS])
