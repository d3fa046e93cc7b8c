"""The endpoints of people: who follows a user and whom it follows, what is public about it, and the search by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.sandbox import follows, names
from gateway.sandbox.answers import Answers, Question, encode, is_hidden, refuse_private
from gateway.sandbox.cursors import Listing, page_of
from gateway.sandbox.deterministic_random import Dice
from gateway.sandbox.entities import User
from gateway.sandbox.raw import RawUsers
from gateway.sandbox.raw_answers import encode_raw
from gateway.sandbox.replies import ReadError, refusal

Json = dict[str, Any]
Others = Callable[[int], tuple[int, ...]]
PAGE = (15, 25)
SEARCHED = (18, 20)
MOST_FOUND = 200  # accounts: the search ends
LONG = 10_000  # followers: of more, the platform shows no more than the first page
MONTHS = ("January", "March", "April", "June", "August", "October", "December")


def followers(answers: Answers, question: Question) -> bytes:
    return _page(answers, question, follows.followers)


def following(answers: Answers, question: Question) -> bytes:
    return _page(answers, question, follows.following)


def followers_chunk(answers: Answers, question: Question) -> bytes:
    """Return a page of followers in the flat form, `[UserShort[], cursor]`."""
    return _chunk(answers, question, follows.followers)


def following_chunk(answers: Answers, question: Question) -> bytes:
    return _chunk(answers, question, follows.following)


def search_followers(answers: Answers, question: Question) -> bytes:
    return _search(answers, question, follows.followers)


def search_following(answers: Answers, question: Question) -> bytes:
    return _search(answers, question, follows.following)


def about(answers: Answers, question: Question) -> bytes:
    """Return what the platform tells about the account itself; of a private one, too."""
    user = answers.user_by_id(question.value)
    dice = Dice("about", user.index)
    number = 0 if user.is_verified else dice.below(3)
    former = [f"{user.username}.{dice.between(1, 99)}" for _ in range(number)]
    return encode(
        {
            "username": user.username,
            "is_verified": user.is_verified,
            "country": names.COUNTRIES[user.index % len(names.COUNTRIES)],
            "date": f"{dice.pick(MONTHS)} {dice.between(2011, 2023)}",
            "former_usernames": former,
        }
    )


def accounts(answers: Answers, question: Question) -> bytes:
    """Return a page of the accounts whose names contain the query; the envelope has no `response`."""
    words = _words(question.value)
    found = answers.world.named(words)[:MOST_FOUND]
    page = page_of(answers, question, Listing(words, len(found), SEARCHED))
    raw = _raw(answers)
    users = [_found(raw, answers.world.user(found[position])) for position in page.positions]
    body = {
        "users": users,
        "num_results": len(users),
        "has_more": page.has_more,
        "page_token": page.cursor,
        "rank_token": f"{answers.moment().now}_{len(found):08x}",
        "status": "ok",
    }
    return encode_raw(body, question)


def _page(answers: Answers, question: Question, others: Others) -> bytes:
    user = answers.user_by_id(question.value)
    refuse_private(user)
    indices = others(user.index)
    page = page_of(answers, question, _listing(user, indices, others))
    raw = _raw(answers)
    users = [raw.user(answers.world.user(indices[position])) for position in page.positions]
    response = {
        "users": users,
        "big_list": page.has_more,
        "page_size": PAGE[1],
        "next_max_id": str(page.positions.stop) if page.has_more else None,
        "has_more": page.has_more,
        "should_limit_list_of_followers": False,
        "status": "ok",
    }
    return encode_raw({"response": response, "next_page_id": page.cursor}, question)


def _chunk(answers: Answers, question: Question, others: Others) -> bytes:
    user = answers.user_by_id(question.value)
    refuse_private(user)
    indices = others(user.index)
    page = page_of(answers, question, _listing(user, indices, others))
    now = answers.moment().now
    users = [answers.wire.user_short(answers.world.user(indices[position]), now) for position in page.positions]
    return encode([[_without_large_picture(each) for each in users], page.cursor])


def _listing(user: User, indices: tuple[int, ...], others: Others) -> Listing:
    """Return the list, of which the platform shows the first page only if there are very many followers."""
    is_long = others is follows.followers and follows.counts(user.index)[0] > LONG
    return Listing(str(user.pk), len(indices), PAGE, reach=PAGE[0] if is_long else None)


def _search(answers: Answers, question: Question, others: Others) -> bytes:
    user = answers.user_by_id(question.value)
    words = _words(question.other)
    if is_hidden(user, force=question.force):
        return b"[]"
    named = frozenset(answers.world.named(words))
    found = [answers.world.user(index) for index in others(user.index) if index in named]
    now = answers.moment().now
    return encode([_without_large_picture(answers.wire.user_short(each, now)) for each in found])


def _words(query: str) -> str:
    words = " ".join(query.lower().split())
    if not words:
        raise ReadError(refusal(400, "query must not be empty"))
    return words


def _raw(answers: Answers) -> RawUsers:
    return RawUsers(answers.world, answers.wire, answers.moment().now)


def _without_large_picture(short: Json) -> Json:
    """Return the summary of a user as the lists of people have it."""
    return {name: value for name, value in short.items() if name != "profile_pic_url_hd"}


def _found(raw: RawUsers, user: User) -> Json:
    """Return an account that was found, with the rounded number of its followers as a text."""
    count, _ = follows.counts(user.index)
    return raw.user(user) | {"social_context": f"{_rounded(count)} followers", "search_social_context": None}


def _rounded(count: int) -> str:
    if count >= 1_000_000:
        return f"{count // 1_000_000}M"
    return f"{count // 1_000}K" if count >= 1_000 else str(count)
