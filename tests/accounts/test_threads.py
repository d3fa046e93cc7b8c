"""The store of the accounts is asked by a few threads of its own, however many ask."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from gateway.accounts.account_records import AccountRecord
from gateway.accounts.account_store import AccountStore
from gateway.accounts.accounts import THREADS, Accounts
from gateway.accounts.sqlite_accounts import SqliteAccounts
from gateway.accounts.vault.envelope import EnvelopeCipher
from gateway.accounts.vault.key_encryption import LocalKeys
from gateway.accounts.vault.key_place import KeyFile
from gateway.composition.app import Gateway
from gateway.settings import Settings
from tests.accounts.consent import connected
from tests.fakes.clock import ManualClock
from tests.fakes.durable import VolatileDurable
from tests.fakes.gateway import ORIGIN, WallClock, running_gateway


def of_accounts() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("accounts")}


class Waiting(AccountStore):
    """A store that answers when it `may_answer`, and knows which threads asked."""

    def __init__(self, folder: Path) -> None:
        super().__init__(SqliteAccounts(folder), EnvelopeCipher(LocalKeys(KeyFile(folder))))
        self.may_answer = threading.Event()
        self.all_busy = threading.Event()
        self.asking: set[str] = set()

    def accounts(self) -> list[AccountRecord]:
        self.asking.add(threading.current_thread().name)
        if len(self.asking) == THREADS:
            self.all_busy.set()
        assert self.may_answer.wait(60)
        return super().accounts()


async def test_a_few_threads_ask_the_store(tmp_path: Path) -> None:
    before = of_accounts()
    store = Waiting(tmp_path)
    accounts = Accounts(store, ManualClock(), lambda _: None)
    store.open()
    asked = [asyncio.ensure_future(accounts.account("1")) for _ in range(60)]
    try:
        assert await asyncio.to_thread(store.all_busy.wait, 60), "the default threads are free for others"
    finally:
        store.may_answer.set()
    assert await asyncio.gather(*asked) == [None] * 60
    assert len(store.asking) == THREADS
    await accounts.aclose()
    assert of_accounts() <= before


@pytest.mark.durable
async def test_no_thread_is_left_of_a_gateway(tmp_path: Path) -> None:
    before = of_accounts()
    async with running_gateway(tmp_path) as gateway:
        await gateway.knows_its_accounts()
        assert (await connected(gateway))["connection"] == "connected"
        assert of_accounts() - before
    assert of_accounts() <= before


class NoStart(VolatileDurable):
    """An engine that cannot start."""

    async def launch(self) -> None:
        raise OSError("no")


async def test_nor_of_one_that_could_not_start(tmp_path: Path) -> None:
    before = of_accounts()
    clock = WallClock()
    gateway = Gateway(Settings(data_dir=tmp_path), None, clock, ORIGIN, durable=NoStart(clock))
    assert gateway.publishing is not None
    connections = gateway.publishing.accounts.connections
    assert connections is not None
    app = gateway.app()
    await connections.accounts.take("0" * 64)
    assert of_accounts() - before
    with pytest.raises(OSError, match="no"):
        async with app.router.lifespan_context(app):
            pass
    assert of_accounts() <= before
