"""Processes of one gateway that refresh the same token at a platform that counts."""

from __future__ import annotations

import random
from collections.abc import Callable

import httpx

from gateway.accounts.accounts import Accounts
from gateway.accounts.oauth_client import OAuthClient
from gateway.accounts.providers import platform_provider
from gateway.accounts.refreshing import TokenRefresher
from gateway.clock import Clock
from gateway.events import Event
from gateway.upstream.platforms.dialects import oauth_requests, pace
from tests.accounts.places import MakeStore

URL = "http://platform.test"


class CountingPlatform(httpx.AsyncBaseTransport):
    """It refreshes the token that it gave last, and the one before that."""

    def __init__(self, token: str) -> None:
        self.given = [token]
        self.seen: list[str] = []
        self.in_progress = self.most_in_progress = 0
        self.status = 200

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.in_progress += 1
        self.most_in_progress = max(self.most_in_progress, self.in_progress)
        try:
            return self._answer(request.url.params["access_token"])
        finally:
            self.in_progress -= 1

    def _answer(self, token: str) -> httpx.Response:
        self.seen.append(token)
        if self.status != 200 or token not in self.given[-2:]:
            error = {"error": {"message": "x", "type": "OAuthException", "code": 190 if self.status != 500 else -1}}
            return httpx.Response(self.status if self.status != 200 else 400, json=error)
        self.given.append(f"token-{len(self.given)}")
        return httpx.Response(200, json={"access_token": self.given[-1], "expires_in": 5_183_944})


class Process:
    """A process of the gateway, with its own view of the store."""

    def __init__(
        self, make: MakeStore, platform: CountingPlatform, clock: Clock, at: Callable[[str], None] = lambda point: None
    ) -> None:
        self.events: list[Event] = []
        self.accounts = Accounts(make(), clock, lambda id: None)
        client = oauth_requests(
            transport=platform, policy=pace(30.0), rate=1_000.0, clock=clock, hook=self.events.append
        )
        oauth = OAuthClient(
            platform_provider(URL), client, app_id="app", app_secret="s", redirect_uri="http://gateway.test/oauth"
        )
        self.refresher = TokenRefresher(
            self.accounts, oauth, clock=clock, hook=self.events.append, rng=random.Random(1), at=at
        )
