"""nginx and Caddy with the configurations of `deploy/`, in front of a gateway on this machine."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests import processes
from tests.fakes.certificates import CertificateFiles
from tests.meta.tree import ROOT
from tests.packages import program

LIMIT = 240.0
NAME = "gateway.example.com"


@dataclass(frozen=True, slots=True)
class Place:
    """What the configurations leave open."""

    folder: Path
    gateway: str  # host and port
    port: int
    files: CertificateFiles

    def written(self, name: str, **others: str) -> Path:
        """The configuration of that name for this place: each text that is replaced stands in it."""
        text = (ROOT / "deploy" / name).read_text()
        for before, after in {"gateway:8000": self.gateway, **others}.items():
            assert before in text, f"{name} has no {before}"
            text = text.replace(before, after)
        path = self.folder / name
        path.write_text(text)
        return path


def nginx(place: Place) -> list[str]:
    own = {
        f"server_name {NAME}": "server_name localhost",
        "listen 443": f"listen 127.0.0.1:{place.port}",
        "/etc/nginx/certificates/chain.pem": str(place.files.chain),
        "/etc/nginx/certificates/key.pem": str(place.files.key),
        "pid /tmp/nginx.pid": f"pid {place.folder}/nginx.pid",
        "http {\n": f"http {{\nclient_body_temp_path {place.folder}/bodies;\nproxy_temp_path {place.folder}/answers;\n",
    }
    # As root its workers would be those of somebody else, who may not enter the folder.
    user = ["-g", "daemon off; user root;" if os.geteuid() == 0 else "daemon off;"]
    return [program("nginx"), "-p", str(place.folder), "-c", str(place.written("nginx.conf", **own)), *user]


def caddy(place: Place) -> list[str]:
    own = {
        f"\n{NAME} {{": f"\nhttps://localhost:{place.port} {{\n\tbind 127.0.0.1",
        "/etc/caddy/certificates/chain.pem": str(place.files.chain),
        "/etc/caddy/certificates/key.pem": str(place.files.key),
        "admin off\n": "admin off\n\tauto_https disable_redirects\n",
    }
    return [program("caddy"), "run", "--adapter", "caddyfile", "--config", str(place.written("Caddyfile", **own))]


COMMANDS = {"nginx": nginx, "caddy": caddy}


@contextlib.contextmanager
def proxying(name: str, place: Place) -> Iterator[None]:
    """Run the proxy until the end of the context."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(place.folder), "XDG_DATA_HOME": str(place.folder)}
    log = place.folder / f"{name}.log"
    with log.open("w") as output:
        command = COMMANDS[name](place)
        with processes.started(command, seconds=LIMIT, env=environment, stdout=output, stderr=output) as process:
            while not _listens(place.port):
                assert process.poll() is None, log.read_text()
                time.sleep(0.02)
            yield


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
