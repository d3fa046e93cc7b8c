"""Frozen models of comments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from msgspec import field

from gateway.domain.ids import EntityId
from gateway.domain.users import Model, Moment, Number, UserSummary


class CommentId(EntityId, frozen=True, gc=False):
    """The id of a comment after that of its post, separated by a space: an endpoint needs both."""

    noun = "comment"

    @property
    def subject(self) -> str:
        return f"comment '{self.pk.partition(' ')[2]}'"


class CommentCount(Model, frozen=True, gc=False):
    """The number of comments on the post `pk`."""

    pk: str | int
    comment_count: Number | None = None


class Comment(Model, frozen=True, gc=False):
    """A comment on a post. `replies` are the first of its replies, which come along with it."""

    pk: str | int
    text: str | None = None
    author: UserSummary | None = field(name="user", default=None)
    created_at: Moment | None = None
    like_count: Number | None = None
    reply_count: Number | None = None
    parent_id: str | None = None
    media_id: str | None = None
    replies: tuple[Comment, ...] = ()

    SOURCES: ClassVar[Mapping[str, tuple[str, ...]]] = {"id": ("pk",), "key": ("media_id", "pk")}

    @property
    def id(self) -> str:
        return str(self.pk)

    @property
    def key(self) -> CommentId | None:
        """The key of its replies; None for a comment that does not name its post."""
        return None if self.media_id is None else CommentId(f"{self.media_id} {self.pk}")
