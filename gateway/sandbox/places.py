"""The endpoints of places: one by id, its posts, and the search by coordinates and by name."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from gateway.sandbox import catalogue
from gateway.sandbox.answers import Answers, Question, encode, number_in
from gateway.sandbox.attachments import place, place_pk
from gateway.sandbox.catalogue import Key
from gateway.sandbox.cursors import Listing, page_of
from gateway.sandbox.deterministic_random import mixed
from gateway.sandbox.entities import Post
from gateway.sandbox.feed import listed_post
from gateway.sandbox.listing import PLACES
from gateway.sandbox.posts import PostWire, category_of, located, wire_of
from gateway.sandbox.raw_answers import encode_raw
from gateway.sandbox.raw_posts import raw_location
from gateway.sandbox.replies import ReadError, refusal

Json = dict[str, Any]
PAGE = (18, 24)
LONG, REACH = 1_000, 200  # posts: a list of more ends after those of REACH
NEAR = 0.5  # degrees, about 50 km


def by_id(answers: Answers, question: Question) -> bytes:
    number = _number(question, "id")
    known = place(number)
    return encode(
        {
            "pk": known["pk"],
            "name": known["name"],
            "lat": known["lat"],
            "lng": known["lng"],
            "category": category_of(number),
            "description": f"{known['name']}, {known['city']}" if number % 2 else None,
            "address": known["address"],
            "city": known["city"],
            "zip": known["zip"],
            "phone": "",
            "website": "",
        }
    )


def near(answers: Answers, question: Question) -> bytes:
    """Return the places near the coordinates, the nearest first."""
    latitude = _degrees(question.value, "lat", 90)
    longitude = _degrees(question.other, "lng", 180)
    distances = {number: math.hypot(latitude - known[1], longitude - known[2]) for number, known in enumerate(PLACES)}
    found = sorted((number for number in distances if distances[number] < NEAR), key=distances.__getitem__)
    return encode([located(number) for number in found])


def search(answers: Answers, question: Question) -> bytes:
    """Return the places whose names or cities contain the query."""
    words = question.value.lower().strip()
    if not words:
        raise ReadError(refusal(400, "query must not be empty"))
    found = [number for number, (name, _, _, city) in enumerate(PLACES) if words in f"{name} {city}".lower()]
    items = [
        {"location": raw_location(located(number)), "title": PLACES[number][0], "subtitle": PLACES[number][3]}
        for number in found
    ]
    return encode_raw({"items": items, "has_more": False, "rank_token": f"{len(items):08x}", "status": "ok"}, question)


def recent_chunk(answers: Answers, question: Question) -> bytes:
    return _chunk(answers, question, catalogue.at_place)


def top_chunk(answers: Answers, question: Question) -> bytes:
    return _chunk(answers, question, catalogue.best_at_place)


def _chunk(answers: Answers, question: Question, order: Callable[[int], tuple[Key, ...]]) -> bytes:
    number = _number(question, "location_pk")
    keys = order(number)
    listing = Listing(str(place_pk(number)), len(keys), PAGE, REACH if len(keys) > LONG else None)
    page = page_of(answers, question, listing)
    wire = wire_of(answers)
    chosen = (keys[position] for position in page.positions)
    posts = [_untold(wire, listed_post(answers.world.user(index), number)) for index, number in chosen]
    return encode([posts, page.cursor])


def _untold(wire: PostWire, post: Post) -> Json:
    """Return the post as the lists of a place have it: without plays, and a third of them without the other counts."""
    flat = wire.media(post) | {"play_count": 0}
    return flat | {"like_count": 0, "comment_count": 0} if mixed(post.pk + 3) % 3 == 0 else flat


def _number(question: Question, noun: str) -> int:
    """Return the number of the place of this pk. Raises ReadError."""
    pk = number_in(question.value, noun)
    number = next((number for number in range(len(PLACES)) if place_pk(number) == pk), None)
    if number is None:
        raise ReadError(refusal(404, "Location not found", "LocationNotFound"))
    return number


def _degrees(text: str, noun: str, most: int) -> float:
    try:
        degrees = float(text)
    except ValueError as exc:
        raise ReadError(refusal(400, f"{noun} must be a number")) from exc
    if not -most <= degrees <= most:
        raise ReadError(refusal(400, f"{noun} must be between -{most} and {most}"))
    return degrees
