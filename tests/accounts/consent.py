"""An account's owner with a browser: opens the consent page of the sandbox, decides, and returns to the gateway."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from gateway.sandbox.fixture_users import THIRTY
from tests.fakes.gateway import ORIGIN, Answer, RunningGateway
from tests.meta.tree import ROOT

RETURN_TO = f"{ORIGIN}/graphql"
CONNECT = (ROOT / "queries/connect_account.graphql").read_text()
DISCONNECT = (ROOT / "queries/disconnect_account.graphql").read_text()
ACCOUNTS = "{ accounts { id state scopes capabilities tokenExpiresAt } }"
SECOND = str(THIRTY.pk)


async def begun(gateway: RunningGateway, *, client: str | None = None, **variables: Any) -> str:
    """The URL of the consent page."""
    answer = await gateway.query(CONNECT, {"returnTo": RETURN_TO} | variables, client=client)
    payload = answer.data["connectAccount"]
    assert payload["userErrors"] == [], payload
    url: str = payload["authorizeUrl"]
    return url


async def decided(gateway: RunningGateway, url: str, **choices: Any) -> str:
    """The URL that the platform sends the browser to."""
    page = await gateway.client.get(url)
    assert page.status_code == 200, page.text
    hidden = {
        name: html.unescape(value) for name, value in re.findall(r'type="hidden" name="(.*?)" value="(.*?)"', page.text)
    }
    ticked = re.findall(r'name="permission" value="(\w+)" checked', page.text)
    chosen = {"account": SECOND, "permission": ticked, "decision": "allow"} | choices
    action = url.partition("?")[0]
    sent = await gateway.client.post(action, data=hidden | chosen, headers={"origin": ORIGIN})
    assert sent.status_code == 303, sent.text
    return str(sent.headers["location"])


async def called_back(gateway: RunningGateway, url: str) -> httpx.Response:
    return await gateway.client.get(url.partition("#")[0])


async def connected(gateway: RunningGateway, *, client: str | None = None, **choices: Any) -> dict[str, str]:
    """The parameters that the page gets to which the browser returns."""
    response = await called_back(gateway, await decided(gateway, await begun(gateway, client=client), **choices))
    return outcome(response)


def outcome(response: httpx.Response) -> dict[str, str]:
    assert response.status_code == 303, response.text
    url = urlsplit(response.headers["location"])
    assert f"{url.scheme}://{url.netloc}{url.path}" == RETURN_TO
    return {name: value for name, (value,) in parse_qs(url.query).items()}


async def accounts(gateway: RunningGateway, *, client: str | None = None) -> dict[str, dict[str, Any]]:
    answer: Answer = await gateway.query(ACCOUNTS, client=client)
    return {one["id"]: one for one in answer.data["accounts"]}
