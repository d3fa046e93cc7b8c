"""The callers of the gateway: who they are, what they may do, and what they may spend.

The clients file is TOML, one `[[client]]` per caller:

    [[client]]
    name = "web"
    key_sha256 = "..."                            # of the key; the key itself is kept nowhere
    rights = ["read", "force"]                    # left out: ["read"]
    ceiling = 50                                  # billed requests per operation; left out: no ceiling
    allowance = { minute = 100, month = 20000 }   # billed requests per window; left out: unlimited
    accounts = ["787132"]                         # for whom it may publish, with the right `write`; left out: all
"""

from __future__ import annotations

import enum
import hashlib
import hmac
import os
import re
import secrets
import tempfile
import tomllib
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Self

import msgspec

from gateway.domain import ids
from gateway.domain.window import Window
from gateway.errors import Unauthenticated, Unusable

KEY_PREFIX = "hg_"
KEY_BYTES = 32


class Right(enum.Enum):
    """What a client may do besides reading its own allowance."""

    READ = "read"
    WRITE = "write"
    FORCE = "force"
    BALANCE = "balance"
    INTROSPECT = "introspect"


@dataclass(frozen=True, slots=True)
class Client:
    """A caller. `ceiling` is in billed requests per operation, `allowance` per window; None and no window: no limit."""

    name: str
    rights: frozenset[Right]
    ceiling: int | None
    allowance: Mapping[Window, int] = field(hash=False)
    key_digest: bytes | None = field(repr=False)
    """SHA-256 of the key; None for the one local client, which has no key."""
    accounts: frozenset[str] | None = None
    """Ids of the accounts it may publish for; None: all that the gateway holds."""

    def may_publish_for(self, account: str) -> bool:
        return Right.WRITE in self.rights and (self.accounts is None or account in self.accounts)


class ClientsFileError(Unusable):
    """The clients file cannot be used: the message names file, line or field, and the accepted form; never a value."""


class Clients:
    """The table of those who may ask."""

    def __init__(self, *, keyed: tuple[Client, ...], keyless: Client | None, path: Path | None) -> None:
        self._keyed = keyed
        self._keyless = keyless
        self._path = path
        self.version = 0
        """Grows when the table is read again: while it stays, a key is the same client's, with the same terms."""

    @classmethod
    def local(cls) -> Self:
        """One client without a key and without limits, for a gateway that only this machine reaches.

        It has all rights but to force: to skip the privacy check is to be chosen, not to be had by default.
        """
        client = Client("local", frozenset(Right) - {Right.FORCE}, ceiling=None, allowance={}, key_digest=None)
        return cls(keyed=(), keyless=client, path=None)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Raises ClientsFileError."""
        return cls(keyed=_parse(_read(path), path), keyless=None, path=path)

    def identify(self, key: str | None) -> Client:
        """The client that `key` belongs to; raises Unauthenticated. Takes the same time whichever it is, or none."""
        if self._keyless is not None:
            return self._keyless
        if not key:
            raise Unauthenticated("Send your key as `Authorization: Bearer KEY` or as `x-api-key: KEY`.")
        digest = _digest_of(key)
        found = [client for client in self._keyed if hmac.compare_digest(client.key_digest or b"", digest)]
        if not found:
            raise Unauthenticated("This key is not known: check it, or ask the gateway's operator for another one.")
        return found[0]

    def reload(self) -> None:
        """Reads the file again. Raises ClientsFileError, and then keeps the clients it had."""
        if self._path is not None:
            self._keyed = _parse(_read(self._path), self._path)
            self.version += 1


def add_key(
    path: Path,
    name: str,
    *,
    allowance: Mapping[Window, int],
    ceiling: int | None,
    rights: Collection[Right],
    accounts: Collection[str] | None = None,
) -> str:
    """Appends a client to the file, which is made where it is not, and returns its key: nobody can read it again.

    What stands in the file stays as it is. Raises ClientsFileError for a name that is taken, for limits and accounts
    the file does not accept, and for a file that is broken already.
    """
    path = path.resolve()  # a link stays a link: what it points to is replaced
    text = _read(path) if path.exists() else ""
    if not re.match(NAME, name):
        raise ClientsFileError(f"The client's name must be {ACCEPTED['name']}.")
    for account in accounts or ():
        if not re.match(ACCOUNT, account):
            raise ClientsFileError("An account must be given by its id, a number: the name of one may change.")
    if any(client.name == name for client in _parse(text, path)):
        raise ClientsFileError(f"{path} has a client named {name} already: take another name, or delete that entry.")
    key = KEY_PREFIX + secrets.token_urlsafe(KEY_BYTES)
    entry = _render(name, key, allowance=allowance, ceiling=ceiling, rights=rights, accounts=accounts)
    separator = "" if not text else "\n" if text.endswith("\n") else "\n\n"
    text = f"{text}{separator}{entry}"
    _parse(text, path)
    _replace(path, text)
    return key


def _digest_of(key: str) -> bytes:
    # A key may come out of JSON, where half a surrogate pair is allowed: it is unknown, not an error.
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


NAME = r"^[A-Za-z0-9._-]{1,64}\Z"
ACCOUNT = rf"^{ids.PK.pattern}\Z"
Amount = Annotated[int, msgspec.Meta(ge=0)]


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(pattern=NAME)]
    key_sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
    rights: frozenset[Right] = frozenset({Right.READ})
    ceiling: Amount | None = None
    allowance: dict[Window, Amount] = {}
    accounts: frozenset[Annotated[str, msgspec.Meta(pattern=ACCOUNT)]] | None = None


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    client: tuple[_Entry, ...] = ()


ACCEPTED = {
    "client": "one `[[client]]` table per client",
    "name": "1 to 64 of the letters A to Z and a to z, digits, `.`, `_` and `-`",
    "key_sha256": "64 lower-case hex digits; `highlights-gateway keys add NAME` makes a key and its entry",
    "rights": f"a list of {', '.join(right.value for right in Right)}",
    "ceiling": "a whole number of billed requests, 0 or more; left out: no ceiling",
    "allowance": "a table like { minute = 100, day = 5000 } of whole numbers, 0 or more; "
    f"its windows are {', '.join(window.value for window in Window)}; left out: unlimited",
    "accounts": "a list of account ids, numbers in quotes; left out: all accounts the gateway publishes for",
}


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode()  # with its own ends of line
    except FileNotFoundError as exc:
        raise ClientsFileError(f"{path} does not exist: `highlights-gateway keys add NAME` makes it.") from exc
    except OSError as exc:
        raise ClientsFileError(f"{path} cannot be read ({exc.strerror}): check its permissions.") from exc
    except UnicodeDecodeError as exc:
        raise ClientsFileError(f"{path} is not UTF-8: save it as UTF-8 text.") from exc


def _parse(text: str, path: Path) -> tuple[Client, ...]:
    try:
        table = msgspec.convert(tomllib.loads(text), _Table)
    except tomllib.TOMLDecodeError as exc:
        raise ClientsFileError(f"{path} is not TOML: {exc}.") from exc
    except msgspec.ValidationError as exc:
        raise ClientsFileError(f"{path}{_complaint(str(exc), text)}") from exc
    for what in ("name", "key_sha256"):
        _refuse_doubles(what, table.client, path)
    return tuple(
        Client(
            entry.name, entry.rights, entry.ceiling, entry.allowance, bytes.fromhex(entry.key_sha256), entry.accounts
        )
        for entry in table.client
    )


def _refuse_doubles(what: str, entries: tuple[_Entry, ...], path: Path) -> None:
    counts = Counter(getattr(entry, what) for entry in entries)
    names = [entry.name for entry in entries if counts[getattr(entry, what)] > 1]
    if names:
        raise ClientsFileError(f"{path}: {what}: must differ, but is the same for the clients {', '.join(names)}.")


def _complaint(problem: str, text: str) -> str:
    """Where, and what is accepted there. The library's own words are not passed on: they may quote a value."""
    where, inside = "", re.search(r"\$\.client\[(\d+)\]", problem)
    if inside:
        number = int(inside[1])
        lines = [at for at, line in enumerate(text.splitlines(), 1) if re.match(r"\s*\[\[\s*client\s*\]\]", line)]
        where = f", client {number + 1}" + (f" (line {lines[number]})" if number < len(lines) else "")
    named = re.search(r"(missing required|unknown) field `(.*?)`", problem)
    if named and named[1] == "unknown":
        known = _Entry.__struct_fields__ if inside else _Table.__struct_fields__
        return f"{where}: {named[2]}: no such field; known: {', '.join(known)}."
    place = re.search(r"\$\.(?:client\[\d+\]\.)?(\w+)", problem)
    name = named[2] if named else place[1] if place else "client"
    return f"{where}: {name}: {'missing; ' if named else ''}must be {ACCEPTED[name]}."


def _render(
    name: str,
    key: str,
    *,
    allowance: Mapping[Window, int],
    ceiling: int | None,
    rights: Collection[Right],
    accounts: Collection[str] | None,
) -> str:
    quoted = [f'"{right.value}"' for right in Right if right in rights]
    limits = [f"{window.value} = {limit}" for window, limit in allowance.items()]
    lines = [
        "[[client]]",
        f'name = "{name}"',
        f'key_sha256 = "{_digest_of(key).hex()}"',
        f"rights = [{', '.join(quoted)}]",
    ]
    if ceiling is not None:
        lines.append(f"ceiling = {ceiling}")
    if limits:
        lines.append(f"allowance = {{ {', '.join(limits)} }}")
    if accounts is not None:
        named = ", ".join(f'"{account}"' for account in accounts)
        lines.append(f"accounts = [{named}]")
    return "\n".join(lines) + "\n"


def _replace(path: Path, text: str) -> None:
    """Whole or not at all, readable by the owner alone."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with open(handle, "wb") as file:
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as exc:
        raise ClientsFileError(f"{path} cannot be written ({exc.strerror}): check its directory.") from exc
