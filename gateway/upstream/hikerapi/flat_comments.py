"""The flat form of comments and of the counts of comments."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from msgspec import UNSET, field

from gateway.upstream.client.lenient_decoding import UndecodableResponse
from gateway.upstream.hikerapi.flat_parts import Given, Part, before_owner, first_given, flat_list, is_given, moment
from gateway.upstream.hikerapi.flat_users import RawUser, flat_user

MEDIA_KEY = re.compile(r"[0-9]+(_[0-9]+)?")
COUNTS = ("comment_count", "comments_disabled", "has_more_comments")


class FlatComment(Part):
    pk: Any = UNSET
    text: Any = UNSET
    user: Given[RawUser] = UNSET
    created_at: Any = UNSET
    like_count: Any = UNSET
    reply_count: Any = UNSET
    replies: Any = UNSET
    parent_id: Any = None
    media_id: Any = UNSET


class RawComment(Part):
    pk: Any = UNSET
    id: Any = UNSET
    strong_id: Any = field(name="strong_id__", default=UNSET)
    text: Any = UNSET
    user: Given[RawUser] = UNSET
    created_at: Any = UNSET
    long_created_at: Any = field(name="1lcreated_at", default=UNSET)
    created_at_utc: Any = UNSET
    comment_like_count: Any = UNSET
    long_comment_like_count: Any = field(name="1lcomment_like_count", default=UNSET)
    like_count: Any = UNSET
    child_comment_count: Any = UNSET
    long_child_comment_count: Any = field(name="1lchild_comment_count", default=UNSET)
    preview_child_comments: Given[list[RawComment]] = UNSET
    parent_comment_id: Any = UNSET
    replied_to_comment_id: Any = UNSET
    media_id: Any = UNSET
    long_media_id: Any = field(name="1lmedia_id", default=UNSET)


def flat_comment(raw: Any) -> Any:
    """Return the flat form of a comment, with that of the replies beside it."""
    if not isinstance(raw, RawComment):
        return raw
    return FlatComment(
        pk=first_given(raw.pk, raw.id, raw.strong_id),
        text=raw.text,
        user=flat_user(raw.user),
        created_at=moment(first_given(raw.created_at, raw.long_created_at, raw.created_at_utc)),
        like_count=first_given(raw.comment_like_count, raw.long_comment_like_count, raw.like_count),
        reply_count=first_given(raw.child_comment_count, raw.long_child_comment_count),
        replies=flat_list(first_given(raw.preview_child_comments, []), flat_comment),
        parent_id=_text_of(first_given(raw.parent_comment_id, raw.replied_to_comment_id, None)),
        media_id=_text_of(first_given(raw.media_id, raw.long_media_id)),
    )


def place_comment(comment: Any, media: str, parent: str | None = None) -> Any:
    """State in place the post that a flat comment is on, and the comment that it replies to, where it does not say so.

    The same for the replies beside it. Return the comment.
    """
    if isinstance(comment, FlatComment):
        if not is_given(comment.media_id):
            comment.media_id = media
        if comment.parent_id is None:
            comment.parent_id = parent
        pk = str(comment.pk) if is_given(comment.pk) else None
        for reply in comment.replies if isinstance(comment.replies, list) else ():
            place_comment(reply, media, pk)
    return comment


def flat_comment_counts(answer: Any) -> list[Any]:
    """Return the flat counts of comments per post, of a parsed answer. Raises UndecodableResponse.

    The platform's answer is a map from the post's `<pk>_<user>` in `comment_infos`: two clients of it, goinsta and
    mgp25, decode it as one. The vendor documents the fields of a post and no form. Hence a map and a list of objects
    with an id are accepted, in `comment_infos` or without it, and in the vendor's `response` or without it.
    """
    infos = answer.get("response", answer) if isinstance(answer, dict) else answer
    if isinstance(infos, dict) and "comment_infos" in infos:
        infos = infos["comment_infos"]
    elif isinstance(infos, dict):
        infos = {key: info for key, info in infos.items() if MEDIA_KEY.fullmatch(key)} or None
    if isinstance(infos, dict):
        return _counts((before_owner(key), info) for key, info in infos.items())
    if isinstance(infos, list):
        return _counts((_id_in(info), info) for info in infos)
    raise UndecodableResponse


def _text_of(given: Any) -> Any:
    """Return an id as a text, without the owner that may follow it."""
    return str(given) if isinstance(given, int) and not isinstance(given, bool) else before_owner(given)


def _counts(infos: Iterable[tuple[Any, Any]]) -> list[Any]:
    return [{"pk": pk, **_count_fields(info)} if isinstance(info, dict) else info for pk, info in infos]


def _count_fields(info: dict[str, Any]) -> dict[str, Any]:
    found = {name: info[name] for name in COUNTS if name in info}
    if "1lcomment_count" in info:
        found.setdefault("comment_count", info["1lcomment_count"])
    return found


def _id_in(info: Any) -> Any:
    if not isinstance(info, dict):
        return None
    return _text_of(first_given(*map(info.get, ("pk", "media_id", "id", "strong_id__"))))
