"""The certificate and the private key of the server, read from two PEM files at the start and on demand."""

from __future__ import annotations

import ssl
import stat
from datetime import datetime
from pathlib import Path

from cryptography.x509 import load_pem_x509_certificates

from gateway.errors import Unusable

# The one version of HTTP that the server speaks (ALPN): a client that offers it knows where it has arrived.
PROTOCOLS = ["http/1.1"]
OTHERS = stat.S_IRWXO | stat.S_IWGRP


class CertificateUnusable(Unusable):
    """The files cannot be used. The message names the file, and nothing of its content."""


class Certificate:
    """The certificate of one process, for TLS 1.3 alone. It is pickled for a worker as the paths of its files."""

    def __init__(self, chain: Path, key: Path) -> None:
        """Read nothing yet. `chain` has the certificate and then its issuers."""
        self._chain = chain
        self._key = key
        self._loaded: tuple[ssl.SSLContext, datetime] | None = None

    def __reduce__(self) -> tuple[type[Certificate], tuple[Path, Path]]:
        return Certificate, (self._chain, self._key)

    @property
    def context(self) -> ssl.SSLContext:
        """The context for the next connection. Raise CertificateUnusable where it has to be loaded first."""
        return (self._loaded or self.load())[0]

    @property
    def expires(self) -> datetime:
        """The end of the certificate's validity. Raise CertificateUnusable where it has to be loaded first."""
        return (self._loaded or self.load())[1]

    def load(self) -> tuple[ssl.SSLContext, datetime]:
        """Read the files, for connections from now on. Raise CertificateUnusable, which changes nothing.

        The context is replaced as a whole: OpenSSL takes a certificate before it finds that its key is another one.
        """
        expires = _expiry(self._chain)
        self._loaded = self._read(), expires
        return self._loaded

    def _read(self) -> ssl.SSLContext:
        _check_mode(self._key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.set_alpn_protocols(PROTOCOLS)
        try:
            context.load_cert_chain(self._chain, self._key, password=self._refuse_passphrase)
        except OSError as error:
            raise CertificateUnusable(self._problem(error)) from error
        return context

    def _refuse_passphrase(self) -> str:
        """Raise CertificateUnusable: OpenSSL would ask for the passphrase at the terminal."""
        raise CertificateUnusable(f"The key in {self._key} is encrypted: decrypt it, and let only its owner read it.")

    def _problem(self, error: OSError) -> str:
        if not isinstance(error, ssl.SSLError):
            return _unreadable(self._key, error)
        if error.reason == "KEY_VALUES_MISMATCH":
            return f"The key in {self._key} does not belong to the certificate in {self._chain}."
        return f"Cannot use {self._chain} with {self._key}: a PEM chain, and the key of its first certificate."


def _expiry(chain: Path) -> datetime:
    try:
        certificates = load_pem_x509_certificates(chain.read_bytes())
    except OSError as error:
        raise CertificateUnusable(_unreadable(chain, error)) from error
    except ValueError as error:
        raise CertificateUnusable(f"There is no PEM certificate in {chain}.") from error
    return certificates[0].not_valid_after_utc


def _check_mode(key: Path) -> None:
    """Raise CertificateUnusable if other users may read the key, or change it. Its group may read it."""
    try:
        mode = stat.S_IMODE(key.stat().st_mode)
    except OSError as error:
        raise CertificateUnusable(_unreadable(key, error)) from error
    if mode & OTHERS:
        raise CertificateUnusable(f"Other users have access to the key in {key}: run `chmod g-w,o= {key}`.")


def _unreadable(path: Path, error: OSError) -> str:
    return f"Cannot read {path}: {error.strerror or error}."
