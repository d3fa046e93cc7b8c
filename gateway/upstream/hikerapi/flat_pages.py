"""The flat form of each list endpoint's answers, which is what the cache stores and the typed decoder reads.

A flat page is an object of `entries`, `next` (the cursor of the next page or null), `owner` (the user whose list it is
or null) and `total` (the length of the whole list or null). Each function is for one endpoint's envelope and raises
UndecodableResponse for any other. An entry that is not an object stays as it is, and is counted as lost by the decoder.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

from msgspec import UNSET, field
from msgspec.json import Decoder

from gateway.upstream.client.lenient_decoding import UndecodableResponse
from gateway.upstream.hikerapi.flat_comments import RawComment, flat_comment, flat_comment_counts, place_comment
from gateway.upstream.hikerapi.flat_media import FlatMedia, RawMedia, author_id, flat_raw_media, flat_typed_media
from gateway.upstream.hikerapi.flat_parts import FlatPage, Given, Part, cursor, encoded, first_given, is_given, read
from gateway.upstream.hikerapi.flat_users import RawListedUser, flat_listed_user

P = TypeVar("P", bound=Part)


class RawMedias(Part):
    items: Given[list[RawMedia]] = UNSET


class RawMediasPage(Part):
    response: Given[RawMedias] = UNSET
    next_page_id: Any = UNSET


class RawUsers(Part):
    """A list of users, and the fields of its page if it has no envelope."""

    users: Given[list[RawListedUser]] = UNSET
    user_count: Any = UNSET
    has_more: Any = UNSET
    page_token: Any = UNSET


class RawUsersPage(Part):
    response: Given[RawUsers] = UNSET
    next_page_id: Any = UNSET


class RawComments(Part):
    comments: Given[list[RawComment]] = UNSET
    comment_count: Any = UNSET


class RawCommentsPage(Part):
    response: Given[RawComments] = UNSET
    next_page_id: Any = UNSET


class RawReplies(Part):
    child_comments: Given[list[RawComment]] = UNSET
    child_comment_count: Any = UNSET
    next_min_child_cursor: Any = UNSET


class RawSlot(Part):
    media: Given[RawMedia] = UNSET


class RawSlots(Part):
    items: Given[list[RawSlot]] = UNSET


class RawTallItem(Part):
    clips: Given[RawSlots] = UNSET


class RawLayout(Part):
    medias: Given[list[RawSlot]] = UNSET
    fill_items: Given[list[RawSlot]] = UNSET
    tall_item: Given[RawTallItem] = field(name="one_by_two_item", default=UNSET)


class RawSection(Part):
    layout_content: Given[RawLayout] = UNSET


class RawSections(Part):
    sections: Given[list[RawSection]] = UNSET


class RawSectionsPage(Part):
    response: Given[RawSections] = UNSET
    next_page_id: Any = UNSET


USER_MEDIAS = Decoder(RawMediasPage)
MEDIA_CHUNK = Decoder(tuple[list[FlatMedia], Any])
USER_CHUNK = Decoder(tuple[list[RawListedUser], Any])
USERS_PAGE = Decoder(RawUsersPage)
USERS = Decoder(RawUsers)
USER_ARRAY = Decoder(list[RawListedUser])
COMMENTS = Decoder(RawCommentsPage)
REPLIES = Decoder(RawReplies)
COMMENT_INFOS: Decoder[Any] = Decoder()
SECTIONS = Decoder(RawSectionsPage)


@encoded
def user_medias(key: str, body: bytes) -> FlatPage:
    """Flatten `/g2/user/medias`. `key` is the pk of the user, whose pinned posts are marked."""
    page = _of(RawMediasPage, read(USER_MEDIAS, body))
    items = _listed(_of(RawMedias, page.response).items)
    entries = [flat_raw_media(item, key) for item in items]
    return FlatPage(entries, cursor(page.next_page_id), owner_among(key, entries))


@encoded
def media_chunk(key: str, body: bytes) -> FlatPage:
    """Flatten `[Media[], cursor]`, the answer of the typed endpoints that end in `medias/chunk` and `clips/chunk`."""
    chunk = read(MEDIA_CHUNK, body)
    if not isinstance(chunk, tuple):
        raise UndecodableResponse
    entries = [flat_typed_media(media) for media in _listed(chunk[0])]
    return FlatPage(entries, cursor(chunk[1]), owner_among(key, entries))


@encoded
def users(key: str, body: bytes) -> FlatPage:
    """Flatten `/g2/user/followers` and `/g2/user/following`."""
    page = _of(RawUsersPage, read(USERS_PAGE, body))
    return FlatPage(_users(_of(RawUsers, page.response).users), cursor(page.next_page_id))


@encoded
def user_chunk(key: str, body: bytes) -> FlatPage:
    """Flatten `[UserShort[], cursor]`: `/v1/user/followers/chunk` and `/v1/user/following/chunk`."""
    chunk = read(USER_CHUNK, body)
    if not isinstance(chunk, tuple):
        raise UndecodableResponse
    return FlatPage(_users(chunk[0]), cursor(chunk[1]))


@encoded
def accounts(key: str, body: bytes) -> FlatPage:
    """Flatten `/v2/fbsearch/accounts`. The token of the last page leads nowhere."""
    page = _of(RawUsers, read(USERS, body))
    return FlatPage(_users(page.users), cursor(page.page_token if page.has_more else None))


@encoded
def likers(key: str, body: bytes) -> FlatPage:
    """Flatten `/v2/media/likers`, which has one page of the first likers, and the number of all."""
    page = _of(RawUsers, read(USERS, body))
    # A post that hides its likes has a count of 0 and likers all the same.
    return FlatPage(_users(page.users), total=_number(page.user_count) or (None if page.users else 0))


@encoded
def user_array(key: str, body: bytes) -> FlatPage:
    """Flatten an array of users: `/v1/media/likers`, `/v1/user/search/followers` and `/v1/user/search/following`."""
    return FlatPage(_users(read(USER_ARRAY, body)))


@encoded
def comments(key: str, body: bytes) -> FlatPage:
    """Flatten `/v2/media/comments`."""
    page = _of(RawCommentsPage, read(COMMENTS, body))
    response = _of(RawComments, page.response)
    entries = [place_comment(flat_comment(comment), key) for comment in _listed(response.comments)]
    return FlatPage(entries, cursor(page.next_page_id), total=_number(response.comment_count))


@encoded
def replies(key: str, body: bytes) -> FlatPage:
    """Flatten `/v2/media/comments/replies`. `key` is the pk of the post, a space and that of the comment."""
    page = _of(RawReplies, read(REPLIES, body))
    media, _, comment = key.partition(" ")
    entries = [place_comment(flat_comment(reply), media, comment or None) for reply in _listed(page.child_comments)]
    return FlatPage(entries, cursor(page.next_min_child_cursor), total=_number(page.child_comment_count))


@encoded
def comment_infos(key: str, body: bytes) -> FlatPage:
    """Flatten `/v2/media/comments/infos`: the counts of comments of up to ten posts, as in flat_comment_counts."""
    return FlatPage(flat_comment_counts(read(COMMENT_INFOS, body)))


@encoded
def hashtag_medias(key: str, body: bytes) -> FlatPage:
    """Flatten `/v2/hashtag/medias/recent` and `/v2/hashtag/medias/top`, which repeat posts within a page."""
    page = _of(RawSectionsPage, read(SECTIONS, body))
    entries: list[Any] = []
    seen: set[str] = set()
    for section in _listed(_of(RawSections, page.response).sections):
        for raw in _posts(section):
            media = flat_raw_media(raw)
            if isinstance(media, FlatMedia) and is_given(media.pk):
                pk = str(media.pk)
                if pk in seen:
                    continue
                seen.add(pk)
            entries.append(media)
    return FlatPage(entries, cursor(page.next_page_id))


def _posts(section: Any) -> Iterator[Any]:
    """Yield the posts of one section. A container of another type than usual counts as one, so that it is not lost."""
    layout = section.layout_content if isinstance(section, RawSection) else section
    if not isinstance(layout, RawLayout):
        yield from [layout] if is_given(layout) else []
        return
    yield from _in_slots(layout.medias)
    yield from _in_slots(layout.fill_items)
    clips = layout.tall_item.clips if isinstance(layout.tall_item, RawTallItem) else layout.tall_item
    yield from _in_slots(clips.items if isinstance(clips, RawSlots) else clips)


def _in_slots(slots: Any) -> Iterator[Any]:
    if isinstance(slots, list):
        for slot in slots:
            yield slot.media if isinstance(slot, RawSlot) and slot.media is not UNSET else slot
    elif is_given(slots):
        yield slots


def _of(kind: type[P], value: Any) -> P:
    """Return `value` if it is of that kind. Raises UndecodableResponse."""
    if not isinstance(value, kind):
        raise UndecodableResponse
    return value


def _listed(value: Any) -> list[Any]:
    """Return `value` if it is a list. Raises UndecodableResponse."""
    if not isinstance(value, list):
        raise UndecodableResponse
    return value


def _users(value: Any) -> list[Any]:
    return [flat_listed_user(user) for user in _listed(value)]


def _number(value: Any) -> Any:
    return first_given(value, None)


def owner_among(key: str, entries: list[Any]) -> Any:
    """Return the author of the posts whose pk is `key`."""
    authors = (entry.user for entry in entries if isinstance(entry, FlatMedia))
    return next((author for author in authors if author_id(author) == key), None)
