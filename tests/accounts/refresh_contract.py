"""The contract of the refresh of tokens, over both databases: once for all processes, and no token is lost."""

from __future__ import annotations

import asyncio

import pytest

from gateway.accounts.account_records import StoredState
from gateway.accounts.connected_tokens import ConnectedTokens
from gateway.accounts.refreshing import ANSWERED, LEASED, STORED
from gateway.errors import AccountDisconnected, UpstreamUnavailable
from gateway.events import AccountConnectionChanged
from tests.accounts.places import DAY, GIVEN, MakeStore, account
from tests.accounts.refreshing import CountingPlatform, Process
from tests.fakes.clock import EPOCH, ManualClock

DUE = 31 * DAY


class Killed(BaseException):
    """The process ends at this point."""


class RefreshContract:
    """A test module has the fixture `make`."""

    @pytest.fixture
    def platform(self, make: MakeStore) -> CountingPlatform:
        store = make()
        store.open()
        store.save(account(now=EPOCH - DUE), GIVEN)
        return CountingPlatform(GIVEN)

    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock()

    async def test_processes_that_refresh_at_once_make_one_request(
        self, make: MakeStore, platform: CountingPlatform, clock: ManualClock
    ) -> None:
        processes = [Process(make, platform, clock) for _ in range(4)]
        await asyncio.gather(*(one.refresher.refresh("787132") for one in processes))
        assert platform.seen == [GIVEN]
        record, token = make().token("787132") or pytest.fail("no token")
        assert token == "token-1"
        assert record.expires_at is not None
        assert record.expires_at > EPOCH + 59 * DAY
        events = [event for one in processes for event in one.events if isinstance(event, AccountConnectionChanged)]
        assert events == [AccountConnectionChanged("refreshed")]

    async def test_a_token_that_is_not_due_is_not_refreshed(
        self, make: MakeStore, platform: CountingPlatform, clock: ManualClock
    ) -> None:
        early = ManualClock(EPOCH - 2 * DAY)
        await Process(make, platform, early).refresher.refresh("787132")
        assert platform.seen == []

    @pytest.mark.parametrize(("point", "requests"), [(LEASED, 1), (ANSWERED, 2), (STORED, 1)])
    async def test_a_process_that_is_killed_loses_no_token(
        self, make: MakeStore, platform: CountingPlatform, clock: ManualClock, point: str, requests: int
    ) -> None:
        """The lease of the dead ends by itself; here it is made to."""

        def kill(reached: str) -> None:
            if reached == point:
                raise Killed

        first = Process(make, platform, clock, kill)
        held: list[object] = []
        first.accounts.release = _keep(held)  # type: ignore[method-assign, assignment]
        with pytest.raises(Killed):
            await first.refresher.refresh("787132")
        other = Process(make, platform, clock)
        before = list(platform.seen)
        await other.refresher.refresh("787132")
        assert platform.seen == before, "the lease is held"
        with make().database.transaction() as db:
            db.count("UPDATE gateway_account_leases SET expires_at = 0")
        await other.refresher.refresh("787132")
        assert len(platform.seen) == requests
        assert (make().token("787132") or pytest.fail("no token"))[1] == platform.given[-1]

    async def test_a_process_that_slept_over_its_lease_does_not_overwrite(
        self, make: MakeStore, platform: CountingPlatform, clock: ManualClock
    ) -> None:
        other = Process(make, platform, clock)

        def sleep(reached: str) -> None:
            if reached == ANSWERED:
                with make().database.transaction() as db:
                    db.count("UPDATE gateway_account_leases SET expires_at = 0")
                assert make().lease("refresh:787132", 600.0) is not None

        await Process(make, platform, clock, sleep).refresher.refresh("787132")
        assert (make().token("787132") or pytest.fail("no token"))[1] == GIVEN
        with make().database.transaction() as db:
            db.count("UPDATE gateway_account_leases SET expires_at = 0")
        await other.refresher.refresh("787132")
        assert (make().token("787132") or pytest.fail("no token"))[1] == platform.given[-1]

    async def test_a_failure_is_tried_again_later_and_a_refusal_requires_a_reconnection(
        self, make: MakeStore, platform: CountingPlatform, clock: ManualClock
    ) -> None:
        process = Process(make, platform, clock)
        platform.status = 500
        await process.refresher.refresh("787132")
        record = make().account("787132") or pytest.fail("no account")
        assert (record.state, record.refresh_at) == (StoredState.CONNECTED, EPOCH + 900.0)
        clock.advance(1_000)
        platform.status = 400
        await process.refresher.refresh("787132")
        assert (make().account("787132") or pytest.fail("no account")).state is StoredState.RECONNECT_REQUIRED
        await process.refresher.refresh("787132")
        assert len(platform.seen) == 2

    @pytest.mark.parametrize("is_busy", [True, False])
    async def test_a_refusal_costs_no_consent_while_it_is_not_known_whether_the_token_can_be_refreshed(
        self, make: MakeStore, platform: CountingPlatform, clock: ManualClock, is_busy: bool
    ) -> None:
        """Another process refreshes it, or the platform cannot be asked."""
        process = Process(make, platform, clock)
        tokens = ConnectedTokens(
            process.accounts, None, process.refresher, provider="platform", clock=clock, hook=process.events.append
        )

        async def refused(token: str) -> None:
            raise AccountDisconnected("The platform refuses the token.")

        if is_busy:
            assert make().lease("refresh:787132", 600.0) is not None
        else:
            platform.status = 500
        with pytest.raises(UpstreamUnavailable):
            await tokens.authorized("787132", refused)
        assert (make().account("787132") or pytest.fail("no account")).state is StoredState.CONNECTED

    async def test_a_reconnection_during_a_refresh_wins(
        self, make: MakeStore, platform: CountingPlatform, clock: ManualClock
    ) -> None:
        def reconnect(reached: str) -> None:
            if reached == ANSWERED:
                make().save(account(now=EPOCH), "reconnected")

        await Process(make, platform, clock, reconnect).refresher.refresh("787132")
        assert (make().token("787132") or pytest.fail("no token"))[1] == "reconnected"


def _keep(held: list[object]) -> object:
    async def release(lease: object) -> None:
        held.append(lease)

    return release
