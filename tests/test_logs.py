"""Events as log lines."""

from __future__ import annotations

import logging

import pytest

from gateway.events import (
    CircuitBreakerStateChanged,
    InternalErrorMasked,
    LedgerAvailabilityChanged,
    UpstreamAttempt,
    WorkflowStoreAvailabilityChanged,
    fan_out,
    ignore,
)
from gateway.logs import log

ATTEMPT = UpstreamAttempt("tray", 1, 200, 2, 0.25)


@pytest.fixture(autouse=True)
def everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "gateway")


def test_an_event_is_one_line_of_names_and_values(caplog: pytest.LogCaptureFixture) -> None:
    log(ATTEMPT)
    assert caplog.messages == ["UpstreamAttempt endpoint=tray attempt=1 status=200 charged=2 seconds=0.25 error=None"]


def test_calls_are_for_those_who_look_closely_and_trouble_is_for_everybody(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "gateway")
    log(ATTEMPT)
    log(CircuitBreakerStateChanged("opened"))
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "CircuitBreakerStateChanged state=opened upstream=reading")
    ]


def test_of_an_outage_its_begin_and_its_end_are_told(caplog: pytest.LogCaptureFixture) -> None:
    for state, is_news in (("opened", True), ("half-opened", False), ("opened", False), ("closed", True)):
        log(CircuitBreakerStateChanged(state, is_news=is_news))
    assert [record.levelname for record in caplog.records] == ["WARNING", "DEBUG", "DEBUG", "INFO"]


def test_a_bug_is_logged_with_its_id_and_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    bug = ValueError("what nobody else may see")
    log(InternalErrorMasked("abc", bug))
    (record,) = caplog.records
    assert record.getMessage() == "InternalErrorMasked id=abc"
    assert record.exc_info is not None
    assert record.exc_info[1] is bug


def test_one_hook_may_be_many_and_all_hear_in_order() -> None:
    heard = list[str]()
    hook = fan_out([lambda event: heard.append("first"), ignore, lambda event: heard.append("second")])
    hook(ATTEMPT)
    assert heard == ["first", "second"]


def test_to_lose_a_store_is_an_error_and_to_have_it_is_none(caplog: pytest.LogCaptureFixture) -> None:
    """The store of the flows is told of at each start."""
    for event in (
        WorkflowStoreAvailabilityChanged(True),
        WorkflowStoreAvailabilityChanged(False),
        LedgerAvailabilityChanged(False),
        LedgerAvailabilityChanged(True),
    ):
        log(event)
    assert [record.levelname for record in caplog.records] == ["INFO", "ERROR", "ERROR", "INFO"]
