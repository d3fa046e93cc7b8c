"""nginx and Caddy with the configurations of `deploy/`, in front of a gateway on this machine."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests import processes
from tests.deploy.configurations import adapted, nginx_in
from tests.fakes.certificates import CertificateFiles
from tests.packages import program
from tests.ports import listens

LIMIT = 240.0
NAME = "gateway.example.com"


@dataclass(frozen=True, slots=True)
class Place:
    """What the configurations leave open."""

    folder: Path
    gateway: str  # host and port
    port: int
    files: CertificateFiles

    def adapted(self, others: Mapping[str, str]) -> dict[str, str]:
        """What replaces the address of the gateway, and other texts, in a configuration."""
        return {"gateway:8000": self.gateway, **others}


def nginx(place: Place) -> list[str]:
    own = {
        f"server_name {NAME}": "server_name localhost",
        "listen 443": f"listen 127.0.0.1:{place.port}",
        "/etc/nginx/certificates/chain.pem": str(place.files.chain),
        "/etc/nginx/certificates/key.pem": str(place.files.key),
    }
    return nginx_in(place.folder, place.adapted(own))


def caddy(place: Place) -> list[str]:
    own = {
        f"\n{NAME} {{": f"\nhttps://localhost:{place.port} {{\n\tbind 127.0.0.1",
        "/etc/caddy/certificates/chain.pem": str(place.files.chain),
        "/etc/caddy/certificates/key.pem": str(place.files.key),
        "admin off\n": "admin off\n\tauto_https disable_redirects\n",
    }
    file = adapted("Caddyfile", place.folder, place.adapted(own))
    return [program("caddy"), "run", "--adapter", "caddyfile", "--config", str(file)]


COMMANDS = {"nginx": nginx, "caddy": caddy}


@contextlib.contextmanager
def proxying(name: str, place: Place) -> Iterator[None]:
    """Run the proxy until the end of the context."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(place.folder), "XDG_DATA_HOME": str(place.folder)}
    log = place.folder / f"{name}.log"
    with log.open("w") as output:
        command = COMMANDS[name](place)
        with processes.started(command, seconds=LIMIT, env=environment, stdout=output, stderr=output) as process:
            while not listens(place.port):
                assert process.poll() is None, log.read_text()
                time.sleep(0.02)
            yield
