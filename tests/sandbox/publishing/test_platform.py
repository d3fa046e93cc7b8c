"""The Platform dialect, call by call, as its contract says."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import pytest
from starlette.applications import Starlette

from gateway.domain import ids
from gateway.sandbox import create_sandbox, fixture_users
from tests.sandbox import contract
from tests.sandbox.harness import NOON, ORIGIN, SteppedClock, client_of
from tests.sandbox.publishing.media import BLUE, film, jpeg
from tests.sandbox.publishing.platform_client import LINK, NATGEO, Press, done, refused, visitor

DAY = 86_400


async def test_an_image_is_finished_at_once_and_a_link_or_a_film_after_a_while(
    press: Press, clock: SteppedClock
) -> None:
    assert done(await press.upload(jpeg()), 201)["status"] == "FINISHED"
    linked, filmed = await press.link(), await press.upload(film(), "VIDEO")
    assert (linked.status_code, filmed.status_code) == (202, 202)
    assert filmed.headers["retry-after"] == "2"
    for upload, seconds in ((linked.json(), 1.0), (filmed.json(), 2.0)):
        assert done(await press.get(f"/media/{upload['id']}")) == {"id": upload["id"], "status": "IN_PROGRESS"}
        refused(await press.publish(upload["id"]), 9007, 2207027)
        clock.seconds = seconds
        assert done(await press.get(f"/media/{upload['id']}")) == {"id": upload["id"], "status": "FINISHED"}
        assert (await press.publish(upload["id"])).status_code == 201
        assert done(await press.get(f"/media/{upload['id']}"))["status"] == "PUBLISHED"


async def test_a_story_names_its_medium_and_its_end(press: Press) -> None:
    medium = done(await press.upload(jpeg()), 201)["id"]
    story = done(await press.publish(medium), 201)
    assert story == {"id": story["id"], "media_id": medium, "expires_at": int(NOON) + DAY}
    pk, owner = story["id"].split("_")
    assert (len(pk), owner) == (19, NATGEO)
    assert ids.item_id(story["id"], field="id").pk == pk
    assert (int(pk) >> 23) + 1_314_220_021_721 == int(NOON * 1000), "a pk says when it was made"


async def test_stories_of_one_moment_have_ids_of_their_own(press: Press) -> None:
    medium = done(await press.upload(jpeg()), 201)["id"]
    stories = [done(await press.publish(medium), 201)["id"] for _ in range(5)]
    assert sorted(set(stories)) == stories


async def test_a_created_highlight_is_told_in_the_read_apis_shape(press: Press) -> None:
    stories = [await press.story(), await press.story(jpeg(BLUE))]
    response = await press.create([story["id"] for story in reversed(stories)], " Trip ")
    highlight = msgspec.convert(done(response, 201), contract.Highlight)
    pks = [int(story["id"].split("_")[0]) for story in reversed(stories)]
    assert (highlight.title, highlight.media_count, highlight.media_ids) == ("Trip", 2, pks)
    assert [int(item.pk) for item in highlight.items] == pks, "in the order that was asked for"
    assert len(highlight.pk) == 17
    assert ids.highlight_id(highlight.id, field="id").pk == highlight.pk
    assert highlight.cover_media is not None
    assert highlight.cover_media.media_id == stories[1]["id"]
    assert done(await press.get(f"/highlights/{highlight.pk}")) == response.json()
    assert done(await press.get(f"/highlights/{highlight.id}")) == response.json()


async def test_a_container_is_taken_for_the_story_published_from_it(press: Press) -> None:
    medium = done(await press.upload(jpeg()), 201)["id"]
    refused(await press.create([medium]), 24, 2207008)
    story = done(await press.publish(medium), 201)["id"]
    assert done(await press.create([medium]), 201)["items"][0]["id"] == story


async def test_a_cover_may_be_a_medium_of_its_own(press: Press) -> None:
    story = (await press.story())["id"]
    cover = done(await press.upload(jpeg(BLUE)), 201)["id"]
    chosen = done(await press.create([story], cover_media_id=cover), 201)["cover_media"]
    assert (chosen["media_id"], chosen["crop_rect"]) == (None, None)
    slow = done(await press.link(), 202)["id"]
    refused(await press.create([story], cover_media_id=slow), 9007, 2207027)
    refused(await press.create([story], cover_media_id="17000000000000000"), 24, 2207008)


async def test_the_tray_is_newest_first_and_names_the_media(press: Press) -> None:
    before = done(await press.get(f"/users/{NATGEO}/highlights"))["data"]
    assert [entry["title"] for entry in before] == ["Gift Guide", "BOTW 2026", "Limitless"]
    older, newer = await press.highlight("Older"), await press.highlight("Newer", 2)
    tray = done(await press.get("/users/self/highlights"))["data"]
    assert [entry["pk"] for entry in tray[:2]] == [newer["pk"], older["pk"]]
    assert [entry["media_ids"] for entry in tray[:2]] == [newer["media_ids"], older["media_ids"]]
    assert tray[2:] == before
    for entry in tray:
        msgspec.convert(entry | {"media_ids": []}, contract.TrayEntry)


async def test_lists_page_by_cursor(press: Press, client: httpx.AsyncClient) -> None:
    path = f"/users/{fixture_users.THIRTY.pk}/highlights"
    first = done(await press.get(path))
    assert len(first["data"]) == 25
    rest = done(await client.get(first["paging"]["next"], headers=press.headers))
    assert len(rest["data"]) == 5
    assert rest["paging"].keys() == {"cursors"}
    small = done(await press.get(path, limit=2, after=first["paging"]["cursors"]["after"]))
    assert small["data"] == rest["data"][:2]
    assert "limit=2&" in small["paging"]["next"]
    assert done(await press.get(f"/users/{fixture_users.EMPTY_LIST.pk}/highlights")) == {"data": [], "paging": {}}
    for wrong in ({"limit": 0}, {"limit": 101}, {"after": "?"}, {"after": "MTIz"}):
        refused(await press.get(path, **wrong), 100)


async def test_an_edit_changes_what_it_names_and_nothing_else(press: Press) -> None:
    made = await press.highlight("Before", 2)
    added = (await press.story())["id"]
    first, second = (item["id"] for item in made["items"])
    path = f"/highlights/{made['pk']}/edit"
    renamed = done(await press.post(path, json={"title": "After"}))
    assert renamed == made | {"title": "After"}
    edit = {"added_media_ids": [added], "removed_media_ids": [first]}
    changed = done(await press.post(path, json=edit))
    assert [item["id"] for item in changed["items"]] == [second, added]
    assert changed["cover_media"]["media_id"] == second, "its cover went with the first"
    assert done(await press.post(path, json=edit)) == changed, "what is done already is no trouble"
    covered = done(await press.post(path, json={"cover_media_id": added}))
    assert covered["cover_media"]["media_id"] == added
    refused(await press.post(path, json={"removed_media_ids": [second, added]}), 100)
    refused(await press.post(path, json={"title": ""}), 100)
    assert done(await press.get(f"/highlights/{made['pk']}")) == covered


async def test_what_was_there_from_the_start_can_be_edited_and_deleted(press: Press, client: httpx.AsyncClient) -> None:
    pk = fixture_users.highlight_pk(fixture_users.NATGEO, 1)
    before = done(await press.get(f"/highlights/{pk}"))
    gone = before["items"][0]["id"]
    after = done(await press.post(f"/highlights/{pk}/edit", json={"title": "Best", "removed_media_ids": [gone]}))
    assert (after["title"], after["items"]) == ("Best", before["items"][1:])
    tray = done(await client.get("/v1/user/highlights", params={"user_id": NATGEO}))
    assert [(entry["title"], entry["media_count"]) for entry in tray] == [
        ("Gift Guide", 12),
        ("Best", 10),
        ("Limitless", 11),
    ]
    assert (await client.get("/v1/story/by/id", params={"id": gone})).status_code == 404
    assert (await client.get("/v1/story/by/id", params={"id": before["items"][1]["id"]})).status_code == 200
    assert (await press.delete(f"/highlights/{pk}")).status_code == 204
    refused(await press.get(f"/highlights/{pk}"), 100, 33)


async def test_a_deletion_answers_204_and_then_404(press: Press) -> None:
    made = await press.highlight()
    gone = await press.delete(f"/highlights/{made['pk']}")
    assert (gone.status_code, gone.content) == (204, b"")
    again = await press.delete(f"/highlights/{made['pk']}")
    refused(again, 100, 33)
    assert again.status_code == 404
    for nobody in (made["pk"], "x", "9" * 30):
        assert (await press.get(f"/highlights/{nobody}")).status_code == 404


async def test_accounts_tell_who_they_are(press: Press, client: httpx.AsyncClient) -> None:
    read = done(await client.get("/v1/user/by/id", params={"id": NATGEO}))
    me = done(await press.get("/users/self"))
    assert me == done(await press.get(f"/users/{NATGEO}"))
    assert me.pop("id") == NATGEO
    assert me.items() <= read.items()
    assert len(me) == 9
    other = done(await press.get(f"/users/{fixture_users.THIRTY.pk}"))
    assert (other["id"], other["username"]) == (str(fixture_users.THIRTY.pk), "thirty.highlights")
    for nobody in ("1", "x", "9" * 30):
        refused(await press.get(f"/users/{nobody}"), 100, 33)


@pytest.mark.parametrize("headers", [{}, {"authorization": "sandbox"}, {"authorization": "Bearer other"}])
async def test_without_a_token_that_is_known_nothing_is_answered(app: Starlette, headers: dict[str, str]) -> None:
    async with visitor(app, **headers) as stranger:
        for path in ("/users/self", "/media/17100000000000000", f"/users/{NATGEO}/highlights"):
            response = await stranger.get(f"/platform{path}")
            refused(response, 190, 467)
            assert response.status_code == 401


async def test_a_token_of_a_day_is_refreshed_until_it_has_expired(app: Starlette, clock: SteppedClock) -> None:
    async with client_of(app) as client:
        asked = {"grant_type": "ig_refresh_token"}
        press = Press(client)
        given = done(await press.get("/refresh_access_token", **asked, access_token="sandbox"))
        fresh = given["access_token"]
        assert given == {"access_token": fresh, "token_type": "bearer", "expires_in": 5_183_944}
        assert fresh != "sandbox"
        heir = Press(client, fresh)
        assert done(await heir.get("/users/self"))["id"] == NATGEO
        refused(await heir.get("/refresh_access_token", **asked, access_token=fresh), 100)
        refused(await heir.get("/refresh_access_token", access_token=fresh), 100)
        refused(await heir.get("/refresh_access_token", **asked, access_token="nobody's"), 190, 467)
        clock.seconds = DAY
        again = done(await heir.get("/refresh_access_token", **asked, access_token=fresh))["access_token"]
        clock.seconds = 5_183_944
        refused(await heir.get("/users/self"), 190, 463)
        refused(await press.get("/refresh_access_token", **asked, access_token=fresh), 190, 463)
        assert done(await Press(client, again).get("/users/self"))["id"] == NATGEO
        app.state.sandbox.reset()
        refused(await Press(client, again).get("/users/self"), 190, 467)
        assert done(await press.get("/users/self"))["id"] == NATGEO


async def test_every_account_works_on_its_own_things_only() -> None:
    tokens = {"one": fixture_users.NATGEO.pk, "two": fixture_users.THIRTY.pk, "three": fixture_users.PRIVATE.pk}
    app = create_sandbox(clock=SteppedClock(), base_url=ORIGIN, tokens=tokens)
    async with client_of(app) as client:
        one, two, three = (Press(client, token) for token in tokens)
        made = await one.highlight()
        story = made["items"][0]["id"]
        medium = done(await one.upload(jpeg()), 201)["id"]
        refused(await two.create([story]), 10)
        for call in (
            two.get(f"/media/{medium}"),
            two.publish(medium),
            two.publish(story),
            two.post(f"/highlights/{made['pk']}/edit", json={"title": "Mine"}),
            two.delete(f"/highlights/{made['pk']}"),
            two.get(f"/users/{fixture_users.PRIVATE.pk}/highlights"),
            two.get(f"/highlights/{fixture_users.highlight_pk(fixture_users.PRIVATE, 0)}"),
        ):
            response = await call
            refused(response, 10)
            assert response.status_code == 403
        assert done(await two.get(f"/highlights/{made['pk']}")) == made, "what is public may be read"
        assert len(done(await three.get("/users/self/highlights"))["data"]) == 5


def test_a_token_of_nobody_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="no such users"):
        create_sandbox(clock=SteppedClock(), tokens={"sandbox": 1})


async def test_write_calls_are_counted_under_their_routes_and_never_billed(
    press: Press, client: httpx.AsyncClient
) -> None:
    made = await press.highlight()
    await press.delete(f"/highlights/{made['pk']}")
    meter = done(await client.get("/_control/meter"))
    assert meter["calls"] == {
        "POST /platform/media/upload": 1,
        "POST /platform/media/{id}/stories": 1,
        "POST /platform/users/{user_id}/highlights": 1,
        "DELETE /platform/highlights/{id}": 1,
    }
    assert (meter["billed"], meter["balance"]) == ({}, 1_000_000)


BAD_BODIES: list[dict[str, Any]] = [
    {"content": b"not json", "headers": {"content-type": "application/json"}},
    {"json": ["a list"]},
    {"json": {"media_ids": ["1"]}},
    {"json": {"title": 5, "media_ids": ["1"]}},
    {"json": {"title": "New", "media_ids": "1"}},
    {"json": {"title": "New", "media_ids": [None]}},
    {"content": b"--x\r\nbroken", "headers": {"content-type": "multipart/form-data; boundary=x"}},
    {"content": b"--x\r\nbroken", "headers": {"content-type": "multipart/form-data"}},
]


@pytest.mark.parametrize("body", BAD_BODIES)
async def test_a_body_that_is_not_understood_is_refused(client: httpx.AsyncClient, body: dict[str, Any]) -> None:
    headers = {"authorization": "Bearer sandbox"} | body.pop("headers", {})
    refused(await client.post(f"/platform/users/{NATGEO}/highlights", headers=headers, **body), 100)


async def test_an_upload_says_what_it_is(press: Press) -> None:
    for sent in ({"media_url": LINK}, {"media_url": LINK, "media_type": "ALBUM"}, {"media_type": "IMAGE"}, {}):
        refused(await press.post("/media/upload", json=sent), 100)
