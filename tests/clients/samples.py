"""What the clients read of each node and of each list of the graph."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass

NATGEO, THIRTY = "787132", "2122000038"
POST = "media:3829449844045389376"


@dataclass(frozen=True, slots=True)
class Node:
    """One of its kind, and a field of it that does not follow from its id."""

    id: str
    field: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A list of at least two pages."""

    # Of the object that has the list; of the root, none.
    id: str | None = None
    # Entries of a page. By default a page is what the upstream calls one.
    first: int | None = None
    # Arguments that say which list it is, as a query writes them.
    selection: str = ""
    # What leads to the list from the root, where `node` does not.
    within: str = ""


NODES: Mapping[str, Node] = {
    "User": Node(NATGEO, "username"),
    "Highlight": Node("highlight:17983616051768088", "title"),
    "Item": Node("3772053608293416704_75885841119", "kind"),
    "Media": Node("media:3852994846373453376", "caption"),
    "Hashtag": Node("hashtag:goldenhourclub", "mediaCount"),
    "Location": Node("location:212000000", "category"),
}
LISTS: Mapping[str, Listed] = {
    "Query.flows": Listed(first=1),
    "Query.searchUsers": Listed(selection='query: "ember"'),
    "User.media": Listed(NATGEO),
    "User.taggedMedia": Listed(NATGEO),
    "User.followers": Listed(NATGEO),
    "User.following": Listed(NATGEO),
    "User.highlights": Listed(THIRTY, first=12),
    "Highlight.items": Listed("highlight:17902817445546428", first=8),
    "Media.comments": Listed(POST),
    "Media.likers": Listed(POST, first=40),
    # No comment is found by its id, so the way to its replies is by its post.
    "Comment.replies": Listed(POST, within="media(by: { id: $id }) { id comments(first: 1) { nodes { id … } } }"),
    "Hashtag.media": Listed("hashtag:analogue"),
    "Location.media": Listed("location:212000000"),
}


def as_json() -> str:
    """As the programs of Node take them."""
    nodes = {name: dataclasses.asdict(node) for name, node in NODES.items()}
    lists = {name: dataclasses.asdict(list_) for name, list_ in LISTS.items()}
    return json.dumps({"nodes": nodes, "lists": lists})
