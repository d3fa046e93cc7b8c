"""The check of the object storage for files of flows: it writes, reads and deletes an object of its own."""

from __future__ import annotations

import asyncio
import secrets
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.commands.doctor.findings import Finding, Installation, ok, problem, skipped
from gateway.errors import FlowsUnavailable, Unusable

if TYPE_CHECKING:
    from gateway.uploads.object_storage import Objects

STORAGE = "storage"
TRIAL = "trial"
CREDENTIALS = "Check GATEWAY_STORAGE_KEY_ID and GATEWAY_STORAGE_SECRET, or the role of this machine, and their rights."
PLACE = "Check GATEWAY_STORAGE_URL and GATEWAY_STORAGE_ENDPOINT, credentials, network, and that the bucket exists."


def storage(installation: Installation) -> Iterable[Finding]:
    settings = installation.settings
    if settings.storage_url is None:
        if settings.ledger_url is not None:
            yield ok(STORAGE, "Files are in the data directory: flows with files run on this host alone.")
        return
    if installation.is_offline:
        yield skipped(STORAGE, "Object storage is not asked (--offline).")
        return
    from gateway.composition.spools import objects_of
    from gateway.uploads.object_storage import StorageUnavailable

    try:
        asyncio.run(_try(objects_of(settings)))
    except Unusable as error:
        yield problem(STORAGE, str(error), PLACE)
    except StorageUnavailable as error:
        if error.is_refused:
            yield problem(STORAGE, "The object storage refuses the credentials.", CREDENTIALS)
        else:
            yield problem(STORAGE, "The object storage cannot be used: flows with files are not started.", PLACE)
    except (FileNotFoundError, FlowsUnavailable):
        yield problem(STORAGE, "The object storage does not return what was written.", PLACE)
    else:
        yield ok(STORAGE, f"An object was written to {settings.storage_url}, read and deleted.")


async def _try(objects: Objects) -> None:
    """Raise FileNotFoundError and StorageUnavailable."""
    name = f"{TRIAL}/{secrets.token_hex(8)}"
    with tempfile.NamedTemporaryFile() as file:
        file.write(secrets.token_bytes(16))
        file.flush()
        await objects.put(name, Path(file.name))
    try:
        async for _ in objects.read(name):
            pass
    finally:
        await objects.delete([name])
