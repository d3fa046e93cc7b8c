"""docs/lists.md has every list of the graph that the upstream pages, with the size and the price of its pages."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from graphql import GraphQLNonNull, GraphQLObjectType, build_schema, get_named_type

from gateway.reads.facts import ANSWERS
from gateway.settings import Settings
from gateway.upstream.hikerapi import list_endpoints as rows
from gateway.upstream.hikerapi.hiker_endpoint import HikerEndpoint

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "lists.md").read_text()
SCHEMA = build_schema((ROOT / "schema" / "api.graphql").read_text())
MEMBERS = {"MediaConnection", "UserConnection", "CommentConnection"}  # lists of these have pages upstream
MATCHING = "the same with `matching`"
ENDPOINTS: dict[str, tuple[HikerEndpoint, ...]] = {
    "`User.media`": (rows.POSTS,),
    "`User.media(kind: REELS)`": (rows.REELS,),
    "`User.pinnedMedia`": (rows.PINNED_POSTS,),
    "`User.taggedMedia`": (rows.TAGGED_POSTS,),
    "`Hashtag.media`": (rows.RECENT_OF_HASHTAG, rows.TOP_OF_HASHTAG),
    "`Location.media`": (rows.RECENT_AT_LOCATION, rows.TOP_AT_LOCATION),
    "`Media.comments`": (rows.COMMENTS,),
    "`Comment.replies`": (rows.REPLIES,),
    "`Media.likers`": (rows.LIKERS,),
    "`User.followers`, `User.following`": (rows.FOLLOWERS, rows.FOLLOWING),
    MATCHING: (rows.MATCHING_FOLLOWERS, rows.MATCHING_FOLLOWING),
    "`searchUsers`": (rows.FOUND_USERS,),
    "`searchHashtags`, `searchLocations`": (rows.FOUND_HASHTAGS, rows.FOUND_LOCATIONS, rows.LOCATIONS_NEAR),
}


def cells() -> dict[str, list[str]]:
    (table,) = re.findall(r"^\| list \|.*\n\|[-|]*\n((?:\|.*\n)*)", TEXT, re.MULTILINE)
    found = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()]
    return {row[0]: row[1:] for row in found}


def test_every_list_of_pages_has_a_row() -> None:
    fields = [
        ("" if type_ is SCHEMA.query_type else f"{type_.name}.", name)
        for type_ in SCHEMA.type_map.values()
        if isinstance(type_, GraphQLObjectType)
        for name, field in type_.fields.items()
        if not isinstance(field.type, GraphQLNonNull) and get_named_type(field.type).name in MEMBERS
    ]
    named = set(re.findall(r"`([\w.]+)", " ".join(cells())))
    assert {f"{owner}{name}" for owner, name in fields} <= named
    assert cells().keys() == ENDPOINTS.keys()


def test_a_page_holds_costs_and_lasts_what_the_row_says() -> None:
    settings = {field.name.upper() for field in dataclasses.fields(Settings)}
    for name, (holds, price, lasts, _) in cells().items():
        for endpoint in ENDPOINTS[name]:
            forced = "" if endpoint.forced_price is None else f", forced {endpoint.forced_price}"
            assert f"{endpoint.price}{forced}" in (price, price.removeprefix("0, then ")), name
            assert str(endpoint.page_size) in holds or "match" in holds, name
            (setting,) = re.findall(r"GATEWAY_(\w+)", lasts)
            assert setting == f"TTL_{ANSWERS[endpoint.answers].lifetime.value}".upper(), name
            assert setting in settings
