"""A process that appends entries to an audit trail: `appender URL NAME COUNT`."""

from __future__ import annotations

import sys
import time
from contextlib import closing

from gateway.audit.audit_store import AuditStore
from gateway.audit.trail import Action
from gateway.clock import SystemClock

KEY = b"k" * 32
PAUSE = 0.01  # seconds: SQLite lets whoever waits try only now and then


def run(url: str, name: str, count: int) -> None:
    with closing(AuditStore(url, lambda: KEY, SystemClock())) as trail:
        for number in range(count):
            trail.append(name, Action.KEY_ADDED, "", {"number": number})
            print(number, flush=True)
            time.sleep(PAUSE)


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2], int(sys.argv[3]))
