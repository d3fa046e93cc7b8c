"""The attacks of RFC 9700 (OAuth 2.0 Security Best Current Practice) that apply to a client of an OAuth server."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest

from gateway.sandbox.fixture_users import NATGEO_PK
from gateway.settings import Settings
from tests.accounts.consent import (
    CONNECT,
    RETURN_TO,
    SECOND,
    accounts,
    begun,
    called_back,
    decided,
    outcome,
)
from tests.fakes.gateway import ORIGIN, FlowingClock, RunningGateway, Terms, running_gateway

CLIENTS = {
    "studio": Terms(rights=("read", "write", "connect")),
    "limited": Terms(rights=("read", "write", "connect"), accounts=(str(NATGEO_PK),)),
    "writer": Terms(rights=("read", "write")),
}


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[RunningGateway]:
    async with running_gateway(tmp_path, clock=FlowingClock()) as gateway:
        await gateway.knows_its_accounts()
        yield gateway


def changed(url: str, **parameters: str) -> str:
    """The URL with other parameters."""
    parts = urlsplit(url.partition("#")[0])
    return parts._replace(query=urlencode(dict(parse_qsl(parts.query)) | parameters)).geturl()


async def test_pkce_is_sent_with_s256_and_a_new_challenge_each_time(gateway: RunningGateway) -> None:
    """Code injection: a code that is stolen and put into another consent has another verifier."""
    first, second = [parse_qs(urlsplit(await begun(gateway)).query) for _ in range(2)]
    assert first["code_challenge_method"] == ["S256"]
    assert first["code_challenge"] != second["code_challenge"]
    assert first["state"] != second["state"]
    assert len(first["state"][0]) == 43


async def test_a_code_of_another_consent_is_refused(gateway: RunningGateway) -> None:
    """Code injection: the attacker's browser has a state of its own, and the victim's code."""
    victim = await decided(gateway, await begun(gateway))
    attacker = await decided(gateway, await begun(gateway))
    stolen = parse_qs(urlsplit(victim).query)["code"][0]
    assert outcome(await called_back(gateway, changed(attacker, code=stolen))) == {"connection": "failed"}
    assert SECOND not in await accounts(gateway)


async def test_a_state_is_used_once(gateway: RunningGateway) -> None:
    """Replay of a callback, as from a browser's history."""
    url = await decided(gateway, await begun(gateway))
    assert outcome(await called_back(gateway, url))["connection"] == "connected"
    replayed = await called_back(gateway, url)
    assert (replayed.status_code, replayed.headers.get("location")) == (400, None)
    assert "Connect the account again" in replayed.text


async def test_a_state_that_nobody_began_is_refused(gateway: RunningGateway) -> None:
    """CSRF on the callback: the attacker has the victim's browser open a callback with the attacker's code."""
    url = await decided(gateway, await begun(gateway))
    for state in ("", "x", "A" * 43, "A" * 5_000):
        refused = await called_back(gateway, changed(url, state=state))
        assert (refused.status_code, refused.headers.get("location")) == (400, None)
    assert SECOND not in await accounts(gateway)


async def test_a_parameter_that_is_given_twice_is_refused(gateway: RunningGateway) -> None:
    url = await decided(gateway, await begun(gateway))
    assert (await gateway.client.get(f"{url}&state=other")).status_code == 400


async def test_a_state_ends_after_ten_minutes(gateway: RunningGateway) -> None:
    url = await decided(gateway, await begun(gateway))
    gateway.clock.advance(600.0)
    assert (await called_back(gateway, url)).status_code == 400


async def test_a_program_that_checks_links_does_not_use_a_state_up(gateway: RunningGateway) -> None:
    url = await decided(gateway, await begun(gateway))
    assert (await gateway.client.head(url)).status_code == 405
    assert outcome(await called_back(gateway, url))["connection"] == "connected"


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/graphql",
        f"{ORIGIN}.evil.example/",
        f"{ORIGIN}@evil.example/",
        f"{ORIGIN}:8443/",
        f"{ORIGIN}\\@evil.example/",
        f"{ORIGIN}/\r\nlocation: https://evil.example",
        "//evil.example/",
        "/graphql",
        "javascript:alert(1)",
        "data:text/html,x",
        "https://gateway.test/graphql",
        "",
        f"{ORIGIN}/{'x' * 2_000}",
    ],
)
async def test_a_browser_is_sent_to_allowed_origins_alone(gateway: RunningGateway, url: str) -> None:
    """Open redirect."""
    payload = (await gateway.query(CONNECT, {"returnTo": url})).data["connectAccount"]
    assert payload["authorizeUrl"] is None
    assert [(error["field"], error["code"]) for error in payload["userErrors"]] == [(["input", "returnTo"], "INVALID")]


async def test_origins_of_the_setting_are_allowed(tmp_path: Path) -> None:
    settings = Settings(return_origins=frozenset({"https://app.example.com"}))
    async with running_gateway(tmp_path, settings=settings, clock=FlowingClock()) as gateway:
        for url in ("https://app.example.com/done?a=1#b", "HTTPS://app.example.com:443/"):
            assert await begun(gateway, returnTo=url)


async def test_a_consent_at_another_provider_is_refused(tmp_path: Path) -> None:
    """Mix-up: the code of one server must not be sent to another, whether it names itself or the settings changed."""
    async with running_gateway(tmp_path, clock=FlowingClock()) as gateway:
        url = await decided(gateway, await begun(gateway))
        assert outcome(await called_back(gateway, f"{url}&iss=https%3A%2F%2Fevil.example")) == {"connection": "failed"}
        left = await decided(gateway, await begun(gateway))
    settings = Settings(platform_login="instagram")
    async with running_gateway(tmp_path, settings=settings, clock=FlowingClock()) as gateway:
        assert outcome(await called_back(gateway, left)) == {"connection": "failed"}
        assert gateway.sandbox.meter.calls["POST /instagram/oauth/access_token"] == 0


async def test_no_code_state_and_token_is_logged(
    gateway: RunningGateway, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    url = await begun(gateway)
    back = await decided(gateway, url)
    await called_back(gateway, back)
    secrets = [parse_qs(urlsplit(back).query)[name][0] for name in ("code", "state")]
    secrets += (await gateway.client.get("/sandbox/_control/oauth")).json()["tokens"]
    assert len(secrets) == 4
    own = [record for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]  # of the test
    lines = "\n".join(f"{record.getMessage()} {vars(record)}" for record in own)
    assert "AccountConnectionChanged" in lines
    assert [secret for secret in secrets if secret in lines] == []


async def test_the_right_to_connect_is_a_right_of_its_own(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, clock=FlowingClock(), clients=CLIENTS) as gateway:
        refused = await gateway.query(CONNECT, {"returnTo": RETURN_TO}, client="writer")
        assert (refused.status, refused.errors) == (403, [("", "FORBIDDEN")])


async def connector_of(gateway: RunningGateway, client: str, *, decide: bool = True) -> str:
    """The URL of a callback, of a consent that a client began in a gateway whose sandbox no browser reaches."""
    from gateway.sandbox.publishing.authorization_codes import ConsentRequest
    from gateway.sandbox.publishing.oauth import CONTRACT

    url = await begun(gateway, client=client)
    given = dict(parse_qsl(urlsplit(url).query))
    asked = ConsentRequest.of(given, CONTRACT.names, "gateway.test", needs_challenge=True)
    server = gateway.sandbox.publishing._servers[0]
    code = server._codes.add(int(SECOND), asked, asked.permissions)
    return asked.answered({"code": code})


async def test_a_client_connects_only_accounts_that_it_may_use(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, clock=FlowingClock(), clients=CLIENTS) as gateway:
        await gateway.knows_its_accounts("studio")
        assert outcome(await called_back(gateway, await connector_of(gateway, "limited"))) == {
            "connection": "not_allowed"
        }
        assert SECOND not in await accounts(gateway, client="studio")
        url = await connector_of(gateway, "studio")
        assert outcome(await called_back(gateway, url))["connection"] == "connected"
        assert SECOND in await accounts(gateway, client="studio")
        assert SECOND not in await accounts(gateway, client="limited")


async def test_a_client_that_was_disabled_meanwhile_connects_nothing(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, clock=FlowingClock(), clients=CLIENTS) as gateway:
        url = await connector_of(gateway, "studio")
        text = (tmp_path / "clients.toml").read_text()
        (tmp_path / "clients.toml").write_text(text.replace("disabled = false", "disabled = true", 1))
        gateway.clients.reload()
        assert outcome(await called_back(gateway, url)) == {"connection": "not_allowed"}


def test_no_error_and_no_repr_shows_a_secret() -> None:
    from gateway.accounts.oauth_client import Grant, IssuedToken
    from gateway.accounts.vault.envelope import Encrypted
    from tests.accounts.places import pending

    shown = [Grant("secret", "1", None), IssuedToken("secret", 1.0), Encrypted("id", b"secret", b"secret")]
    shown.append(dataclasses.replace(pending(), verifier="secret"))
    assert "secret" not in repr(shown)
