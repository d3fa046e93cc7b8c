"""The OAuth servers of the sandbox: consent, codes, tokens, and their end."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from starlette.applications import Starlette

from gateway.sandbox.fixture_users import NATGEO, THIRTY
from gateway.sandbox.publishing.authorization_codes import APP_SECRET
from gateway.sandbox.publishing.containers import DAY
from tests.sandbox.harness import ORIGIN, SteppedClock
from tests.sandbox.publishing.media import jpeg
from tests.sandbox.publishing.platform_client import Press, done, refused

RETURN = "http://127.0.0.1:8000/oauth/callback"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
ASKED = {
    "client_id": "sandbox",
    "redirect_uri": RETURN,
    "response_type": "code",
    "scope": "basic,publish",
    "state": "abc",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}
EXCHANGE = {
    "client_id": "sandbox",
    "client_secret": APP_SECRET,
    "grant_type": "authorization_code",
    "redirect_uri": RETURN,
    "code_verifier": VERIFIER,
}
OWN = {"origin": ORIGIN}
INSTAGRAM_SCOPES = "instagram_business_basic instagram_business_content_publish"


async def decided(client: httpx.AsyncClient, prefix: str = "/platform", **changed: Any) -> httpx.Response:
    """The answer to the form of the page, as a browser sends it."""
    page = await client.get(f"{prefix}/oauth/authorize", params=ASKED | changed.pop("asked", {}))
    assert page.status_code == 200, page.text
    hidden = {
        name: html.unescape(value) for name, value in re.findall(r'type="hidden" name="(.*?)" value="(.*?)"', page.text)
    }
    ticked = re.findall(r'name="permission" value="(\w+)" checked', page.text)
    chosen = {"account": str(THIRTY.pk), "permission": ticked, "decision": "allow"}
    return await client.post(f"{prefix}/oauth/authorize", data=hidden | chosen | changed, headers=OWN)


def led_back(response: httpx.Response) -> dict[str, str]:
    assert response.status_code == 303, response.text
    url = response.headers["location"]
    assert url.startswith(RETURN)
    return {name: value for name, (value,) in parse_qs(urlsplit(url).query).items()}


async def code_for(client: httpx.AsyncClient, prefix: str = "/platform", **changed: Any) -> str:
    return led_back(await decided(client, prefix, **changed))["code"]


async def exchange(client: httpx.AsyncClient, code: str, prefix: str = "/platform", **changed: str) -> httpx.Response:
    return await client.post(f"{prefix}/oauth/access_token", data=EXCHANGE | {"code": code} | changed)


async def long_token(client: httpx.AsyncClient, **changed: Any) -> str:
    short = done(await exchange(client, await code_for(client, **changed)))["access_token"]
    asked = {"grant_type": "ig_exchange_token", "client_secret": APP_SECRET, "access_token": short}
    given = done(await client.get("/platform/access_token", params=asked))
    assert given == {"access_token": given["access_token"], "token_type": "bearer", "expires_in": 5_183_944}
    token: str = given["access_token"]
    return token


async def test_a_second_account_is_connected_and_publishes(client: httpx.AsyncClient, clock: SteppedClock) -> None:
    back = led_back(await decided(client))
    assert back == {"code": back["code"], "state": "abc"}
    given = done(await exchange(client, back["code"]))
    short = given["access_token"]
    assert given == {"access_token": short, "user_id": str(THIRTY.pk), "permissions": ["basic", "publish"]}
    asked = {"grant_type": "ig_exchange_token", "client_secret": APP_SECRET, "access_token": short}
    token = done(await client.get("/platform/access_token", params=asked))["access_token"]
    press = Press(client, token)
    assert done(await press.get("/users/self"))["username"] == THIRTY.username
    done(await press.upload(jpeg()), 201)
    clock.seconds = 3_600
    refused(await Press(client, short).get("/users/self"), 190, 463)
    refused(await client.get("/platform/access_token", params=asked), 190, 463)
    assert done(await press.get("/users/self"))["id"] == str(THIRTY.pk)


async def test_the_page_names_what_is_asked_for_and_tells_nobody_else(client: httpx.AsyncClient) -> None:
    page = await client.get("/platform/oauth/authorize", params=ASKED | {"state": '"><script>alert(1)</script>'})
    assert "<script" not in page.text
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert "See the profile" in page.text
    assert "Publish stories" in page.text
    assert "See insights" not in page.text


async def test_who_cancels_leads_back_with_the_reason(client: httpx.AsyncClient) -> None:
    back = led_back(await decided(client, decision="cancel"))
    assert (back["error"], back["error_reason"], back["state"]) == ("access_denied", "user_denied", "abc")
    assert "code" not in back


async def test_without_a_permission_its_calls_are_refused(client: httpx.AsyncClient, clock: SteppedClock) -> None:
    token = await long_token(client, permission=["BASIC"])
    press = Press(client, token)
    assert done(await press.get("/users/self"))["username"] == THIRTY.username
    refused(await press.upload(jpeg()), 200)
    bare = await long_token(client, permission=["PUBLISH"])
    refused(await Press(client, bare).get("/users/self"), 200)
    clock.seconds = DAY
    refused(await client.get("/platform/refresh_access_token", params=refresh(bare)), 200)


def refresh(token: str) -> dict[str, str]:
    return {"grant_type": "ig_refresh_token", "access_token": token}


async def test_a_token_of_an_hour_is_not_refreshed_and_a_long_one_is_not_exchanged(client: httpx.AsyncClient) -> None:
    short = done(await exchange(client, await code_for(client)))["access_token"]
    refused(await client.get("/platform/refresh_access_token", params=refresh(short)), 100)
    asked = {"grant_type": "ig_exchange_token", "client_secret": APP_SECRET}
    token = await long_token(client)
    refused(await client.get("/platform/access_token", params=asked | {"access_token": token}), 100)
    refused(await client.get("/platform/access_token", params=asked), 190, 467)
    refused(
        await client.get("/platform/access_token", params=asked | {"access_token": short, "client_secret": ""}), 100
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_secret": "another"},  # pragma: allowlist secret
        {"redirect_uri": RETURN + "/"},
        {"code_verifier": "w" * 43},
        {"code_verifier": ""},
    ],
)
async def test_a_code_is_used_once_also_where_something_is_wrong(
    client: httpx.AsyncClient, wrong: dict[str, str]
) -> None:
    code = await code_for(client)
    refused(await exchange(client, code, **wrong), 100)
    refused(await exchange(client, code), 100)


async def test_a_code_lives_an_hour(client: httpx.AsyncClient, clock: SteppedClock) -> None:
    code = await code_for(client)
    clock.seconds = 3_600
    refused(await exchange(client, code), 100)


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": "another"},
        {"redirect_uri": "https://evil.example.com/callback"},
        {"redirect_uri": "https://127.0.0.1@evil.example.com/"},
        {"redirect_uri": "javascript:alert(1)"},
        {"redirect_uri": RETURN + "#a"},
        {"redirect_uri": "http://[/"},
        {"response_type": "token"},
        {"scope": ""},
        {"scope": "basic,likes"},
        {"code_challenge": ""},
        {"code_challenge_method": "plain"},
        {"state": "s" * 2_049},
    ],
)
async def test_a_wrong_request_leads_nowhere(client: httpx.AsyncClient, wrong: dict[str, str]) -> None:
    page = await client.get("/platform/oauth/authorize", params=ASKED | wrong)
    assert page.status_code == 400
    assert "location" not in page.headers
    decision = {"decision": "allow", "account": str(THIRTY.pk), "permission": "BASIC"}
    form = await client.post("/platform/oauth/authorize", data=ASKED | wrong | decision, headers=OWN)
    assert form.status_code == 400
    assert "location" not in form.headers


@pytest.mark.parametrize("origin", [{}, {"origin": "null"}, {"origin": "https://evil.example.com"}])
async def test_no_other_page_decides(client: httpx.AsyncClient, origin: dict[str, str]) -> None:
    decision = {"decision": "allow", "account": str(THIRTY.pk), "permission": "BASIC"}
    assert (await client.post("/platform/oauth/authorize", data=ASKED | decision, headers=origin)).status_code == 400
    ended = await client.post("/platform/oauth/access", data={"account": str(NATGEO.pk)}, headers=origin)
    assert ended.status_code == 400
    assert done(await Press(client).get("/users/self"))["username"] == NATGEO.username


async def test_access_is_removed_on_its_page(client: httpx.AsyncClient, app: Starlette) -> None:
    token = await long_token(client, permission=["BASIC"])
    page = (await client.get("/platform/oauth/access")).text
    assert f"{THIRTY.username}<small>See the profile and the media</small>" in page
    ended = await client.post("/platform/oauth/access", data={"account": str(THIRTY.pk)}, headers=OWN)
    assert ended.headers["location"] == "/platform/oauth/access"
    assert THIRTY.username not in (await client.get("/platform/oauth/access")).text
    refused(await Press(client, token).get("/users/self"), 190, 458)
    refused(await client.get("/platform/refresh_access_token", params=refresh(token)), 190, 458)
    again = await long_token(client)
    assert done(await Press(client, again).get("/users/self"))["username"] == THIRTY.username
    refused(await Press(client, token).get("/users/self"), 190, 458)


@pytest.mark.parametrize(("reason", "subcode"), [("removed", 458), ("password_changed", 460), ("expired", 463)])
async def test_a_test_ends_the_tokens_of_an_account(client: httpx.AsyncClient, reason: str, subcode: int) -> None:
    token = await long_token(client)
    assert token in done(await client.get("/_control/oauth"))["tokens"]
    asked = {"account": str(THIRTY.pk), "reason": reason}
    assert done(await client.post("/_control/oauth/end", json=asked)) == {"ended": 2}
    refused(await Press(client, token).get("/users/self"), 190, subcode)
    done(await client.post("/_control/oauth/end", json={"account": "1"}), 400)


@pytest.mark.parametrize("prefix", ["/platform", "/instagram"])
@pytest.mark.parametrize("is_wrapped", [True, False])
@pytest.mark.parametrize("is_listed", [True, False])
async def test_the_exchange_answers_in_four_shapes(
    client: httpx.AsyncClient, prefix: str, is_wrapped: bool, is_listed: bool
) -> None:
    done(await client.post("/_control/oauth", json={"is_wrapped": is_wrapped, "is_listed": is_listed}))
    asked = {} if prefix == "/platform" else {"scope": INSTAGRAM_SCOPES}
    given = done(await exchange(client, await code_for(client, prefix, asked=asked), prefix))
    answer = given["data"][0] if is_wrapped else given
    names = asked.get("scope", "basic publish").split()
    assert answer["permissions"] == (names if is_listed else ",".join(names))


async def test_instagram_login_has_its_own_ids_ending_and_permissions(client: httpx.AsyncClient) -> None:
    without_pkce = {"scope": INSTAGRAM_SCOPES, "code_challenge": "", "code_challenge_method": ""}
    response = await decided(client, "/instagram", asked=without_pkce)
    assert response.headers["location"].endswith("#_")
    given = done(await exchange(client, led_back(response)["code"], "/instagram", code_verifier=""))["data"][0]
    assert given["permissions"] == INSTAGRAM_SCOPES.replace(" ", ",")
    assert given["user_id"] > 2**53
    assert given["user_id"] != THIRTY.pk
    asked = {"fields": "user_id,username", "access_token": given["access_token"]}
    told = done(await client.get("/instagram/me", params=asked))
    assert told == {"user_id": str(given["user_id"]), "username": THIRTY.username, "id": told["id"]}
    assert told["id"] not in (told["user_id"], str(THIRTY.pk))
    assert (await client.get("/platform/oauth/authorize", params=ASKED | without_pkce)).status_code == 400


async def test_the_calls_have_the_faults_of_others_and_are_counted(client: httpx.AsyncClient, app: Starlette) -> None:
    code = await code_for(client)
    rule = {"kind": "status", "status": 503, "endpoint": "POST /platform/oauth/*", "when": "after", "times": 1}
    done(await client.post("/_control/faults", json={"faults": [rule]}))
    assert (await exchange(client, code)).status_code == 503
    refused(await exchange(client, code), 100)  # the first call has used it
    assert app.state.sandbox.meter.calls["POST /platform/oauth/access_token"] == 2
    app.state.sandbox.reset()
    assert done(await client.get("/_control/oauth")) == {"tokens": []}
