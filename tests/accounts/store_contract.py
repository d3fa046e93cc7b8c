"""The contract of the store of accounts, and of the rotation of its keys: the same rules for each database."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from gateway.accounts.account_records import ConnectionState, StoredState, TooManyPending
from gateway.accounts.account_store import AccountStore
from gateway.accounts.vault.envelope import Encrypted
from gateway.accounts.vault.key_encryption import VaultDamaged
from gateway.accounts.vault.rotation import ADDED, CURRENT, DELETED, WRAPPED, rotate
from gateway.errors import Unusable
from tests.accounts.places import GIVEN, MakeStore, account, pending


class AccountStoreContract:
    """Tokens are encrypted, and each change is made once. A test module has the fixture `make`."""

    @pytest.fixture
    def store(self, make: MakeStore) -> AccountStore:
        made = make()
        made.open()
        return made

    def test_an_account_is_read_back_by_another_process_with_its_token(
        self, store: AccountStore, make: MakeStore
    ) -> None:
        store.save(account(), GIVEN)
        record, token = make().token("787132") or pytest.fail("no token")
        assert token == GIVEN
        assert record == replace(account(), version=1)
        assert store.accounts() == [record]

    def test_no_column_holds_the_token(self, store: AccountStore) -> None:
        store.save(account(), GIVEN)
        store.begin(pending(), now=0.0)
        with store.database.transaction() as db:
            rows = db.run("SELECT * FROM gateway_accounts") + db.run("SELECT * FROM gateway_account_connections")
        content = repr([bytes(value) if isinstance(value, memoryview) else value for row in rows for value in row])
        assert GIVEN not in content
        assert "the verifier" not in content
        assert "17841400787132" in content

    def test_a_row_under_another_account_or_in_another_column_cannot_be_decrypted(self, store: AccountStore) -> None:
        store.save(account(), GIVEN)
        store.save(account("1", "2"), "another")
        with store.database.transaction() as db:
            db.count(
                """UPDATE gateway_accounts SET data_key = (SELECT data_key FROM gateway_accounts WHERE id = '787132'),
                token = (SELECT token FROM gateway_accounts WHERE id = '787132') WHERE id = '1'"""
            )
            ((key_id, data_key, text),) = db.run(
                "SELECT key_id, data_key, token FROM gateway_accounts WHERE id = '787132'"
            )
        with pytest.raises(VaultDamaged):
            store.token("1")
        with pytest.raises(VaultDamaged):
            store.envelope.decrypt("787132", "verifier", Encrypted(key_id, bytes(data_key), bytes(text)))

    def test_connecting_a_known_account_replaces_its_token_and_raises_its_version(self, store: AccountStore) -> None:
        store.save(account(), GIVEN)
        store.save(account(), "new")
        record, token = store.token("787132") or pytest.fail("no token")
        assert (record.version, token) == (2, "new")

    def test_nothing_names_an_erased_account(self, store: AccountStore) -> None:
        store.save(account(), GIVEN)
        store.save(account("1", "2"), GIVEN)
        store.lease("refresh:787132", 600.0)
        store.begin(replace(pending(), reconnect="787132"), now=0.0)
        assert store.erase("787132")
        with store.database.transaction() as db:
            rows = [
                *db.run("SELECT * FROM gateway_accounts"),
                *db.run("SELECT * FROM gateway_account_connections"),
                *db.run("SELECT * FROM gateway_account_leases"),
            ]
        assert rows
        assert "787132" not in repr(rows)
        assert [one.id for one in store.accounts()] == ["1"]

    def test_an_id_of_the_platform_leads_to_one_account(self, store: AccountStore) -> None:
        store.save(account("1", "same"), GIVEN)
        store.save(account("2", "same"), GIVEN)
        assert [one.id for one in store.accounts()] == ["2"]

    def test_a_refreshed_token_is_stored_only_over_the_one_that_was_read(self, store: AccountStore) -> None:
        store.save(account(), GIVEN)
        record = store.account("787132") or pytest.fail("no account")
        lease = store.lease("refresh:787132", 60.0) or pytest.fail("no lease")
        assert store.refreshed(replace(record, expires_at=1.0), "fresh", lease)
        assert not store.refreshed(record, "late", lease)
        assert (store.token("787132") or pytest.fail("no token"))[1] == "fresh"

    def test_a_refreshed_token_is_not_stored_without_the_lease(self, store: AccountStore) -> None:
        store.save(account(), GIVEN)
        record = store.account("787132") or pytest.fail("no account")
        old = store.lease("refresh:787132", -1.0) or pytest.fail("no lease")
        assert not store.refreshed(record, "late", old)
        new = store.lease("refresh:787132", 60.0) or pytest.fail("no lease")
        assert new.token > old.token
        assert not store.refreshed(record, "late", old)
        assert (store.token("787132") or pytest.fail("no token"))[1] == GIVEN

    def test_one_of_several_processes_has_a_lease(self, store: AccountStore, make: MakeStore) -> None:
        with ThreadPoolExecutor(4) as threads:
            found = list(threads.map(lambda _: make().lease("refresh:1", 60.0), range(4)))
        (held,) = [one for one in found if one is not None]
        assert store.lease("refresh:1", 60.0) is None
        store.release(held)
        assert store.lease("refresh:1", 60.0) is not None

    def test_an_account_that_lapsed_keeps_its_token_out_of_use(self, store: AccountStore) -> None:
        store.save(account(), GIVEN)
        record = store.account("787132") or pytest.fail("no account")
        assert store.lapse(record)
        assert not store.lapse(record)
        lapsed = store.account("787132") or pytest.fail("no account")
        assert (lapsed.state, lapsed.has_token) == (StoredState.RECONNECT_REQUIRED, False)

    def test_a_rest_changes_no_version_and_ends_with_a_reconnection(self, store: AccountStore) -> None:
        store.save(account(), GIVEN)
        assert store.rest("787132", 50.0)
        rested = store.account("787132") or pytest.fail("no account")
        assert (rested.version, rested.state_at(49.0), rested.state_at(50.0)) == (
            1,
            ConnectionState.RESTRICTED,
            ConnectionState.CONNECTED,
        )
        store.save(account(), GIVEN)
        assert (store.account("787132") or pytest.fail("no account")).rests_until is None

    def test_a_lapse_does_not_undo_a_reconnection(self, store: AccountStore) -> None:
        store.save(account(), GIVEN)
        record = store.account("787132") or pytest.fail("no account")
        store.save(account(), "new")
        assert not store.lapse(record)
        assert (store.account("787132") or pytest.fail("no account")).state is StoredState.CONNECTED

    def test_a_forgotten_token_is_gone_and_the_account_stays_known(self, store: AccountStore) -> None:
        store.save(account(), GIVEN)
        assert store.forget_token("787132", StoredState.DISCONNECTED)
        assert not store.forget_token("787132", StoredState.DISCONNECTED)
        assert store.token("787132") is None
        assert [one.state for one in store.accounts()] == [StoredState.DISCONNECTED]
        assert store.erase("787132")
        assert store.accounts() == []

    def test_a_pending_connection_is_taken_once_by_any_process(self, store: AccountStore, make: MakeStore) -> None:
        store.begin(pending(), now=0.0)
        with ThreadPoolExecutor(4) as threads:
            found = list(threads.map(lambda _: make().take("d" * 64), range(4)))
        assert [one for one in found if one is not None] == [pending()]

    def test_pending_connections_are_bounded_and_end(
        self, store: AccountStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("gateway.accounts.account_store.MOST_PENDING", 2)
        for number in range(2):
            store.begin(pending(f"{number}"), now=0.0)
        with pytest.raises(TooManyPending):
            store.begin(pending("2"), now=599.0)
        store.begin(pending("2", client="other"), now=599.0)
        store.begin(pending("2"), now=600.0)
        assert store.take("0") is None


class Killed(BaseException):
    """The process ends at this point."""


def check(store: AccountStore) -> None:
    """All secrets are readable."""
    for number in range(3):
        assert (store.token(f"{number}") or pytest.fail("no token"))[1] == f"{GIVEN}-{number}"


class RotationContract:
    """No secret is lost, wherever a rotation is killed, and gateways serve meanwhile."""

    @pytest.fixture
    def store(self, make: MakeStore) -> AccountStore:
        made = make()
        made.open()
        for number in range(3):
            made.save(account(f"{number}", f"u{number}"), f"{GIVEN}-{number}")
        made.begin(pending(), now=0.0)
        return made

    def test_a_rotation_wraps_each_data_key_and_deletes_the_old_key(self, store: AccountStore, make: MakeStore) -> None:
        (old,) = store.envelope.keys.ids()
        new, count = rotate(make())
        assert count == 4
        assert list(make().envelope.keys.ids()) == [new] != [old]
        check(store)  # the process that serves has the old key in memory, and loads the new one
        check(make())
        assert (store.take("d" * 64) or pytest.fail("none")).verifier == "the verifier"

    @pytest.mark.parametrize("point", [ADDED, CURRENT, WRAPPED, DELETED])
    @pytest.mark.parametrize("passed", [0, 2])
    def test_a_rotation_that_is_killed_loses_nothing_and_is_completed(
        self, store: AccountStore, make: MakeStore, point: str, passed: int
    ) -> None:
        left = passed if point == WRAPPED else 0

        def kill(reached: str) -> None:
            nonlocal left
            if reached == point:
                left -= 1
                if left < 0:
                    raise Killed

        with pytest.raises(Killed):
            rotate(make(), kill)
        check(store)
        check(make())
        store.save(account("9", "u9"), "new")  # a gateway stores a token between both
        new, _ = rotate(make())
        assert list(make().envelope.keys.ids()) == [new]
        check(store)
        check(make())
        assert (make().token("9") or pytest.fail("no token"))[1] == "new"

    def test_tokens_that_are_stored_during_rotations_are_not_lost(self, store: AccountStore, make: MakeStore) -> None:
        failures: list[BaseException] = []
        has_ended = threading.Event()

        def serve() -> None:
            process = make()
            try:
                for number in range(20):
                    process.save(account("9", "u9"), f"new-{number}")
                    assert (process.token("9") or pytest.fail("no token"))[1] == f"new-{number}"
            except BaseException as error:
                failures.append(error)
            finally:
                has_ended.set()

        thread = threading.Thread(target=serve)
        thread.start()
        rotations = 0
        while not has_ended.is_set() or not rotations:
            rotate(make())
            rotations += 1
        thread.join()
        assert failures == []
        check(make())
        assert (make().token("9") or pytest.fail("no token"))[1] == "new-19"

    def test_a_second_rotation_takes_over_from_the_first(self, store: AccountStore, make: MakeStore) -> None:
        other: list[str] = []

        def begin_another(point: str) -> None:
            if point == CURRENT and not other:
                other.append(rotate(make())[0])

        with pytest.raises(Unusable, match="Another rotation has begun"):
            rotate(make(), begin_another)
        assert list(make().envelope.keys.ids()) == other
        check(make())
