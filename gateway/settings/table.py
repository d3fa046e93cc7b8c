"""The settings of the gateway: one frozen table, read once from a mapping that the caller passes.

`Settings` is the table. A field's setting is named `GATEWAY_` and the field's name in capitals; defaults are written in
the syntax of the setting. docs/settings.md contains the same table.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from gateway.domain.hosts import Network
from gateway.domain.proxies import DIRECT, Proxies
from gateway.domain.window import Window
from gateway.errors import Unusable
from gateway.settings.derived import DerivedSettings
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
    LOG_FORMAT,
    LOG_LEVEL,
    LOGIN,
    NETWORKS,
    ORIGINS,
    PAGES,
    PATH,
    PERCENTS,
    RATE,
    REDIS_URL,
    SEALING_KEY,
    SEALING_KEYS,
    SECONDS,
    SOCKET_ADDRESS,
    STORAGE_URL,
    SWITCH,
    TIMEOUT,
    VAULT_KEY_URL,
    seconds,
)
from gateway.settings.names import PREFIX, misnamed, unmet
from gateway.settings.open_telemetry import exporters_in
from gateway.settings.rows import Setting
from gateway.settings.rows import optional as _optional
from gateway.settings.rows import setting as _setting
from gateway.settings.sources import SettingSource, sources

T = TypeVar("T")


class SettingsError(Unusable):
    """All problems of the settings in one error. It never quotes a value, which may be a key."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Settings(DerivedSettings):
    """The values of all settings. Times are in seconds, sizes in bytes."""

    hikerapi_url: str = _setting(BASE_URL, "https://api.hikerapi.com", "URL of the read API. Requires the key.")
    hikerapi_key: str | None = _optional(KEY, "Key for the read API.", unset="the embedded sandbox is used")
    hikerapi_rate: float | None = _optional(
        RATE, "Requests per second to the read API.", unset="the rate of the account, or 15 if unknown"
    )
    platform_url: str | None = _optional(
        BASE_URL,
        "URL of the publishing API. Requires the token.",
        unset="the embedded sandbox, if it is used for reads",
    )
    platform_token: str | None = _optional(
        KEY,
        "Access token or session of an account to publish for, beside those that are connected. Requires the URL.",
        unset="see the URL",
    )
    platform_dialect: str = _setting(
        DIALECT, "platform", "Type of the publishing API: the Platform API or aiograpi-rest."
    )
    platform_rate: float = _setting(RATE, "10", "Requests per second to the publishing API, per process.")
    platform_timeout: int = _setting(
        TIMEOUT,
        "120",
        "Response timeout of the publishing API in seconds. The API may download a video before it responds.",
    )
    platform_app_id: str | None = _optional(
        KEY,
        "Id of the app at the platform, with which accounts are connected. Requires the URL, the app secret and the "
        "public URL.",
        unset="no account can be connected",
    )
    platform_login: str = _setting(
        LOGIN, "platform", "OAuth server at which accounts are connected: the Platform API's, or Instagram Login."
    )
    return_origins: frozenset[str] | None = _optional(
        ORIGINS,
        "Origins, besides the gateway's own, to which a browser may return after an account was connected.",
        unset="none",
    )
    platform_app_secret: str | None = _optional(
        KEY,
        "Secret of the app, with which the platform signs webhooks. Requires the verify token.",
        unset="webhooks are disabled",
    )
    platform_verify_token: str | None = _optional(
        KEY,
        "Token that the platform sends when it subscribes a webhook. Requires the app secret.",
        unset="see the app secret",
    )
    data_dir: Path = _setting(PATH, "data", "Directory of all files that the gateway stores.")  # noqa: RUF009 (is a field)
    database_url: str | None = _optional(
        DATABASE_URL,
        "SQLite: the file of the spending ledger. PostgreSQL: the database of the ledger and of the flows, and of "
        "the keys that gateways share.",
        unset="`gateway.sqlite3` and `flows.sqlite3` in the data directory",
    )
    flows_key: bytes | None = _optional(
        SEALING_KEY,
        "Key with which flows are encrypted.",
        unset="in PostgreSQL with its database, else `flows.key` in the data directory, created at the first start",
    )
    vault_key: tuple[bytes, ...] | None = _optional(
        SEALING_KEYS,
        "Key with which the tokens of connected accounts are encrypted; the newest first, where it is being replaced.",
        unset="in PostgreSQL with its database, else `vault.key` in the data directory, created when needed",
    )
    vault_key_url: str | None = _optional(
        VAULT_KEY_URL,
        "Key of AWS KMS, or of the Transit engine of HashiCorp Vault or OpenBao, in place of the key of the vault.",
        unset="the key of the vault is kept by the gateway",
    )
    vault_key_token: str | None = _optional(KEY, "Token for a Transit engine.", unset="`VAULT_TOKEN`")
    audit_key: bytes | None = _optional(
        SEALING_KEY,
        "Key of the audit trail.",
        unset="in PostgreSQL with its database, else `audit.key` in the data directory, created at its first entry",
    )
    flow_retention: int = _setting(SECONDS, "604800", "Retention of ended flows in seconds.")
    flow_lease: int = _setting(
        seconds(3, 600),
        "8",
        "Seconds after which other hosts continue the flows of a gateway that gives no sign. With PostgreSQL only.",
    )
    storage_url: str | None = _optional(
        STORAGE_URL,
        "Object storage for the files of flows, so that any host can run them.",
        unset="the directory `spool` in the data directory, for flows of this host alone",
    )
    storage_endpoint: str | None = _optional(
        BASE_URL, "URL of a server of object storage that is not the cloud's own.", unset="that of the cloud"
    )
    storage_key_id: str | None = _optional(
        KEY,
        "Access key id of S3, or name of the Azure account. Requires the storage URL.",
        unset="the cloud's own environment variables, or the machine's role",
    )
    storage_secret: str | None = _optional(
        KEY, "Secret access key of S3, or key of the Azure account. Requires the key id.", unset="see the key id"
    )
    clients_file: Path | None = _optional(  # noqa: RUF009 (is a field)
        PATH,
        "TOML file with the clients, their keys, rights and allowances.",
        unset="one local client, on loopback addresses only",
    )
    balance_floor: int = _setting(
        COUNT, "0", "Minimum balance of the upstream account in billed requests. Below it, only cached data is served."
    )
    balance_warnings: tuple[int, ...] = _setting(
        PERCENTS, "20,5", "Percentages at which a low balance is logged, of the highest balance since the start."
    )
    cache_bytes: int = _setting(BYTES, "256 MiB", "Memory for cached upstream responses.")
    redis_url: str | None = _optional(
        REDIS_URL,
        "Redis or Valkey in which several gateways share cached responses, registered documents, the rate of the read "
        "API, and which of them makes a request.",
        unset="each process caches for itself",
    )
    cache_disk: bool = _setting(
        SWITCH,
        "off",
        "If on, cached responses are also kept in `cache.sqlite3` in the data directory, for all workers of the host "
        "and over a restart. Not with GATEWAY_REDIS_URL.",
    )
    cache_disk_bytes: int = _setting(BYTES, "1 GiB", "Size of the file of cached responses.")
    cache_key: bytes | None = _optional(
        SEALING_KEY,
        "Key with which responses are encrypted in Redis or on the disk, the same for all gateways that share them.",
        unset="they are not encrypted",
    )
    ttl_tray: int = _setting(SECONDS, "600", "Freshness of a user's tray in seconds.")
    ttl_stories: int = _setting(
        seconds(0, 120), "120", "Freshness of a user's live stories in seconds, until the first of them ends at most."
    )
    ttl_highlight: int = _setting(SECONDS, "3600", "Freshness of a highlight with its items in seconds.")
    ttl_media: int = _setting(SECONDS, "3600", "Freshness of a post in seconds.")
    ttl_posts: int = _setting(SECONDS, "600", "Freshness of a page of a user's posts in seconds.")
    ttl_comments: int = _setting(SECONDS, "120", "Freshness of a page of comments in seconds.")
    ttl_people: int = _setting(
        SECONDS, "1800", "Freshness of a page of followers, or of followed accounts, in seconds."
    )
    ttl_hashtag: int = _setting(SECONDS, "86400", "Freshness of a hashtag and of a location in seconds.")
    ttl_search: int = _setting(SECONDS, "600", "Freshness of what a search found in seconds.")
    ttl_profile: int = _setting(SECONDS, "3600", "Freshness of a profile in seconds.")
    ttl_username: int = _setting(SECONDS, "86400", "Freshness of the user id of a user name in seconds.")
    ttl_missing: int = _setting(
        SECONDS, "120", 'Freshness of "not found" and "private" in seconds. The upstream bills these responses, too.'
    )
    stale_limit: int = _setting(
        SECONDS, "3600", "How many seconds after its freshness ended a response may be served while the upstream fails."
    )
    url_margin: int = _setting(SECONDS, "300", "How many seconds before its first URL expires a response is dropped.")
    max_pages: int = _setting(
        PAGES,
        "10",
        "Maximum number of pages of a list that one field of an operation reads, of those that the upstream pages.",
    )
    trust_no_stories: bool = _setting(
        SWITCH,
        "off",
        "If on, no request is made for the stories of an account that a list says has none. No document of the "
        "upstream says that the lists are right.",
    )
    cursor_secret: str | None = _optional(
        KEY,
        "Secret with which cursors of lists are sealed that the upstream pages.",
        unset="in PostgreSQL with its database, else `cursors.key` in the data directory, created at the first start",
    )
    connections: int = _setting(
        COUNT, "1000", "Maximum number of open WebSockets and event streams per client and process."
    )
    peer_connections: int = _setting(
        COUNT,
        "2000",
        "Maximum number of open connections per address and process, or of requests in progress and WebSockets, by "
        "trusted proxies; 0 for no limit.",
    )
    open_connections: int = _setting(
        COUNT,
        "8000",
        "Maximum number of open connections per process, capped by its limit of open files.",
    )
    trusted_proxies: frozenset[Network] | None = _optional(
        NETWORKS, "Reverse proxies whose X-Forwarded-For names the peer.", unset="none"
    )
    allowed_origins: frozenset[str] | None = _optional(
        ORIGINS, "Origins, besides the gateway's own, whose pages may send requests (CORS and WebSocket).", unset="none"
    )
    allowed_hosts: frozenset[str] | None = _optional(
        HOSTS,
        "Accepted values of the header Host, besides the listening address and the host of the public URL.",
        unset="any with a clients file, else none",
    )
    batch_limit: int = _setting(
        COUNT, "0", "Maximum number of operations in a batch, which is a JSON array; 0 disables batching."
    )
    documents: str = _setting(
        DOCUMENTS, "any", "Documents that clients may run: any, or only trusted ones, sent by id or hash."
    )
    documents_file: Path | None = _optional(  # noqa: RUF009 (is a field)
        PATH, "Manifest of further trusted documents, in the format of Apollo, Relay or codegen.", unset="none"
    )
    projection: bool = _setting(
        SWITCH, "on", "Read plain fields by compiled code. If off, responses are the same, but slower."
    )
    public_url: str | None = _optional(
        BASE_URL, "URL at which clients reach the gateway. Media links begin with it.", unset="the listening address"
    )
    media_proxy: bool = _setting(
        SWITCH, "off", "Default of the argument `proxied`: if on, media URLs lead to the gateway's media proxy."
    )
    media_secret: str | None = _optional(
        KEY,
        "Secret with which media links are signed.",
        unset="in PostgreSQL with its database, else `media.key` in the data directory, created at the first start",
    )
    media_bytes: int = _setting(
        BYTES, "32 MiB", "Memory of the media proxy, for small files and for metadata of others."
    )
    media_allowance: tuple[tuple[Window, int], ...] = _setting(
        ALLOWANCE,
        "hour=50,day=200",
        "Allowance of the client `media-proxy`, which renews media URLs that stopped working before they expired.",
    )
    drain_seconds: int = _setting(
        seconds(0, 600),
        "0",
        "Seconds after SIGTERM in which /readyz is 503 and everything is still served, so that load balancers send "
        "requests elsewhere before the gateway stops.",
    )
    log_level: str = _setting(LOG_LEVEL, "info", "Minimum severity of log lines.")
    log_format: str = _setting(LOG_FORMAT, "text", "Form of log lines: text (logfmt), or one JSON object per line.")
    slow_ms: int = _setting(
        COUNT,
        "1000",
        "Milliseconds from which an operation is logged as slow, with the calls that it made; 0 for never.",
    )
    metrics: tuple[str, int] | None = _optional(
        SOCKET_ADDRESS,
        "Address at which Prometheus metrics are served, at `/metrics`, to everybody who can connect to it.",
        unset="no metrics",
    )
    proxies: Proxies = dataclasses.field(default=DIRECT, repr=False)
    """Not a row of the table: the proxy variables are common to all programs."""
    traces: tuple[str, ...] = ()
    """The exporters of traces, none if tracing is off. No row either: see `gateway.settings.open_telemetry`."""

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
        return cls.read_with_sources(environ)[0]

    @classmethod
    def read_with_sources(cls, environ: Mapping[str, str]) -> tuple[Settings, dict[str, SettingSource]]:
        """Return the settings, and the sources of those that are set, by name. Raise SettingsError."""
        table = cls.table()
        problems = misnamed(environ, [name for row in table for name in row.names])
        secrets = {row.name for row in table if row.form.is_secret}
        found, unreadable = sources(environ, [row.name for row in table], secrets)
        problems += unreadable
        values: dict[str, Any] = {}
        for row in table:
            if row.name in found:
                try:
                    values[row.field] = row.form.parse(found[row.name].text)
                except ValueError:
                    problems.append(f"{row.name} must be {row.form.accepts}.")
        traces, wrong = exporters_in(environ)
        problems += unmet(environ, secrets) + wrong
        if problems:
            raise SettingsError(tuple(problems))
        return cls(**values, proxies=Proxies.read(environ), traces=traces), found
