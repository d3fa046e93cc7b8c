"""The posts of all public lists by hashtag, place and tagged user; collected at the first use."""

from __future__ import annotations

from collections import defaultdict
from functools import cache, lru_cache
from typing import NamedTuple

from gateway.sandbox.deterministic_random import Dice, mixed
from gateway.sandbox.extent import POPULATION, PRIVATE_SHARE
from gateway.sandbox.fixture_users import CAST
from gateway.sandbox.listing import entry_at, post_count

Key = tuple[int, int]  # the index of a user, and the number of a post in its list
OUT_OF_ORDER = 7  # of so many posts of a hashtag, two have changed places
LISTED = 600  # posts of a list are in other lists too


class Catalogue(NamedTuple):
    """The posts by hashtag, place and tagged user, newest first."""

    tags: dict[int, tuple[Key, ...]]
    places: dict[int, tuple[Key, ...]]
    people: dict[int, tuple[Key, ...]]


def with_tag(number: int) -> tuple[Key, ...]:
    return _catalogue().tags.get(number, ())


@lru_cache(maxsize=64)
def recent_with_tag(number: int) -> tuple[Key, ...]:
    """Return the posts from the newest one, but not strictly: now and then two have changed places."""
    posts = list(with_tag(number))
    for position in range(2, len(posts) - 1, OUT_OF_ORDER):
        posts[position : position + 2] = posts[position + 1], posts[position]
    return tuple(posts)


@lru_cache(maxsize=64)
def best_with_tag(number: int) -> tuple[Key, ...]:
    return _ranked(with_tag(number))


@lru_cache(maxsize=64)
def best_at_place(number: int) -> tuple[Key, ...]:
    return _ranked(at_place(number))


def at_place(number: int) -> tuple[Key, ...]:
    return _catalogue().places.get(number, ())


def tagged(user: int) -> tuple[Key, ...]:
    return _catalogue().people.get(user, ())


def is_private(user: int) -> bool:
    """Return whether the user of this index is private, without drawing the rest of it."""
    return CAST[user].is_private if user < len(CAST) else Dice("user", user).chance(PRIVATE_SHARE)


def _ranked(posts: tuple[Key, ...]) -> tuple[Key, ...]:
    """Return the posts in an order that looks like a ranking."""
    return tuple(sorted(posts, key=lambda key: mixed(key[0] << 21 | key[1])))


@cache
def _catalogue() -> Catalogue:
    tags, places, people = (defaultdict[int, list[tuple[int, Key]]](list) for _ in range(3))
    for user in (index for index in range(POPULATION) if not is_private(index)):
        for number in range(min(post_count(user), LISTED)):
            entry = entry_at(user, number)
            dated = (-entry.taken_at, (user, number))
            for tag in entry.tags:
                tags[tag].append(dated)
            if entry.place is not None:
                places[entry.place].append(dated)
            for person in entry.people:
                people[person].append(dated)
    return Catalogue(_sorted(tags), _sorted(places), _sorted(people))


def _sorted(found: dict[int, list[tuple[int, Key]]]) -> dict[int, tuple[Key, ...]]:
    return {number: tuple(key for _, key in sorted(dated)) for number, dated in found.items()}
