"""For the whole suite: lanes and profiles; and in CI a skipped test is a failed test."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from typing import Any

import pytest

from tests import httpx_clients, lanes_plugin, profiles
from tests.browser import browser
from tests.durable.postgres import Cluster, shared
from tests.heap import frozen_heap

__all__ = ["browser", "frozen_heap"]

profiles.register()
httpx_clients.hasten()


def pytest_addoption(parser: pytest.Parser) -> None:
    lanes_plugin.options(parser)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    return lanes_plugin.workers(config)


def pytest_configure(config: pytest.Config) -> None:
    lanes_plugin.register(config)


@pytest.fixture(scope="session")
def postgres(testrun_uid: str) -> Iterator[Cluster]:
    """A server that nobody stops; each test makes a database of its own."""
    with shared(testrun_uid) as server:
        yield server


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _refuse_skip(report)
    return report


def _refuse_skip(report: Any) -> None:
    """An expected failure is reported as skipped, too, and stays as it is."""
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CI") == "true":
        reason = report.longrepr[2]
        if not reason.endswith(lanes_plugin.LATE):
            report.outcome = "failed"
            report.longrepr = f"Nothing may be skipped in CI: {reason}"
