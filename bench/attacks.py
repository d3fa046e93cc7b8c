"""How long others wait while somebody does the worst: a prober of `/healthz` waits at most 250 ms.

    python -m bench.attacks

Each attack is run by a process of its own against a gateway of its own, on the embedded sandbox and without a clients
file, so that nobody is refused for want of a key. Beside the longest wait stands what the gateway's memory grew by at
the most. The suite counts the steps of the same; `make bench` writes the seconds down.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import multiprocessing
import socket
import sqlite3
import struct
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from bench import crowds
from bench.contestants import Contestant, started
from bench.crowds import HOST, JSON, POST, SECONDS, UPGRADE, head
from bench.processes import most_resident, resident

TARGET = 250.0  # milliseconds
PAUSE = 0.005  # seconds between two questions of the prober
LONGEST = 120.0  # seconds for one attack
MIB = 2**20
KIBIBYTE = b"a" * 1_024
CORE = "0"

Run = Callable[[int, Path], None]


@dataclass(frozen=True, slots=True)
class Attack:
    """An attack: `run` gets the gateway's port and its data directory.

    `by_upstream`: the upstream attacks. `is_keyed`: the gateway has a clients file, and the attacker no key.
    """

    name: str
    run: Run
    by_upstream: bool = False
    is_keyed: bool = False


@dataclass(frozen=True, slots=True)
class Felt:
    """What others noticed: milliseconds that a prober waited at the most, and bytes of memory."""

    wait: float
    growth: int


# -- what is asked


def post(port: int, query: str, variables: object = None, **headers: str) -> int:
    """The status of the answer, which is read."""
    connection = http.client.HTTPConnection(HOST, port, timeout=LONGEST)
    body = json.dumps({"query": query, "variables": variables})
    connection.request("POST", "/graphql", body, {"content-type": "application/json", **headers})
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status


def keys_of_two_kinds(port: int, folder: Path) -> None:
    query = "query($ids: [UserBy!]!) { users(by: $ids) { highlights { totalCount } biography } }"
    for count in (500, 1_000):
        by = [{"id": str(10**9 + at)} for at in range(count)] + [{"username": f"user{at}"} for at in range(count)]
        post(port, query, {"ids": by}, **{"X-Billing-Limit": "0"})


def mistakes_in_variables(port: int, folder: Path) -> None:
    query = "query($by: UserBy!) { user(by: $by) { id } }"
    for count in (20_000, 40_000):
        post(port, query, {"by": {f"unknown{at}": at for at in range(count)}})
    literal = " ".join(f"unknown{at}: 1" for at in range(600))
    post(port, f"{{ user(by: {{ {literal} }}) {{ id }} }}")


def prices(port: int, folder: Path) -> None:
    for count, users in ((3, 300), (10, 100), (50, 300)):
        ids = ", ".join(f'{{ id: "{10**9 + at}" }}' for at in range(users))
        document = json.dumps(f"{{ users(by: [{ids}]) {{ biography highlights {{ totalCount }} }} }}")
        asked = " ".join(f"p{at}: price(document: {document}) {{ upper }}" for at in range(count))
        post(port, f"{{ {asked} }}")


def lock_of_the_ledger(port: int, folder: Path) -> None:
    with contextlib.closing(sqlite3.connect(folder / "gateway.sqlite3", isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        asking = [threading.Thread(target=post, args=(port, user(at))) for at in range(10)]
        for thread in asking:
            thread.start()
        time.sleep(SECONDS)
        database.execute("ROLLBACK")
        for thread in asking:
            thread.join()


def user(at: int) -> str:
    return f'{{ user(by: {{ id: "{10**9 + at}" }}) {{ biography }} }}'


def answers_that_unpack(port: int, folder: Path) -> None:
    for at in range(5):
        post(port, user(at))


# How many keys, what is selected of each: as much as may be, but for the last ones, which are refused.
REPEATED = (
    (124, "items { nodes { user { id username fullName } } }"),
    (110, "items { nodes { id a: thumbnailUrl(proxied: true) b: videoUrl(proxied: true) } }"),
    (80, "items { nodes @stream { id takenAt } }"),
    (24, "items { nodes { id ... @defer { takenAt kind } } }"),
    (690, "id ... @defer { items { nodes { id takenAt } } }"),
    (11, "items { nodes { " + " ".join(f"a{at}: thumbnailUrl" for at in range(95)) + " } }"),
    (60, "items { nodes { " + " ".join(f"a{at}: thumbnailUrl" for at in range(95)) + " } }"),
    (980, "items { nodes { " + " ".join(f"{'a' * 190}{at}: thumbnailUrl" for at in range(95)) + " } }"),
)


def large_answers(port: int, folder: Path) -> None:
    """Of one highlight with a hundred items, which is bought once."""
    id_ = highlight_of_a_hundred(port)
    for count, selection in REPEATED:
        query = f"query($ids: [ID!]!) {{ highlights(ids: $ids) {{ {selection} }} }}"
        accepted = "multipart/mixed" if "@" in selection else "application/json"
        for coding in ("identity", "br", "gzip"):
            post(port, query, {"ids": [id_] * count}, **{"accept": accepted, "accept-encoding": coding})
    post(port, " ".join(["{", *(f"s{at}: _service {{ sdl }}" for at in range(49)), "}"]))


def highlight_of_a_hundred(port: int) -> str:
    query = '{ user(by: { username: "hundred.highlights" }) { highlights(first: 1) { nodes { id } } } }'
    connection = http.client.HTTPConnection(HOST, port, timeout=LONGEST)
    connection.request("POST", "/graphql", json.dumps({"query": query}), {"content-type": "application/json"})
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return str(answer["data"]["user"]["highlights"]["nodes"][0]["id"])


# -- what is sent


@contextlib.contextmanager
def line(port: int, begin: bytes = b"") -> Iterator[socket.socket]:
    """A connection, on which nothing waits for ever."""
    with socket.create_connection((HOST, port), timeout=SECONDS) as connection:
        connection.sendall(begin)
        yield connection


def flood(port: int, begin: bytes, piece: bytes, times: int) -> None:
    with contextlib.suppress(OSError), line(port, begin) as connection:
        for _ in range(times):
            connection.sendall(piece)
        connection.recv(1_000)


def heads_of_200_mib(port: int, folder: Path) -> None:
    flood(port, head() + b"x: ", b"a" * MIB, 200)
    flood(port, b"GET /", b"a" * MIB, 200)
    flood(port, head(), b"a: b\r\n" * 100_000, 350)
    flood(port, head(JSON, "transfer-encoding: chunked", line=POST) + b"\r\n0\r\n", b"t: b\r\n" * 100_000, 350)


def slow_heads(port: int, folder: Path) -> None:
    with contextlib.ExitStack() as stack:
        lines = [stack.enter_context(line(port, head() + KIBIBYTE * 60)) for _ in range(1_000)]
        ends = time.monotonic() + SECONDS
        while time.monotonic() < ends:
            for one in lines:
                with contextlib.suppress(OSError):
                    one.sendall(b"a")
            time.sleep(0.1)


def requests_behind_each_other(port: int, folder: Path) -> None:
    flood(port, b"", (head() + b"\r\n") * 10_000, 20)


def answers_nobody_reads(port: int, folder: Path) -> None:
    page = head("accept: text/html", line="GET /graphql HTTP/1.1") + b"\r\n"
    with contextlib.ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(line(port, page * 100))
        time.sleep(SECONDS)


def large_answers_nobody_reads(port: int, folder: Path) -> None:
    """Of 15 MB each."""
    count, selection = REPEATED[5]
    query = f"query($ids: [ID!]!) {{ highlights(ids: $ids) {{ {selection} }} }}"
    asked = crowds.question(query, {"ids": [highlight_of_a_hundred(port)] * count})
    with crowds.crowd(port, 100) as connections:
        crowds.say(connections, asked)
        time.sleep(SECONDS)


def pings_nobody_reads(port: int, folder: Path) -> None:
    init = b'{"type":"connection_init"}'
    first = bytes([0x81, 0x80 | len(init)]) + bytes(4) + init
    flood(port, UPGRADE + b"\r\n" + first, struct.pack("!BBI", 0x89, 0x80, 0) * 10_000, 200)


ATTACKS = (
    Attack("1,000 ids beside 1,000 names, that nothing may be spent on", keys_of_two_kinds),
    Attack("40,000 mistakes in the variables", mistakes_in_variables),
    Attack("50 prices of 300 users", prices),
    Attack("one highlight a hundred times and more, in the dearest forms", large_answers),
    Attack("another holder of the ledger's lock", lock_of_the_ledger),
    Attack("upstream answers of 1.5 MB that unpack to 1.5 GB", answers_that_unpack, by_upstream=True),
    Attack("heads of 200 MiB", heads_of_200_mib),
    Attack("1,000 heads of 60 KiB that do not end", slow_heads),
    Attack("200,000 requests behind each other", requests_behind_each_other),
    Attack("20,000 answers that nobody reads", answers_nobody_reads),
    Attack("100 answers of 15 MB that nobody reads", large_answers_nobody_reads),
    Attack("2,000,000 pings whose answers nobody reads", pings_nobody_reads),
    Attack("360,000 pages that nobody reads, on 1,800 connections", crowds.pages_of_a_crowd),
    Attack("1,800 questions without a key at once", crowds.questions_of_a_crowd, is_keyed=True),
    Attack("1,800 large handshakes at once", crowds.handshakes_of_a_crowd),
    Attack("200 new documents of 60 fragments at once", crowds.new_documents_of_a_crowd),
)


# -- what others notice


def inflating(mib: int) -> bytes:
    """Gzip that unpacks to so many MiB of zeros: each block after a full flush means the same again."""
    compressor = zlib.compressobj(9, wbits=31)
    first, block = (compressor.compress(bytes(MIB)) + compressor.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return first + block * (mib - 1)


class Bombs(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """The gateway closes what it does not read to its end."""


class Bomb(BaseHTTPRequestHandler):
    """An upstream, each of whose answers unpacks to far more."""

    protocol_version = "HTTP/1.1"
    body = inflating(1_500)

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-encoding", "gzip")
        self.send_header("content-length", str(len(self.body)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(self.body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nobody reads it."""


@contextlib.contextmanager
def bombs() -> Iterator[str]:
    """The URL of such an upstream."""
    with Bombs((HOST, 0), Bomb) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{HOST}:{server.server_address[1]}"
        server.shutdown()


def measured(attacks: Sequence[Attack] = ATTACKS) -> dict[str, Felt]:
    with bombs() as upstream:
        return {attack.name: _felt(attack, upstream) for attack in attacks}


def _felt(attack: Attack, upstream: str) -> Felt:
    with tempfile.TemporaryDirectory(prefix="bench-") as place:
        folder = Path(place)
        bombed = {"GATEWAY_HIKERAPI_URL": "{upstream}", "GATEWAY_HIKERAPI_KEY": "k"}
        environment = {
            "GATEWAY_DATA_DIR": "{folder}",
            "GATEWAY_LOG_LEVEL": "error",
            **(bombed if attack.by_upstream else {}),
            **({"GATEWAY_CLIENTS_FILE": str(_clients(folder))} if attack.is_keyed else {}),
        }
        command = (sys.executable, "-m", "gateway", "serve", "--port", "{port}")
        gateway = Contestant("attacked", "The gateway", command, environment, "")
        with started(gateway, upstream, folder, CORE) as running:
            return _waits(attack, running.process.pid, running.port, folder)


def _clients(folder: Path) -> Path:
    """A file with one client, whose key nobody has."""
    file = folder / "clients.toml"
    file.write_text(f'[[client]]\nname = "web"\nkey_sha256 = "{"0" * 64}"\n')
    return file


def _waits(attack: Attack, pid: int, port: int, folder: Path) -> Felt:
    probe(port)
    before = resident(pid)
    attacker = multiprocessing.get_context("spawn").Process(target=attack.run, args=(port, folder))
    attacker.start()
    longest, ends = 0.0, time.monotonic() + LONGEST
    while attacker.is_alive() and time.monotonic() < ends:
        longest = max(longest, probe(port))
        time.sleep(PAUSE)
    attacker.kill()
    attacker.join()
    return Felt(longest * 1e3, max(0, most_resident(pid) - before))


def probe(port: int) -> float:
    """Seconds until `/healthz` is answered, on a connection of its own."""
    began = time.perf_counter()
    connection = http.client.HTTPConnection(HOST, port, timeout=LONGEST)
    connection.request("GET", "/healthz")
    if connection.getresponse().status != http.HTTPStatus.OK:
        raise RuntimeError("the gateway is not healthy any more")
    connection.close()
    return time.perf_counter() - began


def table(found: Mapping[str, Felt]) -> str:
    rows = [
        f"| {name} | {felt.wait:.0f} | {felt.growth / 1e6:.0f} | {'reached' if felt.wait <= TARGET else '**missed**'} |"
        for name, felt in found.items()
    ]
    head = [
        f"| attack | longest wait, ms | memory grew by, MB | wanted: at most {TARGET:.0f} ms |",
        "|---|---|---|---|",
    ]
    return "\n".join([*head, *rows])


if __name__ == "__main__":
    print(table(measured()))
