"""A token stands for what the gateway put into it, until it expires, and for nothing else."""

from __future__ import annotations

import base64
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.ids import ALPHABET
from gateway.media_proxy.links import Links
from gateway.media_proxy.ranges import ByteRange, is_valid_content_range
from gateway.media_proxy.signed_urls import (
    LONGEST_REFERENCE,
    LONGEST_URL,
    MediaClaims,
    TokenExpired,
    TokenInvalid,
    UrlSigner,
)
from tests.fakes.clock import EPOCH, ManualClock

TOKENS = UrlSigner(b"a secret of the gateway")
URL = (
    "https://scontent-dfw5-1.cdninstagram.com/v/t51.71878-15/503087621_17922938481078253_6838262374698574329_n.jpg"
    "?stp=dst-jpg_e15_tt6&_nc_cat=110&ccb=7-5&_nc_sid=18de74&_nc_ohc=Zz8l2kQ7J6YQ7kNvwF0eXyA&_nc_zt=23"
    "&_nc_ht=scontent-dfw5-1.cdninstagram.com&oh=00_AfJxwqvH8YpJ3aVqv0cHqQKq&oe=69B3F2F0"
)
CLAIM = MediaClaims(URL, "item:3850291845212345678", int(EPOCH) + 100)
TOKEN = TOKENS.sign(CLAIM)


@given(
    st.builds(
        MediaClaims,
        st.text(alphabet=string.printable, max_size=LONGEST_URL),
        st.text(alphabet=string.ascii_letters + string.digits + ":", max_size=LONGEST_REFERENCE),
        st.integers(1, 2**40 - 1),
    )
)
def test_what_is_sealed_is_what_is_opened(claim: MediaClaims) -> None:
    assert TOKENS.open(TOKENS.sign(claim), claim.expires - 1) == claim


def test_a_token_fits_into_a_path_and_is_no_longer_than_its_url() -> None:
    assert set(TOKEN) <= set(ALPHABET)
    assert len(TOKEN) < len(URL)


def test_the_same_url_has_the_same_token() -> None:
    """So that browsers and answers' caches know it again."""
    assert TOKENS.sign(CLAIM) == TOKEN


def test_a_token_dies_with_its_url() -> None:
    TOKENS.open(TOKEN, CLAIM.expires - 0.001)
    with pytest.raises(TokenExpired):
        TOKENS.open(TOKEN, CLAIM.expires)


@pytest.mark.parametrize("at", range(0, len(TOKEN), 7))
def test_a_token_with_any_other_letter_in_it_is_refused(at: int) -> None:
    for letter in ALPHABET:
        if letter != TOKEN[at]:
            with pytest.raises(TokenInvalid):
                TOKENS.open(TOKEN[:at] + letter + TOKEN[at + 1 :], EPOCH)


def test_a_token_has_one_spelling() -> None:
    """Decoders overlook the last bits, the padding, and the other alphabet."""
    others = [TOKEN + "=", TOKEN + "A", TOKEN[:-1], " " + TOKEN, TOKEN.replace("-", "+"), TOKEN.replace("_", "/")]
    others += [TOKEN[:-1] + letter for letter in ALPHABET if letter != TOKEN[-1]]
    for other in set(others) - {TOKEN}:
        with pytest.raises(TokenInvalid):
            TOKENS.open(other, EPOCH)


@given(st.text(max_size=200) | st.binary(max_size=300).map(lambda data: base64.urlsafe_b64encode(data).decode()))
def test_nothing_that_was_made_elsewhere_is_a_token(text: str) -> None:
    with pytest.raises(TokenInvalid):
        TOKENS.open(text, EPOCH)


def test_a_token_of_another_gateway_is_refused() -> None:
    with pytest.raises(TokenInvalid):
        UrlSigner(b"another secret").open(TOKEN, EPOCH)


def test_what_is_too_long_for_a_token_is_not_sealed() -> None:
    with pytest.raises(ValueError, match="too long"):
        TOKENS.sign(MediaClaims("x" * (LONGEST_URL + 1), "", 1))
    with pytest.raises(ValueError, match="too long"):
        TOKENS.sign(MediaClaims(URL, "x" * (LONGEST_REFERENCE + 1), 1))
    with pytest.raises(TokenInvalid):
        TOKENS.open("A" * 100_000, EPOCH)


def test_a_link_expires_when_its_url_says_so() -> None:
    clock = ManualClock()
    links = Links(TOKENS, "https://gateway.test/", serves=lambda url: "cdninstagram" in url, clock=clock)
    link = links.link(URL, "item:1")
    assert TOKENS.open(link.removeprefix("https://gateway.test/media/"), EPOCH) == MediaClaims(
        URL, "item:1", 0x69B3F2F0
    )
    unsigned = links.link("https://scontent.cdninstagram.com/a.jpg", "item:1")
    assert TOKENS.open(unsigned.rpartition("/")[2], EPOCH).expires == int(EPOCH) + 86_400


def test_a_url_that_the_proxy_does_not_fetch_stays_as_it_is() -> None:
    links = Links(TOKENS, "https://gateway.test", serves=lambda url: "cdninstagram" in url, clock=ManualClock())
    for url in ("https://example.com/a.jpg", "https://scontent.cdninstagram.com/" + "a" * LONGEST_URL):
        assert links.link(url, "item:1") == url


ENDS = st.none() | st.integers(0, 30)


@given(first=ENDS, last=ENDS, length=st.integers(0, 25))
def test_a_range_is_the_bytes_that_a_slice_would_take(first: int | None, last: int | None, length: int) -> None:
    header = f"bytes={'' if first is None else first}-{'' if last is None else last}"
    part = ByteRange.of(header)
    if (first is None and last is None) or (first is not None and last is not None and last < first):
        assert part is None
        return
    assert part is not None
    assert str(part) == header
    content = bytes(range(length))
    expected = content[-last:] if first is None and last else content[first : None if last is None else last + 1]
    ends = part.within(length)
    if first is None and not last:
        expected = b""
    assert (b"" if ends is None else content[ends[0] : ends[1] + 1]) == expected


@pytest.mark.parametrize("header", [None, "", "bytes", "bytes=", "bytes=-", "bytes=a-b", "items=0-1", "bytes=0-1,3-4"])
def test_what_is_no_single_range_is_ignored(header: str | None) -> None:
    assert ByteRange.of(header) is None


@given(st.text(max_size=30))
def test_no_header_breaks_the_ranges(header: str) -> None:
    ByteRange.of(header)
    is_valid_content_range(header, 1)


@pytest.mark.parametrize(
    ("header", "length", "sense"),
    [
        ("bytes 0-4/10", 5, True),
        ("bytes 0-4/*", None, True),
        ("bytes 0-4/10", 6, False),
        ("bytes 4-0/10", None, False),
        ("bytes 0-10/10", None, False),
        ("0-4/10", 5, False),
    ],
)
def test_a_part_that_makes_no_sense_is_found_out(header: str, length: int | None, sense: bool) -> None:
    assert is_valid_content_range(header, length) is sense
