"""An upstream answer with one odd element, as a client of the whole gateway sees it: the rest, and what is missing."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.composition.app import create_app
from gateway.settings import Settings
from tests.fakes.gateway import ORIGIN, Answer, WallClock, details

Json = dict[str, Any]
PARTIAL = "UPSTREAM_PARTIAL_ANSWER"
ITEM = (
    "id pk takenAt kind mentions { user { id username } } links { url } hashtags { name mediaCount } stickers { extra }"
)
HIGHLIGHT = (
    '{ highlight(by: { id: "5" }) { id title mediaCount latestMediaAt cover { mediaId } user { id } missingItemIds '
    f"items {{ totalCount nodes {{ {ITEM} }} }} }} }}"
)
TRAY = '{ user(by: { username: "reef" }) { id username isPrivate highlights { totalCount nodes { id title } } } }'


def user(**changes: object) -> Json:
    return {"pk": "9", "id": "9", "username": "reef", "is_private": False} | changes


def mention(pk: str) -> Json:
    return {"user": {"pk": pk, "username": f"user{pk}"}}


def item(pk: str, /, **changes: object) -> Json:
    whole = {"pk": pk, "id": f"{pk}_9", "taken_at": "2023-12-30T10:00:00Z", "media_type": 1, "user": {"pk": "9"}}
    return whole | changes


def highlight(*items: Any, **changes: object) -> Json:
    return {"pk": "5", "id": "highlight:5", "user": user(), "title": "Reef", "media_count": 2, "items": items} | changes


class Upstream:
    """Answers each path with what `answers` holds; 401 for the rest. `billed` counts as the real one does."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.calls: list[str] = []

    async def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path == "/sys/balance":
            return httpx.Response(200, json={"requests": 1_000, "rate": 1_000, "currency": "USD", "amount": 1.0})
        self.calls.append(path)
        if path not in self.answers:
            return httpx.Response(401)
        body = self.answers[path]
        return httpx.Response(200, content=body if isinstance(body, bytes) else json.dumps(body).encode())


class Gateway:
    def __init__(self, client: httpx.AsyncClient, upstream: Upstream, clock: WallClock) -> None:
        self.client = client
        self.upstream = upstream
        self.clock = clock

    def holds(self, answer: object) -> None:
        """As the highlight that HIGHLIGHT asks for."""
        self.upstream.answers["/v1/highlight/by/url"] = answer

    async def ask(self, document: str) -> Answer:
        response = await self.client.post("/graphql", json={"query": document}, headers={"x-request-id": "same"})
        return Answer(response.status_code, response.headers, response.json())

    async def again_and_again(self, document: str, price: int) -> Answer:
        """The answer, which is the same each time, and paid for once."""
        first = await self.ask(document)
        assert first.charged == price
        for text in (document, document, f"{document} # another", document):
            answer = await self.ask(text)
            assert (answer.data, answer.body.get("errors")) == (first.data, first.body.get("errors"))
            assert answer.charged == 0
        return first


@contextlib.asynccontextmanager
async def serving(folder: Path, **settings: Any) -> AsyncIterator[Gateway]:
    upstream, clock = Upstream(), WallClock(1_700_000_000.0)
    app = create_app(
        dataclasses.replace(Settings(hikerapi_key="k"), data_dir=folder, **settings),
        transport=httpx.MockTransport(upstream.answer),
        clock=clock,
        base_url=ORIGIN,
    )
    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        yield Gateway(client, upstream, clock)


GOOD = item("12")
NODES = "highlight.items.nodes"
CASES: dict[str, tuple[Any, list[str]]] = {
    "an odd mention": (
        highlight(item("11", mentions=[mention("1"), {"user": None}, mention("2")]), GOOD),
        [f"{NODES}.0.mentions"],
    ),
    "mentions that are none": (highlight(item("11", mentions="none"), GOOD), [f"{NODES}.0.mentions"]),
    "an odd link": (highlight(GOOD, item("11", links=[{"url": "https://a.test/"}])), [f"{NODES}.1.links"]),
    "a null item": (highlight(item("11"), None, GOOD), ["highlight.missingItemIds", "highlight.items"]),
    "items that are none": (highlight(items="none"), ["highlight.missingItemIds", "highlight.items"]),
    "an odd id of a medium": (highlight(GOOD, media_ids=[12, None, 13]), ["highlight.missingItemIds"]),
    "a media type": (highlight(item("11", media_type={}), GOOD), [f"{NODES}.0.kind"]),
    "a count of media": (highlight(GOOD, media_count=2**31), ["highlight.mediaCount"]),
    "Unix seconds": (highlight(GOOD, latest_reel_media="soon"), ["highlight.latestMediaAt"]),
    "a title": (highlight(GOOD, title={}), ["highlight.title"]),
    "a cover": (highlight(GOOD, cover_media="none"), ["highlight.cover"]),
    "a part of a cover": (highlight(GOOD, cover_media={"media_id": []}), ["highlight.cover.mediaId"]),
    "an owner": (highlight(GOOD, user=None), ["highlight.user"]),
    "a hashtag of 53 bits": (
        highlight(item("11", hashtags=[{"hashtag": {"name": "sun", "media_count": 2**53}}])),
        [f"{NODES}.0.hashtags.0.mediaCount"],
    ),
    "a sticker": (
        json.dumps(highlight(item("11", stickers=[{"extra": {"a": float("nan"), "b": 1}}]))).encode(),
        [f"{NODES}.0.stickers.0.extra"],
    ),
    "nothing": (highlight(GOOD), []),
    "what follows from the rest": (highlight({"id": "11_9", "taken_at": 1.5}, {"pk": 12}, pk=5), []),
}


@pytest.mark.parametrize("projection", [True, False])
async def test_what_is_lost_is_told_in_its_place_and_paid_for_once(tmp_path: Path, projection: bool) -> None:
    async with serving(tmp_path, projection=projection) as gateway:
        for name, (sent, paths) in CASES.items():
            gateway.clock.advance(10_000)  # past all that is remembered
            gateway.holds(sent)
            answer = await gateway.again_and_again(HIGHLIGHT, 1)
            assert sorted(answer.errors) == sorted((path, PARTIAL) for path in paths), name
            assert answer.status == 200
            assert answer.data["highlight"]["id"] == "highlight:5"


async def test_what_can_be_read_stays(tmp_path: Path) -> None:
    async with serving(tmp_path) as gateway:
        gateway.holds(CASES["an odd mention"][0])
        answer = await gateway.ask(HIGHLIGHT)
        first, second = answer.data["highlight"]["items"]["nodes"]
        assert [one["user"]["id"] for one in first["mentions"]] == ["1", "2"]
        assert (second["id"], second["mentions"]) == ("12_9", [])
        (error,) = answer.body["errors"]
        assert details(error) == {"code": PARTIAL, "leftOut": 1}
        assert error["message"] == "The upstream's list had 1 entry that could not be decoded."


async def test_a_list_of_which_nothing_could_be_read_is_null_where_it_may_be(tmp_path: Path) -> None:
    async with serving(tmp_path) as gateway:
        gateway.holds(highlight(items=[None]))
        answer = await gateway.ask(HIGHLIGHT)
        assert (answer.data["highlight"]["items"], answer.data["highlight"]["title"]) == (None, "Reef")


async def test_an_item_of_unknown_kind_is_missing_from_each_kind(tmp_path: Path) -> None:
    """That there are no videos would be a lie."""
    async with serving(tmp_path) as gateway:
        gateway.holds(highlight(item("11", media_type="?"), item("12")))
        answer = await gateway.ask('{ highlight(by: { id: "5" }) { items(kind: VIDEO) { totalCount } } }')
        assert (answer.data["highlight"]["items"], answer.errors) == ({"totalCount": 0}, [("highlight.items", PARTIAL)])


@pytest.mark.parametrize(
    ("filter_", "count"),
    [
        ('titleContains: "reef"', 1),
        ("isPinned: false", 1),
        ('createdSince: "2020-01-01T00:00:00Z"', 1),
        ('createdSince: "0001-01-01T00:00:00Z"', 1),
    ],
)
async def test_a_highlight_whose_compared_value_is_lost_is_missing_from_the_filtered_list(
    tmp_path: Path, filter_: str, count: int
) -> None:
    """A list without it and without an error would look complete."""
    odd = highlight(pk="6", id="highlight:6", title=[], created_at="odd", is_pinned_highlight="odd")
    whole = highlight(created_at="2024-01-01T00:00:00Z", is_pinned_highlight=False)
    async with serving(tmp_path) as gateway:
        gateway.upstream.answers["/v1/user/highlights"] = [odd, whole]
        answer = await gateway.ask(
            f'{{ user(by: {{ id: "9" }}) {{ highlights(filter: {{ {filter_} }}) {{ totalCount }} }} }}'
        )
        assert (answer.data["user"]["highlights"], answer.errors) == (
            {"totalCount": count},
            [("user.highlights", PARTIAL)],
        )
        whole_list = await gateway.ask('{ user(by: { id: "9" }) { highlights(order: OLDEST) { nodes { id } } } }')
        assert [node["id"] for node in whole_list.data["user"]["highlights"]["nodes"]] == ["highlight:5", "highlight:6"]
        assert whole_list.errors == []


async def test_what_is_deferred_tells_its_losses_where_it_comes(tmp_path: Path) -> None:
    document = '{ highlight(by: { id: "5" }) { id ... @defer { items { nodes { id mentions { user { id } } } } } } }'
    async with serving(tmp_path) as gateway:
        gateway.holds(highlight(item("11", mentions=[None]), None))
        accept = {"accept": "multipart/mixed"}
        response = await gateway.client.post("/graphql", json={"query": document}, headers=accept)
        assert response.text.count(PARTIAL) == 2
        assert '"11_9"' in response.text


async def test_no_answer_tells_of_more_than_a_hundred_losses(tmp_path: Path) -> None:
    async with serving(tmp_path) as gateway:
        gateway.holds(highlight(*(item(str(pk), mentions="?", links="?") for pk in range(1, 91))))
        answer = await gateway.ask(HIGHLIGHT)
        assert len(answer.errors) == 101
        assert answer.errors[-1] == ("", PARTIAL)
        assert answer.data["highlight"]["items"]["totalCount"] == 90


TRAY_CASES: dict[str, tuple[list[Any], list[str]]] = {
    "a null entry": ([highlight(), None], ["user.highlights"]),
    "an entry of somebody else": (
        [highlight(), highlight(pk="6", user=user(pk="8", username="x"))],
        ["user.highlights"],
    ),
    "an entry without an owner": ([highlight(), highlight(pk="6", user=None)], []),
    "an integer pk": ([highlight(pk=5)], []),
    "an owner who lost something": ([highlight(user=user(is_private="?"))], ["user.isPrivate"]),
    "a title": ([highlight(title=[])], ["user.highlights.nodes.0.title"]),
}


@pytest.mark.parametrize("name", TRAY_CASES)
async def test_a_tray_by_name_is_bought_once(name: str, tmp_path: Path) -> None:
    """With what rides on it: whose name it is, and the owner's short fields."""
    sent, paths = TRAY_CASES[name]
    async with serving(tmp_path) as gateway:
        gateway.upstream.answers["/v1/user/highlights/by/username"] = sent
        answer = await gateway.again_and_again(TRAY, 3)
        assert answer.errors == [(path, PARTIAL) for path in paths]
        assert answer.data["user"]["id"] == "9"
        assert answer.data["user"]["highlights"]["nodes"][0]["id"] == "highlight:5"


async def test_a_tray_of_which_nothing_could_be_read_is_bought_once(tmp_path: Path) -> None:
    document = '{ user(by: { id: "9" }) { highlights { totalCount } } }'
    async with serving(tmp_path) as gateway:
        gateway.upstream.answers["/v1/user/highlights"] = [None]
        answer = await gateway.again_and_again(document, 2)
        assert (answer.data, answer.errors) == ({"user": {"highlights": None}}, [("user.highlights", PARTIAL)])


async def test_a_profile_tells_what_it_lost(tmp_path: Path) -> None:
    document = '{ user(by: { username: "reef" }) { id username biography followerCount category isVerified } }'
    async with serving(tmp_path) as gateway:
        sent = user(
            username=None, biography="half \ud83d", follower_count=3_000_000_000, category_name=[], is_verified="?"
        )
        gateway.upstream.answers["/v1/user/by/username"] = sent
        answer = await gateway.again_and_again(document, 1)
        assert answer.data["user"] == {
            "id": "9",
            "username": "reef",
            "biography": "half \ufffd",
            "followerCount": 3_000_000_000,
            "category": None,
            "isVerified": None,
        }
        assert sorted(answer.errors) == [("user.category", PARTIAL), ("user.isVerified", PARTIAL)]


async def test_counts_beyond_32_bits_are_numbers(tmp_path: Path) -> None:
    async with serving(tmp_path) as gateway:
        tags = [{"hashtag": {"name": "love", "media_count": count}} for count in (2_200_000_000, 2**53 - 1, 7)]
        gateway.holds(highlight(*(item(str(pk), hashtags=tags) for pk in range(11, 31))))
        answer = await gateway.again_and_again(HIGHLIGHT, 1)
        assert answer.errors == []
        for node in answer.data["highlight"]["items"]["nodes"]:
            assert [tag["mediaCount"] for tag in node["hashtags"]] == [2_200_000_000, 2**53 - 1, 7]


async def test_integers_that_javascript_cannot_read_are_text_within_an_extra(tmp_path: Path) -> None:
    extra = {"media_id": 3269176954933512979, "small": [2**53 - 1, -(2**53), {"deep": 2**64}], "real": 0.5}
    async with serving(tmp_path) as gateway:
        gateway.holds(highlight(item("11", stickers=[{"extra": extra}])))
        answer = await gateway.ask(HIGHLIGHT)
        assert answer.errors == []
        assert answer.data["highlight"]["items"]["nodes"][0]["stickers"][0]["extra"] == {
            "media_id": "3269176954933512979",
            "small": [2**53 - 1, str(-(2**53)), {"deep": str(2**64)}],
            "real": 0.5,
        }


async def test_an_entity_that_lost_something_is_of_its_type(tmp_path: Path) -> None:
    representation = '[{ __typename: "Highlight", id: "highlight:5" }]'
    document = (
        f"{{ _entities(representations: {representation}) {{ ... on Highlight {{ __typename title mediaCount }} }} }}"
    )
    async with serving(tmp_path) as gateway:
        gateway.holds(highlight(title={}))
        answer = await gateway.ask(document)
        assert answer.data == {"_entities": [{"__typename": "Highlight", "title": "", "mediaCount": 2}]}
        assert answer.errors == [("_entities.0.title", PARTIAL)]


async def test_a_stale_answer_tells_what_it_lost(tmp_path: Path) -> None:
    async with serving(tmp_path) as gateway:
        gateway.holds(highlight(item("11", links="?")))
        first = await gateway.ask(HIGHLIGHT)
        gateway.upstream.answers.clear()
        gateway.clock.advance(4_000)
        answer = await gateway.ask(HIGHLIGHT)
        assert (answer.data, answer.errors) == (first.data, first.errors)
        assert answer.body["extensions"]["cache"]["stale"]


@pytest.mark.parametrize(
    ("sent", "kind"), [(1, "PERSONAL"), (2, "BUSINESS"), (3, "CREATOR"), (0, None), (4, None), (None, None)]
)
async def test_an_unknown_account_type_is_null_beside_its_code(
    tmp_path: Path, sent: int | None, kind: str | None
) -> None:
    document = '{ user(by: { id: "9" }) { accountType accountTypeCode } }'
    async with serving(tmp_path) as gateway:
        gateway.upstream.answers["/v1/user/by/id"] = user(account_type=sent)
        answer = await gateway.again_and_again(document, 1)
        assert (answer.data, answer.errors) == ({"user": {"accountType": kind, "accountTypeCode": sent}}, [])


async def test_an_unreadable_account_type_is_null_with_an_error_at_both_fields(tmp_path: Path) -> None:
    document = '{ user(by: { id: "9" }) { biography accountType accountTypeCode } }'
    async with serving(tmp_path) as gateway:
        gateway.upstream.answers["/v1/user/by/id"] = user(biography="b", account_type="shop")
        answer = await gateway.again_and_again(document, 1)
        assert answer.data["user"] == {"biography": "b", "accountType": None, "accountTypeCode": None}
        assert sorted(answer.errors) == [("user.accountType", PARTIAL), ("user.accountTypeCode", PARTIAL)]


async def test_a_photo_has_no_duration(tmp_path: Path) -> None:
    """The upstream sends 0 for photos, and may send a value for a photo with music, which is not a video's."""
    sent = [(1, 0), (1, 15.0), (2, 12.5), (2, 0), (8, 0), (2, None)]
    document = '{ highlight(by: { id: "5" }) { items { nodes { kind videoDuration } } } }'
    async with serving(tmp_path) as gateway:
        items = [item(str(pk), media_type=kind, video_duration=seconds) for pk, (kind, seconds) in enumerate(sent, 11)]
        gateway.holds(highlight(*items))
        answer = await gateway.again_and_again(document, 1)
        assert answer.errors == []
        nodes = answer.data["highlight"]["items"]["nodes"]
        assert [node["videoDuration"] for node in nodes] == [None, None, 12.5, None, None, None]


async def test_a_hashtag_s_picture_is_linked_through_the_proxy(tmp_path: Path) -> None:
    picture = "https://scontent.cdninstagram.com/v/tag.jpg?oe=7FFFFFFF"
    document = (
        '{ highlight(by: { id: "5" }) { items { nodes { hashtags { '
        "profilePictureUrl linked: profilePictureUrl(proxied: true) } } } } }"
    )
    async with serving(tmp_path) as gateway:
        gateway.holds(highlight(item("11", hashtags=[{"hashtag": {"name": "sun", "profile_pic_url": picture}}])))
        answer = await gateway.again_and_again(document, 1)
        ((tag,),) = (node["hashtags"] for node in answer.data["highlight"]["items"]["nodes"])
        assert tag["profilePictureUrl"] == picture
        assert tag["linked"].startswith(f"{ORIGIN}/media/")
