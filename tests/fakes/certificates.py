"""Certificates for this machine, made at once: of an elliptic curve, and signed by themselves."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
PEM = serialization.Encoding.PEM
PKCS8 = serialization.PrivateFormat.PKCS8
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    chain: Path
    key: Path

    @property
    def context(self) -> ssl.SSLContext:
        """Of a client that trusts the certificate."""
        return ssl.create_default_context(cafile=self.chain)

    def write(self, *, days: int = 90, passphrase: bytes | None = None) -> CertificateFiles:
        """Make a new pair, valid for so many days from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        protection = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
        self.chain.write_bytes(_signed(key, days).public_bytes(PEM))
        self.key.touch(mode=0o600)
        self.key.write_bytes(key.private_bytes(PEM, PKCS8, protection))
        return self


def certificate_files(folder: Path, name: str = "server") -> CertificateFiles:
    return CertificateFiles(folder / f"{name}.pem", folder / f"{name}.key.pem").write()


def _signed(key: ec.EllipticCurvePrivateKey, days: int) -> x509.Certificate:
    now = datetime.now(UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    unsigned = x509.CertificateBuilder(NAME, NAME, key.public_key(), x509.random_serial_number())
    dated = unsigned.not_valid_before(min(now, now + days * DAY) - DAY).not_valid_after(now + days * DAY)
    return dated.add_extension(x509.SubjectAlternativeName(names), critical=False).sign(key, hashes.SHA256())
