"""The line of an operation names the trace of its span, also that of a replay, which has no event."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.logs.line_formats import LogFormat
from gateway.logs.line_handler import LineHandler
from tests.tracing.recorder import trace_of
from tests.tracing.stage import traced

TRAY = 'query Tray { user(by: { username: "natgeo" }) { highlights { totalCount } } }'
GIVEN = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[tuple[LineHandler, int]]:
    caplog.set_level(logging.INFO, "gateway")
    reader, writer = os.pipe()
    handler = LineHandler(LogFormat.JSON, writer)
    logging.getLogger().addHandler(handler)
    yield handler, reader
    logging.getLogger().removeHandler(handler)
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize("headers", [{}, {"traceparent": GIVEN}])
async def test_each_line_names_the_trace_of_its_span(
    log: tuple[LineHandler, int], headers: dict[str, str], tmp_path: Path
) -> None:
    handler, reader = log
    async with traced(tmp_path) as gateway:
        traces = []
        for _ in range(4):
            gateway.recorder.taken()
            await gateway.query(TRAY, headers=headers)
            traces.append(trace_of(gateway.recorder.one("query")))
        handler.flush()
        lines = [json.loads(line) for line in os.read(reader, 2**16).splitlines()]
    told = [line for line in lines if line["event"] == "OperationCompleted"]
    assert [line["source"] for line in told] == ["executed", "response_cache", "exact_match", "exact_match"]
    assert [line["trace"] for line in told] == traces
    assert len(set(traces)) == (1 if headers else 4)
