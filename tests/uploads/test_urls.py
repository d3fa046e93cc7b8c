"""URLs of media: sent as browsers send them, and never published as another kind of medium than they show."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.publishing import MediumKind
from gateway.publishing.commands import CreateHighlight
from gateway.publishing.inputs import CoverInput, MediaInput
from gateway.publishing.validation import InputValidator
from gateway.uploads.normalization import MediaNormalizer
from gateway.uploads.spool import Spool
from gateway.uploads.urls import as_browsers_send
from gateway.upstream.egress.address_policy import AddressPolicy
from gateway.upstream.platforms import aiograpi, platform
from tests.uploads.test_validation import ACCOUNTS, URL, Hosts, create, mistakes, update


@pytest.fixture
def hosts() -> Hosts:
    return Hosts({})


@pytest.fixture
def inspector(tmp_path: Path, hosts: Hosts) -> InputValidator:
    return InputValidator(MediaNormalizer(Spool(tmp_path)), hosts, platform.TRAITS, publishes_uploaded=True)


@pytest.fixture
def by_ending(tmp_path: Path, hosts: Hosts) -> InputValidator:
    """For an upstream that goes by the ending of a URL, whatever is ordered."""
    return InputValidator(MediaNormalizer(Spool(tmp_path)), hosts, aiograpi.TRAITS, publishes_uploaded=False)


@pytest.mark.parametrize(
    ("name", "told", "kind"),
    [
        ("a.jpg", "image/jpeg", MediumKind.IMAGE),
        ("a.mp4", "application/octet-stream", MediumKind.VIDEO),
        ("a.mp4", "image/jpeg", MediumKind.VIDEO),
        ("a.m4v", None, MediumKind.VIDEO),
        ("a", "video/mp4", MediumKind.VIDEO),
        ("a", "image/png", MediumKind.IMAGE),
        ("a", None, MediumKind.IMAGE),
        ("a?name=b.mp4", None, MediumKind.IMAGE),
    ],
)
async def test_a_url_is_of_the_kind_that_its_name_or_else_its_host_says(
    inspector: InputValidator, hosts: Hosts, name: str, told: str | None, kind: MediumKind
) -> None:
    hosts.told = {URL + name: told}
    answer = await inspector.create_highlight(create(media=[MediaInput(url=URL + name)]), ACCOUNTS)
    assert isinstance(answer, CreateHighlight)
    assert answer.media[0].kind is kind


@pytest.mark.parametrize(
    ("name", "told", "kind"),
    [
        ("a.jpg", None, MediumKind.IMAGE),
        ("a", "image/jpeg", MediumKind.IMAGE),
        ("a.mp4", "video/mp4", MediumKind.VIDEO),
        ("a.MOV?sig=1", None, MediumKind.VIDEO),
        ("a.m4v#t=3", None, MediumKind.VIDEO),
    ],
)
async def test_what_an_upstream_takes_by_its_ending_for_what_it_is_is_ordered(
    by_ending: InputValidator, hosts: Hosts, name: str, told: str | None, kind: MediumKind
) -> None:
    hosts.told = {URL + name: told} if told else {}
    answer = await by_ending.create_highlight(create(media=[MediaInput(url=URL + name)]), ACCOUNTS)
    assert isinstance(answer, CreateHighlight)
    assert answer.media[0].kind is kind


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("a", "video/mp4"),
        ("a.jpg", "video/mp4"),
        ("a.mp4", "image/jpeg"),
        ("a.mp4/", "video/mp4"),
        ("a?name=b.mp4", "video/mp4"),
        ("a.webm", "video/webm"),
        ("a", "application/octet-stream"),
        ("a", None),
    ],
)
async def test_what_an_upstream_may_take_by_its_ending_for_what_it_is_not_is_refused(
    by_ending: InputValidator, hosts: Hosts, name: str, told: str | None
) -> None:
    """A film must not become an image, nor an image a film; the way out is named."""
    hosts.told = {URL + name: told} if told else {}
    media = [MediaInput(url=URL + name)]
    for answer, field in (
        (await by_ending.create_highlight(create(media=media), ACCOUNTS), "media.0.url"),
        (await by_ending.update_highlight(update(add=media, account="787132"), ACCOUNTS), "add.0.url"),
    ):
        assert mistakes(answer) == [(field, "FORMAT")]
        assert isinstance(answer, tuple)
        assert answer[0].message.endswith("send the file instead.")


async def test_a_cover_is_judged_like_a_medium(by_ending: InputValidator, hosts: Hosts) -> None:
    hosts.told = {URL + "a": "video/mp4"}
    answer = await by_ending.create_highlight(create(cover=CoverInput(url=URL + "a")), ACCOUNTS)
    assert mistakes(answer) == [("cover.url", "FORMAT")]


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (f"  {URL}a.jpg \n", f"{URL}a.jpg"),
        (f"\t{URL}a b.jpg", f"{URL}a%20b.jpg"),
        (f"{URL}a\nb.jpg", f"{URL}ab.jpg"),
        (f"{URL}a%20b.jpg?q=%2F", f"{URL}a%20b.jpg?q=%2F"),
        (f"{URL}100%.jpg", f"{URL}100%.jpg"),
        (f"{URL}caf\u00e9/\u6d77.jpg?q=\u00e9", f"{URL}caf%C3%A9/%E6%B5%B7.jpg?q=%C3%A9"),
        (f'{URL}a"<b>`{{c}}|^.jpg', f"{URL}a%22%3Cb%3E%60%7Bc%7D%7C%5E.jpg"),
        (f"{URL}a\\b.jpg?c=d e#f g", f"{URL}a/b.jpg?c=d%20e"),
        (f"{URL}a.jpg?sig=a+b/c==&e=f'(g)*;,:@!$~", f"{URL}a.jpg?sig=a+b/c==&e=f'(g)*;,:@!$~"),
        ("https://media.example.com?a b", "https://media.example.com?a%20b"),
        ("https://media.example.com\\@10.0.0.1/a.jpg", "https://media.example.com/@10.0.0.1/a.jpg"),
    ],
)
async def test_a_url_is_sent_as_browsers_send_it(inspector: InputValidator, given: str, sent: str) -> None:
    answer = await inspector.create_highlight(create(media=[MediaInput(url=given)]), ACCOUNTS)
    assert isinstance(answer, CreateHighlight)
    assert answer.media[0].url == sent


@pytest.mark.parametrize(
    "url",
    [
        "https://media .example.com/a.jpg",
        "https:// media.example.com/a.jpg",
        "https:\\\\media.example.com\\a.jpg",
        "https://caf\u00e9.example.com/a.jpg",
        " http://media.example.com/a.jpg",
        "https:media.example.com/a.jpg",
        " ",
    ],
)
async def test_no_host_is_made_of_what_is_none(inspector: InputValidator, url: str) -> None:
    answer = await inspector.create_highlight(create(media=[MediaInput(url=url)]), ACCOUNTS)
    assert mistakes(answer) == [("media.0.url", "NOT_PUBLIC")]


async def test_the_same_url_with_other_blanks_is_the_same_medium(inspector: InputValidator) -> None:
    media = [MediaInput(url=URL + "a b.jpg"), MediaInput(url=f" {URL}a%20b.jpg")]
    assert mistakes(await inspector.create_highlight(create(media=media), ACCOUNTS)) == [("media.1", "DUPLICATE")]


@given(st.text(max_size=60))
def test_what_is_sent_once_as_browsers_do_stays_as_it_is(text: str) -> None:
    once = as_browsers_send(f"https://media.example.com/{text}")
    assert as_browsers_send(once) == once
    AddressPolicy().check(once)


async def test_a_url_of_no_medium_is_refused(inspector: InputValidator, hosts: Hosts) -> None:
    hosts.told = {URL + "a": "text/html"}
    answer = await inspector.create_highlight(create(media=[MediaInput(url=URL + "a")]), ACCOUNTS)
    assert mistakes(answer) == [("media.0.url", "FORMAT")]
