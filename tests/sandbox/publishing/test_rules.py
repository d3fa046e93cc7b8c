"""Keys, quota, expiry, titles and counts: the rules that depend on what was done before."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from gateway.sandbox import Sandbox
from gateway.sandbox.publishing.containers import DAY
from tests.sandbox.harness import SteppedClock
from tests.sandbox.publishing.media import BLUE, film, jpeg
from tests.sandbox.publishing.platform_client import LINK, NATGEO, Press, done, new_key, refused


async def test_the_same_key_and_body_are_answered_as_the_first_time(press: Press, sandbox: Sandbox) -> None:
    """Byte for byte, and nothing is done again; a form's boundary is not its content."""
    keys = [new_key() for _ in range(3)]
    uploads = [await press.upload(jpeg(), key=keys[0]) for _ in range(3)]
    medium = uploads[0].json()["id"]
    publications = [await press.publish(medium, key=keys[1]) for _ in range(3)]
    story = publications[0].json()["id"]
    creations = [await press.create([story], key=keys[2]) for _ in range(3)]
    for answers in (uploads, publications, creations):
        assert {(answer.status_code, answer.content) for answer in answers} == {(201, answers[0].content)}
    published = sandbox.publishing.studio.published()
    assert [len(made) for made in published.values()] == [1, 1, 1]  # type: ignore[arg-type]
    assert done(await press.get("/users/self/publishing_limit"))["quota_usage"] == 1


async def test_what_is_answered_again_is_the_202_of_then(press: Press, clock: SteppedClock) -> None:
    key = new_key()
    first = await press.link(key=key)
    clock.seconds = 60
    again = await press.link(key=key)
    assert (again.status_code, again.content) == (first.status_code, first.content) == (202, first.content)


async def test_a_key_with_another_body_is_refused(press: Press) -> None:
    key, story = new_key(), (await press.story())["id"]
    done(await press.create([story], "One", key=key), 201)
    for response in (
        await press.create([story], "Two", key=key),
        await press.publish(story, key=key),
        await press.upload(jpeg(), key=key),
    ):
        assert refused(response, 100)["type"] == "IdempotencyKeyReused"
        assert response.status_code == 422


async def test_another_file_is_another_body(press: Press) -> None:
    key = new_key()
    done(await press.upload(jpeg(), key=key), 201)
    assert (await press.upload(jpeg(BLUE), key=key)).status_code == 422


async def test_a_key_is_kept_for_a_day(press: Press, clock: SteppedClock) -> None:
    key = new_key()
    first = done(await press.upload(jpeg(), key=key), 201)
    clock.seconds = DAY - 1
    assert done(await press.upload(jpeg(), key=key), 201) == first
    clock.seconds = DAY
    assert done(await press.upload(jpeg(), key=key), 201) != first


async def test_a_refused_request_may_be_mended_under_its_key(press: Press) -> None:
    key, story = new_key(), (await press.story())["id"]
    refused(await press.create([story], "Far longer than allowed", key=key), 100)
    done(await press.create([story], "Short", key=key), 201)


async def test_many_at_once_with_one_key_make_one(press: Press, sandbox: Sandbox) -> None:
    key, story = new_key(), (await press.story())["id"]
    answers = await asyncio.gather(*(press.create([story], key=key) for _ in range(20)))
    assert len({answer.content for answer in answers}) == 1
    assert len(sandbox.publishing.studio.highlights.all) == 1


async def test_a_key_is_a_uuid(press: Press) -> None:
    refused(await press.upload(jpeg(), key="once"), 100)


async def test_without_keys_every_request_makes_its_own(press: Press) -> None:
    story = (await press.story())["id"]
    pks = {done(await press.create([story]), 201)["pk"] for _ in range(3)}
    assert len(pks) == 3


async def test_fifty_publications_a_day_roll(press: Press, clock: SteppedClock) -> None:
    medium = done(await press.upload(jpeg()), 201)["id"]
    for number in range(50):
        clock.seconds = number * 60
        done(await press.publish(medium), 201)
    limit = done(await press.get("/users/self/publishing_limit"))
    assert limit == {"quota_usage": 50, "config": {"quota_total": 50, "quota_duration": 86_400}}
    refused(await press.publish(medium), 9, 2207042)
    clock.seconds = DAY - 1
    refused(await press.publish(medium), 9, 2207042)
    clock.seconds = DAY
    assert done(await press.get("/users/self/publishing_limit"))["quota_usage"] == 49
    done(await press.publish(medium), 201)
    refused(await press.publish(medium), 9, 2207042)


async def test_the_quota_can_be_set(press: Press, client: httpx.AsyncClient) -> None:
    medium = done(await press.upload(jpeg()), 201)["id"]
    assert done(await client.post("/_control/quota", json={"total": 1})) == {"total": 1}
    done(await press.publish(medium), 201)
    refused(await press.publish(medium), 9, 2207042)
    assert (await client.post("/_control/quota", json={"total": -1})).status_code == 400


async def test_a_container_expires_a_day_after_its_upload_unless_it_was_published(
    press: Press, clock: SteppedClock
) -> None:
    lost, used = [done(await press.upload(jpeg()), 201)["id"] for _ in range(2)]
    clock.seconds = DAY - 1
    done(await press.publish(used), 201)
    clock.seconds = DAY
    assert done(await press.get(f"/media/{lost}")) == {"id": lost, "status": "EXPIRED"}
    assert done(await press.get(f"/media/{used}"))["status"] == "PUBLISHED"
    refused(await press.publish(lost), 24, 2207008)
    done(await press.publish(used), 201)


async def test_a_story_dies_after_a_day_unless_a_highlight_holds_it(
    press: Press, client: httpx.AsyncClient, clock: SteppedClock
) -> None:
    held, lost = await press.story(), await press.story()
    made = done(await press.create([held["id"]]), 201)
    clock.seconds = DAY - 1
    assert live(await client.get("/v1/user/stories", params={"user_id": NATGEO})) >= {held["id"], lost["id"]}
    clock.seconds = DAY
    assert not live(await client.get("/v1/user/stories", params={"user_id": NATGEO})) & {held["id"], lost["id"]}
    assert (await client.get("/v1/story/by/id", params={"id": held["id"]})).status_code == 200
    assert (await client.get("/v1/story/by/id", params={"id": lost["id"]})).status_code == 404
    refused(await press.create([lost["id"]]), 24, 2207008)
    done(await press.create([held["id"]]), 201)
    assert [item["id"] for item in done(await press.get(f"/highlights/{made['pk']}"))["items"]] == [held["id"]]


def live(response: httpx.Response) -> set[str]:
    return {story["id"] for story in done(response)}


async def test_an_old_story_dies_with_the_last_highlight_that_held_it(press: Press, clock: SteppedClock) -> None:
    story = (await press.story())["id"]
    first, second = [done(await press.create([story]), 201)["pk"] for _ in range(2)]
    clock.seconds = 2 * DAY
    assert (await press.delete(f"/highlights/{first}")).status_code == 204
    assert done(await press.get(f"/highlights/{second}"))["media_count"] == 1
    assert (await press.delete(f"/highlights/{second}")).status_code == 204
    refused(await press.create([story]), 24, 2207008)


async def test_an_item_of_a_highlight_can_be_published_again_and_held_by_others(press: Press) -> None:
    """A medium that exists enters at the publication, a story that is archived at the creation."""
    archived = done(await press.get("/highlights/17983616051768088"))["items"][3]["id"]
    again = done(await press.publish(archived), 201)["id"]
    made = done(await press.create([archived, again]), 201)
    assert [item["id"] for item in made["items"]] == [archived, again]
    assert [item["media_type"] for item in made["items"]] == [made["items"][0]["media_type"]] * 2
    assert (await press.delete("/highlights/17983616051768088")).status_code == 204
    assert done(await press.get(f"/highlights/{made['pk']}"))["media_count"] == 2


@pytest.mark.parametrize("title", ["", " ", "Seventeen letters", "👨‍👩‍👧" * 17])
async def test_a_title_has_1_to_16_characters(press: Press, title: str) -> None:
    refused(await press.create([(await press.story())["id"]], title), 100)


@pytest.mark.parametrize("title", ["x", "Sixteen letters!", "👨‍👩‍👧" * 16, "नमस्ते"])
async def test_characters_are_those_that_people_count(press: Press, title: str) -> None:
    assert done(await press.create([(await press.story())["id"]], title), 201)["title"] == title


async def test_a_highlight_holds_1_to_100_media_each_once(press: Press, sandbox: Sandbox) -> None:
    sandbox.publishing.studio.quota.total = 200
    medium = done(await press.upload(jpeg()), 201)["id"]
    stories = [done(await press.publish(medium), 201)["id"] for _ in range(101)]
    refused(await press.create([]), 100)
    refused(await press.create(stories), 100)
    refused(await press.create([stories[0], stories[0]]), 100)
    made = done(await press.create(stories[:100]), 201)
    assert made["media_count"] == len(made["items"]) == 100
    refused(await press.post(f"/highlights/{made['pk']}/edit", json={"added_media_ids": [stories[100]]}), 100)


@pytest.mark.parametrize("medium", ["17199999999999999", "3772053608293416704_1", "x", "9" * 30])
async def test_an_unknown_medium_is_missing(press: Press, medium: str) -> None:
    for response in (
        await press.get(f"/media/{medium}"),
        await press.publish(medium),
        await press.create([medium]),
        await press.create([(await press.story())["id"]], cover_media_id=medium),
    ):
        refused(response, 24, 2207008)


async def test_a_reset_forgets_everything(press: Press, client: httpx.AsyncClient) -> None:
    made = await press.highlight(key=new_key())
    story = made["items"][0]["id"]
    assert (await client.post("/_control/reset")).status_code == 204
    assert done(await client.get("/_control/published")) == {"highlights": [], "stories": [], "uploads": []}
    assert done(await press.get("/users/self/publishing_limit"))["quota_usage"] == 0
    assert (await press.get(f"/highlights/{made['pk']}")).status_code == 404
    refused(await press.create([story]), 24, 2207008)
    assert (await client.get(made["items"][0]["thumbnail_url"])).status_code == 200


async def test_everything_published_is_listed_with_its_key(press: Press, client: httpx.AsyncClient) -> None:
    keys = [new_key() for _ in range(3)]
    medium = done(await press.link(key=keys[0]), 202)["id"]
    filmed = done(await press.upload(film(), "VIDEO"), 202)["id"]
    story = (await press.story())["id"]
    made = done(await press.create([story], key=keys[2]), 201)
    await press.delete(f"/highlights/{made['pk']}")
    published = done(await client.get("/_control/published"))
    assert published["highlights"] == [
        {
            "id": made["pk"],
            "account": NATGEO,
            "title": "New",
            "media_ids": [story.split("_")[0]],
            "requested_media_ids": [story],
            "idempotency_key": keys[2],
            "dialect": "platform",
            "status": "DELETED",
        }
    ]
    uploads = {upload["id"]: upload for upload in published["uploads"]}
    assert (uploads[medium]["origin"], uploads[medium]["idempotency_key"]) == (LINK, keys[0])
    assert uploads[filmed]["origin"].startswith("sha256:")
    assert [each["status"] for each in published["stories"]] == ["LIVE"]
