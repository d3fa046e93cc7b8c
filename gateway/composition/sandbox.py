"""The embedded sandbox: an upstream inside the process, where no upstream is configured."""

from __future__ import annotations

from typing import NamedTuple

import httpx
from starlette.routing import BaseRoute, Mount

from gateway.clock import Clock
from gateway.sandbox import Control, create_sandbox, pictures_of
from gateway.settings import Settings

PATH = "/sandbox"
KEY = "sandbox"


class EmbeddedSandbox(NamedTuple):
    """A transport to the sandbox, over the same HTTP interface as a real upstream, and the route to its images."""

    transport: httpx.AsyncBaseTransport
    route: BaseRoute


def embedded_sandbox(settings: Settings, clock: Clock, base_url: str) -> EmbeddedSandbox | None:
    """Return the sandbox of a gateway at `base_url`; None if it has an upstream.

    Its images are served to browsers. Where other machines are served, the rest of it is not: its key is public.
    """
    if not settings.sandboxed:
        return None
    is_public = settings.clients_file is None
    sandbox = create_sandbox(
        clock=clock,
        keys=frozenset({KEY}),
        base_url=base_url + PATH,
        control=Control.THIS_MACHINE if is_public else Control.NOBODY,
    )
    route = Mount(PATH, sandbox if is_public else pictures_of(sandbox))
    return EmbeddedSandbox(httpx.ASGITransport(sandbox), route)
