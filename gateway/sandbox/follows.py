"""The pairs of a follower and a followed user: one set, read from both ends, and drawn at the first use."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import NamedTuple

from gateway.sandbox.deterministic_random import Dice, mixed, of_the_first
from gateway.sandbox.extent import POPULATION
from gateway.sandbox.fixture_users import SIZES, UNFOLLOWED

# Each row: cumulative share of 256 of the users, minimum, maximum.
FOLLOWING_COUNTS = ((12, 0, 0), (160, 5, 25), (244, 26, 80), (256, 81, 250))


class Pairs(NamedTuple):
    """The indices of those whom each user follows, and of those who follow it, by its index."""

    following: tuple[tuple[int, ...], ...]
    followers: tuple[tuple[int, ...], ...]


@lru_cache(maxsize=256)
def following(user: int) -> tuple[int, ...]:
    return _shuffled(user, _pairs().following[user])


@lru_cache(maxsize=256)
def followers(user: int) -> tuple[int, ...]:
    return _shuffled(user, _pairs().followers[user])


def counts(user: int) -> tuple[int, int]:
    """Return the numbers of followers and of followed that the profile states."""
    if user in SIZES and (claims := SIZES[user].claims):
        return claims
    return len(_pairs().followers[user]), len(_pairs().following[user])


def _shuffled(user: int, others: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(others, key=lambda other: mixed(user << 20 | other)))


@cache
def _pairs() -> Pairs:
    following = [_draw_following(user) for user in range(POPULATION)]
    followers: list[list[int]] = [[] for _ in range(POPULATION)]
    for user, others in enumerate(following):
        for other in others:
            followers[other].append(user)
    return Pairs(tuple(following), tuple(map(tuple, followers)))


def _draw_following(user: int) -> tuple[int, ...]:
    """Return those whom the user follows: the first users, among them the cast, are followed by the most."""
    count = SIZES[user].following if user in SIZES else _draw_count(user)
    fraction = Dice("following", user).fraction
    chosen: set[int] = set()
    while len(chosen) < count:
        other = of_the_first(int(fraction() * 0x10000), 16, POPULATION)
        if other != user and other not in UNFOLLOWED:
            chosen.add(other)
    return tuple(chosen)


def _draw_count(user: int) -> int:
    bits = mixed(3 << 40 | user)
    low, high = next((low, high) for limit, low, high in FOLLOWING_COUNTS if bits & 0xFF < limit)
    return low + ((bits >> 8 & 0xFFFF) * (high - low + 1) >> 16)
