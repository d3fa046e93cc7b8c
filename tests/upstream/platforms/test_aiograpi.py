"""aiograpi-rest: forms, a session, and failures that do not say whether the work was done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

import httpx
import msgspec
import pytest

from gateway.domain.publishing import (
    Account,
    Container,
    ContainerState,
    HighlightChanges,
    LinkedMedium,
    MediumKind,
    Published,
    Story,
)
from gateway.errors import (
    AccountDisconnected,
    GatewayError,
    MediumRefused,
    PublishingRejected,
    RouteMissing,
    UpstreamInvalidAnswer,
    UpstreamRateLimited,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from gateway.upstream.platforms.aiograpi import PAUSE
from gateway.upstream.platforms.dialects import Dialect
from gateway.upstream.platforms.port import Highlights, MediaUploads, Quotas, Stories
from tests.fakes.clock import EPOCH
from tests.upstream.platforms.stub import KEY, NATGEO, PICTURE, TOKEN, Step, Upstream, answer, highlight, upstream

PK = "17900000000000001"
STORY = {"pk": "31", "id": f"31_{NATGEO}", "taken_at": "2026-03-12T08:35:26Z", "media_type": 1}


def failed(kind: str = "ClientError", status: int = 500) -> httpx.Response:
    return answer(status, {"detail": "The upstream's own words", "exc_type": kind})


def aiograpi(*steps: Step, **options: Any) -> Upstream:
    me = answer(200, {"pk": NATGEO, "username": "natgeo", "is_private": False})
    return upstream(*steps, **{"dialect": Dialect.AIOGRAPI, "whoami": me} | options)


def form(request: httpx.Request) -> dict[str, list[str]]:
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    return parse_qs(request.content.decode(), strict_parsing=True)


async def test_it_says_what_it_cannot_do() -> None:
    publisher = aiograpi(failed()).publisher()
    assert not publisher.traits.idempotent
    able = [isinstance(publisher, protocol) for protocol in (MediaUploads, Highlights, Stories, Quotas)]
    assert able == [True, True, False, False]


async def test_an_upload_is_a_story_at_once() -> None:
    api = aiograpi(answer(200, STORY))
    container = await api.publisher().upload(NATGEO, PICTURE, key=KEY)
    story = Story(f"31_{NATGEO}", "31", EPOCH + 86_400)
    assert container == Container("31", ContainerState.PUBLISHED, story=story)
    (request,) = api.requests
    assert (request.method, request.url.path) == ("POST", "/story/upload/by/url")
    assert request.headers["x-session-id"] == TOKEN
    assert "authorization" not in request.headers
    assert "idempotency-key" not in request.headers
    assert form(request) == {"url": [PICTURE.url]}
    assert await api.publisher().container(NATGEO, "31") == Container("31", ContainerState.PUBLISHED)


@pytest.mark.parametrize("ending", [".mp4", ".MOV", ".m4v", ".mp4?sig=S3cret"])
async def test_a_video_is_known_by_its_ending(ending: str) -> None:
    """`as_video` would make one of a picture."""
    api = aiograpi(answer(200, STORY))
    film = LinkedMedium(f"https://images.test/reef{ending}", MediumKind.VIDEO)
    await api.publisher().upload(NATGEO, film, key=KEY)
    assert form(api.requests[0]) == {"url": [film.url]}


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("reef", MediumKind.VIDEO),
        ("reef.webm", MediumKind.VIDEO),
        ("reef?name=a.mp4", MediumKind.VIDEO),
        ("reef.mp4/", MediumKind.VIDEO),
        ("reef.mp4", MediumKind.IMAGE),
        ("reef.m4v?sig=S3cret", MediumKind.IMAGE),
    ],
)
async def test_what_would_become_another_kind_of_medium_is_refused_before_any_call(path: str, kind: MediumKind) -> None:
    api = aiograpi(answer(200, STORY))
    with pytest.raises(MediumRefused, match="send the file instead"):
        await api.publisher().upload(NATGEO, LinkedMedium(f"https://images.test/{path}", kind), key=KEY)
    assert api.requests == []


@pytest.mark.parametrize(("status", "detail"), [(404, "Not Found"), (405, "Method Not Allowed")])
async def test_a_missing_route_fails_at_once_and_is_named(status: int, detail: str) -> None:
    """As no object does: nothing was looked for. Questions are no exception, and no secret is in its name."""
    api = aiograpi(answer(status, {"detail": detail}))
    publisher = api.publisher()
    asks: dict[str, Callable[[], Awaitable[object]]] = {
        "GET /highlight": lambda: publisher.highlight(NATGEO, PK),
        "GET /user/highlights": lambda: publisher.tray(NATGEO),
        "DELETE /highlight": lambda: publisher.delete(NATGEO, PK),
        "POST /story/upload/by/url": lambda: publisher.upload(NATGEO, PICTURE, key=KEY),
    }
    for route, ask in asks.items():
        with pytest.raises(RouteMissing) as caught:
            await ask()
        assert f" {route}:" in caught.value.message
        assert not any(secret in caught.value.message for secret in ("S3cret", PK, "platform.test", TOKEN))
    assert len(api.requests) == len(asks)


async def test_a_page_that_is_no_json_is_no_object_that_is_missing() -> None:
    with pytest.raises(RouteMissing):
        await aiograpi(answer(404, b"<html>nginx")).publisher().highlight(NATGEO, PK)


async def test_a_missing_object_is_missing_whatever_its_status() -> None:
    """With a type it is no route: the tray tells."""
    for status in (404, 500):
        api = aiograpi(failed("HighlightNotFound", status), answer(200, []))
        assert await api.publisher().highlight(NATGEO, PK) is None


async def test_a_throttled_account_is_left_alone_for_a_while() -> None:
    """Nobody says for how long: whoever hurries back makes it worse."""
    api = aiograpi(failed("PleaseWaitFewMinutes", 429), answer(200, []))
    publisher = api.publisher()
    for _ in range(2):
        with pytest.raises(UpstreamRateLimited) as caught:
            await publisher.tray(NATGEO)
        assert caught.value.retry_after == PAUSE
    assert len(api.requests) == 1
    await api.clock.sleep(PAUSE)
    assert await publisher.tray(NATGEO) == []


async def test_one_highlight_is_read_by_its_route() -> None:
    api = aiograpi(answer(200, highlight(PK, 31)))
    assert await api.publisher().highlight(NATGEO, PK) == Published(PK, "Reef", ("31",))
    (request,) = api.requests
    assert (request.method, request.url.path, dict(request.url.params)) == ("GET", "/highlight", {"highlight_pk": PK})


async def test_a_highlight_is_created_of_stories_that_name_their_owner() -> None:
    api = aiograpi(answer(200, highlight(PK, 32, 31)))
    made = await api.publisher().create(NATGEO, "Reef & sea", ["32", f"31_{NATGEO}"], "31", key=KEY)
    assert made == Published(PK, "Reef", ("32", "31"))
    (request,) = api.requests
    assert (request.method, request.url.path) == ("POST", "/highlight")
    assert form(request) == {
        "title": ["Reef & sea"],
        "story_ids": [f"32_{NATGEO}", f"31_{NATGEO}"],
        "cover_story_id": [f"31_{NATGEO}"],
    }


async def test_without_a_cover_the_api_chooses() -> None:
    api = aiograpi(answer(200, highlight(PK, 31)))
    await api.publisher().create(NATGEO, "Reef", ["31"], None, key=KEY)
    assert "cover_story_id" not in form(api.requests[0])


async def test_an_edit_sends_what_changes_and_nothing_else() -> None:
    api = aiograpi(answer(200, highlight(PK, 31)))
    publisher = api.publisher()
    await publisher.update(
        NATGEO, PK, HighlightChanges(title="Sea", cover_id="31", add=["34", "35"], remove=["32"]), key=KEY
    )
    await publisher.update(NATGEO, PK, HighlightChanges(title="Sea"), key=KEY)
    whole, little = (form(request) for request in api.requests)
    cover = msgspec.json.decode(whole.pop("cover")[0])
    assert cover["media_id"] == f"31_{NATGEO}"
    assert len(msgspec.json.decode(cover["crop_rect"])) == 4
    assert whole == {
        "highlight_pk": [PK],
        "title": ["Sea"],
        "added_media_ids": [f"34_{NATGEO}", f"35_{NATGEO}"],
        "removed_media_ids": [f"32_{NATGEO}"],
    }
    assert little == {"highlight_pk": [PK], "title": ["Sea"]}
    assert {(request.method, request.url.path) for request in api.requests} == {("PATCH", "/highlight")}


async def test_the_tray_tells_the_media_of_each_highlight() -> None:
    """Ids come as numbers, and bare: comparable with what was sent, and with one another."""
    api = aiograpi(answer(200, [highlight("2", 33, 31), highlight("1", 30)]))
    assert await api.publisher().tray(NATGEO) == [
        Published("2", "Reef", ("33", "31")),
        Published("1", "Reef", ("30",)),
    ]
    assert str(api.requests[0].url) == f"https://platform.test/user/highlights?user_id={NATGEO}&amount=0"


async def test_a_tray_that_leaves_media_out_is_completed() -> None:
    api = aiograpi(answer(200, [highlight("2") | {"media_count": 1}]), answer(200, highlight("2", 31)))
    assert await api.publisher().tray(NATGEO) == [Published("2", "Reef", ("31",))]
    assert api.requests[1].url.params["highlight_pk"] == "2"


async def test_to_delete_what_is_gone_is_done() -> None:
    """A 500 says nothing: the tray tells whether it is gone, whatever name the failure has."""
    api = aiograpi(answer(200, True), failed("HighlightNotFound"), answer(200, [highlight("1", 30)]))
    publisher = api.publisher()
    await publisher.delete(NATGEO, PK)
    await publisher.delete(NATGEO, PK)
    methods = [(request.method, request.url.path) for request in api.requests]
    assert methods == [("DELETE", "/highlight")] * 2 + [("GET", "/user/highlights")]


async def test_a_deletion_that_failed_is_not_believed() -> None:
    with pytest.raises(UpstreamUnavailable):
        await aiograpi(failed(), answer(200, [highlight(PK, 31)])).publisher().delete(NATGEO, PK)


async def test_a_highlight_is_missing_only_if_the_tray_misses_it_too() -> None:
    assert await aiograpi(failed(), answer(200, [])).publisher().highlight(NATGEO, PK) is None
    with pytest.raises(UpstreamUnavailable):
        await aiograpi(failed(), answer(200, [highlight(PK, 31)])).publisher().highlight(NATGEO, PK)
    with pytest.raises(UpstreamUnavailable):
        await aiograpi(failed(), failed()).publisher().highlight(NATGEO, PK)


@pytest.mark.parametrize(
    ("step", "error"),
    [
        (failed(), UpstreamUnavailable),
        (failed("MediaNotFound"), UpstreamUnavailable),
        (failed("FeedbackRequired"), UpstreamRateLimited),
        (answer(500, b"Internal Server Error"), UpstreamUnavailable),
        (answer(502, b"<html>"), UpstreamUnavailable),
        (failed("LoginRequired"), AccountDisconnected),
        (answer(401, {"detail": "Session ID required"}), AccountDisconnected),
        (failed("ChallengeRequired", 403), AccountDisconnected),
        (failed("ChallengeSelfieCaptcha"), AccountDisconnected),
        (answer(500, {"detail": "Session not found (e.g.)", "exc_type": "Exception"}), AccountDisconnected),
        (answer(422, {"detail": [{"loc": ["body"], "msg": "field required"}]}), PublishingRejected),
        (answer(429, {"detail": "x", "exc_type": "PleaseWaitFewMinutes"}), UpstreamRateLimited),
        (answer(404, {"detail": "Not Found"}), RouteMissing),
        (answer(200, b"<html>"), UpstreamInvalidAnswer),
        (answer(200, {"title": "no id"}), UpstreamInvalidAnswer),
        (httpx.ReadTimeout("x"), UpstreamTimeout),
        (httpx.ReadError("x"), UpstreamUnavailable),
    ],
)
async def test_a_creation_that_failed_may_have_been_made_unless_it_was_refused(
    step: Step, error: type[GatewayError]
) -> None:
    """Sent once: who cannot know must look before it is repeated."""
    api = aiograpi(step)
    with pytest.raises(GatewayError) as caught:
        await api.publisher().create(NATGEO, "Reef", ["31"], None, key=KEY)
    assert type(caught.value) is error
    assert "own words" not in caught.value.message
    assert len(api.requests) == 1


async def test_whose_session_it_is_is_asked_once() -> None:
    api = aiograpi(answer(200, highlight(PK, 31)))
    publisher = api.publisher()
    assert await publisher.accounts() == [Account(NATGEO, "natgeo")]
    await publisher.highlight(NATGEO, PK)
    assert api.asked_self == 1
    with pytest.raises(AccountDisconnected):
        await publisher.delete("25025320", PK)
