"""Files sent along with an operation: in the spool before it is run, and gone after it has been answered."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import json
import tracemalloc
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message

from gateway.clients import Client, Clients, Right
from gateway.correlation import RequestIds
from gateway.domain.publishing import Uploaded
from gateway.errors import Unauthenticated
from gateway.events import ignore
from gateway.http.bodies import Bodies
from gateway.http.completion import CorrelationMiddleware
from gateway.http.endpoint import GraphQLEndpoint, Run, route
from gateway.http.multipart import MultipartReader
from gateway.http.negotiation import Accepted
from gateway.http.request_parsing import GraphQLRequest
from gateway.http.uploads import Uploads
from gateway.operations.documents import DocumentCache
from gateway.operations.persisted_queries import PersistedQueries
from gateway.operations.running import RunningOperations
from gateway.scheduling import FairScheduler
from gateway.uploads.spool import Spool
from tests.fakes.clock import ManualClock
from tests.http.forms import ONE, TWO, files, form, map_, operations, part

QUERY = "mutation M($files: [Upload!]!) { m(files: $files) }"
PROOF = {"graphql-require-preflight": "1"}
PHOTO, FILM = b"a photo" * 1_000, b"a film" * 50_000
LARGEST = 4_000_000


class Ran:
    """Stands for the operation: sees what it is given, and what lies in the spool while it runs."""

    def __init__(self, spool: Spool) -> None:
        self.spool = spool
        self.asked: list[GraphQLRequest] = []
        self.contents: dict[str, bytes] = {}
        self.begun = asyncio.Event()
        self.hold: asyncio.Event | None = None

    async def __call__(self, asked: GraphQLRequest, request: Request, accepted: Accepted) -> ASGIApp:
        self.asked.append(asked)
        for file in files_in(asked.variables):
            self.contents[file.filename] = self.spool.path(file.sha256).read_bytes()
        self.begun.set()
        if self.hold is not None:
            await self.hold.wait()
        return JSONResponse({"data": None})


def files_in(value: object) -> list[Uploaded]:
    if isinstance(value, Uploaded):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [file for one in inner for file in files_in(one)]


class Door:
    """The endpoint with uploads, for clients `writer` and `reader`, known by their names."""

    def __init__(self, spool: Spool, folder: Path) -> None:
        self.folder = folder
        self.ran = Ran(spool)
        self.bodies = Bodies(most_each=1_500_000)
        taking = Middleware(Uploads, spool=spool, identify=identify, bodies=self.bodies, largest=LARGEST)
        self.app = app_of(self.ran, taking)
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://gateway.test")

    async def send(self, body: bytes, *, key: str = "writer", **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        told = {"content-type": "multipart/form-data; boundary=edge", "x-api-key": key, **named}
        return await self.client.post("/graphql", content=body, headers=told)

    def kept(self) -> list[Path]:
        """Files in the spool."""
        found = (path for path in self.folder.rglob("*") if path.is_file())
        return [path for path in found if path.name != "lock" and path.suffix != ".alive"]


def endpoint(run: Run) -> GraphQLEndpoint:
    async def no_batch(batch: Sequence[GraphQLRequest], request: Request, accepted: Accepted) -> ASGIApp:
        raise AssertionError("there are no batches of files")

    return GraphQLEndpoint(
        run,
        no_batch,
        PersistedQueries(DocumentCache()),
        Clients.local().identify,
        FairScheduler(),
        bodies=Bodies(),
        running=RunningOperations(ignore, ManualClock()),
    )


def app_of(run: Run, uploads: Middleware) -> Starlette:
    correlation = Middleware(CorrelationMiddleware, ids=RequestIds())
    return Starlette(routes=[route(endpoint(run), uploads=uploads)], middleware=[correlation])


def identify(key: str | None) -> Client:
    if key == "nobody":
        raise Unauthenticated("Send your key.")
    rights = frozenset({Right.READ, Right.WRITE} if key == "writer" else {Right.READ})
    return dataclasses.replace(Clients.local().identify(None), name=str(key), rights=rights)


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    spool = Spool(tmp_path, largest=LARGEST // 2)
    await spool.start()
    door = Door(spool, tmp_path)
    async with door.client:
        yield door
    assert door.kept() == []
    await spool.aclose()


async def test_files_stand_in_the_variables_and_lie_in_the_spool_while_the_operation_runs(door: Door) -> None:
    answer = await door.send(form(*TWO, *files(PHOTO, FILM)))
    assert answer.status_code == 200
    (asked,) = door.ran.asked
    assert asked.query == QUERY
    assert asked.variables == {
        "files": [
            Uploaded(hashlib.sha256(content).hexdigest(), len(content), f"{at}.jpg", "image/jpeg")
            for at, content in enumerate((PHOTO, FILM))
        ]
    }
    assert door.ran.contents == {"0.jpg": PHOTO, "1.jpg": FILM}


async def test_one_file_may_be_wanted_in_several_places(door: Door) -> None:
    places = {"0": ["variables.input.media.0.file", "variables.input.cover.file"]}
    variables = {"input": {"media": [{"file": None}], "cover": {"file": None}, "title": "x"}}
    answer = await door.send(form(operations(variables), map_(places), *files(PHOTO)))
    assert answer.status_code == 200
    given = door.ran.asked[0].variables
    assert given is not None
    assert given["input"]["media"][0]["file"] == given["input"]["cover"]["file"]
    assert given["input"]["title"] == "x"


async def test_httpx_and_its_like_speak_the_same(door: Door) -> None:
    answer = await door.client.post(
        "/graphql",
        data={
            "operations": json.dumps({"query": QUERY, "variables": {"files": [None]}}),
            "map": '{"0": ["variables.files.0"]}',
        },
        files={"0": ("Füchse.jpg", PHOTO, "image/jpeg")},
        headers={"x-api-key": "writer"},
    )
    assert answer.status_code == 200
    assert door.ran.contents == {"Füchse.jpg": PHOTO}


async def test_a_request_without_files_passes_as_it_was(door: Door) -> None:
    answer = await door.client.post("/graphql", json={"query": QUERY}, headers={"x-api-key": "writer"})
    assert answer.status_code == 200
    assert door.ran.asked[0].variables is None


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"key": "reader"}, 403, "FORBIDDEN"),
        ({"key": "nobody"}, 401, "UNAUTHENTICATED"),
        ({"content_encoding": "gzip"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ({"content_type": "multipart/form-data"}, 400, "BAD_REQUEST"),
        ({"content_type": "multipart/form-data; boundary=" + "x" * 300}, 400, "BAD_REQUEST"),
        ({"content_length": str(LARGEST + 1)}, 413, "BODY_TOO_LARGE"),
        ({"content_length": "9" * 20}, 413, "BODY_TOO_LARGE"),
    ],
)
async def test_who_may_not_send_files_is_refused_before_any_is_read(
    door: Door, headers: dict[str, str], status: int, code: str
) -> None:
    answer = await door.send(form(*ONE, *files(PHOTO)), **headers)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (status, code)
    assert door.ran.asked == []


async def test_a_page_of_another_site_cannot_send_files(door: Door) -> None:
    """Browsers send forms anywhere; a header of one's own they ask about first."""
    content = {"content-type": "multipart/form-data; boundary=edge"}
    body = form(*ONE, *files(PHOTO))
    refused = await door.client.post("/graphql", content=body, headers=content)
    assert (refused.status_code, refused.json()["errors"][0]["extensions"]["code"]) == (403, "CSRF_SUSPECTED")
    taken = await door.client.post(
        "/graphql", content=body, headers={**content, **PROOF, "authorization": "Bearer writer"}
    )
    assert taken.status_code == 200


ONE_FILE = files(PHOTO)
BROKEN = {
    "nothing": b"",
    "no form": b"{}",
    "an end at once": form(),
    "cut off in a head": form(*ONE, *ONE_FILE)[:150],
    "cut off in a file": form(*ONE, *ONE_FILE)[:-3_000],
    "cut off before the end": b"".join([*ONE, *ONE_FILE]),
    "another boundary": form(*ONE, *ONE_FILE).replace(b"edge", b"rim"),
    "file first": form(*ONE_FILE, *ONE),
    "map first": form(*reversed(ONE), *ONE_FILE),
    "no map": form(ONE[0], *ONE_FILE),
    "operations that are no JSON": form(part("operations", b"{"), ONE[1], *ONE_FILE),
    "operations that are a list": form(part("operations", b"[{}]"), ONE[1], *ONE_FILE),
    "operations that are deep": form(part("operations", b'{"a":' * 5_000), ONE[1], *ONE_FILE),
    "a map that is no object": form(ONE[0], part("map", b"[]"), *ONE_FILE),
    "a map of texts": form(ONE[0], map_({"0": "variables.files.0"}), *ONE_FILE),
    "a map of numbers": form(ONE[0], map_({"0": [0]}), *ONE_FILE),
    "a map of nothing": form(ONE[0], map_({"0": []}), *ONE_FILE),
    "a place outside the variables": form(ONE[0], map_({"0": ["query"]}), *ONE_FILE),
    "a place that is all variables": form(operations(None), map_({"0": ["variables"]}), *ONE_FILE),
    "a place that is not there": form(ONE[0], map_({"0": ["variables.files.1"]}), *ONE_FILE),
    "a place from the end": form(ONE[0], map_({"0": ["variables.files.-1"]}), *ONE_FILE),
    "a place in a text": form(operations({"files": "text"}), map_({"0": ["variables.files.0"]}), *ONE_FILE),
    "a place that is taken": form(operations({"files": ["x"]}), map_({"0": ["variables.files.0"]}), *ONE_FILE),
    "a place twice": form(ONE[0], map_({"0": ["variables.files.0"] * 2}), *ONE_FILE),
    "too many files": form(ONE[0], map_({str(at): ["variables.files.0"] for at in range(102)}), *ONE_FILE),
    "a file that is not in the map": form(*ONE, *files(PHOTO, FILM)),
    "a file twice": form(*ONE, *ONE_FILE, *ONE_FILE),
    "a file that does not come": form(*TWO, *ONE_FILE),
    "a head without end": b"--edge\r\ncontent-disposition: " + b"x" * 20_000,
    "very many heads": b"--edge\r\n" + b"a: b\r\n" * 20_000,
    "a name that is no text": part("operations", b"{}").replace(b'name="operations"', b'name="\xff\xfe"'),
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
async def test_what_is_not_to_the_specification_is_refused_and_leaves_nothing(door: Door, body: bytes) -> None:
    answer = await door.send(body)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (400, "BAD_REQUEST")
    assert door.ran.asked == []
    assert door.kept() == []


@pytest.mark.parametrize(
    "body",
    [
        form(*ONE, *files(bytes(LARGEST // 2 + 1))),
        form(*TWO, *files(bytes(LARGEST // 2), bytes(LARGEST // 2))),
        form(operations({"files": [None]}, padding="x" * LARGEST), ONE[1], *ONE_FILE),
        form(ONE[0], map_({"0": ["variables.files.0"], "x" * 60_000: ["a"]}), *ONE_FILE),
    ],
    ids=["a file", "all together", "operations", "map"],
)
async def test_what_is_too_large_is_refused_and_leaves_nothing(door: Door, body: bytes) -> None:
    async def unannounced() -> AsyncIterator[bytes]:
        for at in range(0, len(body), 100_000):
            yield body[at : at + 100_000]

    told = {"content-type": "multipart/form-data; boundary=edge", "x-api-key": "writer"}
    answer = await door.client.post("/graphql", content=unannounced(), headers=told)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (413, "BODY_TOO_LARGE")
    assert door.kept() == []


class Browser:
    """Sends the beginning of a body, then waits, and hangs up when it is told to."""

    def __init__(self, door: Door, body: bytes, *, whole: bool) -> None:
        self.door = door
        self.sent: list[Message] = []
        self.gone = asyncio.Event()
        self.is_read = asyncio.Event()
        self._messages: list[Message] = [{"type": "http.request", "body": body, "more_body": not whole}]

    async def ask(self) -> None:
        headers = [(b"content-type", b"multipart/form-data; boundary=edge"), (b"x-api-key", b"writer")]
        scope = {
            "type": "http", "method": "POST", "path": "/graphql", "query_string": b"", "headers": headers, "state": {},
        }  # fmt: skip
        await self.door.app(scope, self._receive, self._send)

    async def _receive(self) -> Message:
        if self._messages:
            return self._messages.pop()
        self.is_read.set()
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        self.sent.append(message)


async def test_operations_that_are_sent_slowly_are_bounded_together(door: Door) -> None:
    begun = operations({"files": [None], "text": "x" * 600_000})[:-1_000]
    browsers = [Browser(door, begun, whole=False) for _ in range(3)]
    asking = [asyncio.create_task(browser.ask()) for browser in browsers]
    await asking[2]
    assert [browser.sent[0]["status"] for browser in browsers if browser.sent] == [503]
    for browser in browsers:
        browser.gone.set()
    await asyncio.gather(*asking)
    assert door.bodies.size == 0
    assert (await door.send(form(*ONE, *files(PHOTO)))).status_code == 200


async def test_a_client_that_hangs_up_while_it_sends_leaves_nothing(door: Door) -> None:
    browser = Browser(door, form(*ONE, *files(bytes(LARGEST // 2)))[:-1_000], whole=False)
    asking = asyncio.create_task(browser.ask())
    await browser.is_read.wait()
    assert [path.suffix for path in door.kept()] == [".part"]
    browser.gone.set()
    await asking
    assert browser.sent == []
    assert door.kept() == []


async def test_a_client_that_hangs_up_while_its_operation_runs_leaves_nothing(door: Door) -> None:
    door.ran.hold = asyncio.Event()
    browser = Browser(door, form(*ONE, *files(PHOTO)), whole=True)
    asking = asyncio.create_task(browser.ask())
    await door.ran.begun.wait()
    assert door.kept() != []
    browser.gone.set()
    await asking
    assert door.kept() == []


async def test_what_an_operation_takes_hold_of_outlives_its_request(door: Door) -> None:
    async def hold_and_answer(asked: GraphQLRequest, request: Request, accepted: Accepted) -> ASGIApp:
        (file,) = files_in(asked.variables)
        await door.ran.spool.hold(file.sha256, "flow-1")
        return await door.ran(asked, request, accepted)

    taking = Middleware(Uploads, spool=door.ran.spool, identify=identify, bodies=Bodies())
    app = app_of(hold_and_answer, taking)
    headers = {"content-type": "multipart/form-data; boundary=edge", "x-api-key": "writer"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway.test") as client:
        await client.post("/graphql", content=form(*ONE, *files(PHOTO)), headers=headers)
    sha256 = hashlib.sha256(PHOTO).hexdigest()
    assert door.ran.spool.path(sha256).read_bytes() == PHOTO
    await door.ran.spool.release(sha256, "flow-1")


async def test_memory_does_not_grow_with_the_body(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    await spool.start()
    size, piece = 80_000_000, bytes(65_536)

    async def chunks() -> AsyncIterator[bytes]:
        yield part("0", b"")[:-2]
        for _ in range(0, size, len(piece)):
            yield piece
        yield b"\r\n--edge--\r\n"

    tracemalloc.start()
    try:
        async with spool.intake() as intake:
            reader = MultipartReader(chunks(), b"edge", largest=2 * size)
            assert await reader.part() is not None
            assert (await intake.take(reader.content())).size >= size
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        await spool.aclose()
    assert peak < 10_000_000
