"""The gateway through nginx and Caddy with the configurations of `deploy/`."""

from __future__ import annotations

import contextlib
import io
import json
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from PIL import Image
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from tests.commands.process import LIMIT, address, started
from tests.deploy.reverse_proxies import COMMANDS, Place, proxying
from tests.fakes.certificates import CertificateFiles, certificate_files
from tests.fork_server import Forked
from tests.ports import free_port

HERE = "127.0.0.1"  # the proxy's address, and that of clients who have not chosen another one of this machine
UNFINISHED = ("RECEIVED", "UPLOADING", "PROCESSING")
MOST = 3  # connections of one peer
TYPENAME = {"query": "{ __typename }"}
PROOF = {"graphql-require-preflight": "1"}
HANDSHAKE = "\r\n".join(
    (
        "GET /graphql HTTP/1.1",
        "Host: {host}",
        "Origin: {origin}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Protocol: graphql-transport-ws",
        "\r\n",
    )
)
ORDER = (
    'mutation($file: Upload!) { createHighlight(input: { account: "787132", title: "Reef", media: [{ file: $file }], '
    'idempotencyKey: "%s", waitSeconds: 0 }) { flow { id state } userErrors { code } } }'
)


@dataclass(frozen=True, slots=True)
class Deployed:
    name: str
    url: str
    direct: str
    """The gateway itself, as programs on its machine reach it."""
    files: CertificateFiles
    process: Forked

    def client(self, source: str = HERE) -> httpx.Client:
        """One whose address is `source`."""
        transport = httpx.HTTPTransport(verify=self.files.context, local_address=source)
        return httpx.Client(transport=transport, base_url=self.url, timeout=LIMIT)

    def socket(self) -> ClientConnection:
        line = socket.create_connection((HERE, int(self.url.rpartition(":")[2])), LIMIT)
        url = f"wss{self.url.removeprefix('https')}/graphql"
        origin, protocols = Origin(self.url), [Subprotocol("graphql-transport-ws")]
        return connect(
            url,
            sock=line,
            ssl=self.files.context,
            subprotocols=protocols,
            origin=origin,
            proxy=None,
            open_timeout=LIMIT,
        )

    @contextlib.contextmanager
    def handshake(self, source: str) -> Iterator[int]:
        """The status of the answer to the opening handshake of a WebSocket, which stays open with the context.

        Without a client: that of `websockets` may wait for ever for its thread, where a handshake fails.
        """
        host = self.url.removeprefix("https://")
        name, _, port = host.partition(":")
        with (
            socket.create_connection((HERE, int(port)), LIMIT, (source, 0)) as line,
            self.files.context.wrap_socket(line, server_hostname=name) as stream,
        ):
            stream.sendall(HANDSHAKE.format(host=host, origin=self.url).encode())
            yield int(stream.recv(1_000).split()[1])

    def order(self, key: str, content: bytes) -> dict[str, Any]:
        """The flow of a highlight with a file."""
        form = {
            "operations": json.dumps({"query": ORDER % key, "variables": {"file": None}}),
            "map": '{"0": ["variables.file"]}',
        }
        with self.client() as client:
            answer = client.post("/graphql", data=form, files={"0": ("a.png", content)}, headers=PROOF)
        flow: dict[str, Any] = answer.json()["data"]["createHighlight"]["flow"]
        return flow


@pytest.fixture(scope="module", params=COMMANDS)
def deployed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    folder, port = tmp_path_factory.mktemp(request.param), free_port()
    files = certificate_files(folder)
    given = {
        "GATEWAY_DATA_DIR": str(folder / "data"),
        "GATEWAY_PUBLIC_URL": f"https://localhost:{port}",
        "GATEWAY_TRUSTED_PROXIES": HERE,
        "GATEWAY_PEER_CONNECTIONS": str(MOST),
    }
    with started("serve", **given) as (announcement, process):
        direct = address(announcement)
        with proxying(request.param, Place(folder, direct.removeprefix("http://"), port, files)):
            yield Deployed(request.param, given["GATEWAY_PUBLIC_URL"], direct, files, process)


def a_picture(width: int) -> bytes:
    file = io.BytesIO()
    Image.effect_noise((width, width * 16 // 9), 100).save(file, "PNG")
    return file.getvalue()


def test_a_query_is_answered_and_tls_1_3_alone_is_spoken(deployed: Deployed) -> None:
    with deployed.client() as client:
        answer = client.post("/graphql", json=TYPENAME)
        assert answer.json()["data"] == {"__typename": "Query"}
        assert answer.headers["strict-transport-security"].startswith("max-age=")
    older = deployed.files.context
    older.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(httpx.ConnectError):
        httpx.get(deployed.url, verify=older)


def test_a_stream_comes_part_by_part(deployed: Deployed) -> None:
    """The flow does not end while the first event is waited for."""
    slow = {"faults": [{"kind": "processing", "seconds": 1_000}]}
    assert httpx.post(f"{deployed.direct}/sandbox/_control/faults", json=slow).status_code == 200
    flow = deployed.order("stream", a_picture(1_080))
    query = {"query": f'subscription {{ flow(id: "{flow["id"]}") {{ state }} }}'}
    with deployed.client() as client:
        for accept in ("text/event-stream", "multipart/mixed;subscriptionSpec=1.0"):
            with client.stream("POST", "/graphql", json=query, headers={"accept": accept}) as response:
                assert response.status_code == 200
                assert any('"state":"' in piece for piece in response.iter_text())
    with deployed.socket() as line:
        line.send(json.dumps({"type": "connection_init"}))
        assert json.loads(line.recv(LIMIT))["type"] == "connection_ack"
        line.send(json.dumps({"id": "1", "type": "subscribe", "payload": query}))
        assert json.loads(line.recv(LIMIT))["payload"]["data"]["flow"]["state"] in UNFINISHED
    httpx.delete(f"{deployed.direct}/sandbox/_control/faults")


def test_files_pass_and_the_gateways_own_limits_hold(deployed: Deployed) -> None:
    content = a_picture(1_400)
    assert len(content) > 3_000_000  # nginx takes 1 MB unless told otherwise
    assert deployed.order("large", content)["state"] in (*UNFINISHED, "DONE")
    with deployed.client() as client:
        answer = client.post("/graphql", json={"query": " " * 2_000_000})
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (413, "BODY_TOO_LARGE")


def test_media_links_lead_through_the_proxy(deployed: Deployed) -> None:
    items = "highlights(first: 1) { nodes { items { nodes { thumbnailUrl(proxied: true) } } } }"
    query = f'{{ user(by: {{ username: "natgeo" }}) {{ {items} }} }}'
    with deployed.client() as client:
        answer = client.post("/graphql", json={"query": query}).json()
        link = answer["data"]["user"]["highlights"]["nodes"][0]["items"]["nodes"][0]["thumbnailUrl"]
        assert link.startswith(f"{deployed.url}/media/")
        whole = client.get(link)
        assert (whole.status_code, whole.headers["content-type"]) == (200, "image/jpeg")
        part = client.get(link, headers={"range": "bytes=0-99"})
        assert (part.status_code, part.content) == (206, whole.content[:100])


def test_each_client_has_the_limit_of_a_peer(deployed: Deployed) -> None:
    """The proxy's own address has none, and a field of the client's own changes nothing."""
    with contextlib.ExitStack() as stack:
        statuses = [stack.enter_context(deployed.handshake("127.0.0.2")) for _ in range(MOST + 1)]
        assert statuses == [*[101] * MOST, 503]
        with deployed.client("127.0.0.2") as client:
            spoofed = client.post("/graphql", json=TYPENAME, headers={"x-forwarded-for": "127.0.0.9"})
            assert spoofed.status_code == 503
        with deployed.client("127.0.0.3") as client:
            assert client.post("/graphql", json=TYPENAME).status_code == 200


def test_what_is_for_programs_on_its_machine_is_not_for_clients(deployed: Deployed) -> None:
    with deployed.client() as client:
        assert client.get("/sandbox/_control/meter").status_code == 403


def test_the_gateway_is_not_asked_by_another_name(deployed: Deployed) -> None:
    with deployed.client() as client:
        answer = client.post("/graphql", json=TYPENAME, headers={"host": "evil.example"})
    assert "__typename" not in answer.text
