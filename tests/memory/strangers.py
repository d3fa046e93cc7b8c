"""Requests that would fill a memory whose bounds forget something: the sender says how long each part of them is."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import urlencode

import msgspec

from gateway.sandbox import fixture_users

JSON = {"content-type": "application/json"}
THIRTY = f'user(by: {{ id: "{fixture_users.THIRTY.pk}" }})'


@dataclass(frozen=True, slots=True)
class Sent:
    """`content` is the body of a POST; without it the request is a GET."""

    content: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    query: str = ""

    @property
    def method(self) -> str:
        return "GET" if self.content is None else "POST"


def posted(headers: dict[str, str] | None = None, **members: Any) -> Sent:
    return Sent(msgspec.json.encode(members), JSON | (headers or {}))


Kind: TypeAlias = Callable[[int, int], Iterator[Sent]]
"""`count` requests, no two of them the same, with about `size` bytes of what is to be remembered in each."""


def undeclared_variables(count: int, size: int) -> Iterator[Sent]:
    for turn in range(count):
        yield posted(query="{ __typename }", variables={"x": f"{turn:08}" + "x" * size})


def variables_in_the_url(count: int, size: int) -> Iterator[Sent]:
    for turn in range(count):
        variables = msgspec.json.encode({"x": f"{turn:08}" + "x" * size}).decode()
        proof = {"graphql-require-preflight": "1"}
        yield from [Sent(None, proof, urlencode({"query": "{ __typename }", "variables": variables}))] * 2


def headers_nobody_reads(count: int, size: int) -> Iterator[Sent]:
    for turn in range(count):
        yield from [posted({"x-junk": f"{turn:08}" + "x" * size}, query="{ __typename }")] * 2


def many_headers(count: int, size: int) -> Iterator[Sent]:
    for turn in range(count):
        junk = {f"x-{turn}-{at}": "" for at in range(size // 100)}
        yield from [posted(junk, query="{ __typename }")] * 2


def codings_nobody_knows(count: int, size: int) -> Iterator[Sent]:
    for turn in range(count):
        yield posted({"accept-encoding": f"{turn:08}" + "x" * size}, query="{ __typename }")


def extensions_of_many_parts(count: int, size: int) -> Iterator[Sent]:
    """Decoded they take twenty times their text."""
    for turn in range(count):
        yield from [posted(query="{ __typename }", extensions={"x": [turn, *[[]] * (size // 60)]})] * 2


def named_documents(count: int, size: int) -> Iterator[Sent]:
    """In characters that take four bytes."""
    for turn in range(count):
        text = f"{{ __typename }} # {turn} " + "\N{GRINNING FACE}" * (size // 4)
        persisted = {"version": 1, "sha256Hash": hashlib.sha256(text.encode()).hexdigest()}
        yield posted(query=text, extensions={"persistedQuery": persisted})
        yield from [posted(extensions={"persistedQuery": persisted, "x": turn})] * 2


def new_documents(count: int, size: int) -> Iterator[Sent]:
    """As naive clients write them: with what is asked for in the text. Three words take a thousand bytes."""
    for turn in range(count):
        fields = " ".join(f"a{at}: id" for at in range(size // 1_000))
        yield posted(query=f"{{ {THIRTY} {{ a{turn}: username {fields} }} }}")


def long_documents(count: int, size: int) -> Iterator[Sent]:
    """Too long to be kept themselves."""
    for turn in range(count):
        yield posted(query=f"{{ {THIRTY} {{ a{turn}: id }} }} #" + "x" * 20_000 + "\n#" * (size // 200))


def new_selections(count: int, size: int) -> Iterator[Sent]:
    """Of lists that are long enough to have code compiled for them, and what it made kept."""
    for turn in range(count):
        fields = " ".join(f"k{turn}x{at}: title" for at in range(size // 2_500))
        yield from [posted(query=f"{{ a{at}: {THIRTY} {{ highlights {{ nodes {{ {fields} }} }} }} }}") for at in "ab"]


def conditions(count: int, size: int) -> Iterator[Sent]:
    names = [f"p{at}" for at in range(10)]
    declared = " ".join(f"${name}: Boolean!" for name in names)
    fields = " ".join(f"f{at}: title @include(if: $p{at % 10})" for at in range(size // 2_500))
    text = f"query({declared}) {{ {THIRTY} {{ highlights {{ nodes {{ id {fields} }} }} }} }}"
    for turn in range(count):
        yield posted(query=text, variables={name: bool(turn >> at & 1) for at, name in enumerate(names)})


def users_that_are_not_there(count: int, size: int) -> Iterator[Sent]:
    """Told again and again, for nothing."""
    for turn in range(count):
        yield posted(query='{ user(by: { id: "1" }) { username } }', extensions={"turn": turn})


def links_to_nowhere(count: int, size: int) -> Iterator[Sent]:
    query = "query($url: String!) { user(by: { url: $url }) { username } }"
    for turn in range(count):
        yield posted(query=query, variables={"url": f"https://www.instagram.com/{turn}/" + "x" * size})


def unknown_names(count: int, size: int) -> Iterator[Sent]:
    for turn in range(count):
        by = {"username": f"nobody.{turn}"}
        yield posted(query="query($by: UserBy!) { user(by: $by) { id } }", variables={"by": by})


def other_users(count: int, size: int) -> Iterator[Sent]:
    query = "query($id: ID!) { user(by: { id: $id }) { highlights { nodes { items { nodes { id thumbnailUrl } } } } } }"
    for user in (fixture_users.THIRTY, *fixture_users.CAST[:count]):
        yield posted(query=query, variables={"id": str(user.pk)})


def ids_of_nothing(count: int, size: int) -> Iterator[Sent]:
    for turn in range(count):
        junk = f"{turn:08}" + "x" * size
        yield posted(documentId=junk)
        yield posted(query="{ __typename }", operationName=junk)
        yield posted(query="query($id: ID!) { highlight(by: { id: $id }) { title } }", variables={"id": junk})


# With how many requests, of which size, would be held more than any memory of theirs may hold.
KINDS: tuple[tuple[Kind, int, int], ...] = (
    (undeclared_variables, 120, 16_000),
    (variables_in_the_url, 120, 16_000),
    (headers_nobody_reads, 40, 100_000),
    (many_headers, 40, 100_000),
    (codings_nobody_knows, 120, 16_000),
    (extensions_of_many_parts, 30, 16_000),
    (named_documents, 24, 60_000),
    (new_documents, 24, 90_000),
    (long_documents, 6, 350_000),
    (new_selections, 6, 200_000),
    (conditions, 24, 100_000),
    (users_that_are_not_there, 80, 0),
    (links_to_nowhere, 120, 16_000),
    (unknown_names, 60, 0),
    (other_users, 3, 0),
    (ids_of_nothing, 60, 16_000),
)
