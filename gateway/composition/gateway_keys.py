"""The keys of one process that sign or seal what clients keep, and what flows record.

With PostgreSQL they are the same on all hosts. A data directory has a copy of those for clients, so that a gateway
starts while the database is away.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING

from gateway.clock import Clock
from gateway.composition.background import background
from gateway.composition.key_files import key_of
from gateway.durable.encryption import KeyFileError, key_in
from gateway.errors import FlowsUnavailable, Unusable
from gateway.files import make_file
from gateway.settings import Settings
from gateway.shared_keys.shared_key import AUDIT, CURSORS, FLOWS, MEDIA, KeysUnavailable, SharedKey, UsedKey

if TYPE_CHECKING:
    from gateway.shared_keys.database_keys import KeyPlaces

# Others take a process for running until it was not seen for a minute.
SEEN_SECONDS = 15.0


class GatewayKeys:
    """The keys of a process. `problem` says what is wrong with them, for the readiness check."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        """Read the keys, or make them. Raise Unusable, also if another gateway on the database uses others."""
        self._settings = settings
        self._clock = clock
        self._database = None
        self.problem: str | None = None
        if settings.ledger_url is None:
            self.media = key_of(settings.media_secret, settings.data_dir, MEDIA.file)
            self.cursors = key_of(settings.cursor_secret, settings.data_dir, CURSORS.file)
        else:
            from gateway.shared_keys.database_keys import DatabaseKeys

            self._database = DatabaseKeys(places_of(settings), socket.gethostname())
            try:
                found = self._database.agree()
            except KeysUnavailable:
                found = {}
            self.media, self.cursors = self._of_clients(MEDIA, found), self._of_clients(CURSORS, found)

    def flows(self) -> bytes:
        """Return the key of the flows. Blocks. Raise KeyFileError, and FlowsUnavailable while it cannot be read."""
        if self._settings.flows_key is not None:
            return self._settings.flows_key
        if self._database is None:
            return key_in(self._settings.data_dir)
        try:
            return flows_key_of(self._database.agree())
        except KeysUnavailable as exc:
            raise FlowsUnavailable("The key of the flows cannot be read now.") from exc
        except Unusable as exc:
            raise KeyFileError(str(exc)) from exc

    def audit(self) -> bytes:
        """Return the key of the audit trail. Blocks. Raise KeyFileError, also while it cannot be read."""
        if self._settings.audit_key is not None:
            return self._settings.audit_key
        if self._database is None:
            return key_in(self._settings.data_dir, AUDIT.file)
        try:
            return self._database.agree()[AUDIT.name].value
        except KeysUnavailable as exc:
            raise KeyFileError("The key of the audit trail cannot be read now.") from exc
        except Unusable as exc:
            raise KeyFileError(str(exc)) from exc

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        if self._database is None:
            yield
            return
        try:
            async with background(self._compare):
                yield
        finally:
            with contextlib.suppress(KeysUnavailable, Unusable):
                await asyncio.to_thread(self._database.end)

    async def _compare(self) -> None:
        """Show others that this process uses its keys, and look whether they use the same.

        At the start they may have been copies, as the database was away.
        """
        while True:
            await self._clock.sleep(SEEN_SECONDS)
            assert self._database is not None
            with contextlib.suppress(KeysUnavailable):
                try:
                    self._check_unchanged(await asyncio.to_thread(self._database.agree))
                    self.problem = None
                except Unusable as error:
                    self.problem = str(error)

    def _check_unchanged(self, found: Mapping[str, UsedKey]) -> None:
        for key, used in ((MEDIA, self.media), (CURSORS, self.cursors)):
            if found[key.name].value != used:
                raise Unusable(f"The key of {key.use} in the database was replaced: restart the gateway.")

    def _of_clients(self, key: SharedKey, found: Mapping[str, UsedKey]) -> bytes:
        """Return a key that clients' links or cursors depend on, and copy it into the data directory."""
        given = given_keys(self._settings).get(key.name)
        if given is not None:
            return given
        path = self._settings.data_dir / key.file
        if key.name in found:
            with contextlib.suppress(OSError):  # it would be of use only while the database is away
                make_file(path, found[key.name].value)
            return found[key.name].value
        if not path.is_file():
            raise Unusable(
                f"The key of {key.use} is in the database of GATEWAY_DATABASE_URL, which cannot be reached: start "
                f"again when it can, or give all gateways the same {key.setting}."
            )
        return key_in(self._settings.data_dir, key.file)


def given_keys(settings: Settings) -> dict[str, bytes]:
    """Return the keys of the settings by name."""
    media, cursors = settings.media_secret, settings.cursor_secret
    given = {
        FLOWS: settings.flows_key,
        AUDIT: settings.audit_key,
        MEDIA: None if media is None else media.encode(),
        CURSORS: None if cursors is None else cursors.encode(),
    }
    return {key.name: value for key, value in given.items() if value is not None}


def places_of(settings: Settings) -> KeyPlaces:
    """Return the places of the keys of a gateway with PostgreSQL."""
    from gateway.shared_keys.database_keys import KeyPlaces

    assert settings.ledger_url is not None
    return KeyPlaces(settings.ledger_url, settings.data_dir, given_keys(settings))


def flows_key_of(found: Mapping[str, UsedKey]) -> bytes:
    """Return the key of the flows among the keys in use. Raise KeyFileError if it is missing."""
    if FLOWS.name not in found:
        raise KeyFileError(
            "There are flows in the database, and no key decrypts them: restore flows.key, or set GATEWAY_FLOWS_KEY."
        )
    return found[FLOWS.name].value


def recorded_flows_key(settings: Settings) -> bytes:
    """Return the key of the flows for a command, which is no process of the gateway.

    Raise KeyFileError, and FlowsUnavailable while the database of the keys cannot be reached.
    """
    if settings.flows_key is not None:
        return settings.flows_key
    if settings.ledger_url is None:
        return key_in(settings.data_dir)
    from gateway.shared_keys.database_keys import report

    try:
        return flows_key_of(report(places_of(settings)).used)
    except KeysUnavailable as exc:
        raise FlowsUnavailable("The key of the flows cannot be read now.") from exc
    except Unusable as exc:
        raise KeyFileError(str(exc)) from exc


def recorded_audit_key(settings: Settings) -> bytes:
    """Return the key of the audit trail for a command. Raise KeyFileError, also while it cannot be read."""
    if settings.audit_key is not None:
        return settings.audit_key
    if settings.ledger_url is None:
        return key_in(settings.data_dir, AUDIT.file)
    from gateway.shared_keys.database_keys import report

    try:
        used = report(places_of(settings)).used
    except (KeysUnavailable, Unusable) as exc:
        raise KeyFileError("The key of the audit trail cannot be read now.") from exc
    if AUDIT.name not in used:
        raise KeyFileError("The database has no key of the audit trail yet: start a gateway on it first.")
    return used[AUDIT.name].value
