"""What operators are shown of an upstream that has retired an endpoint, and that fails: in virtual time."""

from __future__ import annotations

from pathlib import Path

from gateway.sandbox.faults import Status
from tests.fakes.clock import VirtualLoop
from tests.fakes.gateway import running_gateway
from tests.operations.test_gateway_status import CLIENTS, status

LOOP = VirtualLoop


async def test_what_the_upstream_has_retired_and_that_it_fails(tmp_path: Path) -> None:
    selection = "{ gateway { workers { upstreams { name breaker } retiredEndpoints { endpoint instead } } } }"
    posts = "{{ user(by: {{ id: {} }}) {{ media(first: 1) {{ nodes {{ id }} }} }} }}"
    async with running_gateway(tmp_path, clients=CLIENTS) as gateway:
        gateway.sandbox.faults.lay(Status(status=410, endpoint="/g2/user/medias"))
        await gateway.query(posts.format(787132), client="web")
        (worker,) = (await status(gateway, selection))["workers"]
        assert worker["retiredEndpoints"] == [{"endpoint": "posts", "instead": "/v1/user/medias/chunk"}]
        assert worker["upstreams"][0] == {"name": "reading", "breaker": "CLOSED"}
        gateway.sandbox.faults.lay(Status(status=503))
        for pk in range(700_000, 700_010):
            await gateway.query(posts.format(pk), client="web")
        (worker,) = (await status(gateway, selection))["workers"]
        assert worker["upstreams"][0] == {"name": "reading", "breaker": "OPENED"}
