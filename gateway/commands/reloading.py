"""The files that a running gateway reads again on SIGHUP: clients, trusted documents, and the certificate of TLS."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from queue import SimpleQueue
from typing import TYPE_CHECKING

from gateway.clients import Clients, ClientsFileError
from gateway.clock import SystemClock
from gateway.errors import Unusable
from gateway.events import (
    CertificateLoaded,
    CertificateReloadFailed,
    ClientsReloaded,
    ClientsReloadFailed,
    DocumentsReloaded,
    DocumentsReloadFailed,
    Event,
    Hook,
)
from gateway.settings import Settings

if TYPE_CHECKING:
    from gateway.composition.app import Gateway
    from gateway.operations.trusted_documents import Trusted
    from gateway.server.certificate import Certificate

Reload = Callable[[], Event]


def defer_sighup() -> None:
    """Have a SIGHUP wait for `reload_on_sighup`, or the supervisor: until then it would end the process."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})


def reload_on_sighup(
    settings: Settings, gateway: Gateway, certificate: Certificate | None, *, is_worker: bool = False
) -> None:
    """Reload the files of `gateway` in a separate thread on SIGHUP.

    Without a file the signal is ignored by a worker, and ends a single process, as when its terminal is closed.

    A file may be long or its disk slow, and the signal handler runs on the event loop. Reloads run one after the other,
    so that the last one wins.
    """
    reloads: list[Reload] = []
    if settings.clients_file is not None:
        reloads.append(lambda: _clients_reloaded(gateway.access.clients))
    if settings.documents_file is not None:
        reloads.append(lambda: _documents_reloaded(gateway.operations.trusted))
    if certificate is not None:
        reloads.append(lambda: _certificate_reloaded(certificate))
    if reloads:
        hangups: SimpleQueue[None] = SimpleQueue()  # reentrant: safe to use in a signal handler
        arguments = hangups, reloads, gateway.hook
        threading.Thread(target=_reload_repeatedly, args=arguments, name="reload", daemon=True).start()
        signal.signal(signal.SIGHUP, lambda *_: hangups.put(None))
    elif is_worker:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})


def _reload_repeatedly(hangups: SimpleQueue[None], reloads: list[Reload], hook: Hook) -> None:
    while True:
        hangups.get()
        for reload in reloads:
            hook(reload())


def _clients_reloaded(clients: Clients) -> Event:
    try:
        clients.reload()
    except ClientsFileError as error:
        return ClientsReloadFailed(str(error))
    return ClientsReloaded()


def _documents_reloaded(trusted: Trusted) -> Event:
    try:
        trusted.reload()
    except Unusable as error:
        return DocumentsReloadFailed(str(error))
    return DocumentsReloaded()


def _certificate_reloaded(certificate: Certificate) -> Event:
    try:
        certificate.load()
    except Unusable as error:
        return CertificateReloadFailed(str(error))
    return certificate_loaded(certificate)


def certificate_loaded(certificate: Certificate) -> CertificateLoaded:
    """Return the event of a certificate that has been loaded."""
    left = certificate.expires - datetime.fromtimestamp(SystemClock().now(), UTC)
    return CertificateLoaded(certificate.expires.isoformat(), left.days)
