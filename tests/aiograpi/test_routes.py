"""The client of the other dialect, the flows and the sandbox, held against the routes of aiograpi-rest itself."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from aiograpi.exceptions import ChallengeRequired, ClientError, LoginRequired, PleaseWaitFewMinutes
from aiograpi_rest import helpers
from aiograpi_rest.dependencies import get_clients
from aiograpi_rest.main import app
from aiograpi_rest.routers import story
from aiograpi_rest.storages import ClientStorage

from gateway.domain.publishing import Account, FiledMedium, HighlightChanges, LinkedMedium, MediumKind
from gateway.errors import AccountDisconnected, GatewayError, RouteMissing, UpstreamRateLimited, UpstreamUnavailable
from gateway.events import ignore
from gateway.publishing.commands import CreateHighlight, DeleteHighlight, MediumSpec, OnMediaError, UpdateHighlight
from gateway.publishing.phases import FlowState
from gateway.publishing.service import Publishing
from gateway.publishing.views import WorkflowView
from gateway.queue_place import GATEWAY
from gateway.sandbox import create_sandbox
from gateway.upstream.platforms.dialects import Dialect, connect_publisher
from gateway.upstream.platforms.likes import Likes
from tests.aiograpi.account import IMAGE, NAME, PK, VIDEO, InMemory
from tests.fakes.clock import VirtualClock
from tests.fakes.durable import VolatileDurable
from tests.publishing.harness import CLIENT, ENDED, Folder
from tests.upstream.platforms.stub import FullPublisher

URL = "https://images.example.com/reef.jpg"


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Empty. It is opened for each request without a thread, which virtual time would not wait for, and closed."""

    async def opened() -> AsyncIterator[ClientStorage]:
        storage = ClientStorage(str(tmp_path / "sessions.json"))
        try:
            yield storage
        finally:
            storage.db.close()

    monkeypatch.setitem(app.dependency_overrides, get_clients, opened)


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> InMemory:
    """Stands where the routes ask for the client of a session, whatever it is."""
    account = InMemory()

    async def get(self: object, sessionid: str) -> InMemory:
        return account

    class Untouched:
        """A film needs no MoviePy to arrive."""

        def __init__(self, path: str, *rest: object) -> None:
            self.path = path

        def video(self, seconds: int) -> Untouched:
            return self

    monkeypatch.setattr(ClientStorage, "get", get)
    monkeypatch.setattr(helpers, "StoryBuilder", Untouched)
    monkeypatch.setattr(story.requests, "get", lambda url: SimpleNamespace(content=str(url).encode()))
    return account


@pytest.fixture
def rest() -> httpx.ASGITransport:
    return httpx.ASGITransport(app, raise_app_exceptions=False)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
async def publisher(account: InMemory, rest: httpx.ASGITransport, clock: VirtualClock) -> FullPublisher:
    return publisher_of(rest, clock)


def publisher_of(rest: httpx.ASGITransport, clock: VirtualClock, base_url: str = "http://rest") -> FullPublisher:
    publisher = connect_publisher(
        dialect=Dialect.AIOGRAPI, base_url=base_url, token="a-session", clock=clock, hook=ignore, transport=rest
    )
    return cast(FullPublisher, publisher)


async def story_of(publisher: FullPublisher, url: str = URL, kind: MediumKind = MediumKind.IMAGE) -> str:
    container = await publisher.upload(PK, LinkedMedium(url, kind), key="k")
    assert container.story is not None
    return container.story.medium_id


async def test_the_session_is_its_accounts(publisher: FullPublisher) -> None:
    assert await publisher.accounts() == [Account(PK, NAME)]


async def test_a_medium_arrives_as_what_it_is(publisher: FullPublisher, account: InMemory, tmp_path: Path) -> None:
    # Of a file smaller than a buffer, which has 128 KiB since Python 3.14, nothing is flushed when it is read there.
    contents = [b"a picture" * 40_000, b"a film" * 40_000]
    (tmp_path / "picture").write_bytes(contents[0])
    (tmp_path / "film").write_bytes(contents[1])
    await story_of(publisher)
    await story_of(publisher, "https://images.example.com/reef.m4v?sig=1", MediumKind.VIDEO)
    await publisher.upload(PK, FiledMedium(tmp_path / "picture", MediumKind.IMAGE, "image/jpeg"), key="k")
    await publisher.upload(PK, FiledMedium(tmp_path / "film", MediumKind.VIDEO, "video/mp4"), key="k")
    assert [story.media_type for story in account.stories.values()] == [IMAGE, VIDEO, IMAGE, VIDEO]
    assert account.contents[2:] == contents


async def test_a_url_is_taken_by_its_ending_as_it_is_here(
    publisher: FullPublisher, account: InMemory, rest: httpx.ASGITransport
) -> None:
    for path in ("a", "a.mp4", "a.MOV?b=1", "a.m4v", "a.webm", "a?b=c.mp4", "a.mp4/", "a.mp4;v=1", "a%2Emp4"):
        url = f"https://images.example.com/{path}"
        async with httpx.AsyncClient(transport=rest, base_url="http://rest", headers={"x-session-id": "s"}) as client:
            answer = await client.post("/story/upload/by/url", data={"url": url})
        kind = MediumKind.VIDEO if answer.json()["media_type"] == VIDEO else MediumKind.IMAGE
        assert publisher.traits.taken_for(url) is kind, url


@pytest.mark.parametrize("is_bare", [False, True])
async def test_a_highlight_is_made_read_changed_and_deleted(
    publisher: FullPublisher, account: InMemory, is_bare: bool
) -> None:
    account.is_bare = is_bare
    first, second, third = [await story_of(publisher) for _ in range(3)]
    made = await publisher.create(PK, "Reef", [second, first], first, key="k")
    assert account.highlights[made.pk].cover_media == {"media_id": f"{first}_{PK}"}
    assert (made.title, made.media_ids) == ("Reef", (second, first))
    assert await publisher.highlight(PK, made.pk) == made
    assert await publisher.tray(PK) == [made]
    changed = await publisher.update(
        PK, made.pk, HighlightChanges(title="Sea", cover_id=third, add=[third], remove=[first]), key="k"
    )
    assert (changed.title, changed.media_ids) == ("Sea", (second, third))
    assert account.highlights[made.pk].cover_media == {"media_id": f"{third}_{PK}"}
    renamed = await publisher.update(PK, made.pk, HighlightChanges(title="Deep"), key="k")
    assert (renamed.title, renamed.media_ids) == ("Deep", (second, third))
    await publisher.delete(PK, made.pk)
    await publisher.delete(PK, made.pk)
    assert await publisher.highlight(PK, made.pk) is None


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        (LoginRequired("x"), AccountDisconnected),
        (ChallengeRequired("x"), AccountDisconnected),
        (PleaseWaitFewMinutes("x"), UpstreamRateLimited),
        (ClientError("x"), UpstreamUnavailable),
        (KeyError("x"), UpstreamUnavailable),
    ],
)
async def test_trouble_is_told_as_what_it_is(
    publisher: FullPublisher, account: InMemory, trouble: Exception, error: type[GatewayError]
) -> None:
    account.failing["user_highlights"] = trouble
    with pytest.raises(GatewayError) as caught:
        await publisher.tray(PK)
    assert type(caught.value) is error


async def test_a_session_that_its_store_has_lost_is_a_disconnected_account(
    rest: httpx.ASGITransport, clock: VirtualClock
) -> None:
    with pytest.raises(AccountDisconnected):
        await publisher_of(rest, clock).accounts()


async def test_a_route_that_is_missing_is_named(rest: httpx.ASGITransport, clock: VirtualClock) -> None:
    with pytest.raises(RouteMissing, match=r" GET /account:"):
        await publisher_of(rest, clock, "http://rest/v2").accounts()


class Street:
    """The flows over it."""

    def __init__(self, directory: Path, publisher: FullPublisher, clock: VirtualClock) -> None:
        self.durable = VolatileDurable(clock, ignore, 1)
        self.publishing = Publishing(
            self.durable,
            publisher,
            Folder(directory),
            clock=clock,
            hook=ignore,
            on_change=lambda settled: None,
            rng=random.Random(1),
            may_write=lambda owner, right, account: True,
            queue_client=lambda owner: GATEWAY,
        )

    async def end(self, receipt: WorkflowView) -> WorkflowView:
        for _ in range(1_000):
            receipt = await self.publishing.wait(CLIENT, receipt.id, 1.0)
            if receipt.state in ENDED:
                return receipt
        raise AssertionError(f"it does not end: {receipt}")


@pytest.fixture
async def street(tmp_path: Path, publisher: FullPublisher, clock: VirtualClock) -> Street:
    street = Street(tmp_path, publisher, clock)
    await street.durable.launch()
    return street


MEDIA = tuple(MediumSpec(url=f"https://images.example.com/{number}.jpg") for number in range(3))
ORDER = CreateHighlight(PK, "Reef", MEDIA)


async def test_a_flow_makes_a_highlight_and_others_change_and_delete_it(street: Street, account: InMemory) -> None:
    made = await street.end(await street.publishing.begin(CLIENT, ORDER, key="1"))
    assert made.state is FlowState.DONE, made
    pk = str(made.entity_id)
    change = UpdateHighlight(PK, pk, title="Sea", add=(MediumSpec(url="https://images.example.com/new.jpg"),), cover=0)
    changed = await street.end(await street.publishing.begin(CLIENT, change, key="2"))
    assert changed.state is FlowState.DONE, changed
    assert (account.highlights[pk].title, len(account.highlights[pk].items)) == ("Sea", 4)
    gone = await street.end(await street.publishing.begin(CLIENT, DeleteHighlight(PK, pk), key="3"))
    assert gone.state is FlowState.DONE, gone
    assert account.highlights == {}


@pytest.mark.parametrize("is_bare", [False, True])
async def test_a_creation_whose_answer_was_lost_ends_done_and_once(
    street: Street, account: InMemory, is_bare: bool
) -> None:
    account.is_bare = is_bare
    account.failing["highlight_create"] = ClientError("the answer was lost")
    receipt = await street.end(await street.publishing.begin(CLIENT, ORDER, key="1"))
    assert (receipt.state, [receipt.entity_id]) == (FlowState.DONE, list(account.highlights))
    assert account.called.count("highlight_create") == 1


async def test_a_medium_that_would_become_another_kind_fails_its_flow_unsent(street: Street, account: InMemory) -> None:
    film = MediumSpec(url="https://images.example.com/film", kind=MediumKind.VIDEO)
    order = CreateHighlight(PK, "Reef", (film,), on_media_error=OnMediaError.FAIL)
    receipt = await street.end(await street.publishing.begin(CLIENT, order, key="1"))
    assert receipt.state is FlowState.FAILED
    assert receipt.fault is not None
    assert receipt.fault.code == "MEDIUM_REFUSED"
    assert account.stories == {}


async def test_a_like_is_set_and_withdrawn_and_repeated_at_no_harm(publisher: FullPublisher, account: InMemory) -> None:
    likes = cast(Likes, publisher)
    for liked in (True, True, False, False):
        await likes.set_like(PK, LIKED, liked=liked)
        assert account.likes == ({LIKED} if liked else set())


SESSION = {"x-session-id": "sandbox"}
LIKED = "3286412355219875123"
ASKED: list[tuple[str, str, dict[str, Any]]] = [
    ("GET", "/highlight/info", {"headers": SESSION, "params": {"highlight_pk": "1"}}),
    ("PUT", "/highlight", {"headers": SESSION}),
    ("GET", "/nothing", {}),
    ("GET", "/account", {}),
    ("DELETE", "/highlight", {"headers": SESSION}),
    ("POST", "/highlight", {"headers": SESSION, "data": {"story_ids": ["1_2"]}}),
    ("POST", "/story/upload/by/url", {"headers": SESSION}),
    ("GET", "/highlight", {"headers": SESSION, "params": {"highlight_pk": "1"}}),
    ("GET", "/user/highlights", {"headers": SESSION, "params": {"user_id": PK}}),
    ("POST", "/media/like", {"headers": SESSION, "data": {"media_id": LIKED}}),
    ("POST", "/media/like", {"headers": SESSION}),
    ("DELETE", "/media/like", {"headers": SESSION, "params": {"media_id": LIKED}}),
    ("DELETE", "/media/like", {"headers": SESSION}),
]


@pytest.mark.parametrize(("method", "path", "sent"), ASKED, ids=lambda value: value if isinstance(value, str) else "")
async def test_the_sandbox_answers_in_the_same_form(
    account: InMemory, rest: httpx.ASGITransport, clock: VirtualClock, method: str, path: str, sent: dict[str, Any]
) -> None:
    """Of refusals the status and the members; of lists that they are lists."""
    sandbox = httpx.ASGITransport(create_sandbox(clock=clock))
    told = []
    for transport, base in ((rest, "http://rest"), (sandbox, "http://sandbox/aiograpi")):
        async with httpx.AsyncClient(transport=transport, base_url=base) as client:
            answer = await client.request(method, base + path, **sent)
        told.append((answer.status_code, form_of(answer.json())))
    assert told[0] == told[1]


def form_of(answer: Any) -> Any:
    if isinstance(answer, dict):
        detail = answer.get("detail")
        return sorted(answer), detail if "exc_type" not in answer and isinstance(detail, str) else type(detail)
    return type(answer)
