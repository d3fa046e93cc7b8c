"""Connecting an account, from the mutation over the consent page to a publication with its own token."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.sandbox.fixture_users import NATGEO_PK
from gateway.settings import Settings
from tests.accounts.consent import (
    DISCONNECT,
    RETURN_TO,
    SECOND,
    accounts,
    begun,
    called_back,
    connected,
    decided,
    outcome,
)
from tests.fakes.gateway import FlowingClock, RunningGateway, running_gateway

OWN = str(NATGEO_PK)
PICTURE = {"url": "https://images.example.com/reef.jpg"}
CREATE = """mutation($account: ID!, $key: ID!) { createHighlight(input: {
    account: $account, title: "Reef", media: [{ url: "https://images.example.com/reef.jpg" }], idempotencyKey: $key
  }) { flow { id state steps { name error { code } } } userErrors { code message } highlight { user { id } } } }"""


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[RunningGateway]:
    async with running_gateway(tmp_path, clock=FlowingClock()) as gateway:
        await gateway.knows_its_accounts()
        gateway.at_once()
        yield gateway


def contents(folder: Path) -> list[tuple[Path, bytes]]:
    return [(path, path.read_bytes()) for path in folder.rglob("*") if path.is_file()]


async def create(gateway: RunningGateway, account: str, key: str = "reef-1") -> dict[str, Any]:
    answer = await gateway.query(CREATE, {"account": account, "key": key})
    created: dict[str, Any] = answer.data["createHighlight"]
    return created


async def test_a_connected_account_publishes_with_its_own_token(gateway: RunningGateway) -> None:
    assert (await accounts(gateway)).keys() == {OWN}
    assert await connected(gateway) == {"connection": "connected", "account": SECOND}
    found = (await accounts(gateway))[SECOND]
    assert (found["state"], found["scopes"]) == ("CONNECTED", ["basic", "publish"])
    assert found["capabilities"] == ["PUBLISH_MEDIA", "PUBLISH_STORY", "HIGHLIGHTS", "LIKE", "FOLLOW", "EVENTS"]
    assert found["tokenExpiresAt"] is not None
    created = await create(gateway, SECOND)
    assert (created["flow"]["state"], created["highlight"]) == ("DONE", {"user": {"id": SECOND}})
    assert (await create(gateway, OWN, "reef-2"))["highlight"] == {"user": {"id": OWN}}


async def test_the_configured_token_is_an_account_that_cannot_expire(gateway: RunningGateway) -> None:
    assert (await accounts(gateway))[OWN] == {
        "id": OWN,
        "state": "CONNECTED",
        "scopes": [],
        "capabilities": ["PUBLISH_STORY", "HIGHLIGHTS", "LIKE"],
        "tokenExpiresAt": None,
    }


async def test_one_account_is_priced_and_bought_alone(gateway: RunningGateway) -> None:
    await connected(gateway)
    query = f'{{ account(id: "{SECOND}") {{ id user {{ username }} }} }}'
    price = await gateway.query("query($d: String!) { price(document: $d) { lower upper } }", {"d": query})
    answer = await gateway.query(query)
    assert answer.data["account"] == {"id": SECOND, "user": {"username": "thirty.highlights"}}
    assert price.data["price"] == {"lower": answer.charged, "upper": answer.charged}
    assert answer.charged == 1
    assert (await gateway.query('{ account(id: "1") { id user { username } } }')).data == {"account": None}


async def test_fewer_permissions_than_asked_for_are_told_by_the_capabilities(gateway: RunningGateway) -> None:
    assert (await connected(gateway, permission=["BASIC"]))["connection"] == "connected"
    found = (await accounts(gateway))[SECOND]
    assert (found["scopes"], found["capabilities"]) == (["basic"], ["EVENTS"])
    assert (await create(gateway, SECOND))["flow"]["state"] == "FAILED"


async def test_a_refusal_connects_nothing(gateway: RunningGateway) -> None:
    assert await connected(gateway, decision="deny") == {"connection": "denied"}
    assert SECOND not in await accounts(gateway)


async def test_a_disconnected_account_publishes_no_more(gateway: RunningGateway) -> None:
    await connected(gateway)
    answer = await gateway.query(DISCONNECT, {"account": SECOND})
    assert answer.data["disconnectAccount"]["account"] == {"id": SECOND, "state": "DISCONNECTED"}
    assert SECOND not in await accounts(gateway)
    assert (await create(gateway, SECOND))["userErrors"][0]["code"] == "UNKNOWN_ACCOUNT"
    again = await gateway.query(DISCONNECT, {"account": SECOND})
    assert again.data["disconnectAccount"]["userErrors"][0]["code"] == "UNKNOWN_ACCOUNT"


async def test_the_operators_account_cannot_be_disconnected(gateway: RunningGateway) -> None:
    answer = await gateway.query(DISCONNECT, {"account": OWN})
    assert answer.data["disconnectAccount"]["userErrors"][0]["code"] == "INVALID"


async def test_another_account_than_the_one_to_reconnect_is_refused(gateway: RunningGateway) -> None:
    url = await begun(gateway, reconnect=OWN)
    assert outcome(await called_back(gateway, await decided(gateway, url))) == {"connection": "other_account"}
    assert SECOND not in await accounts(gateway)


@pytest.mark.parametrize("is_wrapped", [True, False])
@pytest.mark.parametrize("is_listed", [True, False])
async def test_each_shape_of_the_exchange_is_read(gateway: RunningGateway, is_wrapped: bool, is_listed: bool) -> None:
    shape = {"is_wrapped": is_wrapped, "is_listed": is_listed}
    assert (await gateway.client.post("/sandbox/_control/oauth", json=shape)).status_code == 200
    assert (await connected(gateway))["connection"] == "connected"
    assert (await accounts(gateway))[SECOND]["scopes"] == ["basic", "publish"]


async def test_instagram_login_is_mapped_to_the_pk_by_one_look_up(tmp_path: Path) -> None:
    settings = Settings(platform_login="instagram")
    async with running_gateway(tmp_path, settings=settings, clock=FlowingClock(), all_heard=False) as gateway:
        await gateway.knows_its_accounts()
        before = gateway.billed
        assert await connected(gateway) == {"connection": "connected", "account": SECOND}
        assert gateway.billed == before + 1
        found = (await accounts(gateway))[SECOND]
        assert found["scopes"] == ["instagram_business_basic", "instagram_business_content_publish"]
        assert found["capabilities"] == ["PUBLISH_MEDIA", "PUBLISH_STORY", "EVENTS"]
        gateway.at_once()
        steps = (await create(gateway, SECOND))["flow"]["steps"]
        assert [step["error"]["code"] for step in steps if step["error"]] == ["UNSUPPORTED_BY_PLATFORM"]


async def test_instagram_login_asks_anew_who_has_the_name(tmp_path: Path) -> None:
    """It was another person's, whom the cache still has by it."""
    settings = Settings(platform_login="instagram")
    async with running_gateway(tmp_path, settings=settings, clock=FlowingClock(), all_heard=False) as gateway:
        await gateway.knows_its_accounts()
        answer = await gateway.query('{ user(by: { username: "natgeo" }) { id } }')
        assert answer.data["user"]["id"].endswith(OWN)
        gateway.sandbox.world.rename(NATGEO_PK, "natgeo.before")
        gateway.sandbox.world.rename(int(SECOND), "natgeo")
        before = gateway.billed
        assert await connected(gateway) == {"connection": "connected", "account": SECOND}
        assert gateway.billed == before + 1


async def test_an_account_is_not_given_the_token_of_another_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when reads still tell the pk of the person who had the name before."""
    settings = Settings(platform_login="instagram")
    async with running_gateway(tmp_path, settings=settings, clock=FlowingClock(), all_heard=False) as gateway:
        await gateway.knows_its_accounts()
        assert (await connected(gateway))["connection"] == "connected"
        with monkeypatch.context() as another:
            another.setattr("gateway.sandbox.publishing.oauth._Instagram.user_id", lambda *_: 17_841_400_000_000_001)
            assert await connected(gateway) == {"connection": "failed"}
            await gateway.query(DISCONNECT, {"account": SECOND})
            assert (await connected(gateway))["connection"] == "connected"


async def test_a_token_of_another_account_than_the_exchange_names_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(platform_login="instagram")
    async with running_gateway(tmp_path, settings=settings, clock=FlowingClock(), all_heard=False) as gateway:
        await gateway.knows_its_accounts()
        told = iter((17_841_400_000_000_001, 17_841_400_000_000_002))
        monkeypatch.setattr("gateway.sandbox.publishing.oauth._Instagram.user_id", lambda *_: next(told))
        before = gateway.billed
        assert await connected(gateway) == {"connection": "failed"}
        assert gateway.billed == before


async def test_a_restart_keeps_the_connected_account(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, clock=FlowingClock()) as gateway:
        await gateway.knows_its_accounts()
        await connected(gateway)
        tokens = (await gateway.client.get("/sandbox/_control/oauth")).json()["tokens"]
    assert len(tokens) == 2
    assert [path for path, content in contents(tmp_path) if any(token.encode() in content for token in tokens)] == []
    async with running_gateway(tmp_path, clock=FlowingClock()) as gateway:
        assert (await accounts(gateway))[SECOND]["state"] == "CONNECTED"


async def test_a_connection_that_is_cut_after_the_exchange_ends_with_the_advice_to_connect_again(
    gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the process was killed between the platform's answer and the store: the code and the state are used up."""

    def kill(*_: object) -> None:
        raise RuntimeError("killed")

    url = await decided(gateway, await begun(gateway))
    with monkeypatch.context() as patched:
        patched.setattr("gateway.accounts.account_store.AccountStore.save", kill)
        with pytest.raises(RuntimeError, match="killed"):
            await called_back(gateway, url)
    response = await called_back(gateway, url)
    assert (response.status_code, "Connect the account again" in response.text) == (400, True)
    assert SECOND not in await accounts(gateway)
    assert (await connected(gateway))["connection"] == "connected"


async def test_the_callback_is_stored_nowhere_and_tells_no_page_its_url(gateway: RunningGateway) -> None:
    response = await called_back(gateway, await decided(gateway, await begun(gateway)))
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert response.headers["location"] == f"{RETURN_TO}?connection=connected&account={SECOND}"
