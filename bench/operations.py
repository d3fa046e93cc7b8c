"""What is asked: the same facts of every contestant, in the spelling of its schema.

Hive Gateway's graph is made from the OpenAPI document, so it has no users and no pages; aliases give its fields the
other peers' names, and `facts` takes the wrapping off. The rest is compared as it stands.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

BRIEF = "id title mediaCount createdAt isPinned cover { url }"
ITEM = "id pk code takenAt productType thumbnailUrl videoUrl videoDuration"
SOURCE_BRIEF = (
    "id title mediaCount: media_count createdAt: created_at isPinned: is_pinned_highlight "
    "cover: cover_media { image: cropped_image_version { url } }"
)
SOURCE_ITEM = (
    "id pk code takenAt: taken_at productType: product_type thumbnailUrl: thumbnail_url videoUrl: video_url "
    "videoDuration: video_duration"
)


@dataclass(frozen=True, slots=True)
class Dialect:
    """An operation's text around the root field's alias. In it `{alias}` and nothing else is a placeholder."""

    small: str
    big: str
    crowd: str = ""

    def text(self, name: str, alias: str) -> str:
        return str(getattr(self, name)).replace("{alias}", alias)


GRAPH = Dialect(
    small="query Small($id: ID!) { {alias}: user(by: {id: $id}) { id highlights { nodes { " + BRIEF + " } } } }",
    big="query Big($id: ID!) { {alias}: user(by: {id: $id}) { id highlights { nodes { "
    + (BRIEF + " items { nodes { " + ITEM + " } } } } } }"),
    crowd="query Crowd($by: [UserBy!]!) { {alias}: users(by: $by) { id highlights { nodes { " + BRIEF + " } } } }",
)
OPENAPI = Dialect(
    small="query Small($id: String!) { {alias}: tray(user_id: $id) { " + SOURCE_BRIEF + " } }",
    big="query Big($id: String!) { {alias}: tray(user_id: $id) { "
    + (SOURCE_BRIEF + " items: loaded { nodes: items { " + SOURCE_ITEM + " } } } }"),
)


def body(dialect: Dialect, name: str, user: str, alias: str = "user") -> bytes:
    """The POST's body, as the load generator spells it too."""
    return json.dumps({"query": dialect.text(name, alias), "variables": {"id": user}}, separators=(",", ":")).encode()


def facts(answer: bytes) -> Any:
    """What an answer says: without extensions, wrapping and spelling."""
    document = json.loads(answer)
    if document.get("errors"):
        raise ValueError(f"an answer with errors: {answer[:300]!r}")
    (root,) = document["data"].values()
    nodes = root if isinstance(root, list) else root["highlights"]["nodes"]
    return [_highlight(node) for node in nodes]


def _highlight(node: dict[str, Any]) -> dict[str, Any]:
    cover = node["cover"]
    plain = {**node, "createdAt": _moment(node["createdAt"]), "cover": cover.get("image", cover)["url"]}
    if "items" in node:
        plain["items"] = [{**item, "takenAt": _moment(item["takenAt"])} for item in node["items"]["nodes"]]
    return plain


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
