"""The facts of one operation about lists that the upstream pages."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from typing import Any

from gateway.domain.comments import Comment
from gateway.domain.ids import EntityId, ListPlace, Subject, UserId, UserKey, Username
from gateway.domain.list_pages import BEGINNING, CommentPage, ListPage, UserPage
from gateway.errors import GatewayError, NotFound
from gateway.planner.list_slices import ListSlice, Paging, Represented, SliceRequest, read_slice
from gateway.reads.cursors import START, Position
from gateway.reads.facts import FactKind


class PagedLists(ABC):
    """The pages that one operation knows, and the slices of lists over them."""

    def __init__(self, paging: Paging) -> None:
        self.paging = paging
        # Answers by kind; lists and their pages by subject, the others by pk.
        self._answers: dict[FactKind, dict[Any, Any]] = defaultdict(dict)

    @abstractmethod
    def identity(self, key: UserKey) -> UserId | GatewayError | None:
        """Return the id behind a user name."""

    @abstractmethod
    def _recall_list(self, kind: FactKind, subject: Subject) -> None:
        """Store the list or page that is known from beyond the operation, if any."""

    def page(self, kind: FactKind, subject: Subject) -> ListPage | GatewayError | None:
        """Return a page of a list that the upstream pages: about the owner the first one, about a place another one."""
        if isinstance(subject, Username):
            user = self.identity(subject)
            if not isinstance(user, UserId):
                return user
            subject = user
        pages = self._answers[kind]
        if isinstance(subject, ListPlace) and isinstance(absence := pages.get(subject.owner), NotFound):
            return absence
        if subject not in pages:
            self._recall_list(kind, subject)
        return pages.get(subject)

    def slice(self, kind: FactKind, key: EntityId | Username, request: SliceRequest) -> ListSlice:
        """Return the slice of the list `kind` of the object `key`, as far as it is known. Raise InvalidInput."""
        owner = self.identity(key) if isinstance(key, Username) else key
        if not isinstance(owner, EntityId):
            return ListSlice(missing=key) if owner is None else ListSlice(problem=owner)
        start = START if request.after is None else self._open(kind, owner, request.after)
        return read_slice(self, kind, owner, request, start, max_pages=self.paging.max_pages)

    def represents(self, page: ListPage, start: Position, left: int) -> Represented | None:
        return None

    def _open(self, kind: FactKind, owner: EntityId, cursor: str) -> Position:
        """Return the position that a client's cursor stands for. Raise InvalidInput."""
        return self.paging.cursors.open(kind, owner, cursor, field="after")

    def _store_along(self, page: ListPage) -> None:
        """Store what came along with the entries of a page."""
        if isinstance(page, CommentPage):
            for comment in page.entries:
                self._store_replies_to(comment)
        elif isinstance(page, UserPage) and self.paging.trusts_no_stories:
            for user in page.entries:
                if user.has_live_stories is False:
                    self._answers[FactKind.STORIES].setdefault(UserId(user.id), ())

    def _store_replies_to(self, comment: Comment) -> None:
        """Store the replies that came along with a comment, as the first page of them. There are none to replies."""
        count = 0 if comment.parent_id is not None else comment.reply_count
        if comment.key is not None:
            is_complete = count is not None and count <= len(comment.replies)
            page = CommentPage(comment.replies, next=None if is_complete else BEGINNING, total=count)
            self._answers[FactKind.REPLIES].setdefault(comment.key, page)
        for reply in comment.replies:
            self._store_replies_to(reply)
