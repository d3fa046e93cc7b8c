"""The writer of the clients file: the text of an entry and of its keys, and the file as a whole."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from gateway.clients.entries import ClientsFileError, KeyEntry, read
from gateway.domain.rights import Right
from gateway.domain.window import Window


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def time(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def key_table(key: KeyEntry) -> str:
    members = [f'sha256 = "{key.sha256}"']
    members += [f"created = {time(key.created)}"] if key.created else []
    members += [f"expires = {time(key.expires)}"] if key.expires else []
    return f"{{ {', '.join(members)} }}"


def keys_in_lines(keys: Sequence[KeyEntry], *, indent: str, line_end: str) -> str:
    """Return the value of `keys` in lines, for a first line with this indent."""
    lines = ["[", *(f"{indent}    {key_table(key)}," for key in keys), f"{indent}]"]
    return line_end.join(lines)


def entry(
    name: str,
    key: KeyEntry,
    *,
    allowance: Mapping[Window, int],
    ceiling: int | None,
    rights: Collection[Right],
    accounts: Collection[str] | None,
    weight: float,
) -> str:
    quoted = [f'"{right.value}"' for right in Right if right in rights]
    limits = [f"{window.value} = {limit}" for window, limit in allowance.items()]
    lines = ["[[client]]", f'name = "{name}"', f"keys = [{key_table(key)}]", f"rights = [{', '.join(quoted)}]"]
    if ceiling is not None:
        lines.append(f"ceiling = {ceiling}")
    if limits:
        lines.append(f"allowance = {{ {', '.join(limits)} }}")
    if accounts is not None:
        named = ", ".join(f'"{account}"' for account in accounts)
        lines.append(f"accounts = [{named}]")
    if weight != 1:
        lines.append(f"weight = {int(weight) if weight.is_integer() else weight}")
    return "\n".join(lines) + "\n"


def save(path: Path, text: str, *, before: str) -> None:
    """Write the file atomically, readable by its owner alone.

    Raise ClientsFileError, also if the file has changed since `before` was read.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with open(handle, "wb") as file:
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
            if (read(path) if path.exists() else "") != before:
                raise ClientsFileError(f"{path} was changed by another process: try again.")
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as exc:
        raise ClientsFileError(f"{path} cannot be written ({exc.strerror}): check its directory.") from exc
