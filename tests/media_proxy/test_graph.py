"""Links to media in the graph: the platform's own, or by way of the proxy, and the pictures behind them."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLObjectType

from gateway.settings import Settings
from schema.build import build_schema
from tests.fakes.gateway import ORIGIN, RunningGateway, running_gateway

HIGHLIGHT = "17902048142215579"
OWN, LINKS = f"{ORIGIN}/sandbox/cdn/", f"{ORIGIN}/media/"
FIELDS = """
    a: thumbnailUrl{through} b: videoUrl{through} mentions {{ user {{ c: profilePictureUrl{through} }} }}
    user {{ d: profilePictureUrl{through} e: profilePictureHdUrl{through} }}
"""
COVER = "cover {{ f: url{through} cropped {{ g: url{through} }} full {{ h: url{through} }} }}"
QUERY = '{{ highlight(by: {{ id: "%s" }}) {{ %s items {{ nodes {{ %s }} }} }} }}' % (HIGHLIGHT, COVER, FIELDS)  # noqa: UP031


def query(through: str = "") -> str:
    return QUERY.format(through=through)


def urls(data: Any) -> list[str]:
    if isinstance(data, str):
        return [data]
    inner = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    return [url for one in inner for url in urls(one)]


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[RunningGateway]:
    async with running_gateway(tmp_path) as running:
        yield running


@pytest.mark.parametrize(("is_rule", "rule"), [(False, OWN), (True, LINKS)])
async def test_a_query_says_which_links_it_wants(tmp_path: Path, is_rule: bool, rule: str) -> None:
    settings = dataclasses.replace(Settings(), media_proxy=is_rule)
    async with running_gateway(tmp_path, settings=settings) as gateway:
        begins = {"": rule, "(proxied: null)": rule, "(proxied: true)": LINKS, "(proxied: false)": OWN}
        for through, begin in begins.items():
            answer = await gateway.query(query(through))
            assert answer.errors == []
            found = urls(answer.data)
            assert len(found) > 5
            assert [url for url in found if not url.startswith(begin)] == []


async def test_a_link_shows_the_picture_that_its_url_shows(gateway: RunningGateway) -> None:
    own, linked = [urls((await gateway.query(query(through))).data) for through in ("", "(proxied: true)")]
    kinds = set()
    for url, link in zip(own, linked, strict=True):
        there, here = await gateway.client.get(url), await gateway.client.get(link)
        assert here.status_code == 200
        assert here.content == there.content
        assert here.headers["content-type"] == there.headers["content-type"]
        assert there.headers["cross-origin-resource-policy"] == "same-origin"
        assert here.headers["cross-origin-resource-policy"] == "cross-origin"
        kinds.add(here.headers["content-type"])
    assert kinds == {"image/jpeg", "video/mp4"}


async def test_an_answer_with_links_is_kept_and_told_again_as_any_other(gateway: RunningGateway) -> None:
    first, again, other = [await gateway.query(query(through)) for through in ("(proxied: true)",) * 2 + ("",)]
    assert again.data == first.data
    assert again.charged == other.charged == 0
    assert urls(other.data)[0].startswith(OWN)


async def test_variables_choose_as_literals_do(gateway: RunningGateway) -> None:
    document = f"query Q($p: Boolean) {query('(proxied: $p)')}"
    for value, begin in ((True, LINKS), (False, OWN), (None, OWN)):
        answer = await gateway.query(document, {"p": value})
        assert {url.startswith(begin) for url in urls(answer.data)} == {True}


async def test_a_link_outlives_the_process_that_made_it(tmp_path: Path) -> None:
    """And is good for every gateway that has the same key."""
    first, second = tmp_path / "first", tmp_path / "second"
    async with running_gateway(first) as gateway:
        link = urls((await gateway.query(query("(proxied: true)"))).data)[0]
    assert (first / "media.key").stat().st_mode & 0o777 == 0o600
    second.mkdir()
    shutil.copy(first / "media.key", second)
    async with running_gateway(second) as gateway:
        assert (await gateway.client.get(link)).status_code == 200
    async with running_gateway(tmp_path / "third") as gateway:
        assert (await gateway.client.get(link)).status_code == 404


async def test_a_link_expires_with_its_url(gateway: RunningGateway) -> None:
    document = (
        '{ highlight(by: { id: "%s" }) { items(first: 1) { nodes { urlsExpireAt a: thumbnailUrl(proxied: true) } } } }'
    )
    answer = await gateway.query(document % HIGHLIGHT)
    (item,) = answer.data["highlight"]["items"]["nodes"]
    assert (await gateway.client.get(item["a"])).status_code == 200
    gateway.clock.advance(10 * 86_400)
    assert (await gateway.client.get(item["a"])).status_code == 410


async def test_links_begin_with_the_address_that_clients_know(tmp_path: Path) -> None:
    settings = dataclasses.replace(Settings(), public_url="https://highlights.example.com/api")
    async with running_gateway(tmp_path, settings=settings) as gateway:
        for url in urls((await gateway.query(query("(proxied: true)"))).data):
            assert url.startswith("https://highlights.example.com/api/media/")


async def test_without_a_place_for_the_key_links_live_as_long_as_the_process(tmp_path: Path) -> None:
    (tmp_path / "media.key").mkdir()
    async with running_gateway(tmp_path) as gateway:
        link = urls((await gateway.query(query("(proxied: true)"))).data)[0]
        assert (await gateway.client.get(link)).status_code == 200


async def test_a_shown_link_tells_no_other_url_of_the_gateway_s_own(gateway: RunningGateway) -> None:
    """The sandbox is reached by links to its pictures alone, and only with a token."""
    for path in ("/media/", "/media/x", "/media/..%2fsandbox%2fcdn"):
        assert (await gateway.client.get(path)).status_code == 404


@pytest.mark.parametrize("projects", [True, False])
async def test_a_field_without_arguments_is_the_same_beside_one_with_them(tmp_path: Path, projects: bool) -> None:
    settings = dataclasses.replace(Settings(), projection=projects)
    async with running_gateway(tmp_path / str(projects), settings=settings) as gateway:
        mixed = query().replace("a: thumbnailUrl", "z: thumbnailUrl(proxied: true) a: thumbnailUrl")
        plain, both = (await gateway.query(query())).data, (await gateway.query(mixed)).data
        for one, other in zip(plain["highlight"]["items"]["nodes"], both["highlight"]["items"]["nodes"], strict=True):
            assert other.pop("z").startswith(LINKS)
            assert other == one


def test_only_where_the_proxy_is_not_the_rule_is_a_field_no_more_than_an_attribute() -> None:
    marked = [
        build_schema(proxies=proxies).core.type_map["Item"].fields["thumbnailUrl"].extensions.get("plain attribute")  # type: ignore[attr-defined]
        for proxies in (False, True)
    ]
    assert marked == ["thumbnail_url", None]


def test_each_media_url_takes_the_argument_proxied() -> None:
    fields = {
        f"{type_.name}.{name}": field
        for type_ in build_schema().core.type_map.values()
        if isinstance(type_, GraphQLObjectType)
        for name, field in type_.fields.items()
        if "Signed URL" in (field.description or "")
    }
    assert len(fields) >= 7
    assert [name for name, field in fields.items() if "proxied" not in field.args] == []
