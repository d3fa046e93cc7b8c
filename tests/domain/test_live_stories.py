"""When a live story ends."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.domain.live_stories import LiveStory, first_end

LAST = datetime(9999, 12, 31, 12, tzinfo=UTC)


def story(taken_at: datetime | None) -> LiveStory:
    return LiveStory("1", "1_1", taken_at=taken_at)


def test_a_story_ends_a_day_after_it_was_posted() -> None:
    assert story(datetime(2026, 3, 1, 7, tzinfo=UTC)).expires_at == datetime(2026, 3, 2, 7, tzinfo=UTC)


def test_a_story_that_would_end_after_the_year_9999_has_no_end() -> None:
    assert story(LAST).expires_at is None
    assert first_end([story(LAST), story(None)], 0) is None
    assert first_end([story(LAST), story(datetime(1970, 1, 1, tzinfo=UTC))], 0) == 86_400
