"""What anybody may read of the gateway's health: which part is not ready, and nothing of the machine."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes.gateway import running_gateway

FLOWS = "{ flows(first: 1) { nodes { state } } }"


def a_key_that_is_none(folder: Path) -> Path:
    path = folder / "flows.key"
    path.write_bytes(b"short")
    return path


def a_key_that_cannot_be_read(folder: Path) -> Path:
    path = folder / "flows.key"
    path.mkdir()
    return path


def slots_that_cannot_be_taken(folder: Path) -> Path:
    path = folder / "flows.slots"
    path.write_bytes(b"")
    return path


@pytest.mark.parametrize("broken", [a_key_that_is_none, a_key_that_cannot_be_read, slots_that_cannot_be_taken])
async def test_what_is_not_ready_is_named_without_its_path(
    broken: Callable[[Path], Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The path is for whoever reads the log."""
    path = broken(tmp_path)
    async with running_gateway(tmp_path, keeps_flows=True) as gateway:
        ready = await gateway.client.get("/readyz?strict")
        lenient = await gateway.client.get("/readyz")
        asked = await gateway.query(FLOWS)
    assert ready.status_code == 503
    assert "flows" in ready.json()["problems"]
    assert (lenient.status_code, lenient.json()["status"]) == (200, "serves reads")
    assert asked.errors == [("flows", "FLOWS_UNAVAILABLE")]
    for told in (ready.text, str(asked.body)):
        assert str(tmp_path) not in told
        assert path.name not in told
    (line,) = [record for record in caplog.records if str(path) in record.getMessage()]
    assert line.levelno == logging.ERROR
