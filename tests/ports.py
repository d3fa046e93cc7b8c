"""Ports of this machine."""

from __future__ import annotations

import contextlib
import socket

HERE = "127.0.0.1"


def free_port() -> int:
    """One that nothing listens on now."""
    with socket.create_server((HERE, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def listens(port: int) -> bool:
    """A connection to it is accepted."""
    with contextlib.suppress(OSError), socket.create_connection((HERE, port), timeout=1):
        return True
    return False
