"""The dialect of aiograpi-rest, call by call."""

from __future__ import annotations

import json
from typing import Any

import httpx
import msgspec
import pytest
from starlette.applications import Starlette

from gateway.sandbox import Sandbox, fixture_users
from gateway.sandbox.faults import PlatformError, Processing
from tests.sandbox import contract
from tests.sandbox.publishing.media import film, jpeg
from tests.sandbox.publishing.platform_client import LINK, NATGEO, SESSION, done, visitor

CREATE = "POST /aiograpi/highlight"


@pytest.fixture
def session(client: httpx.AsyncClient) -> httpx.AsyncClient:
    client.headers.update(SESSION)
    return client


async def story(
    session: httpx.AsyncClient, data: bytes | None = None, type_: str = "image/jpeg", **form: str
) -> dict[str, Any]:
    files = {"file": ("story", jpeg() if data is None else data, type_)}
    answer: dict[str, Any] = done(await session.post("/aiograpi/story/upload", files=files, data=form))
    return answer


async def link(session: httpx.AsyncClient, url: str, **form: str) -> dict[str, Any]:
    answer: dict[str, Any] = done(await session.post("/aiograpi/story/upload/by/url", data={"url": url, **form}))
    return answer


async def create(session: httpx.AsyncClient, stories: list[str], title: str = "New", **form: Any) -> httpx.Response:
    return await session.post("/aiograpi/highlight", data={"title": title, "story_ids": stories, **form})


def failed(response: httpx.Response, exc_type: str, status: int = 500) -> None:
    assert response.status_code == status, response.text
    assert response.json().keys() - {"hint"} == {"detail", "exc_type"}
    assert response.json()["exc_type"] == exc_type


async def test_an_upload_is_a_story_at_once(session: httpx.AsyncClient) -> None:
    filed = await story(session, caption="Look")
    filmed = await story(session, film(seconds=7), "video/mp4")
    linked = await link(session, LINK, as_video="false")
    for answer, media_type in ((filed, 1), (filmed, 2), (linked, 1)):
        assert msgspec.convert(answer, contract.Story).media_type == media_type
    live = done(await session.get("/v1/user/stories", params={"user_id": NATGEO}))
    assert [item["id"] for item in live[-3:]] == [filed["id"], filmed["id"], linked["id"]]


@pytest.mark.parametrize(
    ("url", "as_video", "media_type"),
    [
        ("https://cdn.example.com/a.jpg", "false", 1),
        ("https://cdn.example.com/a", "false", 1),
        ("https://cdn.example.com/a?name=b.mp4", "false", 1),
        ("https://cdn.example.com/a.mp4?sig=1", "false", 2),
        ("https://cdn.example.com/a.MOV", "false", 2),
        ("https://cdn.example.com/a.m4v", "", 2),
        ("https://cdn.example.com/a", "true", 2),
    ],
)
async def test_a_link_is_of_the_kind_that_its_ending_says(
    session: httpx.AsyncClient, url: str, as_video: str, media_type: int
) -> None:
    """`as_video` makes a film of a picture, whatever it really is."""
    assert (await link(session, url, as_video=as_video))["media_type"] == media_type


async def test_a_file_is_of_the_kind_that_its_content_type_says(session: httpx.AsyncClient) -> None:
    assert (await story(session, jpeg(), as_video="true"))["media_type"] == 2
    files = {"file": ("story.mp4", film(seconds=7), "application/octet-stream")}
    failed(await session.post("/aiograpi/story/upload", files=files), "PhotoConfigureStoryError")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/highlight/info", 404), ("GET", "/nothing", 404), ("PUT", "/highlight", 405)],
)
async def test_an_unknown_route_is_refused_without_a_type(
    session: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    response = await session.request(method, f"/aiograpi{path}", params={"highlight_pk": "1"})
    detail = "Not Found" if status == 404 else "Method Not Allowed"
    assert (response.status_code, response.json()) == (status, {"detail": detail})


async def test_a_highlight_is_created_edited_and_deleted(session: httpx.AsyncClient) -> None:
    first, second, third = [(await story(session))["id"] for _ in range(3)]
    made = done(await create(session, [second, first], cover_story_id=first))
    assert [item.id for item in msgspec.convert(made, contract.Highlight).items] == [second, first]
    assert made["cover_media"]["media_id"] == first
    edit = {
        "highlight_pk": made["pk"],
        "title": "Edited",
        "cover": json.dumps({"media_id": third, "crop_rect": [0.0, 0.2, 1.0, 0.8]}),
        "added_media_ids[]": [third],
        "removed_media_ids": [first],
    }
    edited = done(await session.patch("/aiograpi/highlight", data=edit))
    assert (edited["title"], [item["id"] for item in edited["items"]]) == ("Edited", [second, third])
    assert (edited["cover_media"]["media_id"], edited["cover_media"]["crop_rect"]) == (third, [0.0, 0.2, 1.0, 0.8])
    assert done(await session.get("/aiograpi/highlight", params={"highlight_pk": made["pk"]})) == edited
    assert done(await session.delete("/aiograpi/highlight", params={"highlight_pk": made["pk"]})) is True
    failed(await session.delete("/aiograpi/highlight", params={"highlight_pk": made["pk"]}), "NotFoundError")
    failed(await session.get("/aiograpi/highlight", params={"highlight_pk": made["pk"]}), "NotFoundError")


async def test_the_tray_is_newest_first_and_names_the_media(session: httpx.AsyncClient) -> None:
    made = done(await create(session, [(await story(session))["id"]]))
    tray = done(await session.get("/aiograpi/user/highlights", params={"user_id": NATGEO}))
    assert (len(tray), tray[0]["pk"], tray[0]["media_ids"]) == (4, made["pk"], made["media_ids"])
    short = done(await session.get("/aiograpi/user/highlights", params={"user_id": NATGEO, "amount": 1}))
    assert short == tray[:1]


async def test_nothing_is_idempotent(session: httpx.AsyncClient, sandbox: Sandbox) -> None:
    one = (await story(session))["id"]
    headers = {"idempotency-key": "9f8b5a3e-6f0e-4c1e-8f6a-0d8b8a0f4a11"}
    pks = {
        done(await session.post("/aiograpi/highlight", data={"title": "x", "story_ids": one}, headers=headers))["pk"]
    }
    pks.add(
        done(await session.post("/aiograpi/highlight", data={"title": "x", "story_ids": one}, headers=headers))["pk"]
    )
    assert len(pks) == 2
    published = sandbox.publishing.studio.published()
    assert [(each["dialect"], each["idempotency_key"]) for each in published["highlights"]] == [("aiograpi", None)] * 2  # type: ignore[attr-defined]


async def test_a_creation_may_fail_although_it_was_done(session: httpx.AsyncClient, sandbox: Sandbox) -> None:
    """The reason to read the tray back before any retry."""
    one = (await story(session))["id"]
    sandbox.faults.lay(PlatformError(code=-1, when="after", endpoint=CREATE))
    failed(await create(session, [one]), "ClientError")
    tray = done(await session.get("/aiograpi/user/highlights", params={"user_id": NATGEO}))
    assert (len(tray), tray[0]["media_ids"]) == (4, [int(one.split("_")[0])])


async def test_the_platforms_refusals_come_as_500(session: httpx.AsyncClient, sandbox: Sandbox) -> None:
    one = (await story(session))["id"]
    failed(await create(session, [one], "Far longer than allowed"), "ClientBadRequestError")
    failed(await create(session, ["17199999999999999_787132"]), "MediaNotFound")
    failed(await session.post("/aiograpi/story/upload", files={"file": ("a", b"GIF89a")}), "PhotoConfigureStoryError")
    short = await session.post("/aiograpi/story/upload", files={"file": ("a", film(seconds=1), "video/mp4")})
    failed(short, "VideoConfigureStoryError")
    link = {"url": "http://example.com/a.jpg"}
    failed(await session.post("/aiograpi/story/upload/by/url", data=link), "ClientConnectionError")
    sandbox.faults.lay(Processing(seconds=3, code=36003))
    failed(await session.post("/aiograpi/story/upload/by/url", data={"url": LINK}), "PhotoConfigureStoryError")
    sandbox.faults.clear()
    sandbox.publishing.studio.quota.total = 1
    failed(await session.post("/aiograpi/story/upload/by/url", data={"url": LINK}), "FeedbackRequired", 429)
    private = {"user_id": str(fixture_users.PRIVATE.pk)}
    failed(await session.get("/aiograpi/user/highlights", params=private), "ClientForbiddenError")


BAD: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/story/upload/by/url", {}),
    ("POST", "/story/upload/by/url", {"data": {"url": LINK, "as_video": "perhaps"}}),
    ("POST", "/story/upload", {"data": {"caption": "no file"}}),
    ("POST", "/highlight", {"data": {"story_ids": ["1_2"]}}),
    ("POST", "/highlight", {"data": {"title": "x", "story_ids": "1_2", "cover_story_id": "1", "crop_rect": ["a"]}}),
    (
        "POST",
        "/highlight",
        {"data": {"title": "x", "story_ids": "1_2", "cover_story_id": "1", "crop_rect": ["0", "1"]}},
    ),
    ("PATCH", "/highlight", {"data": {"title": "no pk"}}),
    ("PATCH", "/highlight", {"data": {"highlight_pk": "x"}}),
    ("PATCH", "/highlight", {"data": {"highlight_pk": "1", "cover": "no json"}}),
    ("DELETE", "/highlight", {}),
    ("GET", "/user/highlights", {}),
    ("GET", "/user/highlights", {"params": {"user_id": NATGEO, "amount": "x"}}),
    ("GET", "/highlight", {"params": {"highlight_pk": "x"}}),
]


@pytest.mark.parametrize(("method", "path", "sent"), BAD)
async def test_bad_input_is_422(session: httpx.AsyncClient, method: str, path: str, sent: dict[str, Any]) -> None:
    response = await session.request(method, f"/aiograpi{path}", **sent)
    assert response.status_code == 422, response.text
    assert msgspec.convert(response.json(), contract.MissingParameter).detail


@pytest.mark.parametrize(
    ("headers", "status", "kind"),
    [
        ({}, 401, None),
        ({"authorization": "Bearer sandbox"}, 401, None),
        ({"x-session-id": "other"}, 500, "Exception"),
    ],
)
async def test_without_a_session_it_is_401_and_a_lost_one_is_no_more_than_500(
    app: Starlette, headers: dict[str, str], status: int, kind: str | None
) -> None:
    async with visitor(app, **headers) as stranger:
        response = await stranger.get("/aiograpi/user/highlights", params={"user_id": NATGEO})
    assert (response.status_code, response.json().get("exc_type")) == (status, kind)
    assert response.json()["detail"].startswith("Session")


async def test_a_session_tells_whose_it_is(session: httpx.AsyncClient) -> None:
    profile = msgspec.convert(done(await session.get("/aiograpi/account")), contract.User)
    assert (profile.pk, profile.username) == (NATGEO, "natgeo")


async def test_its_calls_are_counted_and_not_billed(session: httpx.AsyncClient, sandbox: Sandbox) -> None:
    await story(session)
    assert (sandbox.meter.calls["POST /aiograpi/story/upload"], sandbox.meter.total_billed) == (1, 0)
