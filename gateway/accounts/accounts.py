"""The connected accounts of one process: its view of the store that all processes share.

The view is read again every few seconds, so that a process notices what others change. No read of the graph waits for
the store: it uses the view.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import TypeVar

from gateway.accounts.account_records import AccountRecord, PendingConnection, StoredState
from gateway.accounts.account_store import AccountStore, StoreLease
from gateway.accounts.vault.key_encryption import VaultDamaged
from gateway.clock import Clock
from gateway.errors import AccountsUnavailable, Unusable
from gateway.store_threads import StoreThreads

T = TypeVar("T")
REFRESH_SECONDS = 15.0
# Each has at most one connection to the store.
THREADS = 4
AWAY = "The store of the connected accounts cannot be reached: nothing is published for them."


class Accounts:
    """The accounts. Methods raise AccountsUnavailable; `problem` is the reason, for the readiness check.

    `on_change` is called with the id of an account whose record has changed, by any process.
    """

    def __init__(self, store: AccountStore, clock: Clock, on_change: Callable[[str], None]) -> None:
        """Open the store, if there is one. Raise VaultKeyMissing for a wrong key, and Unusable."""
        self.store = store
        self._clock = clock
        self._on_change = on_change
        self._known: dict[str, AccountRecord] = {}
        self.problem: str | None = None
        self._threads = StoreThreads(THREADS, "accounts")
        with contextlib.suppress(AccountsUnavailable):
            if store.database.exists():
                store.open()
                self._known = {record.id: record for record in store.accounts()}

    @property
    def known(self) -> Mapping[str, AccountRecord]:
        """The accounts by id, as this process has last seen them."""
        return self._known

    async def account(self, id: str) -> AccountRecord | None:
        return (await self._read()).get(id)

    async def of_platform_user(self, user_id: str) -> AccountRecord | None:
        return next((one for one in (await self._read()).values() if one.user_id == user_id), None)

    async def disconnect(self, id: str) -> AccountRecord | None:
        return await self._forget(id, StoredState.DISCONNECTED)

    async def require_reconnection(self, id: str) -> AccountRecord | None:
        return await self._forget(id, StoredState.RECONNECT_REQUIRED)

    async def erase(self, id: str) -> bool:
        if not await self._ask(self.store.database.exists):
            return False
        is_erased = await self._ask(lambda: self.store.erase(id))
        await self._read()
        return is_erased

    async def save(self, record: AccountRecord, token: str) -> AccountRecord:
        """Store a newly connected account, and return its record."""
        await self._ask(self.store.open)
        await self._ask(lambda: self.store.save(record, token))
        return (await self._read())[record.id]

    async def begin(self, pending: PendingConnection, now: float) -> None:
        """Store a connection that was begun. Raise TooManyPending."""
        await self._ask(self.store.open)
        await self._ask(lambda: self.store.begin(pending, now))

    async def take(self, digest: str) -> PendingConnection | None:
        """Return a connection that was begun, once."""
        return await self._ask(lambda: self.store.take(digest)) if await self._ask(self.store.database.exists) else None

    async def token(self, id: str) -> tuple[AccountRecord, str] | None:
        """Return an account with its token; None if there is none."""
        return await self._ask(lambda: self.store.token(id))

    async def refreshed(self, record: AccountRecord, token: str, lease: StoreLease) -> bool:
        """Store a refreshed token, and return whether the account is unchanged and the lease is held."""
        return await self._changed(lambda: self.store.refreshed(record, token, lease))

    async def delay_refresh(self, record: AccountRecord, until: float) -> bool:
        """Store when the next attempt to refresh the token is made, in Unix seconds."""
        return await self._changed(lambda: self.store.delay_refresh(record, until))

    async def rest(self, id: str, until: float) -> bool:
        """Store until when the platform restricts an account, in Unix seconds."""
        return await self._changed(lambda: self.store.rest(id, until))

    async def lapse(self, record: AccountRecord) -> bool:
        """Require a reconnection, and return whether the account was unchanged since it was read."""
        return await self._changed(lambda: self.store.lapse(record))

    async def lease(self, name: str, seconds: float) -> StoreLease | None:
        return await self._ask(lambda: self.store.lease(name, seconds))

    async def release(self, lease: StoreLease) -> None:
        await self._ask(lambda: self.store.release(lease))

    async def aclose(self) -> None:
        """End the threads once the calls in progress have ended. Nothing can be called afterwards."""
        await self._threads.aclose()

    async def watch(self) -> None:
        """Read the view again and again."""
        while True:
            await self._clock.sleep(REFRESH_SECONDS)
            with contextlib.suppress(AccountsUnavailable):
                await self._read()
                self.problem = None

    async def _forget(self, id: str, state: StoredState) -> AccountRecord | None:
        if not await self._ask(self.store.database.exists):
            return None
        await self._ask(lambda: self.store.forget_token(id, state))
        return (await self._read()).get(id)

    async def _read(self) -> Mapping[str, AccountRecord]:
        """Read the view, and report what has changed."""
        # Without a thread: nearly all gateways have connected no account.
        if self.store.database.is_absent() or not await self._ask(self.store.database.exists):
            return self._known
        before = self._known
        self._known = found = {record.id: record for record in await self._ask(self.store.accounts)}
        for id in before.keys() | found.keys():
            if before.get(id) != found.get(id):
                self._on_change(id)
        return found

    async def _changed(self, change: Callable[[], bool]) -> bool:
        is_changed = await self._ask(change)
        await self._read()
        return is_changed

    async def _ask(self, work: Callable[[], T]) -> T:
        """Return the result of `work`, from a thread. Raise AccountsUnavailable, also where the vault is unusable."""
        try:
            return await self._threads.run(work)
        except AccountsUnavailable:
            self.problem = AWAY
            raise
        except Unusable as exc:
            self.problem = str(exc)
            raise AccountsUnavailable("The connected accounts cannot be used now. Contact the operator.") from exc
        except VaultDamaged as exc:
            raise AccountsUnavailable("The token of the account cannot be decrypted. Connect it again.") from exc


def topic_of(id: str) -> str:
    """Return the topic of the events that end the wait for an account."""
    return f"account:{id}"
