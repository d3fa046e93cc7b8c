"""`doctor` of the parts that an installation may have or not: trusted documents, metrics, traces."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from gateway.commands.data_directory import sharing
from gateway.commands.doctor.findings import Result
from tests.commands.copies import environment, filled
from tests.commands.diagnoses import found, one_of


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return filled(tmp_path / "data", 12)


def test_a_manifest_is_read_as_at_the_start(data: Path, tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    given = environment(data, GATEWAY_DOCUMENTS_FILE=str(path))
    assert "cannot be read" in one_of(given, "documents", Result.PROBLEM).finding
    path.write_text("{")
    assert "not JSON" in one_of(given, "documents", Result.PROBLEM).finding
    path.write_text("{}")
    assert found(given)["documents"].result is Result.OK


def test_an_address_for_metrics_is_free_or_a_gateway_s(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        given = environment(data, GATEWAY_METRICS=f"127.0.0.1:{taken.getsockname()[1]}")
        assert "Nothing can listen on 127.0.0.1 port" in one_of(given, "metrics", Result.PROBLEM).finding
        with sharing(data):
            assert found(given)["metrics"].result is Result.OK
    assert found(given)["metrics"].result is Result.OK


def test_traces_need_what_the_extra_installs(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = environment(data, OTEL_TRACES_EXPORTER="console")
    assert (found(environment(data))["traces"].result, found(given)["traces"].result) == (Result.SKIPPED, Result.OK)
    monkeypatch.setattr("gateway.commands.doctor.parts.OTEL", ("opentelemetry", "no_library.of_this.name"))
    assert "not installed" in one_of(given, "traces", Result.PROBLEM).finding
