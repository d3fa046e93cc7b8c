"""The calendar windows, against the calendar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.window import Window

MOMENTS = st.floats(0, 4_000_000_000, allow_nan=False)
LENGTHS = {
    Window.MINUTE: timedelta(minutes=1),
    Window.HOUR: timedelta(hours=1),
    Window.DAY: timedelta(days=1),
}


@given(st.sampled_from(Window), MOMENTS)
def test_a_moment_lies_in_its_window_and_the_next_window_begins_where_this_one_ends(window: Window, now: float) -> None:
    start, end = window.bounds(now)
    assert start <= now < end
    assert window.bounds(start) == (start, end)
    assert window.bounds(end)[0] == end


@given(st.sampled_from(Window), MOMENTS)
def test_windows_begin_and_end_on_the_calendar_of_utc(window: Window, now: float) -> None:
    start, end = (datetime.fromtimestamp(moment, UTC) for moment in window.bounds(now))
    assert start.second == end.second == 0
    if window is Window.MONTH:
        assert (start.day, start.hour, start.minute) == (end.day, end.hour, end.minute) == (1, 0, 0)
        assert timedelta(days=28) <= end - start <= timedelta(days=31)
    else:
        assert end - start == LENGTHS[window]
