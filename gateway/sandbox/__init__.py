"""The embedded sandbox: an app that implements the read API, with data, prices, signed URLs and fault injection.

It serves for trying the gateway without a key, and for testing all documented failures of the upstream. Objects created
in its write API, `publishing`, are visible in its read API.

    app             the Starlette app; `Sandbox` is its state for tests
    read_endpoint   handler of an endpoint: key, rate limit, balance, work, billing, faults
    endpoints       the endpoints with their prices
    answers         responses of the endpoints; those of posts are in `posts`, those of lists in `feeds`, `people`,
                    `comments`, `hashtags` and `places`
    cursors         pages of long lists, and what leads from one to the next
    raw             users in the platform's own form, with `raw_posts` and `raw_answers`
    replies         replies and error bodies
    world           users, highlights and items, generated from their numbers, with the posts of `feed`
    listing         what the list of a user's posts holds; `catalogue` collects it by hashtag, place and tagged user
    follows         who follows whom; `threads` has who says what about a post
    fixture_users   users that tests may name
    wire            entities as JSON, with `attachments`
    recorded        the vendor's own responses
    cdn             signed URLs, with `pictures` and `uploaded_media`
    control         faults and meter over HTTP
    scheduler       timed actions; `clocks` has a clock that can be advanced
    publishing      the write API
"""

from __future__ import annotations

from gateway.sandbox.app import Sandbox, create_sandbox, pictures_of
from gateway.sandbox.clocks import MovableClock
from gateway.sandbox.connection import ConnectionDropped
from gateway.sandbox.control import Control

__all__ = ["ConnectionDropped", "Control", "MovableClock", "Sandbox", "create_sandbox", "pictures_of"]
