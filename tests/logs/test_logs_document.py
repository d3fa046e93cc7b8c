"""The document names each event and each field of an operation's line."""

from __future__ import annotations

import dataclasses
import importlib
import json
import pkgutil
import re
from pathlib import Path

import gateway
from gateway.events import Event
from gateway.logs.line_formats import FORMATS, LogFormat, line
from gateway.operation_events import OperationCompleted
from tests.logs.logfmt import pairs_in

TEXT = (Path(__file__).parents[2] / "docs/operations/logs.md").read_text()
NAMED = set(re.findall(r"`([A-Za-z_]+)`", TEXT))


def test_each_event_is_documented() -> None:
    for module in pkgutil.iter_modules(gateway.__path__, "gateway."):
        if module.name.endswith("events"):
            importlib.import_module(module.name)
    events = {event.__name__ for event in Event.__subclasses__()}
    assert len(events) > 30
    assert events | {"SlowOperation", "LogLinesDropped", "LogLineFailed"} <= NAMED


def test_each_field_of_an_operation_is_documented() -> None:
    assert {field.name for field in dataclasses.fields(OperationCompleted) if field.repr} <= NAMED


def test_both_examples_are_the_same_line_as_it_is_written() -> None:
    (text,) = [found for found in TEXT.splitlines() if found.startswith("time=") and "OperationCompleted" in found]
    (example,) = [found for found in TEXT.splitlines() if found.startswith('{"time"')]
    members = json.loads(example)
    assert line(FORMATS[LogFormat.JSON], members.items()) == example + "\n"
    assert line(FORMATS[LogFormat.TEXT], members.items()) == text + "\n"
    (slow,) = [found for found in TEXT.splitlines() if "event=SlowOperation " in found]
    assert line(FORMATS[LogFormat.TEXT], pairs_in(slow)) == slow + "\n"
