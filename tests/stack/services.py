"""The programs of a stack beside PostgreSQL, with the configurations of `deploy/` where there are any."""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from tests.commands.process import environment
from tests.deploy.configurations import adapted, nginx_in
from tests.meta.tree import ROOT
from tests.packages import program
from tests.ports import HERE, listens
from tests.stack.members import Member

RULES = ROOT / "docs/operations/alerts/rules.yml"
# Of the configuration of Prometheus: how it finds the gateways.
NAMED = (
    "dns_sd_configs:\n      - names: [gateway]\n        type: A\n        port: 9464\n        refresh_interval: 15s\n"
)
# Of the configuration of nginx: what is about TLS, and what stands for it on this machine alone.
PLAIN = {
    "        listen 443 ssl http2 default_server;\n        ssl_reject_handshake on;\n": (
        "        listen {here}:{port} default_server;\n        return 421;\n"
    ),
    "        listen 443 ssl http2;\n        server_name gateway.example.com;\n": (
        "        listen {here}:{port};\n        server_name {here} localhost;\n"
    ),
    "        ssl_certificate /etc/nginx/certificates/chain.pem;\n": "",
    "        ssl_certificate_key /etc/nginx/certificates/key.pem;\n": "",
    '        add_header Strict-Transport-Security "max-age=31536000" always;\n': "",
}


def sandbox(folder: Path, port: int) -> Member:
    """The upstream APIs."""
    command = [sys.executable, "-m", "gateway", "sandbox", "--port", str(port)]
    return Member("sandbox", command, environment({}), folder, lambda: _answers(f"http://{HERE}:{port}/_control/meter"))


def redis(folder: Path, port: int) -> Member:
    """The shared cache, which keeps nothing over a restart."""
    options = ("--bind", HERE, "--port", str(port), "--save", "", "--appendonly", "no", "--dir", str(folder))
    return Member("redis", [program("redis-server"), *options], environment({}), folder, lambda: _pongs(port))


def objects(folder: Path, port: int) -> Member:
    """Object storage: moto's S3, which keeps all in memory."""
    command = [sys.executable, "-m", "moto.server", "-H", HERE, "-p", str(port)]
    return Member("objects", command, environment({}), folder, lambda: _answers(f"http://{HERE}:{port}/"))


def way_to_objects(folder: Path, port: int, to: int) -> Member:
    """The network before the object storage."""
    command = [sys.executable, "-m", "tests.stack.relay", str(port), str(to)]
    return Member("relay", command, environment({"PYTHONPATH": str(ROOT)}), folder, lambda: listens(port))


def gateway(name: str, folder: Path, port: int, settings: Mapping[str, str]) -> Member:
    command = [sys.executable, "-m", "gateway", "serve", "--host", HERE, "--port", str(port)]
    return Member(name, command, environment(settings), folder, lambda: _answers(f"http://{HERE}:{port}/readyz"))


def nginx(folder: Path, port: int, gateways: Sequence[int]) -> Member:
    """The reverse proxy before gateways on these ports."""
    servers = "\n".join(_server_line(one) for one in gateways)
    own = {
        _server_line("gateway:8000"): servers,
        "error_log /dev/stderr warn": f"error_log {folder}/nginx.log warn",
        "access_log /dev/stdout": f"access_log {folder}/nginx.access.log",
        **{text: other.format(here=HERE, port=port) for text, other in PLAIN.items()},
    }
    return Member("nginx", nginx_in(folder, own), environment({}), folder, lambda: listens(port))


def prometheus(folder: Path, port: int, targets: Sequence[str]) -> Member:
    """It scrapes the metrics of gateways at these addresses, and evaluates the alerts."""
    own = {
        NAMED: f"static_configs: [{{targets: [{', '.join(targets)}]}}]\n",
        "../docs/operations/alerts/rules.yml": str(RULES),
    }
    file = adapted("prometheus.yml", folder, own)
    options = (f"--storage.tsdb.path={folder}/prometheus", f"--web.listen-address={HERE}:{port}")
    command = [program("prometheus"), f"--config.file={file}", *options]
    return Member("prometheus", command, environment({}), folder, lambda: _answers(f"http://{HERE}:{port}/-/ready"))


def _server_line(place: int | str) -> str:
    place = f"{HERE}:{place}" if isinstance(place, int) else place
    return f"        server {place} max_fails=1 fail_timeout=2s;"


def _pongs(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((HERE, port), timeout=1) as line:
        line.sendall(b"PING\r\n")
        return line.recv(100).startswith(b"+PONG")
    return False


def _answers(url: str) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(url, timeout=5.0, trust_env=False).status_code == httpx.codes.OK
    return False
