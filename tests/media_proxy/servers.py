"""Hosts of media that do as a test tells them, on this machine, by TLS and under any name."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ipaddress
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.upstream.egress.address_policy import Address, AddressPolicy

NAMES = ["*.cdninstagram.com", "*.fbcdn.net", "media.example.com", "other.example.com", "evil.example.com"]
HERE, ELSEWHERE = "127.0.0.1", "127.0.0.2"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that came: its method, its target, and its headers in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]


Answer: TypeAlias = Callable[[Asked, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Host:
    """A server on loopback. `names` is what the name server answers, one list after the other, the last for good."""

    port: int
    answer: Answer
    asked: list[Asked] = field(default_factory=list)
    lookups: list[str] = field(default_factory=list)
    names: dict[str, list[Sequence[str]]] = field(default_factory=dict)

    @property
    def guard(self) -> AddressPolicy:
        """Takes 127.0.0.1 for a public address, and all others for what they are."""
        return AddressPolicy(lookup=self.lookup, admits=_is_here, ports=frozenset({self.port}))

    def url(self, path: str = "/a.jpg", host: str = "media.example.com") -> str:
        return f"https://{host}:{self.port}{path}"

    async def lookup(self, host: str, port: int) -> Sequence[str]:
        self.lookups.append(host)
        answers = self.names.get(host, [[HERE]])
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        if not addresses:
            raise OSError("no such host")
        return addresses


def _is_here(address: Address) -> bool:
    return address == ipaddress.ip_address(HERE)


@contextlib.asynccontextmanager
async def host(answer: Answer) -> AsyncIterator[Host]:
    """Runs until the end of the block; connections still open then are cut."""
    running: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
                while True:
                    asked = _read(await reader.readuntil(b"\r\n\r\n"))
                    here.asked.append(asked)
                    await here.answer(asked, writer)
                    await writer.drain()
        finally:
            running.discard(task)
            writer.close()

    server = await asyncio.start_server(serve, HERE, 0, ssl=server_tls())
    here = Host(server.sockets[0].getsockname()[1], answer)
    try:
        yield here
    finally:
        server.close()
        for task in list(running):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def _read(head: bytes) -> Asked:
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    pairs = (line.partition(":") for line in lines if line)
    return Asked(method, target, {name.strip().lower(): value.strip() for name, _, value in pairs})


def says(status: str = "200 OK", body: bytes = b"", **headers: str) -> Answer:
    """An answer that is the same each time; an underscore in a header's name stands for a hyphen."""

    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        told = {"content-length": str(len(body)), **{name.replace("_", "-"): value for name, value in headers.items()}}
        lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        content = b"" if asked.method == "HEAD" else body
        writer.write(f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + content)

    return answer


@cache
def _identity() -> tuple[bytes, bytes]:
    """Certificate and key, PEM: its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hosts of the tests")])
    begin = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in NAMES]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM), private


def server_tls() -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    with TemporaryDirectory() as folder:
        chain = Path(folder, "chain.pem")
        chain.write_bytes(b"".join(_identity()))
        context.load_cert_chain(chain)
    return context


def client_tls() -> ssl.SSLContext:
    """Trusts these hosts alone."""
    return ssl.create_default_context(cadata=_identity()[0].decode())
