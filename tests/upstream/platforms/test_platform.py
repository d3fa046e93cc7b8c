"""The Platform API: what is sent, and what is read of the answer."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import httpx
import pytest

from gateway.domain.publishing import Account, Container, ContainerState, HighlightChanges, Published, Quota, Story
from gateway.errors import (
    AccountDisconnected,
    ContainerExpired,
    NotFound,
    PublishingRejected,
    UpstreamError,
    UpstreamInvalidAnswer,
    UpstreamRateLimited,
    UpstreamRejected,
)
from gateway.events import ResponseSchemaMismatch, UpstreamAttempt
from gateway.upstream.platforms.dialects import Dialect
from gateway.upstream.platforms.dto import LONGEST_CURSOR, MOST_HIGHLIGHTS
from tests.fakes.clock import EPOCH
from tests.upstream.platforms.stub import FILM, KEY, NATGEO, PICTURE, TOKEN, Step, answer, highlight, problem, upstream

PK = "17900000000000001"


async def test_a_link_is_uploaded_as_json_with_token_and_key() -> None:
    platform = upstream(answer(202, {"id": "18", "status": "IN_PROGRESS"}, retry_after="4"))
    container = await platform.publisher().upload(NATGEO, PICTURE, key=KEY)
    assert container == Container("18", ContainerState.IN_PROGRESS, retry_after=4.0)
    (request,) = platform.requests
    assert (request.method, str(request.url)) == ("POST", "https://platform.test/media/upload")
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.headers["idempotency-key"] == KEY
    assert platform.sent == {"media_url": PICTURE.url, "media_type": "IMAGE"}


async def test_an_upload_may_be_finished_at_once() -> None:
    platform = upstream(answer(201, {"id": 18, "status": "FINISHED"}))
    container = await platform.publisher().upload(NATGEO, FILM, key=KEY)
    assert container == Container("18", ContainerState.FINISHED)
    assert platform.sent["media_type"] == "VIDEO"


@pytest.mark.parametrize("state", ["IN_PROGRESS", "FINISHED", "EXPIRED", "PUBLISHED"])
async def test_a_container_tells_its_state(state: str) -> None:
    platform = upstream(answer(200, {"id": "18", "status": state}))
    assert await platform.publisher().container(NATGEO, "18") == Container("18", ContainerState(state))
    assert (platform.requests[0].method, platform.requests[0].url.path) == ("GET", "/media/18")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        ({"code": 352, "message": "words"}, "The platform does not accept the format of the video."),
        ({"code": 2207026, "message": "words"}, "The platform does not accept the format of the video."),
        ({"code": 36003}, "The platform does not accept the aspect ratio of the image."),
        ({"code": 1, "message": "words"}, "The platform could not process the medium."),
        ({"code": {}}, "The platform could not process the medium."),
        (None, "The platform could not process the medium."),
    ],
)
async def test_a_container_that_failed_says_why_in_our_words(error: object, sentence: str) -> None:
    platform = upstream(answer(200, {"id": "18", "status": "ERROR", "error": error}))
    container = await platform.publisher().container(NATGEO, "18")
    assert (container.state, container.problem) == (ContainerState.ERROR, sentence)


@pytest.mark.parametrize(
    ("told", "state"),
    [
        ({"status": "finished"}, ContainerState.FINISHED),
        ({"status": "Finished: Media has been uploaded and it is ready to be published."}, ContainerState.FINISHED),
        ({"status": "In Progress: Media is still being processed."}, ContainerState.IN_PROGRESS),
        ({"status_code": "FINISHED", "status": "Ready: it may be published."}, ContainerState.FINISHED),
        ({"status_code": "PUBLISHED"}, ContainerState.PUBLISHED),
        ({"status": "Finished. It may be published."}, ContainerState.FINISHED),
        ({"status": "Error - the video could not be processed"}, ContainerState.ERROR),
        ({"status": "Expired: The container was not published within 24 hours."}, ContainerState.EXPIRED),
    ],
)
async def test_a_state_may_be_told_by_a_sentence_or_beside_one(told: dict[str, str], state: ContainerState) -> None:
    platform = upstream(answer(200, {"id": "18", **told}))
    assert (await platform.publisher().container(NATGEO, "18")).state is state


@pytest.mark.parametrize(
    "told",
    [
        {"status": "Error: Media upload has failed with error code 2207026"},
        {"status": "ERROR", "error": {"code": "2207026", "message": "words"}},
        {"status": "ERROR", "error": {"code": 1, "error_subcode": 2207026}},
        {"status": "ERROR", "error": "2207026: unsupported format"},
        {"status_code": "ERROR", "status": "Error: 2207026"},
    ],
)
async def test_why_a_container_failed_is_read_wherever_its_code_stands(told: dict[str, object]) -> None:
    platform = upstream(answer(200, {"id": "18", **told}))
    container = await platform.publisher().container(NATGEO, "18")
    assert (container.state, container.problem) == (
        ContainerState.ERROR,
        "The platform does not accept the format of the video.",
    )


@pytest.mark.parametrize("id", [None, {}, ""])
async def test_only_what_was_asked_for_by_its_id_need_not_say_it(id: object) -> None:
    publisher = upstream(answer(200, {"id": id, "status": "FINISHED"})).publisher()
    assert await publisher.container(NATGEO, "18") == Container("18", ContainerState.FINISHED)
    with pytest.raises(UpstreamInvalidAnswer):
        await publisher.upload(NATGEO, PICTURE, key=KEY)


@pytest.mark.parametrize("told", [{}, {"status": None}, {"status": "who knows"}, {"status": 7}, {"status": "errors"}])
async def test_a_container_without_a_state_cannot_be_read(told: dict[str, object]) -> None:
    with pytest.raises(UpstreamInvalidAnswer):
        await upstream(answer(200, {"id": "18", **told})).publisher().container(NATGEO, "18")


@pytest.mark.parametrize("call", ["container", "highlight", "tray", "quota"])
async def test_a_refused_question_blames_nothing_and_may_be_put_again(call: str) -> None:
    publisher = upstream(problem(100, 2207028)).publisher()
    arguments = {"container": ("18",), "highlight": (PK,)}.get(call, ())
    with pytest.raises(UpstreamRejected, match="did not accept a question about"):
        await getattr(publisher, call)(NATGEO, *arguments)


async def test_a_container_that_is_not_ready_is_in_progress() -> None:
    """9007/2207027: poll on."""
    platform = upstream(problem(9007, 2207027, retry_after="3"))
    assert await platform.publisher().container(NATGEO, "18") == Container("18", ContainerState.IN_PROGRESS, 3.0)


@pytest.mark.parametrize("status", [400, 404])
@pytest.mark.parametrize("call", ["container", "publish"])
async def test_an_unknown_container_is_gone(call: str, status: int) -> None:
    publisher = upstream(problem(100, 33, status)).publisher()
    with pytest.raises(ContainerExpired):
        await (publisher.container(NATGEO, "18") if call == "container" else publisher.publish(NATGEO, "18", key=KEY))


@pytest.mark.parametrize("expiry", [int(EPOCH) + 86_400, "2026-03-13T08:35:26Z", "2026-03-13T08:35:26+00:00"])
async def test_a_publication_is_a_story_that_a_highlight_names_by_its_pk(expiry: object) -> None:
    """Its id may name its owner behind the pk, and highlights do not: what is read back must be comparable."""
    platform = upstream(answer(201, {"id": f"31_{NATGEO}", "media_id": "18", "expires_at": expiry}))
    story = await platform.publisher().publish(NATGEO, "18", key=KEY)
    assert story == Story(f"31_{NATGEO}", "31", EPOCH + 86_400)
    assert (platform.requests[0].method, platform.requests[0].url.path) == ("POST", "/media/18/stories")
    assert platform.requests[0].headers["idempotency-key"] == KEY


async def test_a_highlight_is_created_with_its_media_in_order() -> None:
    platform = upstream(answer(201, highlight(PK, 33, 31, 32)))
    made = await platform.publisher().create(NATGEO, "Reef", ["33", "31", "32"], "31", key=KEY)
    assert made == Published(PK, "Reef", ("33", "31", "32"))
    assert platform.sent == {"title": "Reef", "cover_media_id": "31", "media_ids": ["33", "31", "32"]}
    assert platform.requests[0].url.path == f"/users/{NATGEO}/highlights"
    assert platform.requests[0].headers["idempotency-key"] == KEY


async def test_a_highlight_may_be_made_later() -> None:
    platform = upstream(
        answer(202, {"id": PK, "status": "IN_PROGRESS"}),
        answer(200, {"id": PK, "status": "IN_PROGRESS"}),
        problem(9007, 2207027),
        answer(200, highlight(PK, 31)),
    )
    publisher = platform.publisher()
    pending = Published(PK, "", (), is_ready=False)
    assert await publisher.create(NATGEO, "Reef", ["31"], None, key=KEY) == pending
    assert "cover_media_id" not in platform.sent
    assert await publisher.highlight(NATGEO, PK) == pending
    assert await publisher.highlight(NATGEO, PK) == pending
    assert await publisher.highlight(NATGEO, PK) == Published(PK, "Reef", ("31",))


async def test_a_highlight_that_will_not_be_made_is_refused() -> None:
    with pytest.raises(PublishingRejected):
        await upstream(answer(200, {"id": PK, "status": "ERROR"})).publisher().highlight(NATGEO, PK)


async def test_an_edit_sends_what_changes_and_nothing_else() -> None:
    platform = upstream(answer(200, highlight(PK, 31, 34, title="Sea")))
    publisher = platform.publisher()
    changed = await publisher.update(NATGEO, PK, HighlightChanges(title="Sea", add=["34"]), key=KEY)
    assert changed == Published(PK, "Sea", ("31", "34"))
    assert platform.sent == {"title": "Sea", "added_media_ids": ["34"]}
    await publisher.update(NATGEO, PK, HighlightChanges(cover_id="31", remove=["34"]), key=KEY)
    assert platform.sent == {"cover_media_id": "31", "removed_media_ids": ["34"]}
    assert {request.url.path for request in platform.requests} == {f"/highlights/{PK}/edit"}


async def test_an_edit_of_what_is_gone_says_so() -> None:
    with pytest.raises(NotFound):
        await upstream(problem(100, 33, 404)).publisher().update(NATGEO, PK, HighlightChanges(title="Sea"), key=KEY)


async def test_to_delete_what_is_gone_is_done() -> None:
    platform = upstream(answer(204, b""), problem(100, 33, 404))
    publisher = platform.publisher()
    await publisher.delete(NATGEO, PK)
    await publisher.delete(NATGEO, PK)
    assert [(request.method, request.url.path) for request in platform.requests] == [
        ("DELETE", f"/highlights/{PK}")
    ] * 2


async def test_a_proxy_s_404_says_nothing_about_a_highlight() -> None:
    """Taken for the platform's word, it would end a deletion, or start a second creation."""
    publisher = upstream(answer(404, b"<html>not here</html>")).publisher()
    with pytest.raises(UpstreamInvalidAnswer):
        await publisher.delete(NATGEO, PK)
    with pytest.raises(UpstreamInvalidAnswer):
        await publisher.highlight(NATGEO, PK)


async def test_what_is_not_there_is_none() -> None:
    assert await upstream(problem(100, 33, 404)).publisher().highlight(NATGEO, PK) is None


async def test_a_tray_comes_as_a_list_or_in_pages() -> None:
    plain = upstream(answer(200, [highlight("2", 31), highlight("1", 30)]))
    assert [one.pk for one in await plain.publisher().tray(NATGEO)] == ["2", "1"]
    pages = upstream(
        answer(
            200, {"data": [highlight("2", 31)], "paging": {"cursors": {"after": "a=&"}, "next": "https://x.test/?t"}}
        ),
        answer(200, {"data": [highlight("1", 30)], "paging": {"cursors": {"after": "b"}}}),
    )
    assert await pages.publisher().tray(NATGEO) == [Published("2", "Reef", ("31",)), Published("1", "Reef", ("30",))]
    assert [request.url.host for request in pages.requests] == ["platform.test"] * 2
    assert pages.requests[1].url.params["after"] == "a=&"


async def test_a_tray_that_leaves_media_out_is_completed() -> None:
    """An empty list means "not loaded": compared as it is, a highlight of ours would be nobody's, and be made again."""
    hollow = highlight("2") | {"media_count": 2}
    platform = upstream(answer(200, [hollow, highlight("1", 30), highlight("0")]), answer(200, highlight("2", 31, 32)))
    tray = await platform.publisher().tray(NATGEO)
    assert [one.media_ids for one in tray] == [("31", "32"), ("30",), ()]
    assert [request.url.path for request in platform.requests][1:] == ["/highlights/2"]


def page(pk: str, media: int, after: str | None) -> httpx.Response:
    paging = {"cursors": {"after": after}} | ({"next": "https://x.test/"} if after else {})
    return answer(200, {"data": [highlight(pk, media)], "paging": paging})


async def test_a_long_tray_is_not_thrown_away_for_a_failure_here_and_there() -> None:
    """What goes on with it may fail twice: else twenty pages would hardly ever be read where one call in four fails."""
    no: list[Step] = [answer(500, b""), httpx.ConnectError("down")]
    platform = upstream(page("3", 33, "a"), *no, page("2", 32, "b"), *no, page("1", 31, None))
    assert [one.pk for one in await platform.publisher().tray(NATGEO)] == ["3", "2", "1"]
    assert [request.url.params.get("after") for request in platform.requests] == [None] + ["a"] * 3 + ["b"] * 3
    hollow = highlight("2") | {"media_count": 2}
    platform = upstream(answer(200, [hollow]), *no, answer(200, highlight("2", 31, 32)))
    assert [one.media_ids for one in await platform.publisher().tray(NATGEO)] == [("31", "32")]


async def test_a_tray_that_leads_in_a_circle_is_read_once() -> None:
    platform = upstream(page("2", 32, "a"), page("1", 31, "b"), page("0", 30, "a"), page("x", 1, "y"))
    assert [one.pk for one in await platform.publisher().tray(NATGEO)] == ["2", "1", "0"]


@pytest.mark.parametrize("dialect", Dialect)
async def test_a_tray_of_more_than_an_account_can_have_is_not_looked_through(dialect: Dialect) -> None:
    """Each that leaves its media out would be asked for."""
    hollow = [{"pk": str(n)} for n in range(MOST_HIGHLIGHTS + 1)]
    platform = upstream(answer(200, hollow), dialect=dialect, whoami=answer(200, {"pk": NATGEO, "username": "natgeo"}))
    with pytest.raises(UpstreamInvalidAnswer):
        await platform.publisher().tray(NATGEO)
    assert len(platform.requests) == 1


async def test_pages_have_no_more_than_an_account_can_have_either() -> None:
    def half(after: str) -> httpx.Response:
        data = [highlight(after + str(n), 1) for n in range(MOST_HIGHLIGHTS // 2 + 1)]
        return answer(200, {"data": data, "paging": {"cursors": {"after": after}, "next": "https://x.test/"}})

    platform = upstream(half("a"), half("b"), half("c"))
    with pytest.raises(UpstreamInvalidAnswer):
        await platform.publisher().tray(NATGEO)
    assert len(platform.requests) == 2


async def test_a_cursor_that_no_url_can_hold_is_not_sent() -> None:
    """Nor is the tray taken to end there: what is on its next page would be made again."""
    platform = upstream(page("1", 31, "a" * (LONGEST_CURSOR + 1)))
    with pytest.raises(UpstreamInvalidAnswer):
        await platform.publisher().tray(NATGEO)


@pytest.mark.parametrize("id", ["1" * 201, 10**30, -1])
async def test_an_id_that_cannot_be_meant_is_none(id: object) -> None:
    publisher = upstream(answer(201, {"id": id, "status": "FINISHED"})).publisher()
    with pytest.raises(UpstreamInvalidAnswer):
        await publisher.upload(NATGEO, PICTURE, key=KEY)


@pytest.mark.parametrize("moment", [1e300, -1e300, 1e13, "0001-01-01T00:00:00"])
async def test_a_moment_that_no_date_can_tell_is_not_told(moment: object) -> None:
    publisher = upstream(answer(201, {"id": "1", "expires_at": moment})).publisher()
    story = await publisher.publish(NATGEO, "18", key=KEY)
    if story.expires_at is not None:  # the first of all days, in some time zones
        datetime.fromtimestamp(story.expires_at, UTC)


@pytest.mark.parametrize(
    ("no", "calls"), [(answer(500, b""), 3), (answer(503, b"", retry_after="9"), 1), (answer(429, b""), 1)]
)
async def test_a_tray_that_cannot_be_read_is_left_to_the_flow(no: httpx.Response, calls: int) -> None:
    platform = upstream(page("3", 33, "a"), no)
    with pytest.raises(UpstreamError):
        await platform.publisher().tray(NATGEO)
    assert len(platform.requests) == 1 + calls
    platform = upstream(no)
    with pytest.raises(UpstreamError):
        await platform.publisher().tray(NATGEO)
    assert len(platform.requests) == 1


async def test_a_tray_that_is_given_up_asks_for_nothing_more() -> None:
    """The flow reads it again, and what is left of the first reading would be in its way."""

    async def look(request: httpx.Request) -> httpx.Response:
        is_first = request.url.path == "/highlights/2"
        await asyncio.sleep(1 if is_first else 2)
        return answer(429 if is_first else 500, b"")

    hollow = [highlight(pk) | {"media_count": 2} for pk in ("2", "1")]
    platform = upstream(answer(200, hollow), look)
    with pytest.raises(UpstreamRateLimited):
        await platform.publisher().tray(NATGEO)
    await asyncio.sleep(60)
    assert [request.url.path for request in platform.requests][1:] == ["/highlights/2", "/highlights/1"]


async def test_media_are_taken_from_the_items_where_only_those_are_told() -> None:
    whole = {"id": f"highlight:{PK}", "title": "Reef", "items": [{"pk": "31", "code": "x"}, {"pk": 32}]}
    published = await upstream(answer(200, whole)).publisher().highlight(NATGEO, PK)
    assert published == Published(PK, "Reef", ("31", "32"))


async def test_the_publishing_limit() -> None:
    limit = {"quota_usage": 3, "config": {"quota_total": 50, "quota_duration": 86400}}
    platform = upstream(answer(200, limit))
    assert await platform.publisher().quota(NATGEO) == Quota(3, 50, 86_400.0)
    assert platform.requests[0].url.path == "/users/self/publishing_limit"


async def test_whose_token_it_is_is_asked_once() -> None:
    platform = upstream(answer(200, highlight(PK, 31)))
    publisher = platform.publisher()
    assert await publisher.accounts() == [Account(NATGEO, "natgeo")]
    await publisher.highlight(NATGEO, PK)
    await publisher.accounts()
    assert platform.asked_self == 1


async def test_nothing_is_sent_for_an_account_whose_token_is_not_held() -> None:
    platform = upstream(answer(200, highlight(PK, 31)))
    with pytest.raises(AccountDisconnected):
        await platform.publisher().delete("25025320", PK)
    assert platform.requests == []


async def test_an_id_cannot_reach_another_path() -> None:
    platform = upstream(problem(100, 33, 404))
    assert await platform.publisher().highlight(NATGEO, "../users/1?x=#") is None
    assert platform.requests[0].url.raw_path == b"/highlights/..%2Fusers%2F1%3Fx%3D%23"


async def test_drift_in_what_is_not_used_is_told_and_harmless() -> None:
    platform = upstream(answer(200, highlight(PK, 31, title={"en": "Reef"}, status=7)))
    assert await platform.publisher().highlight(NATGEO, PK) == Published(PK, "", ("31",))
    (drift,) = platform.seen(ResponseSchemaMismatch)
    assert (drift.endpoint, drift.paths) == ("platform.highlight", ("title", "status"))


@pytest.mark.parametrize(
    "body", [b"<html>", b"[]", b"{}", b'{"id": "18"}', b'{"id": "18", "status": "DREAMING"}', b"\xff", b"[" * 9_000]
)
async def test_an_answer_that_cannot_be_read_is_no_answer(body: bytes) -> None:
    with pytest.raises(UpstreamInvalidAnswer):
        await upstream(answer(200, body)).publisher().container(NATGEO, "18")


async def test_each_request_is_an_event_that_bills_nothing() -> None:
    platform = upstream(answer(200, highlight(PK, 31)))
    await platform.publisher().highlight(NATGEO, PK)
    attempts = [(event.endpoint, event.status, event.charged) for event in platform.seen(UpstreamAttempt)]
    assert attempts == [("platform.account", 200, 0), ("platform.highlight", 200, 0)]
