"""`python -m tests.outsider URL`: what a stranger may try, tried at a running gateway.

Each attempt is a row of docs/security.md. Nothing is bought, so any gateway may be asked, also through its proxy.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import ssl
import sys
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.commands.process import run, started
from tests.fakes.certificates import certificate_files
from tests.outsider import connections, documents, pages
from tests.outsider.target import ATTEMPTS, SLOW, Target, problem_of

KEY = "HIGHLIGHTS_GATEWAY_KEY"
PARTS = (documents, pages, connections)  # which register their attempts


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.outsider", description=__doc__.splitlines()[0])
    key = f"the key of a client with the right to read alone is in {KEY}"
    parser.add_argument("url", nargs="?", help=f"of the gateway; {key} (default: one is started on the sandbox)")
    parser.add_argument("--ca", metavar="PATH", help="certificate to trust")
    chosen = parser.parse_args()
    if chosen.url is None:
        with tempfile.TemporaryDirectory() as folder, started_target(Path(folder)) as target:
            return report(tried(target))
    context = ssl.create_default_context(cafile=chosen.ca) if chosen.ca else True
    return report(tried(Target(chosen.url.rstrip("/"), os.environ.get(KEY, ""), context)))


def report(problems: Mapping[str, str]) -> int:
    """Print what was not refused as docs/security.md says, and return the exit code."""
    for row, problem in problems.items():
        print(f"{row}\n    {problem}")
    print(f"{len(ATTEMPTS) - len(problems)} passed, {len(problems)} failed")
    return bool(problems)


@contextlib.contextmanager
def started_target(folder: Path) -> Iterator[Target]:
    """A gateway on the embedded sandbox, by TLS, with one client."""
    files, clients = certificate_files(folder), folder / "clients.toml"
    key = run("keys", "add", "web", "--file", str(clients)).stdout.strip()
    options = ("--tls-cert", str(files.chain), "--tls-key", str(files.key))
    given = {"GATEWAY_CLIENTS_FILE": str(clients), "GATEWAY_ALLOWED_HOSTS": "localhost"}
    with started("serve", *options, GATEWAY_DATA_DIR=str(folder / "data"), **given) as (announcement, _):
        found = re.search(r"https://\S+(?=/graphql)", announcement)
        assert found, announcement
        yield Target(found[0], key, files.context)


def tried(target: Target, *, with_slow: bool = True) -> dict[str, str]:
    """What was not refused as docs/security.md says, by row. The slow attempts are made beside the others."""
    with ThreadPoolExecutor() as threads:
        waiting = {row: threads.submit(problem_of, row, target) for row in SLOW if with_slow}
        found = {row: problem_of(row, target) for row in ATTEMPTS if row not in SLOW}
        found |= {row: future.result() for row, future in waiting.items()}
    return {row: problem for row, problem in found.items() if problem is not None}


if __name__ == "__main__":
    sys.exit(main())
