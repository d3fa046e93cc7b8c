"""Endpoints that the upstream retires: the next of the family is used, and the operator is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gateway.sandbox.faults import Script, Status
from tests.fakes.gateway import RunningGateway, details, running_gateway

RAW, TYPED = "/g2/user/medias", "/v1/user/medias/chunk"
POSTS = """
query Q($after: String) {
  user(by: {id: 787132}) { media(first: 12, after: $after) { nodes { id } pageInfo { endCursor } } }
}
"""
FOLLOWERS = "{ user(by: {id: 787132}) { followers { nodes { username } } } }"
LIKERS = '{ media(by: {id: "3829449844045389376"}) { likers { nodes { username } } } }'


def retire(gateway: RunningGateway, *paths: str) -> None:
    gateway.sandbox.faults.play(Script([Status(status=410, endpoint=path) for path in paths]))


def ids(answer: Any) -> list[str]:
    return [node["id"] for node in answer.data["user"]["media"]["nodes"]]


async def warnings(gateway: RunningGateway) -> dict[str, str]:
    found: dict[str, str] = (await gateway.client.get("/readyz")).json()["warnings"]
    return found


async def test_the_next_endpoint_answers_at_the_price_of_one(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        before = ids(await gateway.query(POSTS))
        gateway.clock.advance(601)
        assert await warnings(gateway) == {}
        retire(gateway, RAW)
        answer = await gateway.query(POSTS)
        assert (answer.errors, answer.charged) == ([], 1)
        assert set(before) & set(ids(answer))
        assert await warnings(gateway) == {
            "posts": f"The upstream has retired {RAW}: {TYPED} is used, until the next start."
        }


async def test_the_choice_is_remembered_and_told_once(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        retire(gateway, RAW)
        for user in (787132, 2061000019):
            await gateway.query(f"{{ user(by: {{id: {user}}}) {{ media {{ nodes {{ id }} }} }} }}")
        assert gateway.sandbox.meter.calls[RAW] == 1
        assert gateway.sandbox.meter.calls[TYPED] == 2


async def test_a_list_is_read_on_at_the_endpoint_that_it_began_at(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        retire(gateway, RAW)
        first = await gateway.query(POSTS)
        cursor = first.data["user"]["media"]["pageInfo"]["endCursor"]
        following = await gateway.query(POSTS, {"after": cursor})
        assert following.errors == []
        assert following.charged <= 1
        assert not set(ids(first)) & set(ids(following))


async def test_a_cursor_of_a_retired_endpoint_has_expired_for_nothing(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        first = await gateway.query(POSTS)
        cursor = first.data["user"]["media"]["pageInfo"]["endCursor"]
        gateway.clock.advance(601)
        retire(gateway, RAW)
        answer = await gateway.query(POSTS, {"after": cursor})
        (error,) = answer.body["errors"]
        assert details(error) == {"code": "CURSOR_EXPIRED", "startOverCosts": 1}
        assert answer.charged == 0


async def test_each_family_has_its_own_choice(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        retire(gateway, "/g2/user/followers", "/v2/media/likers")
        for query in (FOLLOWERS, LIKERS, POSTS):
            answer = await gateway.query(query)
            assert answer.errors == []
        assert (await warnings(gateway)).keys() == {"followers", "likers"}


async def test_where_all_are_retired_the_field_fails_for_nothing(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        retire(gateway, RAW, TYPED)
        answer = await gateway.query(POSTS)
        assert (answer.errors, answer.charged) == ([("user.media", "UPSTREAM_REJECTED")], 0)
