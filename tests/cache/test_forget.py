"""After cached data is forgotten nothing of it is served, whichever cache has held it."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.cache.statistics import ResponseStatistics
from gateway.sandbox import fixture_users
from gateway.sandbox.faults import Latency
from tests.fakes.gateway import RunningGateway, Terms, VirtualWallClock, running_gateway

THIRTY = fixture_users.THIRTY
FIRST = fixture_users.highlight_pk(THIRTY, 0)
CLIENTS = {"ops": Terms(rights=("read", "operate")), "web": Terms()}
TITLES = '{ user(by: { username: "thirty.highlights" }) { highlights { nodes { id title } } } }'
OTHER = '{ user(by: { username: "natgeo" }) { highlights { nodes { id title } } } }'
FORGET = """mutation Forget($input: ForgetCachedDataInput!) {
  forgetCachedData(input: $input) { entries responses bytes price workers { processId hasAnswered } }
}"""


@contextlib.asynccontextmanager
async def gateway_in(path: Path) -> AsyncIterator[RunningGateway]:
    async with running_gateway(path, clients=CLIENTS, clock=VirtualWallClock()) as gateway:
        yield gateway


async def forget(gateway: RunningGateway, **target: Any) -> dict[str, Any]:
    answer = await gateway.query(FORGET, {"input": target}, client="ops")
    assert not answer.errors, answer.body
    assert answer.charged == 0
    forgotten: dict[str, Any] = answer.data["forgetCachedData"]
    assert [worker["hasAnswered"] for worker in forgotten.pop("workers")] == [True]
    return forgotten


async def titles(gateway: RunningGateway, document: str = TITLES) -> tuple[set[str], int]:
    """The titles that an answer has, and what it was charged."""
    answer = await gateway.query(document, client="web")
    return {node["title"] for node in answer.data["user"]["highlights"]["nodes"]}, answer.charged


def entitle(gateway: RunningGateway, title: str) -> None:
    world = gateway.sandbox.world
    highlight = world.highlight(int(FIRST))
    assert highlight is not None
    world.put(dataclasses.replace(highlight, title=title))


def responses(gateway: RunningGateway) -> ResponseStatistics:
    return gateway.kept.responses.statistics()


async def test_the_price_of_what_was_forgotten_is_that_of_buying_it_again(tmp_path: Path) -> None:
    async with gateway_in(tmp_path) as gateway:
        assert (await titles(gateway))[1] == 3
        assert (await titles(gateway, OTHER))[1] == 3
        forgotten = await forget(gateway, username="Thirty.Highlights")
        assert {name: forgotten[name] for name in ("entries", "responses", "price")} == {
            "entries": 3,  # the tray, the short fields, the id behind the name
            "responses": 1,
            "price": 3,
        }
        assert forgotten["bytes"] > 30 * 1_000
        assert [(await titles(gateway))[1], (await titles(gateway, OTHER))[1]] == [3, 0]
        assert gateway.calls == {"tray_by_username": 3}


async def test_it_is_forgotten_by_the_id_what_was_bought_by_name(tmp_path: Path) -> None:
    async with gateway_in(tmp_path) as gateway:
        await titles(gateway)
        assert (await forget(gateway, userId=str(THIRTY.pk)))["entries"] == 3
        assert (await titles(gateway))[1] == 3


@pytest.mark.parametrize("times", [1, 2, 3, 5])
async def test_no_cache_survives(times: int, tmp_path: Path) -> None:
    """The entry, its decoded value and its projection; the response by its operation; the replay of the request."""
    spellings = [TITLES.replace("{ id title }", f"{{ id title {name}: title }}") for name in ("a", "b", "c")]
    async with gateway_in(tmp_path) as gateway:
        for document in (TITLES, *spellings):
            for _ in range(times):
                before, _ = await titles(gateway, document)
        found = responses(gateway)
        assert (found.hits > 0, found.replays > 0) == (times > 1, times > 2)
        entitle(gateway, "Changed")
        assert [await titles(gateway, document) for document in (TITLES, *spellings)] == [(before, 0)] * 4
        await forget(gateway, userId=str(THIRTY.pk))
        assert responses(gateway).responses == 0
        after, charged = await titles(gateway)
        assert (after - before, charged) == ({"Changed"}, 3)
        assert [await titles(gateway, document) for document in spellings] == [(after, 0)] * 3


async def test_projections_go_with_their_entries(tmp_path: Path) -> None:
    """A list is projected to JSON when its selection is used a second time."""
    documents = [
        f'{{ user(by: {{ id: "{THIRTY.pk}" }}) {{ {name}: highlights {{ nodes {{ title }} }} }} }}' for name in "abc"
    ]
    async with gateway_in(tmp_path) as gateway:
        for document in documents:
            await gateway.query(document, client="web")
        assert len(gateway.parts.reading.projections) == 1
        entitle(gateway, "Changed")
        await forget(gateway, all=True)
        assert len(gateway.parts.reading.projections) == 0
        answers = [await gateway.query(document, client="web") for document in documents]
        assert [("Changed" in str(answer.data), answer.charged) for answer in answers] == [
            (True, 2),
            (True, 0),
            (True, 0),
        ]


async def test_an_absence_is_forgotten(tmp_path: Path) -> None:
    document = '{ user(by: { username: "new.name" }) { id } }'
    async with gateway_in(tmp_path) as gateway:
        assert (await gateway.query(document, client="web")).errors == [("user", "NOT_FOUND")]
        gateway.sandbox.world.rename(THIRTY.pk, "new.name")
        again = await gateway.query(document, client="web")
        assert (again.errors, again.charged) == ([("user", "NOT_FOUND")], 0)
        assert (await forget(gateway, username="new.name"))["entries"] == 1
        found = await gateway.query(document, client="web")
        assert (found.data, found.errors) == ({"user": {"id": str(THIRTY.pk)}}, [])


async def test_a_user_is_forgotten_under_a_former_name(tmp_path: Path) -> None:
    async with gateway_in(tmp_path) as gateway:
        before, _ = await titles(gateway)
        gateway.sandbox.world.rename(THIRTY.pk, "new.name")
        named = TITLES.replace("thirty.highlights", "new.name")
        assert await titles(gateway, named) == (before, 3)
        await forget(gateway, username="new.name")
        assert (await gateway.query(TITLES, client="web")).errors == [("user", "NOT_FOUND")]


async def test_an_answer_that_was_under_way_is_neither_cached_nor_shared(tmp_path: Path) -> None:
    async with gateway_in(tmp_path) as gateway:
        gateway.sandbox.faults.lay(Latency(seconds=1))
        first = asyncio.create_task(titles(gateway))
        await asyncio.sleep(0.5)
        forgotten = await forget(gateway, username="thirty.highlights")
        assert forgotten == {"entries": 0, "responses": 0, "bytes": 0, "price": 0}
        second = asyncio.create_task(titles(gateway))
        assert (await first)[1] == 3
        assert responses(gateway).responses == 0
        assert (await second)[1] == 3
        assert gateway.calls == {"tray_by_username": 2}
        assert (await titles(gateway))[1] == 0  # the second answer is cached


async def test_a_response_that_is_finished_afterwards_is_not_cached(tmp_path: Path) -> None:
    """It has used an entry before that was forgotten while it waited for another one."""
    both = f'{{ user(by: {{ id: "{THIRTY.pk}" }}) {{ biography highlights {{ nodes {{ title }} }} }} }}'
    async with gateway_in(tmp_path) as gateway:
        await titles(gateway)
        gateway.sandbox.faults.lay(Latency(seconds=1))
        waiting = asyncio.create_task(gateway.query(both, client="web"))
        await asyncio.sleep(0.5)
        await forget(gateway, userId=str(THIRTY.pk))
        assert (await waiting).charged == 1
        assert responses(gateway).responses == 0
        assert (await gateway.query(both, client="web")).charged == 3


async def test_a_highlight_is_forgotten_with_its_items_and_the_trays_that_list_it(tmp_path: Path) -> None:
    highlight = f'{{ highlight(by: {{ id: "{FIRST}" }}) {{ title items(first: 1) {{ nodes {{ id }} }} }} }}'
    sibling = highlight.replace(FIRST, fixture_users.highlight_pk(THIRTY, 1))
    async with gateway_in(tmp_path) as gateway:
        found = await gateway.query(highlight, client="web")
        item = f'{{ item(id: "{found.data["highlight"]["items"]["nodes"][0]["id"]}") {{ kind }} }}'
        for document in (sibling, TITLES, OTHER):
            await gateway.query(document, client="web")
        assert (await gateway.query(item, client="web")).charged == 0
        await forget(gateway, highlightId=f"highlight:{FIRST}")
        documents = (OTHER, sibling, highlight, TITLES)
        assert [(await gateway.query(each, client="web")).charged for each in documents] == [0, 0, 1, 2]


async def test_a_post_is_forgotten_with_its_comments_and_the_lists_that_have_it(tmp_path: Path) -> None:
    posts = f'{{ user(by: {{ id: "{THIRTY.pk}" }}) {{ media(first: 2) {{ nodes {{ id }} }} }} }}'
    followers = f'{{ user(by: {{ id: "{THIRTY.pk}" }}) {{ followers(first: 2) {{ nodes {{ id }} }} }} }}'
    async with gateway_in(tmp_path) as gateway:
        found = await gateway.query(posts, client="web")
        one, other = (node["id"] for node in found.data["user"]["media"]["nodes"])
        said = "comments(first: 1) { nodes { id } } likers { nodes { id } }"
        comments = f'{{ media(by: {{ id: "{one}" }}) {{ {said} }} }}'
        documents = (followers, others := comments.replace(one, other), comments)
        paid = [(await gateway.query(document, client="web")).charged for document in documents]
        assert all(paid)
        await forget(gateway, mediaId=one)
        charged = [(await gateway.query(document, client="web")).charged for document in (*documents, posts)]
        assert charged == [0, 0, paid[documents.index(comments)], 1]
        assert others != comments


async def test_of_a_user_the_posts_and_what_is_said_of_them_are_forgotten_too(tmp_path: Path) -> None:
    posts = f'{{ user(by: {{ id: "{THIRTY.pk}" }}) {{ media(first: 1) {{ nodes {{ id }} }} }} }}'
    async with gateway_in(tmp_path) as gateway:
        one = (await gateway.query(posts, client="web")).data["user"]["media"]["nodes"][0]["id"]
        comments = f'{{ media(by: {{ id: "{one}" }}) {{ comments(first: 1) {{ nodes {{ id }} }} }} }}'
        paid = (await gateway.query(comments, client="web")).charged
        forgotten = await forget(gateway, userId=str(THIRTY.pk))
        assert forgotten["price"] == 1 + paid
        assert [(await gateway.query(each, client="web")).charged for each in (posts, comments)] == [1, paid]


async def test_everything_is_forgotten(tmp_path: Path) -> None:
    async with gateway_in(tmp_path) as gateway:
        paid = [(await titles(gateway, document))[1] for document in (TITLES, OTHER)]
        forgotten = await forget(gateway, all=True)
        assert (forgotten["price"], forgotten["responses"]) == (sum(paid), 2)
        store = gateway.parts.reading.services.memory.store
        assert (len(store), store.bytes, responses(gateway).bytes) == (0, 0, 0)
        assert [(await titles(gateway, document))[1] for document in (TITLES, OTHER)] == paid


@pytest.mark.parametrize(
    ("input", "message"),
    [
        ({"userId": "natgeo"}, "input.userId must be the user's numeric id."),
        ({"username": ".."}, "input.username must be an Instagram user name"),
        ({"highlightId": "media:1"}, "input.highlightId must be the highlight's numeric id."),
        ({"mediaId": "x"}, "input.mediaId must be the media's numeric id."),
        ({"all": False}, "input must say what to forget: an id, a user name, or all: true."),
    ],
)
async def test_an_input_that_names_nothing_forgets_nothing(input: dict[str, Any], message: str, tmp_path: Path) -> None:
    async with gateway_in(tmp_path) as gateway:
        await titles(gateway)
        answer = await gateway.query(FORGET, {"input": input}, client="ops")
        assert answer.errors == [("forgetCachedData", "BAD_USER_INPUT")]
        assert answer.body["errors"][0]["message"].startswith(message)
        assert (await titles(gateway))[1] == 0


async def test_a_client_without_the_right_forgets_nothing(tmp_path: Path) -> None:
    async with gateway_in(tmp_path) as gateway:
        await titles(gateway)
        answer = await gateway.query(FORGET, {"input": {"all": True}}, client="web")
        assert answer.errors == [("", "FORBIDDEN")]
        assert answer.body["errors"][0]["extensions"]["right"] == "operate"
        assert (await titles(gateway))[1] == 0
