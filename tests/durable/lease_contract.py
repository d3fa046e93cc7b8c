"""The contract of worker leases, of whatever they are made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gateway.durable.leases import WorkerLease

Take = Callable[[Path], WorkerLease]


class LeaseContract:
    """Each fixture `take` returns a new process's lease in a data directory."""

    @pytest.fixture
    def open_leases(self) -> Iterator[ExitStack]:
        with ExitStack() as stack:
            yield stack

    def test_processes_of_one_directory_have_names_of_their_own(self, take: Take, tmp_path: Path) -> None:
        one, other = take(tmp_path), take(tmp_path)
        assert one.executor != other.executor
        assert one.remaining() > 0 < other.remaining()

    def test_processes_of_two_directories_have_names_of_their_own(self, take: Take, tmp_path: Path) -> None:
        assert take(tmp_path / "one").executor != take(tmp_path / "other").executor

    def test_a_later_process_has_the_name_of_the_one_before(self, take: Take, tmp_path: Path) -> None:
        first = take(tmp_path)
        first.close()
        first.close()
        assert take(tmp_path).executor == first.executor

    def test_a_live_process_is_not_abandoned_and_a_closed_one_is(self, take: Take, tmp_path: Path) -> None:
        one, other = take(tmp_path), take(tmp_path)
        with one.abandoned() as found:
            assert found == ()
        other.close()
        with one.abandoned() as found:
            assert found == (other.executor,)
            assert take(tmp_path).executor not in (one.executor, other.executor), "it is taken over just now"

    def test_a_lease_that_is_renewed_or_taken_again_is_held(self, take: Take, tmp_path: Path) -> None:
        lease = take(tmp_path)
        lease.renew()
        lease.retake()
        assert lease.remaining() > 0
