"""Processes on hosts of their own, with one database: one that is gone, asleep or cut off loses its flows to another.

The leases are short, so that nobody waits for long; nothing depends on how fast this machine is.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.durable.postgres import Cluster
from tests.durable.worker_processes import Crew, Effect, Worker, crew

ID = "web:1"
LEASE = "5"
# Of the host that is to go on: it shall not lose its lease because the machine is busy.
LONG = "60"
MOST = 45.0
"""Seconds in which a flow is taken over: a multiple of what a busy machine needs."""


@pytest.fixture
def hosts(postgres: Cluster, tmp_path: Path) -> Iterator[Crew]:
    with crew(postgres.create(), tmp_path) as made:
        yield made


def host(hosts: Crew, folder: Path, name: str, body: str = "usual") -> Worker:
    return hosts.ready(body, str(folder / name), LONG if name == "other" else LEASE)


def steps_of(flow: str = ID) -> Callable[[list[Effect]], list[str]]:
    return lambda effects: [step for id, step, _ in effects if id == flow]


def until(reached: Path) -> None:
    end = time.monotonic() + MOST
    while not reached.exists():
        assert time.monotonic() < end, reached
        time.sleep(0.01)


def test_the_flow_of_a_host_that_is_gone_is_done_by_another_within_fifteen_seconds(hosts: Crew, tmp_path: Path) -> None:
    hosts.hold("second")
    victim, heir = host(hosts, tmp_path, "one"), host(hosts, tmp_path, "other")
    victim.tell(f"start {ID} x")
    hosts.until("first", "second")
    victim.kill()
    hosts.release("second")
    assert hosts.until("first", "second", "second", "third") < 15.0
    assert [pid for _, _, pid in hosts.effects()] == [victim.pid] * 2 + [heir.pid] * 2


def test_a_host_that_slept_goes_on_with_nothing_that_was_taken_over(hosts: Crew, tmp_path: Path) -> None:
    hosts.hold("second")
    sleeper, heir = host(hosts, tmp_path, "one"), host(hosts, tmp_path, "other")
    sleeper.tell(f"start {ID} x")
    hosts.until("first", "second")
    os.kill(sleeper.pid, signal.SIGSTOP)
    hosts.until("first", "second", "second")
    hosts.release("second")
    hosts.until("first", "second", "second", "third")
    os.kill(sleeper.pid, signal.SIGCONT)
    ends_what_it_starts(hosts, sleeper, "web:2")
    assert steps_of()(hosts.effects()) == ["first", "second", "second", "third"]
    assert [pid for id, _, pid in hosts.effects() if id == ID] == [sleeper.pid] * 2 + [heir.pid] * 2


def test_a_host_that_slept_before_an_effect_leaves_it_to_the_other(hosts: Crew, tmp_path: Path) -> None:
    """Its step was about to act, and would not have been told."""
    hosts.hold("second")
    sleeper, heir = host(hosts, tmp_path, "one", "late"), host(hosts, tmp_path, "other", "late")
    sleeper.tell(f"start {ID} x")
    until(tmp_path / "reached-second")
    (tmp_path / "reached-second").unlink()
    os.kill(sleeper.pid, signal.SIGSTOP)
    until(tmp_path / "reached-second")
    hosts.release("second")
    os.kill(sleeper.pid, signal.SIGCONT)
    hosts.wait(lambda effects: steps_of()(effects)[-1:] == ["third"])
    ends_what_it_starts(hosts, sleeper, "web:2")
    assert [(step, pid) for id, step, pid in hosts.effects() if id == ID] == [
        ("first", sleeper.pid),
        ("second", heir.pid),
        ("third", heir.pid),
    ]


def ends_what_it_starts(hosts: Crew, worker: Worker, flow: str) -> None:
    """So it is awake, and had time for what it must not do."""
    worker.tell(f"start {flow} x")
    assert worker.says() == "RUNNING"
    assert worker.says() == "RUNNING"
    hosts.wait(lambda effects: steps_of(flow)(effects)[-1:] == ["third"])


def test_a_host_that_wakes_runs_flows_again_with_another_lease(hosts: Crew, tmp_path: Path) -> None:
    """Alone, so that nobody else could do it."""
    hosts.hold("second")
    alone = host(hosts, tmp_path, "one")
    alone.tell(f"start {ID} x")
    hosts.until("first", "second")
    os.kill(alone.pid, signal.SIGSTOP)
    time.sleep(float(LEASE) + 1.0)
    os.kill(alone.pid, signal.SIGCONT)
    hosts.release("second")
    hosts.wait(lambda effects: steps_of()(effects)[-1:] == ["third"])
    assert steps_of()(hosts.effects()) in (["first", "second", "second", "third"], ["first", "second", "third"])
