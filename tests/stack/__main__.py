"""`python -m tests.stack`: several gateways as one on this machine, to be tried by hand, until it is interrupted."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from pathlib import Path

import pytest

from gateway.commands.table import aligned
from tests.stack.stack import Ports, stack


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.stack", description=__doc__)
    parser.add_argument("--instances", type=int, default=3, help="how many gateways (default: 3)")
    parser.add_argument("--port", type=int, default=8000, help="that of nginx; the gateways have the next ones")
    parser.add_argument(
        "--folder", type=Path, help="for data, configurations and logs, kept (default: a temporary one)"
    )
    parser.add_argument("--free-ports", action="store_true", help="for all but nginx any ports that are free")
    chosen = parser.parse_args()
    ports = (Ports.free if chosen.free_ports else Ports.fixed)(chosen.instances, chosen.port)
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))
    with tempfile.TemporaryDirectory(prefix="stack-") as temporary:
        folder = (chosen.folder or Path(temporary)).absolute()
        try:
            with stack(folder, ports) as made:
                print(aligned([*made.addresses(), ("logs", str(folder))], numbers_from=2), end="")
                print("Runs until Ctrl-C.", flush=True)
                signal.pause()
        except (pytest.skip.Exception, RuntimeError) as problem:
            print(problem, file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("Ended.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
