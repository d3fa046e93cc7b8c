"""What may be asked for, and how a link says it."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain import ids
from gateway.domain.ids import HighlightId, ItemId, UserId, Username
from gateway.errors import InvalidInput

LARGEST = 2**64 - 1
PKS = st.integers(1, LARGEST).map(str)
NAMES = st.text("abcdefghijklmnopqrstuvwxyz0123456789._", min_size=1, max_size=30).filter(
    lambda name: "." not in (name[0], name[-1]) and ".." not in name
)
BAD_PKS = [
    "",
    " ",
    "0",
    "007",
    "-1",
    "+1",
    "1.0",
    "1e3",
    "0x10",
    "abc",
    "12 34",
    "12\n34",
    "12;DROP",
    "123abc",
    "1" * 21,
    "1" * 100_000,
    str(LARGEST + 1),
    "\u0661\u0662",  # Arabic-Indic digits, which int() would read
    "\uff11\uff12",  # full-width digits
    "\u00b2",  # superscript two, which str.isdigit() takes
    "12\u200b",
    "12\x00",
]


def refused(parse: Callable[..., object], *given: object) -> InvalidInput:
    with pytest.raises(InvalidInput) as refusal:
        parse(*given, field="by.here")
    assert refusal.value.extensions["field"] == "by.here"
    assert "by.here" in refusal.value.message
    return refusal.value


@pytest.mark.parametrize("text", BAD_PKS)
@pytest.mark.parametrize("parse", [ids.user_id, ids.highlight_id, ids.item_id])
def test_what_is_no_number_of_the_platform_is_refused_and_the_field_named(
    parse: Callable[..., object], text: str
) -> None:
    message = refused(parse, text).message
    assert len(message) < 200, "a refusal does not send back what was sent"


@given(PKS)
def test_ids_are_read_with_and_without_the_platforms_prefixes_and_suffixes(pk: str) -> None:
    assert ids.user_id(f" {pk}\n", field="id") == UserId(pk)
    assert ids.highlight_id(pk, field="id") == ids.highlight_id(f"highlight:{pk}", field="id") == HighlightId(pk)
    assert ids.item_id(pk, field="id") == ids.item_id(f"{pk}_787132", field="id") == ItemId(pk)


@pytest.mark.parametrize("text", ["12_", "12_abc", "12_34_56", "_34", "12_0", "12_34 56"])
def test_an_items_id_ends_with_a_users_id_or_not_at_all(text: str) -> None:
    refused(ids.item_id, text)


@pytest.mark.parametrize("text", ["reel:12", "highlight:", "highlight:highlight:12", "Highlight:12", "12:highlight"])
def test_a_highlights_id_has_one_prefix_at_most(text: str) -> None:
    refused(ids.highlight_id, text)


@given(NAMES)
def test_user_names_are_read_whatever_their_case_and_with_an_at_sign(name: str) -> None:
    for text in (name, name.upper(), f"@{name}", f"  {name} "):
        assert ids.username(text, field="username") == Username(name)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@",
        "@@natgeo",
        "nat geo",
        "nat-geo",
        "nat/geo",
        "n" * 31,
        "natg\u00e9o",
        "\u212aelvin",
        "nat\ngeo",
        "a?b=c",
        ".",
        "natgeo.",
        ".natgeo",
        "a..b",
    ],
)
def test_what_is_no_user_name_is_refused(text: str) -> None:
    """The Kelvin sign is among them: its lower case is a plain k, so it would be read as somebody else's name."""
    refused(ids.username, text)


@given(NAMES.filter(lambda name: name not in ids.PAGES | ids.PREFIXES))
def test_a_profile_link_names_its_user_however_it_is_written(name: str) -> None:
    for url in (
        f"https://www.instagram.com/{name}/",
        f"http://instagram.com/{name}?igsh=abc#top",
        f"m.instagram.com/{name.upper()}/tagged/",
        f" HTTPS://WWW.INSTAGRAM.COM/{name} ",
        f"https://www.instagram.com/stories/{name}/3812345678901234567/",
        f"https://instagram.com/_u/{name}",
        f"https://instagr.am/@{name}",
        f"https://www.instagram.com/_U/{name}/?hl=en",
        f"https://www.instagram.com/_u/stories/{name}/",
    ):
        assert ids.user_from_url(url, field="url") == Username(name)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://",
        "https://www.instagram.com",
        "https://www.instagram.com/",
        "https://www.instagram.com/p/C1234567890/",
        "https://www.instagram.com/Explore/",
        "https://www.instagram.com/stories/",
        "https://www.instagram.com/_u/",
        "https://www.instagram.com/_u/_u",
        "https://www.instagram.com/_u/legal/",
        "https://www.instagram.com/_u/p/C1234567890/",
        "https://www.instagram.com/stories/_u/",
        "https://www.instagram.com/legal/privacy/",
        "https://www.instagram.com/invites/contact/?i=abc",
        "https://www.instagram.com/Login/?next=/natgeo/",
        "https://www.instagram.com/accounts/login/?next=/natgeo/",
        "https://www.instagram.com/oauth/authorize?client_id=1",
        "https://www.instagram.com/popular/nature/",
        "https://www.instagram.com/j/AbC/",
        "https://www.instagram.com/robots.txt",
        "https://www.instagram.com/channel/AbC/",
        "https://www.instagram.com/audio/12/",
        "https://www.instagram.com/./",
        "https://www.instagram.com/natgeo.",
        "instagram://user?username=natgeo",
        "https://www.instagram.com/stories/highlights/17983616051768088/",
        "https://www.instagram.com/nat%20geo/",
        "https://www.instagram.com/nat%2Fgeo/",
        "https://example.com/natgeo/",
        "https://instagram.com.evil.example/natgeo/",
        "https://www.instagram.com@evil.example/natgeo/",
        "https://evil.example/https://www.instagram.com/natgeo/",
        "ftp://www.instagram.com/natgeo/",
        "javascript://www.instagram.com/natgeo",
        "https://[::1/natgeo/",
        "https://www.instagram.com:port\u2100/natgeo/",
        "\x00" * 50,
        "https://www.instagram.com/" + "a" * 100_000,
    ],
)
def test_what_links_to_no_user_is_refused(url: str) -> None:
    refused(ids.user_from_url, url)


@pytest.mark.parametrize(
    "url",
    [
        "https://www.instagram.com/_u/stories/highlights/17983616051768088/",
        "https://www.instagram.com/Stories/Highlights/17983616051768088",
        "https://instagr.am/stories/highlights/17983616051768088/?hl=en",
    ],
)
def test_a_highlights_link_is_read_however_it_is_opened(url: str) -> None:
    assert ids.highlight_from_url(url, field="url") == "17983616051768088"


@given(PKS)
def test_a_highlights_link_and_its_share_link_lead_back_to_it(pk: str) -> None:
    shared = share_link(f"highlight:{pk}")
    for url in (ids.highlight_url(pk), ids.highlight_url(pk) + "?hl=en", ids.share_url(pk), shared):
        assert ids.highlight_from_url(url, field="url") == pk
        assert ids.highlight_key({"url": url}, field="by") == HighlightId(pk)


def share_link(text: str) -> str:
    code = base64.urlsafe_b64encode(text.encode()).decode()
    return f"https://www.instagram.com/s/{code.rstrip('=')}?story_media_id=3812345678901234567_1&igsh=x"


@pytest.mark.parametrize(
    "url",
    [
        "https://www.instagram.com/stories/highlights/",
        "https://www.instagram.com/stories/highlights/abc/",
        f"https://www.instagram.com/stories/highlights/{LARGEST + 1}/",
        "https://www.instagram.com/stories/highlights/17983616051768088/more/",
        "https://www.instagram.com/stories/natgeo/17983616051768088/",
        "https://www.instagram.com/natgeo/",
        "https://www.instagram.com/s/",
        "https://www.instagram.com/s/!!!!/",
        "https://www.instagram.com/s/A/",
        "https://www.instagram.com/s/\u00e9\u00e9\u00e9\u00e9/",
        share_link("reel:17983616051768088"),
        share_link("highlight:abc"),
        share_link("highlight:17983616051768088 "),
        share_link(f"highlight:{LARGEST + 1}"),
        share_link("17983616051768088"),
        share_link("highlight:1").replace("instagram.com", "example.com"),
    ],
)
def test_what_links_to_no_highlight_is_refused(url: str) -> None:
    refused(ids.highlight_from_url, url)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing but InvalidInput comes out, whatever goes in."""
    for parse in (
        ids.user_id,
        ids.username,
        ids.highlight_id,
        ids.item_id,
        ids.user_from_url,
        ids.highlight_from_url,
        lambda path, field: ids.user_from_url(f"https://www.instagram.com/{path}", field=field),
        lambda code, field: ids.highlight_from_url(f"https://www.instagram.com/s/{code}", field=field),
    ):
        try:
            parse(text, field="by.here")
        except InvalidInput as refusal:
            assert refusal.extensions["field"] == "by.here"  # noqa: PT017 (it need not be refused)


def test_a_key_says_which_of_its_fields_is_wrong() -> None:
    for name in ("id", "username", "url"):
        with pytest.raises(InvalidInput) as refusal:
            ids.user_key({name: "?"}, field="by[3]")
        assert refusal.value.extensions["field"] == f"by[3].{name}"
    for name in ("id", "url"):
        with pytest.raises(InvalidInput) as refusal:
            ids.highlight_key({name: "?"}, field="by")
        assert refusal.value.extensions["field"] == f"by.{name}"


@pytest.mark.parametrize("parse", [ids.user_key, ids.highlight_key])
def test_a_key_that_names_nothing_is_refused(parse: Callable[..., object]) -> None:
    refused(parse, {})


@given(st.integers(0, LARGEST))
def test_a_code_is_the_pk_in_base64url_digits(pk: int) -> None:
    """Checked against the standard library's alphabet: a whole number of 6-bit digits, without leading zeros."""
    decoded = base64.urlsafe_b64decode(ids.code_of(pk).rjust(12, "A"))
    assert int.from_bytes(decoded, "big") == pk
    assert not ids.code_of(pk).startswith("A") or pk == 0


NO_IDS: tuple[object, ...] = (None, True, 1.5, float("inf"), float("nan"), [], {}, b"1")


@pytest.mark.parametrize(
    ("given_", "read"),
    [
        *[
            ("787132", "787132"),
            (787132, "787132"),
            (787132.0, "787132"),
            ("", ""),
            (-1, "-1"),
            (10**60, "1" + "0" * 60),
        ],
        *[(value, None) for value in NO_IDS],
    ],
)
def test_a_reference_names_its_entity_by_text_or_by_a_whole_number(given_: object, read: str | None) -> None:
    assert ids.reference_id(given_) == read


def test_a_link_of_many_parts_is_refused_by_its_length() -> None:
    """Each prefix that is passed over was a copy of all that follow it, for each of a thousand links."""
    name = "natgeo".ljust(30, "x")
    assert ids.user_from_url(f"https://www.instagram.com/_u/{name}?{'a' * 1_500}", field="url") == Username(name)
    for path in ("_u/" * 80 + name, "%41" * 80, "a/" * 200):
        with pytest.raises(InvalidInput, match="200 characters"):
            ids.user_from_url(f"https://www.instagram.com/{path}", field="url")
