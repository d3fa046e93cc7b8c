"""Frozen models of the pages of lists that the upstream pages."""

from __future__ import annotations

from typing import Any, ClassVar, TypeAlias

from gateway.domain.account_history import AccountHistory
from gateway.domain.comments import Comment, CommentCount
from gateway.domain.hashtags import Hashtag
from gateway.domain.locations import Location
from gateway.domain.media import ListedMedia
from gateway.domain.users import ListedUser, Model, Number, UserSummary

# The cursor behind the replies that come along with a comment: these are a page of their own, before the first one of
# the upstream, which repeats them.
BEGINNING = "-"


Entry: TypeAlias = ListedMedia | ListedUser | Comment | Hashtag | Location | AccountHistory


class ListPage(Model, frozen=True, gc=False):
    """One page as the upstream cuts it.

    `next` is the upstream's cursor of the next page, None if it names none. `owner` is the user whose list it is, if
    an entry names that user; `total` is the length of the list, if the page tells it.
    """

    entries: tuple[Any, ...] = ()
    next: str | None = None
    owner: UserSummary | None = None
    total: Number | None = None

    EMPTY: ClassVar[bytes] = b'{"entries":[]}'

    @property
    def named_user(self) -> UserSummary | None:
        return self.owner


class MediaPage(ListPage, frozen=True, gc=False):
    entries: tuple[ListedMedia, ...] = ()


class UserPage(ListPage, frozen=True, gc=False):
    entries: tuple[ListedUser, ...] = ()


class CommentCountPage(ListPage, frozen=True, gc=False):
    """The counts of several posts, or of one."""

    entries: tuple[CommentCount, ...] = ()


class HashtagPage(ListPage, frozen=True, gc=False):
    entries: tuple[Hashtag, ...] = ()


class LocationPage(ListPage, frozen=True, gc=False):
    entries: tuple[Location, ...] = ()


class HistoryPage(ListPage, frozen=True, gc=False):
    entries: tuple[AccountHistory, ...] = ()


class CommentPage(ListPage, frozen=True, gc=False):
    entries: tuple[Comment, ...] = ()
