"""Names of hashtags as clients write them, and the counts that the platform gives."""

from __future__ import annotations

import unicodedata

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.hashtags import MOST_COUNTED, Hashtag, HashtagName, hashtag_key, hashtag_name, names_in
from gateway.errors import InvalidInput
from gateway.reads.facts import EntityType, entity_of_node

ACCEPTED = {
    "love": "love",
    "#love": "love",
    "hashtag:love": "love",
    "hashtag:#love": "love",
    "  #Love\n": "love",
    "LOVE": "love",
    "\u00c4PFEL": "\u00e4pfel",
    "A\u0308pfel": "\u00e4pfel",  # composed before it is compared
    "stra\u00dfe": "stra\u00dfe",
    "\u6d77": "\u6d77",
    "\u043c\u043e\u0440\u0435": "\u043c\u043e\u0440\u0435",
    "\u0628\u062d\u0631": "\u0628\u062d\u0631",
    "2024": "2024",
    "_love": "_love",
    "a_b": "a_b",
    "a" * 100: "a" * 100,
}
# Vowels of these scripts are marks, not letters of their own.
WITH_MARKS = [
    "\u0939\u093f\u0928\u094d\u0926\u0940",  # Hindi
    "\u0e17\u0e35\u0e48\u0e19\u0e35\u0e48",  # Thai
    "\u09ac\u09be\u0982\u09b2\u09be",  # Bengali
    "\u0ba4\u0bae\u0bbf\u0bb4\u0bcd",  # Tamil
]
REFUSED = [
    "",
    " ",
    "#",
    "##love",
    "hashtag:",
    "hashtag:hashtag:love",
    "love_",
    "love__",
    "_",
    "love.",
    "a.b",
    "a-b",
    "a b",
    "a\tb",
    "a\x00",
    "a\u200bb",
    "a" * 101,
    "#" + "a" * 101,
    "a" * 100_000,
    "love?x=1",
    "../love",
    "love/",
    "\u0301",
    "location:1",
]


@pytest.mark.parametrize("text", ACCEPTED)
def test_a_name_is_composed_and_in_lower_case_without_its_sign(text: str) -> None:
    assert hashtag_name(text, field="by") == HashtagName(ACCEPTED[text])
    assert names_in(text) == (ACCEPTED[text],)


@pytest.mark.parametrize("text", WITH_MARKS)
def test_a_name_may_have_the_vowel_signs_of_its_script(text: str) -> None:
    assert hashtag_name(f"#{text}", field="by").pk == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_name_is_refused_and_the_field_named(text: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        hashtag_name(text, field="by.here")
    assert refusal.value.extensions["field"] == "by.here"
    assert refusal.value.message.startswith("by.here must be a hashtag")
    assert len(refusal.value.message) < 200
    assert names_in(text) == ()


@pytest.mark.parametrize("text", ["\U0001f30a", "love\u2764\ufe0f", "\U0001f1e9\U0001f1ea"])
def test_an_emoji_is_no_letter(text: str) -> None:
    with pytest.raises(InvalidInput):
        hashtag_name(text, field="by")


@given(st.text(max_size=20))
def test_a_name_names_itself(text: str) -> None:
    """So does its id: `node` and the fields of a search lead to the same entry of the cache."""
    for name in names_in(text):
        assert hashtag_name(name, field="by") == HashtagName(name)
        assert hashtag_key({"id": f"hashtag:{name}"}, field="by") == HashtagName(name)
        assert entity_of_node(f"hashtag:{name}") is EntityType.HASHTAG
        assert 1 <= len(name) <= 100
        assert name.isprintable()


def test_a_sentence_names_it() -> None:
    assert HashtagName("love").subject == "hashtag 'love'"


@pytest.mark.parametrize(
    ("count", "is_lower_bound"),
    [(0, False), (1, False), (MOST_COUNTED - 1, False), (MOST_COUNTED, True), (MOST_COUNTED + 1, True), (None, None)],
)
def test_the_platform_counts_to_a_limit(count: int | None, is_lower_bound: bool | None) -> None:
    body = msgspec.json.encode({"id": "17", "name": "love", "media_count": count})
    found = msgspec.json.decode(body, type=Hashtag)
    assert (found.media_count, found.is_media_count_lower_bound) == (count, is_lower_bound)


def test_the_limit_is_the_platform_s() -> None:
    assert MOST_COUNTED == 2_147_483_647


@pytest.mark.parametrize(("number", "pk"), [("17843", "17843"), (2**63, str(2**63)), (None, None)])
def test_the_number_is_a_text(number: object, pk: str | None) -> None:
    found = msgspec.json.decode(msgspec.json.encode({"name": "Love", "id": number}), type=Hashtag)
    assert (found.pk, found.id) == (pk, "hashtag:Love")
