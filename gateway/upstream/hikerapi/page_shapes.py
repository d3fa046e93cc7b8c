"""The shapes of pages, in the flat form of `flat_pages`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from gateway.domain.comments import Comment
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
from gateway.domain.media import ListedMedia
from gateway.reads.endpoints import Call
from gateway.upstream.client.identity import are_ids
from gateway.upstream.hikerapi.decoding import ResponseShape

P = TypeVar("P", bound=ListPage)


class PageShape(ResponseShape[P]):
    """A page of a list. Its entries are of others than the requested object, so they rarely name that."""

    def is_about(self, call: Call, value: P) -> bool:
        return True

    def is_complete(self, call: Call, value: P) -> bool:
        return self.is_about(call, value)

    def has_well_formed_ids(self, value: P) -> bool:
        return are_ids([entry.pk for entry in value.entries])


class MediaPageShape(PageShape[MediaPage]):
    """Posts, which name their authors."""

    def is_complete(self, call: Call, value: MediaPage) -> bool:
        return all(entry.author is not None for entry in value.entries)

    def has_well_formed_ids(self, value: MediaPage) -> bool:
        return are_ids([pk for entry in value.entries for pk in _ids_in(entry)])


class CommentPageShape(PageShape[CommentPage]):
    """Comments, or the replies to one. All name the post that they are on; the key of a comment begins with that."""

    def is_about(self, call: Call, value: CommentPage) -> bool:
        media = call.key.partition(" ")[0]
        return all(comment.media_id in (None, media) for comment in _with_replies(value.entries))

    def has_well_formed_ids(self, value: CommentPage) -> bool:
        comments = list(_with_replies(value.entries))
        authors = [comment.author.pk for comment in comments if comment.author is not None]
        return are_ids([*(comment.pk for comment in comments), *authors])


def _with_replies(comments: Iterable[Comment]) -> Iterator[Comment]:
    for comment in comments:
        yield comment
        yield from _with_replies(comment.replies)


def _ids_in(entry: ListedMedia) -> list[str | int]:
    people = [entry.author, *(tag.user for tag in entry.tagged_users), *(entry.sponsors or ())]
    pks = [entry.pk, *(child.pk for child in entry.children)]
    return [*pks, *(person.pk for person in people if person is not None)]


class NamedPageShape(PageShape[P]):
    """Objects that have no id, or that may lack it."""

    def has_well_formed_ids(self, value: P) -> bool:
        return True


POSTS = MediaPageShape(MediaPage)
PEOPLE = PageShape[UserPage](UserPage)
COMMENTS = CommentPageShape(CommentPage)
COMMENT_COUNTS = PageShape[CommentCountPage](CommentCountPage)
HASHTAGS = NamedPageShape[HashtagPage](HashtagPage)
LOCATIONS = NamedPageShape[LocationPage](LocationPage)
HISTORY = NamedPageShape[HistoryPage](HistoryPage)
