"""The JSON of the second read vendor, and the models that it means."""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

from gateway.domain.comments import Comment, CommentCount
from gateway.domain.list_pages import CommentCountPage, CommentPage, MediaPage, UserPage
from gateway.domain.live_stories import LiveStory
from gateway.domain.media import ListedMedia, Media, UserTag
from gateway.domain.models import Item, LoadedHighlight, Tray
from gateway.domain.stickers import EmbeddedMedia, Mention
from gateway.domain.users import ListedUser, Profile, UserSummary


class WirePerson(msgspec.Struct, frozen=True):
    """A user, as this vendor names one everywhere. `sizes` count its posts, its followers and whom it follows."""

    uid: str
    handle: str
    about: str | None = None
    sizes: tuple[int, int, int] | None = None


class WireStory(msgspec.Struct, frozen=True):
    """An item. `by` is its author's id."""

    number: str
    by: str
    film: bool
    tags: tuple[WirePerson, ...]
    paid_by: tuple[WirePerson, ...]
    shares: tuple[str, ...] = ()


class WirePost(msgspec.Struct, frozen=True):
    """A post. A list does not tell the number of plays, and not always that of comments."""

    number: str
    by: WirePerson
    text: str
    tags: tuple[WirePerson, ...]
    plays: int | None = None
    remarks: int | None = None


class WireRemarkCount(msgspec.Struct, frozen=True):
    """The number of comments on one post."""

    number: str
    remarks: int


class WireRemarkCounts(msgspec.Struct, frozen=True):
    entries: tuple[WireRemarkCount, ...]


class WireRemark(msgspec.Struct, frozen=True):
    """A comment."""

    number: str
    by: WirePerson
    text: str


class WireCollection(msgspec.Struct, frozen=True):
    """A highlight with its items. `listed` are the ids of all of them."""

    number: str
    label: str
    owner: WirePerson
    stories: tuple[WireStory, ...]
    listed: tuple[str, ...]


R = TypeVar("R")


class WireSheet(msgspec.Struct, Generic[R], frozen=True, omit_defaults=True):
    """A page of a list. `then` is the number of the next one, `whole` the length of the list.

    `of` is the user whose list it is, if one of the entries is by that user.
    """

    entries: tuple[R, ...]
    then: int | None = None
    of: WirePerson | None = None
    whole: int | None = None

    @property
    def next(self) -> str | None:
        return None if self.then is None else str(self.then)


class WireHead(msgspec.Struct, frozen=True, omit_defaults=True):
    """A response without its result. `cost` is in billed requests; a problem costs as much as a result."""

    cost: int
    problem: str | None = None


class WireEnvelope(WireHead, Generic[R], frozen=True, omit_defaults=True):
    """A response: a result, or a problem."""

    result: R | None = None


class WireRaw(WireHead, frozen=True, kw_only=True):
    """A response whose result is not decoded."""

    result: msgspec.Raw


HEAD = msgspec.json.Decoder(WireHead)


def summary_of(person: WirePerson) -> UserSummary:
    return UserSummary(person.uid, username=person.handle, full_name=person.uid, is_verified=False)


def profile_of(person: WirePerson) -> Profile:
    posts, followers, following = person.sizes or (None, None, None)
    return Profile(
        person.uid,
        username=person.handle,
        full_name=person.uid,
        is_verified=False,
        biography=person.about,
        media_count=posts,
        follower_count=followers,
        following_count=following,
    )


ItemT = TypeVar("ItemT", bound=Item)
MediaT = TypeVar("MediaT", bound=Media)


def item_of(story: WireStory, model: type[ItemT]) -> ItemT:
    return model(
        story.number,
        f"{story.number}_{story.by}",
        code=story.number,
        media_type=2 if story.film else 1,
        author=UserSummary(story.by),
        mentions=tuple(Mention(summary_of(person)) for person in story.tags),
        sponsors=tuple(map(summary_of, story.paid_by)),
        medias=tuple(map(EmbeddedMedia, story.shares)),
    )


def highlight_of(collection: WireCollection) -> LoadedHighlight:
    return LoadedHighlight(
        collection.number,
        summary_of(collection.owner),
        title=collection.label,
        media_count=len(collection.listed),
        media_ids=collection.listed,
        items=tuple(item_of(story, Item) for story in collection.stories),
    )


def tray_of(collections: tuple[WireCollection, ...]) -> Tray:
    return tuple(map(highlight_of, collections))


def post_of(post: WirePost) -> Media:
    return _post(post, Media)


def _post(post: WirePost, model: type[MediaT]) -> MediaT:
    return model(
        post.number,
        code=post.number,
        caption=post.text,
        author=summary_of(post.by),
        plays=post.plays,
        comment_count=post.remarks,
        tagged_users=tuple(UserTag(summary_of(person)) for person in post.tags),
    )


def posts_of(sheet: WireSheet[WirePost]) -> MediaPage:
    owner = None if sheet.of is None else summary_of(sheet.of)
    return MediaPage(tuple(_post(post, ListedMedia) for post in sheet.entries), sheet.next, owner)


def people_of(sheet: WireSheet[WirePerson]) -> UserPage:
    people = (
        ListedUser(person.uid, username=person.handle, full_name=person.uid, is_verified=False)
        for person in sheet.entries
    )
    return UserPage(tuple(people), sheet.next)


def remarks_of(sheet: WireSheet[WireRemark]) -> CommentPage:
    remarks = (Comment(remark.number, text=remark.text, author=summary_of(remark.by)) for remark in sheet.entries)
    return CommentPage(tuple(remarks), sheet.next, total=sheet.whole)


def remark_counts_of(counts: WireRemarkCounts) -> CommentCountPage:
    return CommentCountPage(tuple(CommentCount(count.number, count.remarks) for count in counts.entries))


def stories_of(stories: tuple[WireStory, ...]) -> tuple[LiveStory, ...]:
    return tuple(item_of(story, LiveStory) for story in stories)
