"""The endpoints of what people say about a post, and of those who like it; all in the raw form."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from gateway.sandbox import threads
from gateway.sandbox.answers import Answers, Question, encode, number_in
from gateway.sandbox.cursors import Listing, page_of
from gateway.sandbox.deterministic_random import mixed
from gateway.sandbox.entities import Post, User
from gateway.sandbox.extent import POPULATION
from gateway.sandbox.posts import PostWire, identified, wire_of
from gateway.sandbox.raw_answers import encode_raw
from gateway.sandbox.raw_posts import raw_caption
from gateway.sandbox.replies import ReadError, refusal
from gateway.sandbox.threads import Comment, Thread

Json = dict[str, Any]
PAGE = (15, 15)
REPLY_PAGE = (18, 22)
LONG = 800  # comments: of more, the platform shows the first REACH threads only
REACH = 120
PREVIEW = 3  # replies shown with a comment
MOST_INFOS = 10
MOST_LIKERS = 100
SOME_LIKERS = 7  # steps between likers, coprime to the number of users


def comments(answers: Answers, question: Question) -> bytes:
    talk = Talk.about(answers, question.value)
    length = len(talk.threads)
    page = page_of(answers, question, Listing(str(talk.post.pk), length, PAGE, REACH if talk.count > LONG else None))
    shown = [talk.thread(talk.threads[position]) for position in page.positions]
    response = {
        "comments": shown,
        "caption": raw_caption(talk.wire, talk.post),
        "caption_is_edited": False,
        "comment_count": talk.count,
        "comment_likes_enabled": True,
        "comment_cover_pos": "bottom",
        "has_more_comments": page.has_more,
        "has_more_headload_comments": False,
        "is_ranked": True,
        "next_min_id": f'{{"server_cursor": "{talk.post.pk}", "is_server_cursor_inverse": true}}'
        if page.cursor
        else None,
        "preview_comments": [],
        "threading_enabled": True,
        "status": "ok",
    }
    return encode_raw({"response": response, "next_page_id": page.cursor}, question)


def replies(answers: Answers, question: Question) -> bytes:
    """Return a page of the replies to a comment. The envelope has no `response`, and a cursor of its own name."""
    talk = Talk.about(answers, question.value)
    pk = number_in(question.other, "comment_id")
    thread = threads.thread_of(talk.post.pk, talk.count, pk)
    if thread is None:
        raise ReadError(refusal(404))
    page = page_of(answers, question, Listing(f"{talk.post.pk} {pk}", thread.replies, REPLY_PAGE))
    body = {
        "child_comments": talk.replies(thread, page.positions),
        "child_comment_count": thread.replies,
        "parent_comment": talk.comment(threads.comment_of(talk.post.pk, talk.post.taken_at, thread)),
        "has_more_tail_child_comments": False,
        "has_more_head_child_comments": page.has_more,
        "next_min_child_cursor": page.cursor,
        "status": "ok",
    }
    return encode_raw(body, question)


def infos(answers: Answers, question: Question) -> bytes:
    """Return the counts of several posts by id `<pk>_<user>`. Those that are unknown or private are left out."""
    ids = [each.strip() for each in question.value.split(",") if each.strip()]
    if not 0 < len(ids) <= MOST_INFOS:
        raise ReadError(refusal(400, f"media_ids must be 1 to {MOST_INFOS} ids"))
    found = [talk for each in ids if (talk := _if_shown(answers, each))]
    return encode_raw({"comment_infos": {talk.post.id: talk.info() for talk in found}, "status": "ok"}, question)


def likers(answers: Answers, question: Question) -> bytes:
    """Return some of those who like the post, and how many there are: 0 if the post hides its likes."""
    talk = Talk.about(answers, question.value)
    users = [talk.wire.raw.user(answers.world.user(index)) for index in _liking(talk)]
    return encode_raw({"users": users, "user_count": talk.flat["like_count"], "status": "ok"}, question)


def likers_array(answers: Answers, question: Question) -> bytes:
    """Return some of those who like the post in the flat form, an array."""
    talk = Talk.about(answers, question.value)
    now = answers.moment().now
    return encode([answers.wire.user_short(answers.world.user(index), now) for index in _liking(talk)])


def _liking(talk: Talk) -> list[int]:
    """Return the indices of the users that the platform shows."""
    is_hidden: bool = talk.flat["like_and_view_counts_disabled"]
    first = mixed(talk.post.pk + 2)
    count: int = MOST_LIKERS if is_hidden else talk.flat["like_count"]
    indices = [(first + SOME_LIKERS * step) % POPULATION for step in range(min(count, MOST_LIKERS))]
    return [index for index in indices if index != talk.post.user.index]


def _if_shown(answers: Answers, value: str) -> Talk | None:
    """Return the talk about a post, None if it is unknown or private. Raises ReadError for no id."""
    try:
        return Talk.about(answers, value)
    except ReadError as refused:
        if refused.reply.status == 400:
            raise
        return None


@dataclass(frozen=True)
class Talk:
    """The comments of a post as JSON."""

    answers: Answers
    post: Post
    wire: PostWire

    @classmethod
    def about(cls, answers: Answers, value: str) -> Talk:
        """Return the talk about the post of this id. Raises ReadError."""
        return cls(answers, identified(answers, value), wire_of(answers))

    @cached_property
    def flat(self) -> Json:
        return self.wire.media(self.post)

    @property
    def count(self) -> int:
        count: int = self.flat["comment_count"]
        return count

    @property
    def threads(self) -> tuple[Thread, ...]:
        return threads.threads_of(self.post.pk, self.count)

    def thread(self, thread: Thread) -> Json:
        """Return a comment with the first of its replies."""
        comment = threads.comment_of(self.post.pk, self.post.taken_at, thread)
        shown = range(min(thread.replies, mixed(comment.pk) % (PREVIEW + 1)))
        return self.comment(comment) | {
            "child_comment_count": thread.replies,
            "preview_child_comments": self.replies(thread, shown),
            "other_preview_users": [],
            "has_more_tail_child_comments": thread.replies > len(shown),
            "has_more_head_child_comments": False,
            "num_tail_child_comments": thread.replies - len(shown),
            "next_max_child_cursor": None,
            "inline_composer_display_condition": "never",
        }

    def replies(self, thread: Thread, positions: range) -> list[Json]:
        parent = self._author(threads.comment_of(self.post.pk, self.post.taken_at, thread))
        found = threads.replies_of(self.post.pk, self.post.taken_at, thread, positions)
        return [self._reply(reply, parent) for reply in found]

    def comment(self, comment: Comment) -> Json:
        author = self._author(comment)
        return {
            "pk": comment.pk if comment.pk % 7 == 0 else str(comment.pk),
            "user_id": author.pk,
            "user": self.wire.raw.user(author),
            "text": comment.text,
            "type": 0,
            "created_at": comment.created_at,
            "created_at_utc": comment.created_at,
            "content_type": "comment",
            "status": "Active",
            "bit_flags": 0,
            "did_report_as_spam": False,
            "share_enabled": True,
            "is_covered": False,
            "is_edited": comment.pk % 11 == 0,
            "has_liked_comment": False,
            "comment_like_count": comment.likes,
            "media_id": self.post.pk,
        }

    def info(self) -> Json:
        shown = self.threads[:2]
        return {
            "comment_count": self.count,
            "has_more_comments": len(self.threads) > len(shown),
            "comment_threading_enabled": True,
            "comment_likes_enabled": True,
            "preview_comments": [
                self.comment(threads.comment_of(self.post.pk, self.post.taken_at, each)) for each in shown
            ],
        }

    def _author(self, comment: Comment) -> User:
        return self.answers.world.user(comment.author)

    def _reply(self, reply: Comment, parent: User) -> Json:
        return self.comment(reply) | {
            "type": 2,
            "text": f"@{parent.username} {reply.text}",
            "parent_comment_id": str(reply.parent),
            "replied_to_comment_id": str(reply.parent),
        }
