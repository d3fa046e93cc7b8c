"""Ids, user names and Instagram links: accepted forms and parsing.

Sources of the rules: docs/upstream facts of the read API (a share link contains base64url of `highlight:<pk>`; an
item's `code` is base64url of its pk; a pk contains its time of creation).
"""

from __future__ import annotations

import base64
import binascii
import re
import string
from collections.abc import Mapping
from itertools import dropwhile
from operator import attrgetter
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from gateway.errors import InvalidInput

ALPHABET = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
HOSTS = frozenset({"instagram.com", "www.instagram.com", "m.instagram.com", "instagr.am", "www.instagr.am"})
PK = re.compile(r"[1-9][0-9]{0,19}")  # the platform's ids are unsigned 64-bit
LONGEST_URL = 2_048  # characters: the standard library caches the last 128 parsed URLs in full
# Characters of a path; the longest valid one has about a hundred. Each link is parsed several times.
LONGEST_PATH = 200
USERNAME = re.compile(r"[A-Za-z0-9._]{1,30}")
# Names that the platform never assigns: with a dot at either end, or two dots in a row.
NOBODY = re.compile(r"\.|.*\.\.|.*\.$")
# First path segments of instagram.com that only name the opening app: the app's deep links.
PREFIXES = frozenset({"_u"})
# First path segments of instagram.com that name a page or a part of the app, never a user.
PAGES = frozenset(
    (
        *("_n", "about", "accounts", "accountscenter", "ajax", "api", "ar", "audio", "auth_platform"),
        *("challenge", "channel", "checkpoint", "create", "data", "developer", "direct", "directory"),
        *("download", "emails", "explore", "fundraiser", "fxcal", "graphql", "guides", "hacked", "hashtag"),
        *("igtv", "install", "invites", "j", "legal"),
        *("linkshim", "lite", "locations", "login", "logout", "n", "nametag", "notifications"),
        *("oauth", "oembed", "p", "popular", "privacy", "qr", "reel", "reels", "s", "session"),
        *("settings", "share", "shopping", "signup", "static", "stories", "terms", "topics", "tv"),
        *("ulink", "web", "your_activity", "ads.txt", "embed.js", "favicon.ico", "humans.txt"),
        *("index.html", "index.php", "manifest.json", "robots.txt", "security.txt", "sitemap.xml", "sw.js"),
    )
)


class LookupKey(Struct, frozen=True, gc=False):
    """A value that things are looked up by some hundred times an operation: hashed and compared in C."""


class EntityId(LookupKey, frozen=True, gc=False):
    """The platform's number of an entity. `noun` is the entity's in a sentence."""

    noun: ClassVar[str]
    pk: str

    # As an upstream call takes it. In C, because it is read at each look-up.
    key: ClassVar[Any] = property(attrgetter("pk"))

    @property
    def subject(self) -> str:
        """The phrase that names the entity in a sentence."""
        return f"{self.noun} '{self.pk}'"


class UserId(EntityId, frozen=True, gc=False):
    noun = "user"


class HighlightId(EntityId, frozen=True, gc=False):
    noun = "highlight"


class ItemId(EntityId, frozen=True, gc=False):
    noun = "item"


class Username(LookupKey, frozen=True, gc=False):
    """A user name in lower case: the platform's user names are case-insensitive."""

    noun: ClassVar[str] = "user"
    name: str

    key: ClassVar[Any] = property(attrgetter("name"))

    @property
    def subject(self) -> str:
        """The phrase that names the user in a sentence."""
        return f"user '{self.name}'"


class ListPlace(LookupKey, frozen=True, gc=False):
    """The place of a page after the first in a list of `owner`. `cursor` is the upstream's, and never empty."""

    owner: EntityId
    cursor: str

    @property
    def key(self) -> tuple[str, str]:
        return self.owner.pk, self.cursor

    @property
    def subject(self) -> str:
        """The phrase that names the owner in a sentence."""
        return self.owner.subject


Subject = EntityId | Username | ListPlace
UserKey = UserId | Username


def user_key(by: Mapping[str, str], *, field: str) -> UserKey:
    """Return the key of a `UserBy` with exactly one of `id`, `username`, `url`. Raise InvalidInput."""
    if "id" in by:
        return user_id(by["id"], field=f"{field}.id")
    if "username" in by:
        return username(by["username"], field=f"{field}.username")
    if "url" in by:
        return user_from_url(by["url"], field=f"{field}.url")
    raise InvalidInput(f"{field} must have exactly one of id, username and url.", field=field)


def highlight_key(by: Mapping[str, str], *, field: str) -> HighlightId:
    """Return the key of a `HighlightBy` with exactly one of `id`, `url`. Raise InvalidInput."""
    if "id" in by:
        return highlight_id(by["id"], field=f"{field}.id")
    if "url" in by:
        return HighlightId(highlight_from_url(by["url"], field=f"{field}.url"))
    raise InvalidInput(f"{field} must have exactly one of id and url.", field=field)


def item_key(by: Mapping[str, str], *, field: str) -> ItemId:
    """Return the key in an item's `id`. Raise InvalidInput."""
    return item_id(by["id"], field=f"{field}.id")


def reference_id(given: object) -> str | None:
    """Return the id in a router's entity reference: text, or a whole number, as for any `ID`."""
    if isinstance(given, float) and given.is_integer():
        given = int(given)
    return str(given) if isinstance(given, str | int) and not isinstance(given, bool) else None


def user_id(text: str, *, field: str) -> UserId:
    """Return the user's id. Raise InvalidInput unless `text` is a numeric id."""
    return UserId(platform_pk(text, "user", field))


def username(text: str, *, field: str) -> Username:
    """Return the user name. Accept `natgeo`, `@natgeo` and `NatGeo`. Raise InvalidInput."""
    name = text.strip().removeprefix("@")
    if not _is_username(name):
        raise InvalidInput(
            f"{field} must be an Instagram user name: 1 to 30 letters, digits, dots and underscores, and no dot "
            "at an end or beside another.",
            field=field,
        )
    return Username(name.lower())


def highlight_id(text: str, *, field: str) -> HighlightId:
    """Return the highlight's id. Accept `highlight:<pk>` and a bare pk. Raise InvalidInput."""
    return HighlightId(platform_pk(text.strip().removeprefix("highlight:"), "highlight", field))


def item_id(text: str, *, field: str) -> ItemId:
    """Return the item's id. Accept `<pk>_<user>` and a bare pk. Raise InvalidInput."""
    return ItemId(pk_beside_owner(text, "item", field))


def user_from_url(url: str, *, field: str) -> Username:
    """Return the user of a profile link (`/natgeo/`, `/_u/natgeo`) or a story link (`/stories/natgeo/...`).

    Raise InvalidInput.
    """
    segments = instagram_path(url, field)
    if len(segments) >= 2 and segments[0].lower() == "stories" and segments[1].lower() != "highlights":
        segments = segments[1:]
    name = segments[0].removeprefix("@") if segments else ""
    if _is_username(name) and name.lower() not in PAGES | PREFIXES:
        return Username(name.lower())
    raise InvalidInput(f"{field} must be the URL of a profile, such as https://www.instagram.com/natgeo/.", field=field)


def highlight_from_url(url: str, *, field: str) -> str:
    """Return the pk in a `/stories/highlights/<pk>/` link or in a `/s/<code>` share link. Raise InvalidInput."""
    segments = instagram_path(url, field)
    words = [segment.lower() for segment in segments[:2]]
    if len(segments) == 3 and words == ["stories", "highlights"] and _is_pk(segments[2]):
        return segments[2]
    if len(segments) == 2 and words[0] == "s" and (pk := _shared_highlight(segments[1])):
        return pk
    raise InvalidInput(
        f"{field} must be the URL of a highlight: https://www.instagram.com/stories/highlights/<id>/ "
        "or a share link https://www.instagram.com/s/<code>.",
        field=field,
    )


def highlight_url(pk: str) -> str:
    return f"https://www.instagram.com/stories/highlights/{pk}/"


def share_url(pk: str) -> str:
    """Return the share link of a highlight, without the tracking parameters that the app adds."""
    return f"https://www.instagram.com/s/{base64.urlsafe_b64encode(f'highlight:{pk}'.encode()).decode().rstrip('=')}"


def code_of(pk: int) -> str:
    """Return an item's short code: its pk in base64url digits."""
    digits = ""
    while pk:
        pk, digit = divmod(pk, 64)
        digits = ALPHABET[digit] + digits
    return digits or ALPHABET[0]


def pk_in_code(code: str) -> int:
    """Return the number that the digits of a short code encode. Raise ValueError for another character."""
    pk = 0
    for digit in code:
        pk = pk * 64 + ALPHABET.index(digit)
    return pk


def pk_of(id: str) -> str:
    """Return the pk of a medium's or item's id, which may name the owner after the pk."""
    return id.partition("_")[0]


def pk_beside_owner(text: str, noun: str, field: str) -> str:
    """Return the pk in `<pk>_<user>` or in a bare pk. Raise InvalidInput unless both are numeric ids."""
    pk, separator, owner = text.strip().partition("_")
    return platform_pk("" if separator and not _is_pk(owner) else pk, noun, field)


def platform_pk(text: str, noun: str, field: str) -> str:
    """Return the platform's number in `text`. Raise InvalidInput unless it is the id of such an entity."""
    pk = text.strip()
    if not _is_pk(pk):
        raise InvalidInput(f"{field} must be the {noun}'s numeric id.", field=field)
    return pk


def _is_pk(text: str) -> bool:
    return PK.fullmatch(text) is not None and int(text) < 2**64


def _is_username(name: str) -> bool:
    return USERNAME.fullmatch(name) is not None and NOBODY.match(name) is None


def instagram_path(url: str, field: str) -> list[str]:
    """Return the path segments of the link, without the prefixes. Raise InvalidInput."""
    text = url.strip()
    if len(text) > LONGEST_URL:
        raise InvalidInput(f"{field} must be a URL of at most {LONGEST_URL} characters.", field=field)
    if "://" not in text:
        text = f"https://{text}"
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").lower()
    except ValueError as exc:
        raise InvalidInput(f"{field} is not a URL.", field=field) from exc
    if len(parts.path) > LONGEST_PATH:
        raise InvalidInput(f"{field} must be a URL whose path has at most {LONGEST_PATH} characters.", field=field)
    if parts.scheme not in ("https", "http") or host not in HOSTS:
        raise InvalidInput(f"{field} must be a URL of www.instagram.com.", field=field)
    segments = [unquote(segment).strip() for segment in parts.path.split("/") if segment]
    return list(dropwhile(lambda segment: segment.lower() in PREFIXES, segments))


def _shared_highlight(code: str) -> str | None:
    try:
        text = base64.b64decode(code + "=" * (-len(code) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    noun, _, pk = text.partition(":")
    return pk if noun == "highlight" and _is_pk(pk) else None
