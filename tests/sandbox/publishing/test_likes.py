"""Likes as each dialect of the sandbox answers them."""

from __future__ import annotations

import httpx

from tests.sandbox.publishing.platform_client import NATGEO, SESSION, Press, done

MEDIA = "3286412355219875123"
FUTURE = "9223372036854775807"


async def liked(client: httpx.AsyncClient) -> list[dict[str, str]]:
    likes: list[dict[str, str]] = done(await client.get("/_control/likes"))["likes"]
    return likes


async def test_the_platform_sets_and_withdraws_a_like(press: Press, client: httpx.AsyncClient) -> None:
    for _ in range(2):
        assert done(await press.post(f"/media/{MEDIA}_25025320/likes")) == {"success": True}
        assert await liked(client) == [{"account": NATGEO, "media_id": MEDIA}]
    for _ in range(2):
        assert done(await press.delete(f"/media/{MEDIA}/likes")) == {"success": True}
        assert await liked(client) == []


async def test_the_platform_does_not_know_what_is_no_media(press: Press) -> None:
    for id in ("x", FUTURE):
        assert (await press.post(f"/media/{id}/likes")).status_code == 404
        assert (await press.delete(f"/media/{id}/likes")).status_code == 404


async def test_aiograpi_answers_true_and_says_500_of_what_is_not_there(client: httpx.AsyncClient) -> None:
    client.headers.update(SESSION)
    assert done(await client.post("/aiograpi/media/like", data={"media_id": MEDIA})) is True
    assert await liked(client) == [{"account": NATGEO, "media_id": MEDIA}]
    assert done(await client.delete("/aiograpi/media/like", params={"media_id": MEDIA})) is True
    assert await liked(client) == []
    assert (await client.post("/aiograpi/media/like", data={"media_id": FUTURE})).status_code == 500
    assert (await client.post("/aiograpi/media/like")).status_code == 422
    assert (await client.delete("/aiograpi/media/like")).status_code == 422


async def test_a_reset_withdraws_all_likes(press: Press, client: httpx.AsyncClient) -> None:
    done(await press.post(f"/media/{MEDIA}/likes"))
    assert (await client.post("/_control/reset")).is_success
    assert await liked(client) == []
