"""A key in a Transit engine: a stub that follows the documented API, on a real port."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.accounts.vault.key_encryption import VaultDamaged
from gateway.accounts.vault.transit import TransitKey
from gateway.errors import AccountsUnavailable
from tests.accounts.places import GIVEN, account
from tests.accounts.remote_key_contract import MakeKey, RemoteKeyContract, store_of
from tests.accounts.transit_server import TOKEN, Transit
from tests.fakes.served import served


@pytest.fixture
def transit() -> Transit:
    return Transit()


@pytest.fixture
def url(transit: Transit) -> Iterator[str]:
    with served(lambda _: transit.app(), lifespan=False) as url:
        yield f"transit+{url}"


class TestTransit(RemoteKeyContract):
    @pytest.fixture
    def make(self, url: str) -> MakeKey:
        return lambda: TransitKey(f"{url}/transit/gateway", TOKEN)

    @pytest.fixture
    def other(self, url: str, transit: Transit) -> MakeKey:
        transit.keys["transit/other"] = b"o" * 32
        return lambda: TransitKey(f"{url}/transit/other", TOKEN)

    @pytest.fixture
    def denied(self, url: str) -> MakeKey:
        return lambda: TransitKey(f"{url}/transit/gateway", "another token")

    @pytest.fixture
    def silent(self) -> MakeKey:
        return lambda: TransitKey("transit+http://127.0.0.1:9/transit/gateway", TOKEN)

    @pytest.mark.parametrize("ciphertext", [b"nonsense", b"vault:v1:bm8=", b"\xff" * 40])
    def test_what_is_no_ciphertext_is_damaged(self, make: MakeKey, ciphertext: bytes) -> None:
        with pytest.raises(VaultDamaged):
            make().decrypt(ciphertext)

    def test_an_engine_that_fails_is_asked_again_later(self, make: MakeKey, transit: Transit) -> None:
        transit.status = 503
        with pytest.raises(AccountsUnavailable):
            make().encrypt(b"secret")

    def test_the_engine_sees_neither_a_token_nor_an_account(
        self, make: MakeKey, transit: Transit, tmp_path: Path
    ) -> None:
        store = store_of(tmp_path, make())
        store.open()
        store.save(account(), GIVEN)
        store.token("787132")
        assert len(transit.bodies) == 2
        sent = b"".join(transit.bodies)
        assert GIVEN.encode() not in sent
        assert b"787132" not in sent
