"""Operations as trees that a test can generate, render as GraphQL, and judge."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, assert_never

from gateway.domain import ids, pages
from tests.planner.slices import Mark, Slice


@dataclass(frozen=True)
class Page:
    """The arguments of a list: how many, from which end, between which entries (by id), which, and in what order."""

    first: int | None = None
    after: str | None = None
    last: int | None = None
    before: str | None = None
    title: str | None = None
    by_title: bool = False
    kind: str | None = None

    def __str__(self) -> str:
        arguments = []
        if self.first is not None:
            arguments.append(f"first: {self.first}")
        if self.after is not None:
            arguments.append(f'after: "{pages.cursor(self.after)}"')
        if self.last is not None:
            arguments.append(f"last: {self.last}")
        if self.before is not None:
            arguments.append(f'before: "{pages.cursor(self.before)}"')
        if self.title is not None:
            arguments.append(f'filter: {{ titleContains: "{self.title}" }}')
        if self.by_title:
            arguments.append("order: TITLE")
        if self.kind is not None:
            arguments.append(f"kind: {self.kind}")
        return f"({', '.join(arguments)})" if arguments else ""


@dataclass(frozen=True)
class Users:
    """What is selected of a user: `fields` out of id, username, biography."""

    fields: frozenset[str] = frozenset()
    trays: tuple[tuple[Page, Highlights], ...] = ()
    stories: Items | None = None
    posts: tuple[Slice[Posts], ...] = ()
    people: tuple[Slice[Users], ...] = ()

    def __str__(self) -> str:
        trays = (f"t{at}: highlights{page} {{ nodes {below} }}" for at, (page, below) in enumerate(self.trays))
        posts, people = _slices("m", self.posts), _slices("p", self.people)
        return _braces(sorted(self.fields), trays, _user("stories", self.stories), posts, people)

    @property
    def lists(self) -> tuple[Slice[Posts] | Slice[Users], ...]:
        return (*self.posts, *self.people)


@dataclass(frozen=True)
class Highlights:
    """What is selected of a highlight: `fields` out of title (in the tray), missingItemIds (in its own answer)."""

    fields: frozenset[str] = frozenset()
    owner: Users | None = None
    items: tuple[tuple[Page, Items], ...] = ()

    def __str__(self) -> str:
        items = (f"i{at}: items{page} {{ nodes {below} }}" for at, (page, below) in enumerate(self.items))
        return _braces(["id", *sorted(self.fields)], _user("user", self.owner), items)


@dataclass(frozen=True)
class Items:
    """What is selected of an item: `fields` is empty, or holds code."""

    fields: frozenset[str] = frozenset()
    author: Users | None = None
    mentioned: Users | None = None
    sponsors: Users | None = None
    posts: Posts | None = None
    tags: Tags | None = None
    spots: Spots | None = None

    def __str__(self) -> str:
        stickers = {
            "mentions": _user("user", self.mentioned),
            "medias": _user("media", self.posts),
            "hashtags": _user("hashtag", self.tags),
            "locations": _user("location", self.spots),
        }
        parts = [f"{name} {_braces(below)}" for name, below in stickers.items() if below]
        return _braces(sorted(self.fields), _user("user", self.author), _user("sponsors", self.sponsors), parts)


@dataclass(frozen=True)
class Posts:
    """What is selected of a post: `fields` out of caption, playCount (which no list has), commentCount."""

    fields: frozenset[str] = frozenset()
    author: Users | None = None
    tagged: Users | None = None
    comments: tuple[Slice[Comments], ...] = ()
    likers: tuple[Slice[Users], ...] = ()
    spot: Spots | None = None

    def __str__(self) -> str:
        tagged = [] if self.tagged is None else [f"taggedUsers {{ user {self.tagged} }}"]
        lists = _slices("c", self.comments), _slices("l", self.likers)
        return _braces(sorted(self.fields), _user("user", self.author), tagged, *lists, _user("location", self.spot))


@dataclass(frozen=True)
class Comments:
    """What is selected of a comment: `fields` is empty, or holds text."""

    fields: frozenset[str] = frozenset()
    author: Users | None = None
    replies: tuple[Slice[Comments], ...] = ()

    def __str__(self) -> str:
        return _braces(sorted(self.fields), _user("user", self.author), _slices("r", self.replies))


@dataclass(frozen=True)
class Tags:
    """What is selected of a hashtag: `fields` out of name, mediaCount (which its record has)."""

    fields: frozenset[str] = frozenset()
    posts: tuple[Slice[Posts], ...] = ()

    def __str__(self) -> str:
        return _braces(sorted(self.fields), _slices("m", self.posts))


@dataclass(frozen=True)
class Spots:
    """What is selected of a location: `fields` out of name (which comes with what names it), category (its record)."""

    fields: frozenset[str] = frozenset()
    posts: tuple[Slice[Posts], ...] = ()

    def __str__(self) -> str:
        return _braces(sorted(self.fields), _slices("m", self.posts))


class By(enum.Enum):
    """How an operation names a user or a highlight."""

    ID = "id"
    NAME = "username"
    URL = "url"
    SHARE = "share link"


def with_highlights(*fields: str, **below: Any) -> Users:
    """A selection on a user that is one page of highlights, with `fields` and `below` of each."""
    return Users(trays=((Page(), Highlights(frozenset(fields), **below)),))


@dataclass(frozen=True)
class UserRoot:
    """`keys`: id or name of each. More than one makes a list."""

    keys: tuple[tuple[By, str], ...]
    below: Users

    def __str__(self) -> str:
        if len(self.keys) == 1:
            return f"user(by: {_user_by(*self.keys[0])}) {self.below}"
        return f"users(by: [{', '.join(_user_by(*key) for key in self.keys)}]) {self.below}"


@dataclass(frozen=True)
class HighlightRoot:
    keys: tuple[tuple[By, str], ...]
    below: Highlights

    def __str__(self) -> str:
        if len(self.keys) == 1:
            return f"highlight(by: {_highlight_by(*self.keys[0])}) {self.below}"
        return f"highlights(ids: [{', '.join(_quoted(pk) for _, pk in self.keys)}]) {self.below}"


@dataclass(frozen=True)
class PostRoot:
    """`keys`: pk of each. More than one makes a list."""

    keys: tuple[str, ...]
    below: Posts

    def __str__(self) -> str:
        keys = [f'{{ id: "{pk}" }}' for pk in self.keys]
        if len(keys) == 1:
            return f"media(by: {keys[0]}) {self.below}"
        return f"medias(by: [{', '.join(keys)}]) {self.below}"


@dataclass(frozen=True)
class References:
    """A router's `_entities`: type and id of each."""

    keys: tuple[tuple[str, str], ...]
    users: Users
    highlights: Highlights
    items: Items

    def __str__(self) -> str:
        references = ", ".join(f'{{ __typename: "{type_}", id: "{pk}" }}' for type_, pk in self.keys)
        return (
            f"_entities(representations: [{references}]) "
            f"{{ ... on User {self.users} ... on Highlight {self.highlights} ... on Item {self.items} }}"
        )


@dataclass(frozen=True)
class PlaceRoot:
    """A hashtag by its name, or a location by its pk."""

    key: str
    below: Tags | Spots

    def __str__(self) -> str:
        by = f'hashtag(name: "{self.key}")' if isinstance(self.below, Tags) else f'location(id: "{self.key}")'
        return f"{by} {self.below}"


@dataclass(frozen=True)
class SearchRoot:
    below: Slice[Any]

    def __str__(self) -> str:
        return str(self.below)


Root = UserRoot | HighlightRoot | PostRoot | PlaceRoot | SearchRoot | References


@dataclass(frozen=True)
class Operation:
    roots: tuple[Root, ...]
    forced: bool = False

    def __str__(self) -> str:
        return "{ " + " ".join(f"r{at}: {root}" for at, root in enumerate(self.roots)) + " }"

    def user_keys(self) -> Iterator[tuple[By, str]]:
        for root in self.roots:
            match root:
                case UserRoot(keys):
                    yield from keys
                case References(keys):
                    yield from ((By.ID, pk) for type_, pk in keys if type_ == "User")
                case HighlightRoot() | PostRoot() | PlaceRoot() | SearchRoot():
                    pass
                case _:
                    assert_never(root)

    def highlight_keys(self) -> Iterator[str]:
        for root in self.roots:
            match root:
                case HighlightRoot(keys):
                    yield from (pk for _, pk in keys)
                case References(keys):
                    yield from (pk for type_, pk in keys if type_ == "Highlight")
                case UserRoot() | PostRoot() | PlaceRoot() | SearchRoot():
                    pass
                case _:
                    assert_never(root)

    def post_keys(self) -> Iterator[str]:
        for root in self.roots:
            if isinstance(root, PostRoot):
                yield from root.keys

    def places(self) -> Iterator[tuple[type[Tags | Spots], str]]:
        for root in self.roots:
            if isinstance(root, PlaceRoot):
                yield type(root.below), root.key

    def slices(self) -> Iterator[Slice[Any]]:
        """All selections of lists that the upstream pages."""
        for root in self.roots:
            match root:
                case References(_, users, highlights, items):
                    yield from _slices_in((users, highlights, items))
                case _:
                    yield from _slices_in(root.below)

    def marks(self) -> Iterator[Mark]:
        """All positions in lists that the upstream pages."""
        return (part.after for part in self.slices() if part.after is not None)

    def item_keys(self) -> Iterator[str]:
        for root in self.roots:
            if isinstance(root, References):
                yield from (pk for type_, pk in root.keys if type_ == "Item")


def _slices_in(below: object) -> Iterator[Slice[Any]]:
    """The selections of lists in a selection, and in those below it."""
    match below:
        case Slice(below=entries, alone=alone):
            yield below
            yield from () if alone else _slices_in(entries)
        case tuple():
            yield from (found for part in below for found in _slices_in(part))
        case Users() | Highlights() | Items() | Posts() | Comments() | Tags() | Spots():
            yield from _slices_in(tuple(vars(below).values()))
        case _:
            pass


def _braces(*parts: object) -> str:
    words = [str(word) for part in parts for word in part]  # type: ignore[attr-defined]
    return "{ __typename " + " ".join(words) + " }"


def _slices(name: str, slices: Iterable[Slice[Any]]) -> Iterator[str]:
    return (f"{name}{at}: {slice_}" for at, slice_ in enumerate(slices))


def _user(field: str, below: object) -> list[str]:
    return [] if below is None else [f"{field} {below}"]


def _user_by(by: By, key: str) -> str:
    if by is By.URL:
        return f'{{ url: "https://www.instagram.com/{key}/" }}'
    return f"{{ {by.value}: {_quoted(key)} }}"


def _highlight_by(by: By, pk: str) -> str:
    match by:
        case By.URL:
            return f"{{ url: {_quoted(ids.highlight_url(pk))} }}"
        case By.SHARE:
            return f"{{ url: {_quoted(ids.share_url(pk))} }}"
        case _:
            return f"{{ id: {_quoted(pk)} }}"


def _quoted(text: str) -> str:
    return f'"{text}"'
