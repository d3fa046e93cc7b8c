"""`doctor` of object storage: an object is written, read and deleted, and nothing of it stays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gateway.commands.doctor.checkup import examined
from gateway.commands.doctor.findings import Finding, Result
from tests.commands.copies import environment, filled
from tests.object_storage.server import BUCKET, SECRET, s3, settings


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with s3() as url:
        yield url


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return filled(tmp_path / "data", 12)


def told(data: Path, given: dict[str, str], *, is_offline: bool = False) -> Finding:
    found = [one for one in examined(environment(data, **given), is_offline=is_offline) if one.check == "storage"]
    assert len(found) == 1
    assert SECRET not in repr(found)
    return found[0]


def test_a_usable_storage_is_told_and_left_as_it_was(data: Path, server: str) -> None:
    finding = told(data, settings(server))
    assert (finding.result, finding.finding) == (
        Result.OK,
        f"An object was written to s3://{BUCKET}/gateway, read and deleted.",
    )
    assert "<Contents>" not in httpx.get(f"{server}/{BUCKET}").text
    assert told(data, settings(server), is_offline=True).result is Result.SKIPPED


def test_a_bucket_that_is_missing_is_a_problem(data: Path, server: str) -> None:
    finding = told(data, settings(server) | {"GATEWAY_STORAGE_URL": "s3://nowhere/gateway"})
    assert (finding.result, "cannot be used" in finding.finding) == (Result.PROBLEM, True)
    assert "GATEWAY_STORAGE_URL" in str(finding.remedy)


def test_a_server_that_is_away_is_a_problem(data: Path) -> None:
    assert told(data, settings("http://127.0.0.1:1")).result is Result.PROBLEM
