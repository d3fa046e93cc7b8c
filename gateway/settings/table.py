"""The settings of the gateway: one frozen table, read once from a mapping that the caller passes.

`Settings` is the table. A field's setting is named `GATEWAY_` and the field's name in capitals; defaults are written in
the syntax of the setting. docs/settings.md contains the same table.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from gateway.domain.proxies import DIRECT, Proxies
from gateway.domain.window import Window
from gateway.errors import Unusable
from gateway.settings.forms import (
    ALLOWANCE,
    BASE_URL,
    BYTES,
    COUNT,
    DATABASE_URL,
    DIALECT,
    DOCUMENTS,
    HOSTS,
    KEY,
    LOG_LEVEL,
    ORIGINS,
    PATH,
    PERCENTS,
    POSTGRESQL,
    RATE,
    SEALING_KEY,
    SECONDS,
    SQLITE,
    SWITCH,
    TIMEOUT,
    Form,
)

T = TypeVar("T")

PREFIX = "GATEWAY_"
# Part of the announced contract but not implemented: accepting it would promise a missing feature.
ANNOUNCED = frozenset({"GATEWAY_REDIS_URL"})
# A setting, another setting that it requires, and the reason.
NEEDS = (
    ("GATEWAY_HIKERAPI_URL", "GATEWAY_HIKERAPI_KEY", "without a key the sandbox would answer"),
    ("GATEWAY_PLATFORM_URL", "GATEWAY_PLATFORM_TOKEN", "without a token nothing can be published there"),
    ("GATEWAY_PLATFORM_TOKEN", "GATEWAY_PLATFORM_URL", "it would be sent nowhere"),
    ("GATEWAY_PLATFORM_APP_SECRET", "GATEWAY_PLATFORM_VERIFY_TOKEN", "the platform could not subscribe"),
    ("GATEWAY_PLATFORM_VERIFY_TOKEN", "GATEWAY_PLATFORM_APP_SECRET", "nothing that comes could be believed"),
)


class SettingsError(Unusable):
    """All problems of the settings in one error. It never quotes a value, which may be a key."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Setting:
    """A row of the table. `default` is text for people."""

    name: str
    field: str
    default: str
    help: str
    form: Form[Any]


def _setting(form: Form[T], default: str, help: str) -> T:
    return dataclasses.field(default=form.parse(default), metadata=_row(form, default, help))


def _optional(form: Form[T], help: str, *, unset: str) -> T | None:
    """Return a field without a default; `unset` describes that case. Excluded from `repr`: it may be a secret."""
    return dataclasses.field(default=None, repr=False, metadata=_row(form, unset, help))


def _row(form: Form[Any], default: str, help: str) -> dict[str, Any]:
    return {"form": form, "default": default, "help": help}


@dataclass(frozen=True, slots=True)
class Settings:
    """The values of all settings. Times are in seconds, sizes in bytes."""

    hikerapi_url: str = _setting(BASE_URL, "https://api.hikerapi.com", "Where the read API is. Needs the key.")
    hikerapi_key: str | None = _optional(KEY, "Key for the read API.", unset="the embedded sandbox answers")
    hikerapi_rate: float | None = _optional(
        RATE, "Requests per second to the read API.", unset="what the account grants, else 15"
    )
    platform_url: str | None = _optional(
        BASE_URL, "Where the publishing API is. Needs its token.", unset="the embedded sandbox, if it answers the reads"
    )
    platform_token: str | None = _optional(
        KEY, "Access token, or session, of the account to publish for. Needs the URL.", unset="as for the URL"
    )
    platform_dialect: str = _setting(
        DIALECT, "platform", "What the publishing API speaks: the Platform API, or aiograpi-rest."
    )
    platform_rate: float = _setting(RATE, "10", "Requests per second to the publishing API, per process.")
    platform_timeout: int = _setting(
        TIMEOUT, "120", "How long an answer of the publishing API is waited for. It may fetch a film meanwhile."
    )
    platform_app_secret: str | None = _optional(
        KEY, "What the platform signs its webhooks with. Needs the verify token.", unset="webhooks are not received"
    )
    platform_verify_token: str | None = _optional(
        KEY, "What the platform shows when it subscribes. Needs the app secret.", unset="as for the app secret"
    )
    data_dir: Path = _setting(PATH, "data", "Directory of everything the gateway keeps.")  # noqa: RUF009 (is a field)
    database_url: str | None = _optional(
        DATABASE_URL,
        "SQLite: the file of the spending ledger. PostgreSQL: the flows; gateways that share them share the data "
        "directory, too.",
        unset="`gateway.sqlite3` and `flows.sqlite3` in the data directory",
    )
    flows_key: bytes | None = _optional(
        SEALING_KEY, "What flows are sealed with.", unset="`flows.key` in the data directory, made at the first start"
    )
    flow_retention: int = _setting(SECONDS, "604800", "How long ended flows are kept.")
    clients_file: Path | None = _optional(  # noqa: RUF009 (is a field)
        PATH, "TOML file of the clients, their keys, rights and allowances.", unset="one local client, loopback only"
    )
    balance_floor: int = _setting(
        COUNT, "0", "Below this balance of the upstream account, in billed requests, only cached answers are served."
    )
    balance_warnings: tuple[int, ...] = _setting(
        PERCENTS, "20,5", "At which shares of the most it had since the start the account's balance is warned of."
    )
    cache_bytes: int = _setting(BYTES, "256 MiB", "Memory for cached upstream answers.")
    ttl_tray: int = _setting(SECONDS, "600", "How long a user's tray is fresh.")
    ttl_highlight: int = _setting(SECONDS, "3600", "How long a highlight with its items is fresh.")
    ttl_profile: int = _setting(SECONDS, "3600", "How long a profile is fresh.")
    ttl_username: int = _setting(SECONDS, "86400", "How long a user name stands for the same user id.")
    ttl_missing: int = _setting(SECONDS, "120", 'How long "not found" and "private" are believed; they cost, too.')
    stale_limit: int = _setting(
        SECONDS, "3600", "How long past its freshness an answer may be served while the upstream fails."
    )
    url_margin: int = _setting(SECONDS, "300", "An answer is dropped this long before the first URL in it dies.")
    connections: int = _setting(
        COUNT, "1000", "WebSockets and event streams that one client may hold open at once, per process."
    )
    peer_connections: int = _setting(
        COUNT,
        "2000",
        "Connections that one address may have open at once, per process; 0 for any number. A proxy in front is one.",
    )
    open_connections: int = _setting(
        COUNT,
        "8000",
        "Connections that may be open at once, per process; never more than its limit of open files leaves.",
    )
    allowed_origins: frozenset[str] | None = _optional(
        ORIGINS, "Web origins beside the gateway's own whose pages may ask: by CORS, and by WebSocket.", unset="none"
    )
    allowed_hosts: frozenset[str] | None = _optional(
        HOSTS,
        "Hosts by which the gateway may be asked for, beside the address it listens on and the host of its public URL.",
        unset="any with a clients file, else none",
    )
    batch_limit: int = _setting(COUNT, "0", "Most operations in one HTTP request, sent as a JSON array; 0 allows none.")
    documents: str = _setting(
        DOCUMENTS, "any", "Whether clients may send any document, or only name those the gateway trusts."
    )
    documents_file: Path | None = _optional(  # noqa: RUF009 (is a field)
        PATH, "Manifest of documents to trust beside the gateway's own: Apollo's, Relay's or codegen's.", unset="none"
    )
    projection: bool = _setting(
        SWITCH, "on", "Whether plain fields are read by compiled code. Off, answers are the same, and slower."
    )
    public_url: str | None = _optional(
        BASE_URL, "Where clients reach the gateway: links to its media begin with it.", unset="where it listens"
    )
    media_proxy: bool = _setting(
        SWITCH, "off", "Whether pictures and videos are linked by way of the gateway where a query does not say."
    )
    media_secret: str | None = _optional(
        KEY, "What links to media are signed with.", unset="`media.key` in the data directory, made at the first start"
    )
    media_bytes: int = _setting(
        BYTES, "32 MiB", "Memory for small media that the proxy keeps, and what it knows of others."
    )
    media_allowance: tuple[tuple[Window, int], ...] = _setting(
        ALLOWANCE,
        "hour=50,day=200",
        "The most that may be spent, as `media-proxy`, on new URLs for media whose own died before their time.",
    )
    log_level: str = _setting(LOG_LEVEL, "info", "Least severe log line to write.")
    proxies: Proxies = dataclasses.field(default=DIRECT, repr=False)
    """Not a row of the table: the proxy variables are common to all programs."""

    @classmethod
    def table(cls) -> tuple[Setting, ...]:
        return tuple(
            Setting(name=PREFIX + field.name.upper(), field=field.name, **field.metadata)
            for field in dataclasses.fields(cls)
            if field.metadata
        )

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings. An empty value counts as not set. Raise SettingsError with all problems."""
        problems = _misnamed(environ, [row.name for row in cls.table()])
        values: dict[str, Any] = {}
        for row in cls.table():
            if text := environ.get(row.name, "").strip():
                try:
                    values[row.field] = row.form.parse(text)
                except ValueError:
                    problems.append(f"{row.name} must be {row.form.accepts}.")
        problems += _unmet(environ)
        if problems:
            raise SettingsError(tuple(problems))
        return cls(**values, proxies=Proxies.read(environ))

    @property
    def sandboxed(self) -> bool:
        """Return whether the embedded sandbox replaces the read API."""
        return self.hikerapi_key is None

    @property
    def database_path(self) -> Path:
        """Return the path of the spending ledger."""
        if self.database_url is None or not self.database_url.startswith(SQLITE):
            return self.data_dir / "gateway.sqlite3"
        return Path(self.database_url.removeprefix(SQLITE))

    @property
    def flows_url(self) -> str:
        """Return the SQLAlchemy URL of the workflow store."""
        if self.database_url is not None and self.database_url.startswith(POSTGRESQL):
            return "postgresql+psycopg://" + self.database_url.removeprefix(POSTGRESQL)
        return f"{SQLITE}{self.data_dir.absolute() / 'flows.sqlite3'}"


def _unmet(environ: Mapping[str, str]) -> list[str]:
    """Return an error for each setting that lacks a setting it requires."""
    given = {name for name, text in environ.items() if text.strip()}
    return [f"{name} needs {other}: {why}." for name, other, why in NEEDS if name in given and other not in given]


def _misnamed(environ: Mapping[str, str], known: list[str]) -> list[str]:
    names = sorted(name for name in environ if name.upper().startswith(PREFIX) and name not in known)
    return [_refusal(name, known) for name in names]


def _refusal(name: str, known: list[str]) -> str:
    if name in ANNOUNCED:
        return f"{name} is not supported by this version."
    bare = {right.removeprefix(PREFIX): right for right in known}
    # Compared without the prefix, which all names share and which would make any two of them similar.
    nearest = difflib.get_close_matches(name.upper().removeprefix(PREFIX), bare, n=1, cutoff=0.0)
    return f"{name} is not a setting. The nearest one is {bare[nearest[0]]}."
