"""The lanes of the suite: each test is in the lane of what it uses, and no other."""

from __future__ import annotations

import argparse
import asyncio
import re
import subprocess
import sys
from collections.abc import Callable

import pytest
from playwright.async_api import async_playwright

from gateway.durable.engine import DbosDurable
from tests import lanes_plugin, packages
from tests.chaos.load_run import storm
from tests.durable import postgres
from tests.fakes import wheel
from tests.fakes.clock import ManualClock
from tests.lanes import LANES, lane_of
from tests.meta.test_skips import suite
from tests.meta.tree import ROOT
from tests.parts import Part
from tests.shared_cache.redis_server import redis_server

__all__ = ["suite"]


def computes() -> None:
    sum(range(3))


def runs() -> None:
    subprocess.run([sys.executable, "--version"], check=True)


async def runs_on_the_loop() -> None:
    await asyncio.create_subprocess_exec(sys.executable, "--version")


def runs_in_a_nested_function() -> None:
    def inner() -> None:
        runs()

    inner()


def builds_the_wheel() -> object:
    return wheel.built


def runs_flows() -> object:
    return DbosDurable


def starts_postgresql() -> object:
    return postgres.cluster


def starts_redis() -> object:
    return redis_server


async def opens_a_page() -> None:
    async with async_playwright():
        runs()


def kills_gateways() -> object:
    return storm


class Held:
    def method(self) -> None:
        runs()


def uses_a_class() -> None:
    Held().method()


@pytest.mark.parametrize(
    ("used", "lane"),
    [
        (ManualClock, "unit"),
        (computes, "repository"),
        (runs, "process"),
        (runs_on_the_loop, "process"),
        (runs_in_a_nested_function, "process"),
        (builds_the_wheel, "node"),
        (uses_a_class, "process"),
        (runs_flows, "durable"),
        (starts_postgresql, "postgres"),
        (starts_redis, "redis"),
        (opens_a_page, "browser"),
        (kills_gateways, "chaos"),
    ],
)
def test_the_lane_follows_from_what_the_code_reaches(used: Callable[[], object], lane: str) -> None:
    assert lane_of(used) == lane


SUITE = """
import os
import pytest
import time

HIDDEN = getattr(os, "posix_spawn")

def test_computes(): ...

def test_starts_a_process_unseen():
    HIDDEN("/bin/true", ["true"], {})

def test_page():
    pytest.skip("Chromium is needed: `apt-get install chromium`")

@pytest.mark.long_only
def test_of_the_profile_long():
    assert False

@pytest.mark.timeout(1)
def test_hangs():
    time.sleep(60)
"""


def test_the_summary_tells_lanes_and_what_brings_what_was_left_out(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A test of the lane `unit` that starts a process fails, and so does one that takes too long."""
    monkeypatch.delenv("CI", raising=False)
    suite.makepyfile(SUITE)
    result = suite.runpytest_subprocess("-p", "no:cacheprovider", "-m", "unit")
    result.assert_outcomes(passed=1, failed=2, skipped=1, deselected=1)
    result.stdout.fnmatch_lines(["*StartsProcess: os.posix_spawn*"])
    result.stdout.fnmatch_lines(
        ["unit * 4 tests*", "left out *1 tests  Chromium is needed: `apt-get install chromium`"]
    )


FAILING = """
import pathlib
import pytest
import subprocess

COUNT = pathlib.Path(__file__).with_name("count")

@pytest.mark.process
def test_starts_a_program():
    subprocess.run(["true"], check=True)
    COUNT.write_text(COUNT.read_text() + "x" if COUNT.exists() else "x")
    assert COUNT.read_text() == "xx"

@pytest.mark.process
def test_starts_a_program_and_is_wrong():
    subprocess.run(["false"], check=True)

def test_starts_none():
    assert False
"""


def test_what_starts_programs_has_a_second_try_and_is_named(suite: pytest.Pytester) -> None:
    suite.makepyfile(FAILING)
    result = suite.runpytest_subprocess("-p", "no:cacheprovider", "--second-try")
    outcomes = result.parseoutcomes()
    assert (outcomes["passed"], outcomes["failed"], outcomes["rerun"]) == (1, 2, 2)
    result.stdout.fnmatch_lines(["process * 2 tests*", "failed once: *test_starts_a_program", "failed once: *wrong"])


def test_a_lane_without_its_package_is_left_out_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not collected, so in CI nothing is skipped."""
    monkeypatch.setattr(packages, "PACKAGES", {"here": ("pytest", "x"), "aiograpi": ("no_such_module", "`make it`")})
    assert [*lanes_plugin.Tally().lines()] == ["left out  the lane aiograpi: `make it`"]
    assert not packages.has_package("aiograpi")


def test_fresh_asks_aiograpi_rest_itself() -> None:
    assert "make test-aiograpi" in (ROOT / ".ci/fresh").read_text()


def test_each_test_has_the_limit_of_its_lane(request: pytest.FixtureRequest) -> None:
    marker = request.node.get_closest_marker("timeout")
    assert marker is not None
    slowness = 3 if request.config.getoption("cov_source") else 1
    assert marker.args == (10 * slowness,)


def test_every_test_is_in_one_part() -> None:
    parts = [Part(number, 8) for number in range(1, 9)]
    assert {sum(part.holds(f"test_{number}") for part in parts) for number in range(100)} == {1}


LATE = """
import time
import pytest

@pytest.mark.parametrize("number", range(3))
def test_takes_its_time(number):
    time.sleep(5 if number else 0)
"""


def test_what_is_not_done_in_time_is_left_out_and_counted(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One test is done, one is cut off, one is not begun; in CI as well."""
    monkeypatch.setenv("CI", "true")
    suite.makepyfile(LATE)
    result = suite.runpytest_subprocess("-p", "no:cacheprovider", "--stop-after=1")
    result.assert_outcomes(passed=1, skipped=2)
    result.stdout.fnmatch_lines([f"left out *2 tests  {lanes_plugin.LATE}"])


@pytest.mark.parametrize("text", ["", "3", "0/8", "9/8", "a/b", "1/0"])
def test_a_part_is_a_number_of_how_many(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        Part.read(text)
    assert Part.read("3/8") == Part(3, 8)


def test_each_lane_is_documented() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    assert [lane.name for lane in LANES if f"`{lane.name}`" not in text] == []


def test_make_runs_each_lane() -> None:
    (named,) = re.findall(r"^LANES := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert [*named.split(), "long"] == [lane.name for lane in LANES]
