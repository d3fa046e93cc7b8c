"""The headers of all requests to the read API."""

from __future__ import annotations

from gateway.upstream.client.bodies import ACCEPTED
from gateway.version import user_agent


def headers(key: str) -> dict[str, str]:
    # The edge rejects requests without a User-Agent.
    return {"x-access-key": key, "user-agent": user_agent(), "accept": "application/json", "accept-encoding": ACCEPTED}
