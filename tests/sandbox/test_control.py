"""Who may control a sandbox, and whom it calls for those who do."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from gateway.sandbox import Control, create_sandbox
from tests.fakes.gateway import RunningGateway, Terms, key_of, running_gateway
from tests.sandbox.harness import ORIGIN, SteppedClock, client_of

STRANGER = ("203.0.113.7", 4711)
CONTROLS = [
    ("GET", "/faults", None),
    ("POST", "/faults", {"faults": [], "seed": 1}),
    ("DELETE", "/faults", None),
    ("GET", "/meter", None),
    ("POST", "/reset", {}),
    ("GET", "/published", None),
    ("GET", "/webhooks", None),
    ("DELETE", "/webhooks", None),
    ("POST", "/quota", {"total": 7}),
]
GATEWAY = "http://gateway.test"
WEBHOOK = {"url": "http://127.0.0.1:9/hook", "app_secret": "s", "verify_token": "t"}  # pragma: allowlist secret


def from_peer(app: Starlette, host: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, client=(host, 4711))
    return httpx.AsyncClient(transport=transport, base_url="http://gateway.test/sandbox/_control")


async def statuses(client: httpx.AsyncClient, **headers: str) -> set[int]:
    """What each of the control endpoints answers."""
    found = set()
    for method, path, body in CONTROLS:
        content = None if body is None else json.dumps(body)
        given = {} if body is None else {"content-type": "application/json"}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        found.add((await client.request(method, path, content=content, headers=given | named)).status_code)
    return found


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[RunningGateway]:
    async with running_gateway(tmp_path, all_heard=False) as one:
        yield one


async def test_the_embedded_one_is_controlled_from_this_machine_alone(gateway: RunningGateway) -> None:
    for peer in ("127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"):
        async with from_peer(gateway.app, peer) as client:
            assert await statuses(client) <= {200, 204}
    for peer in ("203.0.113.7", "10.0.0.7", "::ffff:10.0.0.7", "fe80::1%eth0", "0.0.0.0", "gateway", ""):
        async with from_peer(gateway.app, peer) as client:
            assert await statuses(client) == {403}


async def test_what_a_proxy_on_this_machine_forwards_is_not_from_this_machine(gateway: RunningGateway) -> None:
    async with from_peer(gateway.app, "127.0.0.1") as client:
        assert await statuses(client, x_forwarded_for="203.0.113.7") == {403}
        assert await statuses(client, forwarded="for=203.0.113.7") == {403}


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", None])
async def test_the_embedded_one_takes_nothing_that_any_page_could_have_a_browser_send(
    gateway: RunningGateway, media: str | None
) -> None:
    async with from_peer(gateway.app, "127.0.0.1") as client:
        for path, body in (("/reset", {}), ("/quota", {"total": 1}), ("/webhooks", WEBHOOK)):
            headers = {} if media is None else {"content-type": media}
            refused = await client.post(path, content=json.dumps(body), headers=headers)
            assert (refused.status_code, refused.json()) == (415, {"error": "send it as application/json"})
        charset = {"content-type": "Application/JSON; charset=utf-8"}
        assert (await client.post("/quota", content=b'{"total": 1}', headers=charset)).status_code == 200


async def test_nobody_controls_it_where_others_are_served(tmp_path: Path) -> None:
    async with (
        running_gateway(tmp_path, clients={"web": Terms()}) as gateway,
        from_peer(gateway.app, "127.0.0.1") as client,
    ):
        assert await statuses(client, x_api_key=key_of("web")) == {404}
        assert (await client.post("/webhooks", json=WEBHOOK)).status_code == 404


@pytest.mark.parametrize(
    "path", ["/sys/balance", "/v1/user/highlights?user_id=787132", "/platform/me", "/aiograpi/x", "/"]
)
async def test_nothing_but_its_pictures_is_served_to_others(tmp_path: Path, path: str) -> None:
    """Everybody knows its key. What answers link to is shown all the same, and the gateway reads on."""
    sandbox = f"{GATEWAY}/sandbox"
    async with running_gateway(tmp_path, clients={"web": Terms()}, all_heard=False) as gateway:
        for key in ("sandbox", key_of("web")):
            headers = {"x-access-key": key, "x-api-key": key, "authorization": f"Bearer {key}"}
            assert (await gateway.client.get(sandbox + path, headers=headers)).status_code == 404
        answer = await gateway.query("{ user(by: { id: 787132 }) { profilePictureUrl } }", client="web")
        picture = await gateway.client.get(answer.urls[0])
        assert (picture.status_code, picture.headers["content-type"]) == (200, "image/jpeg")
        assert gateway.calls["profile"] == 1


async def test_no_page_controls_one_that_was_started_by_itself() -> None:
    app = create_sandbox(clock=SteppedClock(), base_url=ORIGIN)
    transport = httpx.ASGITransport(app, client=STRANGER)
    async with httpx.AsyncClient(transport=transport, base_url=f"{ORIGIN}/_control") as client:
        assert await statuses(client) <= {200, 204}
        assert (await client.post("/reset")).status_code == 204
        for origin in ("https://evil.example", "null", ORIGIN):
            assert await statuses(client, origin=origin) == {403}


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.7/hook",
        "http://169.254.169.254/latest/meta-data",
        "https://example.com/hook",
        "http://localhost.example.com/hook",
        "http://localhost@example.com/hook",
        "http://0.0.0.0/hook",
        "http://2130706433/hook",
        "http://[::ffff:10.0.0.7]/hook",
        "http://[fe80::1]/hook",
        "file:///etc/passwd",
        "/hook",
        "",
    ],
)
@pytest.mark.parametrize("control", [Control.ANYBODY, Control.THIS_MACHINE])
async def test_over_real_sockets_it_calls_this_machine_alone(control: Control, url: str) -> None:
    async with client_of(create_sandbox(clock=SteppedClock(), base_url=ORIGIN, control=control)) as client:
        refused = await client.post("/_control/webhooks", json={**WEBHOOK, "url": url})
        assert refused.status_code == 400
        assert refused.json()["error"].startswith("the callback must be on this machine")
        assert (await client.get("/_control/webhooks")).json() == {"urls": []}
