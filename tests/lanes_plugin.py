"""A pytest plugin: the lane of each test as its marker, its time limit, and the reports by lane.

Nobody writes the marker down, and a test of the lanes `unit` and `repository` that starts a process all the same fails.
In the profile `long` every test that is scaled (`tests.profiles`) belongs to the lane `long`.
"""

from __future__ import annotations

import contextlib
import copy
import gc
import os
import shutil
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Generator, Iterator
from functools import cache
from pathlib import Path

import coverage
import pytest

from tests import packages, profiles
from tests.lanes import BY_NAME, LANES, LONG, RANK, START_NOTHING, UNIT, lane_of
from tests.node import projects
from tests.node.preparation import Preparation
from tests.parts import Part

LANE = pytest.StashKey[str]()
NEED_NODE = frozenset({"node", "browser"})
GARBAGE = (5_000, 20, 20)
# A file system that no disk stands behind, and the bytes that must be free there.
MEMORY, ROOM = Path("/dev/shm"), 4 * 2**30  # noqa: S108 (pytest makes a folder of its user's own there)
LATE = "the time of this lane is over"
STARTS = frozenset({"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.exec", "os.system"})


class StartsProcess(Exception):
    """A test of the lane `unit` starts a process, which its code did not show."""


class Watch:
    """Refuses processes while a test of the lanes that start none runs.

    There is one, because an audit hook cannot be removed. It refuses none while fixtures are torn down: those of a
    whole module may belong to another lane than its last test. There is no hook where coverage traces: an audit hook
    in Python lets threads change places while one of them sets its tracer, and Python 3.11 then refuses to start the
    other one.
    """

    def __init__(self, *, traced: bool) -> None:
        self.lane: str | None = None
        if not traced:
            sys.addaudithook(self._hear)

    @contextlib.contextmanager
    def over(self, item: pytest.Item) -> Iterator[None]:
        self.lane = item.stash[LANE]
        try:
            yield
        finally:
            self.lane = None

    def _hear(self, event: str, _: tuple[object, ...]) -> None:
        if self.lane in START_NOTHING and event in STARTS:
            raise StartsProcess(f"{event}: import what starts it from a module that `tests.lanes.OWNERS` names")


class Lanes:
    """The plugin of one pytest process: with xdist one in each worker, and one in the controller."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._part = config.getoption("part")
        seconds = config.getoption("stop_after")
        self._deadline = time.monotonic() + seconds if seconds else float("inf")
        is_traced = bool(config.option.cov_source)
        self._slowness = 3 if is_traced else 1
        self._watch = Watch(traced=is_traced)
        self._measured = Measured()
        self._tally = Tally()
        self._preparation: Preparation | None = None
        self._is_prepared = False

    @pytest.hookimpl(wrapper=True)
    def pytest_collection(self) -> Generator[None, object, object]:
        """Nearly all that is made here stays, so to look for garbage meanwhile finds none, in a fifth of the time."""
        gc.disable()
        try:
            return (yield)
        finally:
            gc.enable()

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Before markers select. Waiting lanes come first: their gaps are filled by the others.

        In each lane those come first for which their module makes something several times: a worker that steals takes
        the last ones, and would have to make it again.
        """
        for item in items:
            name = LONG if profiles.profile() == profiles.LONG and _is_scaled(item) else _lane(item)
            item.add_marker(name)
            item.stash[LANE] = name
            if self._config.getoption("second_try") and name not in START_NOTHING:
                item.add_marker(pytest.mark.flaky(reruns=1))
            if item.get_closest_marker("timeout") is None:
                # A scaled test of a faster lane tries three times as much in CI.
                scale = 3 if name != LONG and profiles.profile() == profiles.CI and _is_scaled(item) else 1
                item.add_marker(pytest.mark.timeout(BY_NAME[name].limit * self._slowness * scale))
        if profiles.profile() != profiles.LONG and (left_out := [item for item in items if _is_long_only(item)]):
            self._config.hook.pytest_deselected(items=left_out)
            items[:] = [item for item in items if not _is_long_only(item)]
        items.sort(key=lambda item: (-RANK[item.stash[LANE]], not _shares(item)))
        if self._part:
            items[:] = [item for item in items if self._part.holds(item.nodeid)]

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """What Node's tests need is installed and built once, by the first worker, while other tests run."""
        needs_node = NEED_NODE & {item.stash[LANE] for item in session.items}
        if needs_node and not self._config.option.collectonly and os.environ.get("PYTEST_XDIST_WORKER", "gw0") == "gw0":
            self._preparation = Preparation()
        # What was collected stays to the end, and to look through it again and again takes an eighth of the time.
        gc.freeze()
        gc.set_threshold(*GARBAGE)

    def pytest_unconfigure(self) -> None:
        if self._preparation is not None:
            self._preparation.end()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        if item.stash[LANE] in NEED_NODE and not self._is_prepared:
            self._prepare()
        self._measured.enter(item.stash[LANE])
        if (left := self._deadline - time.monotonic()) < BY_NAME[item.stash[LANE]].limit:
            item.add_marker(pytest.mark.timeout(max(1.0, left)), append=False)
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, object, object]:
        if self._is_late():
            pytest.skip(LATE)
        with self._watch.over(item):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        with self._watch.over(item):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if report.failed and self._is_late() and "Timeout" in str(report.longrepr):
            report.outcome = "skipped"
            report.longrepr = (str(item.path), 0, f"Skipped: {LATE}")
        report.lane = item.stash[LANE]  # type: ignore[attr-defined]
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        lane = getattr(report, "lane", UNIT)
        terminal = self._config.pluginmanager.getplugin("terminalreporter")
        if terminal is not None and lane not in self._tally.seconds:
            terminal.write_line(f"lane {lane}: {BY_NAME[lane].use}")
        self._tally.add(lane, report)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.section("lanes")
        for line in self._tally.lines():
            terminalreporter.line(line)

    def _prepare(self) -> None:
        """Wait for what Node's tests need, in the time of no test."""
        self._is_prepared = True
        if self._preparation is not None:
            self._preparation.wait()
        with contextlib.suppress(projects.Failed):  # the tests that need it fail with what it says
            projects.prepare()

    def _is_late(self) -> bool:
        return time.monotonic() >= self._deadline


class Measured:
    """Tells coverage which lane runs, here and in the processes that a test starts. Those of no test are not measured.

    `tests.measured` reads it. With `sys.monitoring` coverage knows no contexts: then all is one lane.
    """

    def __init__(self) -> None:
        self._lane: str | None = None

    def enter(self, lane: str) -> None:
        running = coverage.Coverage.current()
        if running is None or lane == self._lane:
            return
        self._lane = lane
        if running._core and running._core.supports_dynamic_contexts:
            running.switch_context(lane)
        config = copy.copy(running.config)
        config.context = lane
        os.environ["COVERAGE_PROCESS_CONFIG"] = "" if lane in START_NOTHING else config.serialize()


class Tally:
    """Tests, and their seconds, by lane; those that passed at the second try; and those left out, by the reason."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._tests: Counter[str] = Counter()
        self._left_out: Counter[str] = Counter()
        self._tried_again: list[str] = []

    def add(self, lane: str, report: pytest.TestReport) -> None:
        self.seconds[lane] += report.duration
        outcome: str = report.outcome
        if outcome == "rerun":  # of pytest-rerunfailures
            self._tried_again.append(f"failed once: {report.nodeid}")
        elif report.when == "call":
            self._tests[lane] += 1
        if report.skipped and not hasattr(report, "wasxfail") and isinstance(report.longrepr, tuple):
            self._left_out[report.longrepr[2].removeprefix("Skipped: ")] += 1

    def lines(self) -> Iterator[str]:
        for lane in LANES:
            if lane.name in self.seconds:
                yield f"{lane.name:10}{self._tests[lane.name]:6} tests{self.seconds[lane.name]:8.0f} s"
        yield from self._tried_again
        for reason, count in self._left_out.most_common():
            yield f"left out  {count:6} tests  {reason}"
        yield from packages.missing()


def options(parser: pytest.Parser) -> None:
    group = parser.getgroup("lanes")
    group.addoption("--part", type=Part.read, metavar="K/N", help="only this part of the tests")
    group.addoption(
        "--second-try",
        action="store_true",
        help="run a failed test once more where it starts programs, which a busy machine may hold up, and name it",
    )
    group.addoption("--stop-after", type=float, metavar="SECONDS", help="leave out what is not done by then")


def workers(config: pytest.Config) -> int | None:
    """For `--numprocesses=auto`; None leaves it to xdist.

    Tests that start programs wait for more than half of their time, so more than two workers keep a processor busy; not
    many more on a large machine, as each takes memory. Those of the lane `unit` wait for threads alone. It is left to
    xdist where they are measured, which takes as much time again, and for storms that last some real seconds.
    """
    if config.option.cov_source or config.option.markexpr == LONG:
        return None
    processors = os.cpu_count() or 1
    return processors + (1 if config.option.markexpr == UNIT else min(processors + 1, 4))


def keep_in_memory(config: pytest.Config) -> None:
    """Keep temporary folders in memory.

    Each gateway writes databases, and to wait until they are on a disk takes longer than most tests. Lanes other than
    `unit` start programs there, which such a file system may refuse.
    """
    if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
        refuses_programs = os.statvfs(MEMORY).f_flag & os.ST_NOEXEC
        if config.option.markexpr == UNIT or not refuses_programs:
            os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


def register(config: pytest.Config) -> None:
    keep_in_memory(config)
    for lane in LANES:
        config.addinivalue_line("markers", f"{lane.name}: {lane.use} (given by tests.lanes)")
    config.addinivalue_line("markers", "scaled: its numbers depend on the profile (given by tests.profiles)")
    config.addinivalue_line("markers", "long_only: left out in other profiles than `long` (given by tests.profiles)")
    config.pluginmanager.register(Lanes(config), "lanes")


def _lane(item: pytest.Item) -> str:
    """A marker on a parameter of a fixture counts as well as what is reached."""
    marked = RANK.keys() & {marker.name for marker in item.iter_markers()}
    return max([_lane_of_all(tuple(_used_by(item))), *marked], key=RANK.__getitem__)


@cache
def _lane_of_all(used: tuple[object, ...]) -> str:
    """Tests of many parameters use the same."""
    return lane_of(*used)


def _is_scaled(item: pytest.Item) -> bool:
    return item.get_closest_marker("scaled") is not None or hasattr(getattr(item, "obj", None), "is_hypothesis_test")


def _shares(item: pytest.Item) -> bool:
    """Whether a fixture of it belongs to its module, and has parameters."""
    fixtures = getattr(item, "_fixtureinfo", None)
    made = fixtures.name2fixturedefs.values() if fixtures else ()
    return any(one.scope == "module" and one.params for definitions in made for one in definitions)


def _is_long_only(item: pytest.Item) -> bool:
    return item.get_closest_marker("long_only") is not None


def _used_by(item: pytest.Item) -> Iterator[object]:
    yield getattr(item, "obj", None)
    fixtures = getattr(item, "_fixtureinfo", None)
    for definitions in fixtures.name2fixturedefs.values() if fixtures else ():
        for definition in definitions:
            yield definition.func
