"""The spool of the settings: a directory, with object storage behind it where flows run on several hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.clock import Clock
from gateway.errors import Unusable
from gateway.settings import Settings
from gateway.uploads.spool import Spool

if TYPE_CHECKING:
    from gateway.uploads.object_storage import CloudObjects

FOLDER = "spool"


def spool_of(settings: Settings, clock: Clock) -> Spool:
    """Return the spool, which opens nothing before it is started. Raise Unusable."""
    directory = settings.data_dir / FOLDER
    if settings.storage_url is None:
        return Spool(directory)
    from gateway.uploads.shared_spool import SharedSpool

    return SharedSpool(directory, objects_of(settings), clock)


def objects_of(settings: Settings) -> CloudObjects:
    """Return the object storage of the settings, without connecting. Raise Unusable."""
    from gateway.uploads.object_storage import CloudObjects, StorageAccess

    assert settings.storage_url is not None
    access = StorageAccess(
        settings.storage_url, settings.storage_endpoint, settings.storage_key_id, settings.storage_secret
    )
    try:
        return CloudObjects(access)
    except ValueError as exc:
        raise Unusable(f"GATEWAY_STORAGE_URL cannot be used: {exc}.") from None
