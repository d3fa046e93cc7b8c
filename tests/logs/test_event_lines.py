"""Events as lines of the log: their levels and fields."""

from __future__ import annotations

import dataclasses
import importlib
import logging
import pkgutil

import pytest

import gateway
from gateway.events import (
    CircuitBreakerStateChanged,
    Event,
    InternalErrorMasked,
    LedgerAvailabilityChanged,
    UpstreamAttempt,
    WorkflowStoreAvailabilityChanged,
    fan_out,
    ignore,
)
from gateway.logs import log
from gateway.operation_events import AnswerSource, CallSummary, OperationCompleted, Transport

ATTEMPT = UpstreamAttempt("tray", 1, 200, 2, 0.25)
COMPLETED = OperationCompleted("a-1", "web", Transport.HTTP, AnswerSource.EXECUTED, "Tray", "query", "d" * 16, 200)
# What each line has before the fields of its event.
OF_LINES = {"time", "level", "pid", "worker", "event", "logger", "message", "exception"}


@pytest.fixture(autouse=True)
def everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "gateway")


def test_an_event_is_a_name_and_the_fields_that_have_a_value(caplog: pytest.LogCaptureFixture) -> None:
    log(ATTEMPT)
    assert caplog.messages == [
        "UpstreamAttempt endpoint=tray attempt=1 status=200 charged=2 seconds=0.25 upstream=reading waited=0"
    ]


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


def test_an_operation_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    log(dataclasses.replace(COMPLETED, codes=("NOT_FOUND", "FORBIDDEN"), has_data=True, charged=3, seconds=0.0123456))
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        (
            "INFO",
            "OperationCompleted request=a-1 client=web transport=http source=executed operation=Tray type=query "
            "document=dddddddddddddddd status=200 codes=NOT_FOUND,FORBIDDEN outcome=partial charged=3 saved_by_cache=0 "
            "saved_by_sharing=0 calls=0 seconds=0.012346",
        )
    ]


def test_a_slow_operation_is_another_line_with_its_plan(caplog: pytest.LogCaptureFixture) -> None:
    calls = [
        CallSummary("tray", "bought", 2, 2, 0.0, 1.5),
        CallSummary("highlight", "shared", 1, 0, 1.5, 0.25, 0.125, 1, "X"),
    ]
    log(dataclasses.replace(COMPLETED, calls=7, seconds=2.0, plan=tuple(calls)))
    assert [(record.levelname, record.getMessage()) for record in caplog.records][1:] == [
        (
            "WARNING",
            "SlowOperation request=a-1 client=web operation=Tray type=query document=dddddddddddddddd charged=0 "
            'calls=7 seconds=2 plan="endpoint=tray source=bought price=2 charged=2 start=0 seconds=1.5 waited=0 '
            "attempts=0; endpoint=highlight source=shared price=1 charged=0 start=1.5 seconds=0.25 waited=0.125 "
            'attempts=1 error=X"',
        )
    ]


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


def test_no_field_of_an_event_is_called_like_one_of_every_line() -> None:
    """A JSON object with two members of one name has, for most readers, only one of them."""
    for module in pkgutil.iter_modules(gateway.__path__, "gateway."):
        if module.name.endswith("events"):
            importlib.import_module(module.name)
    events = Event.__subclasses__()
    assert len(events) > 30
    named = [(event.__name__, {field.name for field in dataclasses.fields(event)} & OF_LINES) for event in events]
    assert [(name, both) for name, both in named if both] == []
