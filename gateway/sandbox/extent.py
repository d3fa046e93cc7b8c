"""The extent of the sandbox's data: how many users there are, and the time in which they post."""

from __future__ import annotations

EPOCH = 1_773_532_800  # 2026-03-15T00:00:00Z, just after the newest recorded item
POPULATION = 1_000
PRIVATE_SHARE = 0.06  # of the users
HOUR = 3_600
DAY = 86_400
FEED_SPAN = 900 * DAY  # before EPOCH: the time of the posts
