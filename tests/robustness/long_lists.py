"""A gateway over an upstream with one long list of followers, whose pages and failures a test decides."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from gateway.clock import Clock
from gateway.composition.app import create_app
from gateway.settings import Settings
from tests.fakes.gateway import ORIGIN, Answer

PAGE = 25
FOLLOWERS = "/g2/user/followers"
PARTIAL = "UPSTREAM_PARTIAL_ANSWER"
FOLLOWERS_OF = """query Followers($first: Int, $after: String, $id: ID! = "7") { user(by: { id: $id }) {
    followers(first: $first, after: $after) { nodes { id } edges { cursor node { id } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }"""

Reply = Callable[[], httpx.Response]


def user(pk: int) -> dict[str, Any]:
    return {"pk": pk, "username": f"user{pk}", "is_private": False, "latest_reel_media": 0}


def refusal(status: int, exc_type: str = "", **headers: str) -> Reply:
    body = {"detail": "no", "exc_type": exc_type} if exc_type else {"detail": "no"}
    return lambda: httpx.Response(status, json=body, headers={"x-hiker-info": "reqs=1", **headers})


@dataclass
class LongList:
    """The upstream. `pages` are the entries of each page; the cursor of a page holds its number and the `session`.

    `failures` are played one after the other in the place of a page, by its number. `bought` counts the pages that were
    answered, and `refused` the charged refusals. Cursors of an earlier session are dead.
    """

    pages: Sequence[Sequence[Any]]
    failures: dict[int, list[Reply]] = field(default_factory=dict)
    session: int = 1
    bought: Counter[int] = field(default_factory=Counter)
    refused: int = 0
    calls: int = 0

    @property
    def billed(self) -> int:
        return self.bought.total() + self.refused

    @property
    def ids(self) -> list[str]:
        """All entries in their order, each once."""
        entries = (entry for page in self.pages for entry in page if isinstance(entry, dict))
        return list(dict.fromkeys(str(entry["pk"]) for entry in entries))

    async def answer(self, request: httpx.Request) -> httpx.Response:
        path, query = request.url.path, request.url.params
        if path == "/sys/balance":
            return httpx.Response(200, json={"requests": 10**6, "rate": 1_000, "currency": "USD", "amount": 1.0})
        if path != FOLLOWERS:
            return httpx.Response(401)
        self.calls += 1
        number = self._number(query)
        if number is None:
            self.refused += 1
            return refusal(400, "ValidationError")()
        if self.failures.get(number):
            reply = self.failures[number].pop(0)()
            self.refused += reply.status_code in (400, 403, 404)
            return reply
        self.bought[number] += 1
        cursor = f"{self.session}+/=&{number + 1}" if number + 1 < len(self.pages) else None
        body = {"response": {"users": list(self.pages[number]), "next_max_id": "inner"}, "next_page_id": cursor}
        return httpx.Response(200, content=json.dumps(body).encode(), headers={"x-hiker-info": "reqs=1"})

    def _number(self, query: Mapping[str, str]) -> int | None:
        cursor = query.get("page_id")
        if cursor is None:
            return 0
        session, _, number = cursor.partition("+/=&")
        return int(number) if session == str(self.session) else None


def pages_of(count: int, *, size: int = PAGE, overlap: int = 0) -> list[list[Any]]:
    """Pages of users 1 to `count`, each of which begins with the last `overlap` users of the page before."""
    starts = range(0, count, size)
    return [[user(pk) for pk in range(max(start - overlap, 0) + 1, min(start + size, count) + 1)] for start in starts]


@dataclass
class Walk:
    """What a client has read. `errors` are the codes of each answer that had some."""

    ids: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    charged: int = 0
    answers: int = 0
    cursor: str | None = None
    is_done: bool = False


class Reader:
    """A gateway and its clients."""

    def __init__(self, client: httpx.AsyncClient, upstream: LongList) -> None:
        self.client = client
        self.upstream = upstream

    async def ask(self, document: str, **variables: object) -> Answer:
        response = await self.client.post("/graphql", json={"query": document, "variables": variables})
        return Answer(response.status_code, response.headers, response.json())

    async def page(self, **variables: object) -> Answer:
        return await self.ask(FOLLOWERS_OF, **variables)

    async def step(self, walk: Walk, first: int | None) -> Answer:
        """Read the page after `walk` and add it. The client asks for the same page again if there is none."""
        answer = await self.page(first=first, after=walk.cursor)
        walk.answers += 1
        walk.charged += answer.charged
        walk.errors += [code for _, code in answer.errors]
        part = answer.data["user"]["followers"] if answer.data and answer.data["user"] else None
        if part is not None:
            assert [edge["node"] for edge in part["edges"]] == part["nodes"]
            walk.ids += [node["id"] for node in part["nodes"]]
            walk.is_done = not part["pageInfo"]["hasNextPage"]
            walk.cursor = part["pageInfo"]["endCursor"]
        assert walk.is_done or walk.cursor or answer.errors, "more is to come, and nothing leads there"
        return answer

    async def walk(self, first: int | None = None, walk: Walk | None = None, most: int = 500) -> Walk:
        """Read to the end of the list, or until `most` answers."""
        walk = walk or Walk()
        while not walk.is_done and walk.answers < most:
            await self.step(walk, first)
        return walk


@contextlib.asynccontextmanager
async def reading(folder: Path, upstream: LongList, clock: Clock, **settings: Any) -> AsyncIterator[Reader]:
    app = create_app(
        dataclasses.replace(Settings(hikerapi_key="k"), data_dir=folder, **settings),
        transport=httpx.MockTransport(upstream.answer),
        clock=clock,
        base_url=ORIGIN,
    )
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url=ORIGIN, timeout=1e6) as client,
    ):
        yield Reader(client, upstream)
