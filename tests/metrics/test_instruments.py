"""Instruments: how observations and states become samples."""

from __future__ import annotations

from prometheus_client import generate_latest

from gateway.metrics.families import ALLOWANCE_LEFT, LEDGER, OPERATION_DURATION
from gateway.metrics.instruments import Instruments
from tests.metrics.harness import Page


def page_of(instruments: Instruments) -> Page:
    return Page.of(generate_latest(instruments.registry).decode())


def test_many_observations_at_once_are_as_many_of_their_mean() -> None:
    at_once, one_by_one = Instruments(), Instruments()
    at_once.observe_many(OPERATION_DURATION, 4, 0.08, "query", "exact_match")
    at_once.observe(OPERATION_DURATION, 3, "query", "exact_match")
    for seconds in (0.02, 0.02, 0.02, 0.02, 3):
        one_by_one.observe(OPERATION_DURATION, seconds, "query", "exact_match")
    assert page_of(at_once).text == page_of(one_by_one).text
    buckets = page_of(at_once).values("operation_duration_seconds_bucket", type="query", source="exact_match")
    assert (buckets["0.01",], buckets["0.025",], buckets["+Inf",]) == (0, 4, 5)


def test_a_mean_at_the_bound_of_a_bucket_is_in_it_as_a_single_observation_is() -> None:
    instruments = Instruments()
    instruments.observe_many(OPERATION_DURATION, 2, 0.02, "query", "exact_match")
    assert (
        page_of(instruments).value("operation_duration_seconds_bucket", type="query", source="exact_match", le="0.01")
        == 2
    )


def test_a_gauge_without_a_value_is_not_there() -> None:
    """A 0 would say that the account is empty, and the ledger not writable."""
    instruments = Instruments()
    assert LEDGER.name not in page_of(instruments).metrics
    instruments.set(LEDGER, 1)
    instruments.set(ALLOWANCE_LEFT, 3, "web", "day")
    assert page_of(instruments).value("ledger_writable") == 1
    assert page_of(instruments).values("allowance_remaining_requests") == {("web", "day"): 3}
