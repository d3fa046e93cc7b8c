"""The app on a real port, read by the vendor's own kit, and failing as only a socket can."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import hikerapi
import httpx
import msgspec
import pytest
from hikerapi.extractors import extract_hashtag_medias_top

from gateway.sandbox import Sandbox, fixture_users
from gateway.sandbox.faults import DeadKeepAlive, Hang, Status
from gateway.sandbox.listing import reels
from tests.sandbox import contract
from tests.sandbox import contract_lists as lists
from tests.sandbox.contract_posts import Location, Media
from tests.sandbox.harness import KEY
from tests.sandbox.walks import TALKED_ABOUT, Chunk, discussed_pk, listed_pk


@pytest.fixture
def kit(served: str) -> Iterator[Any]:
    """The vendor's client. It knows hosts by https only, so its HTTP client is pointed at our port."""
    kit = hikerapi.Client(token="sandbox")
    kit._client.base_url = served
    yield kit
    kit._client.close()


def test_the_vendors_kit_reads_every_endpoint_it_knows(kit: Any) -> None:
    answers: list[tuple[Any, Any]] = [
        (kit.user_by_id_v1(id="787132"), contract.User),
        (kit.user_by_username_v1(username="thirty.highlights"), contract.User),
        (kit.user_highlights_v1(user_id="787132"), list[contract.TrayEntry]),
        (kit.user_highlights_v1(user_id=fixture_users.THIRTY.pk, amount=5, force="on"), list[contract.TrayEntry]),
        (kit.user_highlights_by_username_v1(username="thirty.highlights"), list[contract.TrayEntry]),
        (kit.user_stories_v1(user_id="787132"), list[contract.Story]),
        (kit.user_stories_by_username_v1(username="natgeo"), list[contract.Story]),
        (kit.story_by_id_v1(id="3772053608293416704"), contract.Story),
        (
            kit.highlight_by_url_v1(url=highlight_url(fixture_users.highlight_pk(fixture_users.THIRTY, 0))),
            contract.Highlight,
        ),
        (kit.share_by_url_v1(url="https://www.instagram.com/s/aGlnaGxpZ2h0OjE4MDg1NDc1NjcxODMwNDQw"), contract.Share),
    ]
    for answer, model in answers:
        msgspec.convert(answer, model)
    assert [len(answers[index][0]) for index in (2, 3, 4)] == [3, 5, 30]
    assert len(answers[8][0]["items"]) == 40


def test_the_vendors_kit_reads_the_lists(kit: Any) -> None:
    post, user, place = str(listed_pk(TALKED_ABOUT)), "787132", 212_000_000
    comment = str(discussed_pk(TALKED_ABOUT))
    answers: list[tuple[Any, Any]] = [
        (kit.user_medias_g2(user_id=user), lists.Medias),
        (kit.user_medias_pinned_v1(user_id=user, amount=3), list[Media]),
        (kit.user_clips_chunk_v1(user_id=user), Chunk),
        (kit.user_tag_medias_chunk_v1(user_id=user), Chunk),
        (kit.user_followers_g2(user_id=user), lists.People),
        (kit.user_following_g2(user_id=user), lists.People),
        (kit.user_search_followers_v1(user_id=user, query="amber"), list[lists.ShortOfList]),
        (kit.user_search_following_v1(user_id=user, query="amber", force="on"), list[lists.ShortOfList]),
        (kit.user_about_gql(id=user), lists.About),
        (kit.media_comments_v2(id=post), lists.Comments),
        (kit.media_comments_replies_v2(media_id=post, comment_id=comment), lists.Replies),
        (kit.media_comments_infos_v2(media_ids=f"{post},{listed_pk(0)}"), lists.CommentInfos),
        (kit.media_likers_v2(id=post), lists.Likers),
        (kit.hashtag_by_name_v1(name="pãoquente"), lists.NamedHashtag),
        (kit.hashtag_medias_recent_v2(name="pãoquente"), lists.Sections),
        (kit.hashtag_medias_top_v2(name="rooftops"), lists.Sections),
        (kit.search_hashtags_v1(query="coffee"), list[lists.Hashtag]),
        (kit.location_by_id_g2(id=str(place)), lists.LocatedPlace),
        (kit.location_search_v1(lat=38.7, lng=-9.1), list[Location]),
        (kit.fbsearch_places_v2(query="lisboa"), lists.Places),
        (kit.location_medias_recent_chunk_v1(location_pk=place), Chunk),
        (kit.location_medias_top_chunk_v1(location_pk=place), Chunk),
        (kit.fbsearch_accounts_v2(query="amber"), lists.Accounts),
    ]
    for answer, model in answers:
        assert msgspec.convert(answer, model)


def test_the_vendors_kit_follows_cursors_to_the_end_of_a_list(kit: Any) -> None:
    """Its own helper for pages handles lists of two; their cursors need escaping in a URL, which it does."""
    clips = kit._paging_request("/v1/user/clips/chunk", {"user_id": "787132"}, page_key="end_cursor")
    assert len(clips) == len(reels(fixture_users.NATGEO.index))
    cursor, seen = None, set[str]()
    while True:
        page = kit.user_followers_g2(user_id="787132", page_id=cursor)
        seen |= {user["pk_id"] for user in page["response"]["users"]}
        if not (cursor := page["next_page_id"]):
            break
    assert len(seen) == kit.user_by_id_v1(id="787132")["follower_count"]


def test_the_vendors_kit_finds_the_posts_of_a_hashtags_page(kit: Any) -> None:
    """It looks into all three places of the layout; of several rows it keeps the last one only."""
    found, cursor = extract_hashtag_medias_top(kit.hashtag_medias_top_v2(name="rooftops"))
    assert len(found["one_by_two_item"]) == 5
    assert len(found["fill_items"]) == 4
    assert 1 <= len(found["medias"]) <= 3
    assert cursor


def highlight_url(pk: str) -> str:
    return f"https://www.instagram.com/stories/highlights/{pk}/"


def test_the_vendors_kit_sees_refusals_as_the_vendor_words_them(kit: Any, sandbox: Sandbox) -> None:
    assert kit.user_highlights_v1(user_id=str(fixture_users.PRIVATE.pk))["exc_type"] == "PrivateAccount"
    assert kit.user_by_username_v1(username="nobody.at.all")["exc_type"] == "UserNotFound"
    assert kit.user_by_id_v1(id=None)["detail"][0]["loc"] == ["query", "id"]
    sandbox.balance = 0
    assert kit.user_by_id_v1(id="787132")["exc_type"] == "InsufficientFunds"
    sandbox.faults.lay(Status(status=410))
    assert kit.user_by_id_v1(id="787132")["exc_type"] == "InsufficientFunds", "an empty account is refused first"


def test_a_dead_keep_alive_closes_the_socket_without_a_byte(served: str, sandbox: Sandbox) -> None:
    with httpx.Client(base_url=served, headers=KEY) as client:
        assert client.get("/sys/balance").status_code == 200
        sandbox.faults.lay(DeadKeepAlive(times=1))
        with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
            client.get("/v1/user/by/id?id=787132")
        assert client.get("/v1/user/by/id?id=787132").status_code == 200
    assert (sandbox.meter.calls["/v1/user/by/id"], sandbox.meter.total_billed) == (1, 1)


def test_a_hanging_call_ends_with_the_client_that_gave_up(served: str, sandbox: Sandbox) -> None:
    """The server can stop afterwards: nothing waits on for an answer that nobody reads."""
    sandbox.faults.lay(Hang(times=1))
    with httpx.Client(base_url=served, headers=KEY, timeout=0.2) as client:
        with pytest.raises(httpx.ReadTimeout):
            client.get("/v1/user/by/id?id=787132")
        assert client.get("/v1/user/by/id?id=787132", timeout=10).status_code == 200
    assert sandbox.meter.total_billed == 2
