"""A wire to PostgreSQL that a test cuts, freezes, or breaks at a commit."""

from __future__ import annotations

import contextlib
import enum
import select
import socket
import threading
from pathlib import Path

NAME = ".s.PGSQL.5432"
COMMIT = b"COMMIT\x00"


class State(enum.Enum):
    OPEN = enum.auto()
    FROZEN = enum.auto()
    """Connections are accepted, and nothing is forwarded."""
    CUT = enum.auto()
    """Connections are closed at once."""
    LOSES_COMMITS = enum.auto()
    """The connection breaks before the server hears of the commit."""
    LOSES_ANSWERS = enum.auto()
    """It breaks after the server has committed."""


class Proxy:
    """Listens in `folder` for what a server in `behind` answers. It must be closed."""

    def __init__(self, folder: Path, behind: Path) -> None:
        self.state = State.OPEN
        self.commits = 0
        self._behind = behind
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / NAME))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self.state = State.CUT
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as server:
            server.connect(str(self._behind / NAME))
            while not self._is_cut():
                readable, _, _ = select.select([client, server], [], [], 0.01)
                if self.state is not State.FROZEN and not all(self._forward(one, client, server) for one in readable):
                    return

    def _is_cut(self) -> bool:
        return self.state is State.CUT

    def _forward(self, source: socket.socket, client: socket.socket, server: socket.socket) -> bool:
        """Forward what is there; False at the end, or where the wire breaks."""
        data = source.recv(1 << 16)
        is_commit = source is client and COMMIT in data
        self.commits += is_commit
        if is_commit and self.state is State.LOSES_COMMITS:
            return False
        (server if source is client else client).sendall(data)
        if is_commit and self.state is State.LOSES_ANSWERS:
            server.recv(1 << 16)
            return False
        return bool(data)
