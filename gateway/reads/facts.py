"""The kinds of facts about entities, and what is true of each that an upstream call answers."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from typing import Any, TypeAlias

from gateway.domain import ids
from gateway.domain.account_history import AccountHistory
from gateway.domain.comments import Comment, CommentCount, CommentId
from gateway.domain.hashtags import Hashtag, HashtagName, hashtag_key
from gateway.domain.ids import EntityId, HighlightId, ItemId, ListPlace, Subject, UserId, Username
from gateway.domain.list_pages import (
    CommentCountPage,
    CommentPage,
    HashtagPage,
    HistoryPage,
    ListPage,
    LocationPage,
    MediaPage,
    UserPage,
)
from gateway.domain.live_stories import first_end
from gateway.domain.locations import Location, LocationId, location_key
from gateway.domain.media import ListedMedia, Media, MediaId, media_key, placeholder
from gateway.domain.models import Highlight, Item, LoadedHighlight, Tray
from gateway.domain.searches import Point, SearchQuery, UserSearch
from gateway.domain.users import ListedUser, Model, Profile, UserSummary
from gateway.errors import GatewayError

ParseKey: TypeAlias = Callable[..., Subject]
Value: TypeAlias = Tray | tuple[Item, ...] | Profile | LoadedHighlight | Item | Media | Hashtag | Location | ListPage


class FactKind(enum.Flag):
    """A kind of fact about a subject; a union of kinds where an operation needs several."""

    NOTHING = 0
    IDENTITY = enum.auto()  # the user's id: known when requested by id, to be found out when requested by name
    SUMMARY = enum.auto()  # the user's short fields, which are embedded in other answers
    PROFILE = enum.auto()  # the user's profile
    TRAY = enum.auto()  # the list of the user's highlights
    STORIES = enum.auto()  # the list of the user's live stories
    TRAY_ENTRY = enum.auto()  # a highlight as its tray lists it
    HIGHLIGHT = enum.auto()  # a highlight with its items
    ITEM = enum.auto()  # an item requested by its own id
    MEDIA = enum.auto()  # a post
    MEDIA_ENTRY = enum.auto()  # a post as a list has it
    COMMENT_COUNT = enum.auto()  # the number of comments on a post
    HASHTAG = enum.auto()  # a hashtag
    LOCATION = enum.auto()  # a location
    LOCATION_ENTRY = enum.auto()  # a location as a post, a sticker or a search has it
    ACCOUNT_HISTORY = enum.auto()  # the user's country, time of joining and former names
    POSTS = enum.auto()  # a page of the user's posts
    REELS = enum.auto()  # a page of the user's reels
    PINNED_POSTS = enum.auto()  # the posts that the user has pinned
    TAGGED_POSTS = enum.auto()  # a page of the posts that the user is tagged in
    FOLLOWERS = enum.auto()  # a page of the user's followers
    FOLLOWING = enum.auto()  # a page of the accounts that the user follows
    COMMENTS = enum.auto()  # a page of the comments on a post
    LIKERS = enum.auto()  # some of the accounts that like a post
    RECENT_OF_HASHTAG = enum.auto()  # a page of a hashtag's recent posts
    TOP_OF_HASHTAG = enum.auto()  # a page of a hashtag's top posts
    RECENT_AT_LOCATION = enum.auto()  # a page of a location's recent posts
    TOP_AT_LOCATION = enum.auto()  # a page of a location's top posts
    REPLIES = enum.auto()  # a page of the replies to a comment
    MATCHING_FOLLOWERS = enum.auto()  # the followers of a user that a search finds
    MATCHING_FOLLOWING = enum.auto()  # the accounts that a user follows, of those that a search finds
    FOUND_USERS = enum.auto()  # a page of the accounts that a search finds
    FOUND_HASHTAGS = enum.auto()  # the hashtags that a search finds
    FOUND_LOCATIONS = enum.auto()  # the locations that a search finds
    LOCATIONS_NEAR = enum.auto()  # the locations near a point
    LIST_PAGE = enum.auto()  # the entries of a list that the upstream pages, and where they are in it
    LIST_TOTAL = enum.auto()  # the length of such a list

    # Facts are looked up and combined some hundred times an operation. A Flag hashes its name, and its own operators
    # check the type of their argument first: they take four times as long.
    __hash__ = object.__hash__

    def __contains__(self, other: FactKind) -> bool:
        return self._value_ & other._value_ == other._value_

    def __and__(self, other: FactKind) -> FactKind:
        return UNIONS[self._value_ & other._value_]

    def __or__(self, other: FactKind) -> FactKind:
        return UNIONS[self._value_ | other._value_]

    def __bool__(self) -> bool:
        return self._value_ != 0


class _Unions(dict[int, FactKind]):
    def __missing__(self, value: int) -> FactKind:
        union = self[value] = FactKind(value)
        return union


UNIONS: Mapping[int, FactKind] = _Unions()


class Lifetime(enum.Enum):
    """A group of cached facts with one TTL, by the name of its setting: `GATEWAY_TTL_TRAY`."""

    TRAY = "tray"
    STORIES = "stories"
    HIGHLIGHT = "highlight"
    MEDIA = "media"
    POSTS = "posts"
    COMMENTS = "comments"
    PEOPLE = "people"
    HASHTAG = "hashtag"
    SEARCH = "search"
    PROFILE = "profile"
    USERNAME = "username"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """A fact that calls answer.

    `subject` is the type that it is about, when named by its id. `names_user`: an answer contains the name of the user
    that it is about, or of the owner. `entries` is the model of a list's entries; None if the fact is no list.
    `page` is the model of one page of a list that the upstream pages. `total` is the fact that tells the length of that
    list, NOTHING if its pages or their owner do, or nothing does, and `total_alone` the fact that tells it where no
    page is required. `total_needs_page`: nothing else than a page tells it.
    `ends_at` returns the Unix seconds at which an answer that was fetched at a given time ceases to be true, or None.
    `simulated` makes an answer of the pk, the author and another person; None for the facts that the estimator knows.
    """

    subject: type[EntityId]
    lifetime: Lifetime
    names_user: bool
    entries: type[Model] | None = None
    page: type[ListPage] | None = None
    total: FactKind = FactKind.NOTHING
    total_alone: FactKind = FactKind.NOTHING
    total_needs_page: bool = False
    ends_at: Callable[[Any, float], float | None] | None = None
    simulated: Callable[[str, UserSummary, UserSummary], Value] | None = None


def _posts(subject: type[EntityId], *, names_user: bool = False, total: FactKind = FactKind.NOTHING) -> AnswerRow:
    return AnswerRow(
        subject, Lifetime.POSTS, names_user, entries=ListedMedia, page=MediaPage, total=total, total_alone=total
    )


def _people(
    subject: type[EntityId], lifetime: Lifetime = Lifetime.PEOPLE, *, total: FactKind = FactKind.NOTHING
) -> AnswerRow:
    return AnswerRow(
        subject, lifetime, names_user=False, entries=ListedUser, page=UserPage, total=total, total_alone=total
    )


def _comments(subject: type[EntityId], *, total_alone: FactKind = FactKind.NOTHING) -> AnswerRow:
    return AnswerRow(
        subject, Lifetime.COMMENTS, names_user=False, entries=Comment, page=CommentPage, total_alone=total_alone
    )


def _locations(subject: type[EntityId]) -> AnswerRow:
    return AnswerRow(subject, Lifetime.SEARCH, names_user=False, entries=Location, page=LocationPage)


ANSWERS: Mapping[FactKind, AnswerRow] = {
    FactKind.PROFILE: AnswerRow(UserId, Lifetime.PROFILE, names_user=True),
    FactKind.TRAY: AnswerRow(UserId, Lifetime.TRAY, names_user=True, entries=Highlight),
    FactKind.STORIES: AnswerRow(UserId, Lifetime.STORIES, names_user=False, entries=Item, ends_at=first_end),
    FactKind.HIGHLIGHT: AnswerRow(HighlightId, Lifetime.HIGHLIGHT, names_user=True),
    FactKind.ITEM: AnswerRow(ItemId, Lifetime.HIGHLIGHT, names_user=False),
    FactKind.MEDIA: AnswerRow(MediaId, Lifetime.MEDIA, names_user=True, simulated=placeholder),
    FactKind.COMMENT_COUNT: AnswerRow(
        MediaId, Lifetime.COMMENTS, names_user=False, simulated=lambda pk, *_: CommentCountPage((CommentCount(pk),))
    ),
    FactKind.HASHTAG: AnswerRow(HashtagName, Lifetime.HASHTAG, names_user=False, simulated=lambda pk, *_: Hashtag(pk)),
    FactKind.LOCATION: AnswerRow(
        LocationId, Lifetime.HASHTAG, names_user=False, simulated=lambda pk, *_: Location(pk, pk)
    ),
    FactKind.POSTS: _posts(UserId, names_user=True, total=FactKind.PROFILE),
    FactKind.REELS: _posts(UserId, names_user=True),
    FactKind.PINNED_POSTS: _posts(UserId, names_user=True),
    FactKind.TAGGED_POSTS: _posts(UserId),
    FactKind.FOLLOWERS: _people(UserId, total=FactKind.PROFILE),
    FactKind.FOLLOWING: _people(UserId, total=FactKind.PROFILE),
    FactKind.ACCOUNT_HISTORY: AnswerRow(
        UserId, Lifetime.PROFILE, names_user=False, entries=AccountHistory, page=HistoryPage
    ),
    FactKind.COMMENTS: _comments(MediaId, total_alone=FactKind.COMMENT_COUNT),
    FactKind.REPLIES: replace(_comments(CommentId), total_needs_page=True),
    FactKind.LIKERS: replace(_people(MediaId), total_needs_page=True),
    FactKind.RECENT_OF_HASHTAG: _posts(HashtagName, total=FactKind.HASHTAG),
    FactKind.TOP_OF_HASHTAG: _posts(HashtagName, total=FactKind.HASHTAG),
    FactKind.RECENT_AT_LOCATION: _posts(LocationId),
    FactKind.TOP_AT_LOCATION: _posts(LocationId),
    FactKind.FOUND_USERS: _people(SearchQuery, Lifetime.SEARCH),
    FactKind.MATCHING_FOLLOWERS: _people(UserSearch, Lifetime.SEARCH),
    FactKind.MATCHING_FOLLOWING: _people(UserSearch, Lifetime.SEARCH),
    FactKind.FOUND_HASHTAGS: AnswerRow(
        SearchQuery, Lifetime.SEARCH, names_user=False, entries=Hashtag, page=HashtagPage
    ),
    FactKind.FOUND_LOCATIONS: _locations(SearchQuery),
    FactKind.LOCATIONS_NEAR: _locations(Point),
}


class EntityType(enum.Enum):
    """A type of the graph whose objects are named by an id.

    `typename` is its name in the graph, `id` the class of its ids, `answer` the fact that an answer about one alone
    contains, and `key` returns the key that a field's argument gives; it raises InvalidInput. `node_id` is the form of
    an object's `id` in the graph, with `#` for a number and `*` for a name: no two types have the same.
    `reference_keys` are the fields by which a router may refer to an object.
    """

    USER = ("User", UserId, FactKind.PROFILE, ids.user_key, "#")
    HIGHLIGHT = ("Highlight", HighlightId, FactKind.HIGHLIGHT, ids.highlight_key, "highlight:#")
    ITEM = ("Item", ItemId, FactKind.ITEM, ids.item_key, "#_#")
    MEDIA = ("Media", MediaId, FactKind.MEDIA, media_key, "media:#")
    HASHTAG = ("Hashtag", HashtagName, FactKind.HASHTAG, hashtag_key, "hashtag:*", ("id", "name"))
    LOCATION = ("Location", LocationId, FactKind.LOCATION, location_key, "location:#")

    def __init__(
        self,
        typename: str,
        id: type[EntityId],
        answer: FactKind,
        key: ParseKey,
        node_id: str,
        reference_keys: tuple[str, ...] = ("id",),
    ) -> None:
        self.typename = typename
        self.id = id
        self.answer = answer
        self.key = key
        self.node_id = node_id
        self.reference_keys = reference_keys

    def id_in(self, reference: Mapping[str, object]) -> str | None:
        """Return the id in a router's reference to an object of this type, or None."""
        given = next((reference[key] for key in self.reference_keys if key in reference), None)
        return ids.reference_id(given)


ENTITY_TYPES: Mapping[str, EntityType] = {entity.typename: entity for entity in EntityType}
_NODE_ID_PATTERNS = [
    (re.compile(re.escape(entity.node_id).replace(r"\#", "[0-9]+").replace(r"\*", ".+")), entity)
    for entity in EntityType
]
NODE_IDS = ", ".join(
    f"`{entity.node_id.replace('#', '<number>').replace('*', '<name>')}` ({entity.typename})" for entity in EntityType
)
ANSWER_OF: Mapping[type[EntityId], FactKind] = {entity.id: entity.answer for entity in EntityType}


def entity_of_node(id: str) -> EntityType | None:
    """Return the type of the object whose `id` in the graph is `id`, by its form, or None if no type has this form."""
    return next((entity for pattern, entity in _NODE_ID_PATTERNS if pattern.fullmatch(id)), None)


def united(kinds: Iterable[FactKind]) -> FactKind:
    """Return the union of `kinds`; NOTHING if there are none."""
    return reduce(or_, kinds, FactKind.NOTHING)


def _about(subject: type[EntityId]) -> FactKind:
    return united(kind for kind, row in ANSWERS.items() if row.subject is subject)


# Constants, because combining flags and iterating over them is slow, and each requirement is compared with them.
USER_LISTS = tuple(kind for kind, row in ANSWERS.items() if row.subject is UserId and row.entries is not None)
ANY_USER_LIST = united(USER_LISTS)
LISTS_OR_PROFILE = ANY_USER_LIST | FactKind.PROFILE
NAMING_LISTS = united(kind for kind in USER_LISTS if ANSWERS[kind].names_user)
ITEM_LISTS = united(kind for kind in USER_LISTS if ANSWERS[kind].entries is Item)
POST_LISTS = united(kind for kind, row in ANSWERS.items() if row.entries is ListedMedia)
PAGED_LISTS = tuple(kind for kind, row in ANSWERS.items() if row.page is not None)
ANY_PAGED_LIST = united(PAGED_LISTS)
# Facts about what its key names already: they are required only where a field is selected that is read from them.
BEYOND_THE_KEY = FactKind.HASHTAG | FactKind.LOCATION
NAMING_ANSWERS = united(kind for kind, row in ANSWERS.items() if row.names_user)
_OF_USER = FactKind.IDENTITY | FactKind.SUMMARY | LISTS_OR_PROFILE
OF_SUBJECT: Mapping[type[Subject], FactKind] = {
    HighlightId: FactKind.TRAY_ENTRY | FactKind.HIGHLIGHT,
    **{row.subject: _about(row.subject) for row in ANSWERS.values() if row.subject not in (HighlightId, UserId)},
    LocationId: FactKind.LOCATION_ENTRY | _about(LocationId),
    UserId: _OF_USER,
    Username: _OF_USER,
    ListPlace: ANY_PAGED_LIST,
}
"""The facts that there are about each type of subject."""


def user_of(answer: Value | UserSummary | GatewayError) -> UserSummary | None:
    """Return the user that the answer is about, or the owner of the answered object."""
    if not isinstance(answer, tuple):
        return None if isinstance(answer, GatewayError) else answer.named_user
    if not answer:
        return None
    entry = answer[0]
    if isinstance(entry, Highlight):
        return entry.owner
    # An item names its author by id alone. A name that it has nevertheless would make prices wrong that rely on it.
    author = entry.author
    return author if author is None or author.username is None else UserSummary(author.id)
