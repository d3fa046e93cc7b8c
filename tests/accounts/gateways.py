"""Gateways as processes, before one sandbox, and a person who consents there."""

from __future__ import annotations

import contextlib
import html
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from gateway.sandbox.publishing.authorization_codes import APP_ID, APP_SECRET
from tests.accounts.consent import ACCOUNTS, CONNECT, SECOND
from tests.commands.process import LIMIT, address, ask, run, started
from tests.fork_server import Forked

LIKE = """mutation($account: ID!, $id: ID!) {
  setLike(input: { account: $account, id: $id, liked: true }) { flow { state steps { error { code } } } }
}"""
PUBLIC_URL = "http://127.0.0.1:8000"  # nobody listens there: the tests carry the callback to a gateway themselves


class Host:
    """A gateway, and all that it logs."""

    def __init__(self, url: str, process: Forked) -> None:
        self.url = url
        self.process = process
        self.log: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def ask(self, query: str, **variables: Any) -> Any:
        answer = ask(self.url, query, **variables).json()
        assert "errors" not in answer, answer
        return answer["data"]

    def accounts(self) -> dict[str, str]:
        return {one["id"]: one["state"] for one in self.ask(ACCOUNTS)["accounts"]}

    def like(self, medium: str) -> str:
        state: str = self.ask(LIKE, account=SECOND, id=medium)["setLike"]["flow"]["state"]
        return state

    def begin(self) -> str:
        begun = self.ask(CONNECT, returnTo=f"{PUBLIC_URL}/done")["connectAccount"]
        assert begun["userErrors"] == []
        url: str = begun["authorizeUrl"]
        return url

    def call_back(self, url: str) -> httpx.Response:
        """Open the URL that leads back to the gateways, at this one."""
        parts = urlsplit(url)
        return httpx.get(f"{self.url}{parts.path}?{parts.query}", timeout=LIMIT)

    def ended(self) -> str:
        """All that it logged, once it has ended."""
        self.process.wait()
        self._reader.join(LIMIT)
        return "".join(self.log)

    def _read(self) -> None:
        assert self.process.stderr is not None
        self.log.extend(self.process.stderr)


@contextlib.contextmanager
def sandbox() -> Iterator[str]:
    with started("sandbox") as (announcement, _):
        yield address(announcement)


@contextlib.contextmanager
def gateway(upstream: str, folder: Path, **given: str) -> Iterator[Host]:
    with started("serve", **environment_of(upstream, folder), **given) as (announcement, process):
        yield Host(address(announcement), process)


def environment_of(upstream: str, folder: Path) -> dict[str, str]:
    return {
        "GATEWAY_HIKERAPI_URL": upstream,
        "GATEWAY_HIKERAPI_KEY": "sandbox",  # pragma: allowlist secret
        "GATEWAY_PLATFORM_URL": f"{upstream}/platform",
        "GATEWAY_PLATFORM_APP_ID": APP_ID,
        "GATEWAY_PLATFORM_APP_SECRET": APP_SECRET,
        "GATEWAY_PLATFORM_VERIFY_TOKEN": "verify",
        "GATEWAY_PUBLIC_URL": PUBLIC_URL,
        "GATEWAY_DATA_DIR": str(folder),
        "GATEWAY_LOG_LEVEL": "debug",
    }


def consent(upstream: str, url: str) -> str:
    """Consent for the second account, and return the URL that leads back."""
    page = httpx.get(url, timeout=LIMIT)
    assert page.status_code == 200, page.text
    hidden = re.findall(r'type="hidden" name="(.*?)" value="(.*?)"', page.text)
    ticked = re.findall(r'name="permission" value="(\w+)" checked', page.text)
    form = {name: html.unescape(value) for name, value in hidden}
    chosen = {"account": SECOND, "permission": ticked, "decision": "allow"}
    headers = {"origin": upstream}
    sent = httpx.post(url.partition("?")[0], data=form | chosen, headers=headers, timeout=LIMIT)
    assert sent.status_code == 303, sent.text
    return str(sent.headers["location"])


def tokens_of(upstream: str) -> list[str]:
    found: list[str] = httpx.get(f"{upstream}/_control/oauth", timeout=LIMIT).json()["tokens"]
    return found


def rotate(upstream: str, folder: Path, **given: str) -> str:
    done = run("vault", "rotate", **environment_of(upstream, folder), **given)
    assert done.returncode == 0, done.stderr
    return done.stdout


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def check_two_gateways(upstream: str, first_folder: Path, second_folder: Path, **given: str) -> list[str]:
    """Connect at one of two gateways over the other, publish through both, rotate, and kill one meanwhile.

    Return the tokens, of which no gateway may have written one anywhere.
    """
    with gateway(upstream, first_folder, **given) as first, gateway(upstream, second_folder, **given) as second:
        assert first.accounts() == {}
        back = second.call_back(consent(upstream, first.begin()))
        assert back.headers["location"] == f"{PUBLIC_URL}/done?connection=connected&account={SECOND}"
        until(lambda: first.accounts() == {SECOND: "CONNECTED"})
        assert (first.like("3286412355219875123"), second.like("3286412355219875124")) == ("DONE", "DONE")
        assert "1 data key is wrapped" in rotate(upstream, first_folder, **given)
        assert (first.like("3286412355219875125"), second.like("3286412355219875126")) == ("DONE", "DONE")
        second.process.kill()
        rotate(upstream, first_folder, **given)
        assert first.like("3286412355219875127") == "DONE"
        httpx.post(f"{upstream}/_control/oauth/end", json={"account": SECOND}, timeout=LIMIT)
        until(
            lambda: (
                first.ask(LIKE.replace("liked: true", "liked: true, waitSeconds: 1"), account=SECOND, id="1")
                and first.accounts() == {SECOND: "RECONNECT_REQUIRED"}
            )
        )
        back = first.call_back(consent(upstream, first.begin()))
        assert back.status_code == 303
        assert first.accounts() == {SECOND: "CONNECTED"}
        tokens = tokens_of(upstream)
        first.process.terminate()
        logs = first.ended() + second.ended()
    assert "AccountConnectionChanged" in logs
    assert [token for token in tokens if token in logs] == []
    return tokens
