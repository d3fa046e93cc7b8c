"""Comments and the keys of their replies; the history of an account."""

from __future__ import annotations

import msgspec
import pytest

from gateway.domain.account_history import AccountHistory
from gateway.domain.comments import Comment, CommentId
from gateway.domain.partial import WHOLE, lost
from gateway.upstream.client.decoding import lenient


def comment(**fields: object) -> Comment:
    return msgspec.json.decode(msgspec.json.encode({"pk": "21", "text": "hi"} | fields), type=Comment)


@pytest.mark.parametrize("pk", ["21", 21])
def test_the_key_of_replies_has_both_numbers(pk: object) -> None:
    found = comment(pk=pk, media_id="11")
    assert (found.id, found.key) == ("21", CommentId("11 21"))


def test_a_comment_that_does_not_name_its_post_has_no_key() -> None:
    assert comment().key is None
    assert comment(media_id=None).key is None


def test_a_sentence_names_the_comment_alone() -> None:
    assert CommentId("11 21").subject == "comment '21'"


def test_numbers_of_64_bits_stay_exact() -> None:
    assert comment(pk=2**63 + 1, media_id=str(2**63 + 3)).key == CommentId(f"{2**63 + 3} {2**63 + 1}")


def test_a_key_that_cannot_be_read_is_lost() -> None:
    body = msgspec.json.encode({"pk": "21", "media_id": []})
    found, _ = lenient(Comment, body, shortens=True, by_part=False)
    assert (found.key, lost(found, "key")) == (None, WHOLE)


def history(**fields: object) -> AccountHistory:
    return msgspec.json.decode(msgspec.json.encode(fields), type=AccountHistory)


@pytest.mark.parametrize(
    ("sent", "names"),
    [
        (["ann", "bob"], ("ann", "bob")),
        ([], ()),
        ("3", ("3",)),
        ("", ("",)),
        (None, None),
    ],
)
def test_former_names_are_a_text_or_a_list(sent: object, names: tuple[str, ...] | None) -> None:
    found = history(country="Peru", date="May 2011", former_usernames=sent)
    assert found == AccountHistory("Peru", "May 2011", tuple(sent) if isinstance(sent, list) else sent)  # type: ignore[arg-type]
    assert found.former_usernames == names


def test_a_history_of_nothing_has_nothing() -> None:
    found = history()
    assert (found.id, found.country, found.joined_on, found.former_usernames) == ("history", None, None, None)


@pytest.mark.parametrize("sent", [{"a": 1}, True])
def test_former_names_of_another_form_are_lost(sent: object) -> None:
    found, _ = lenient(AccountHistory, msgspec.json.encode({"former_usernames": sent}), shortens=True, by_part=False)
    assert (found.former_usernames, lost(found, "former_usernames")) == (None, WHOLE)
