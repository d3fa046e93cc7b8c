"""The `settings` command: the settings in force and the source of each, without a secret."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from gateway.commands.table import aligned
from gateway.settings import Setting, Settings, SettingSource
from gateway.settings.forms import DATABASE_URL, PATH

HEADINGS = ("setting", "value", "source")
READ_API = ("GATEWAY_HIKERAPI_URL",)  # settings that nothing reads while the embedded sandbox is used
ENVIRONMENT, FILE, DEFAULT = "environment", "file", "default"


class SettingValue(msgspec.Struct, frozen=True, kw_only=True):
    """A setting in force. `value` is None for a secret, and where nothing is set and `default` describes the case.

    `characters` is the length of a secret that is set. `source` is `environment`, `file` or `default`.
    """

    name: str
    value: str | None
    characters: int | None = None
    source: str
    file: str | None = None
    default: str | None = None


def settings(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Print the settings that a gateway with this environment would have. Raise SettingsError and ProxyUnusable."""
    read, given = Settings.read_with_sources(environ)
    read.proxies.check()
    rows = [_row(setting, given.get(setting.name)) for setting in Settings.table()] + list(_proxies(read))
    if read.sandboxed:
        rows = [_unused(row) if row.name in READ_API and row.source == DEFAULT else row for row in rows]
    if arguments.json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode({"settings": rows}), indent=2).decode() + "\n")
    else:
        print(aligned([HEADINGS, *map(_cells, rows)], numbers_from=len(HEADINGS)), end="")
    return 0


def _row(setting: Setting, source: SettingSource | None) -> SettingValue:
    if source is None:
        if getattr(Settings(), setting.field) is None:
            return SettingValue(name=setting.name, value=None, source=DEFAULT, default=setting.default)
        return SettingValue(name=setting.name, value=_shown(setting, setting.default), source=DEFAULT)
    kind, file = (ENVIRONMENT, None) if source.file is None else (FILE, str(source.file))
    value = _shown(setting, source.text)
    characters = len(source.text) if value is None else None
    return SettingValue(name=setting.name, value=value, characters=characters, source=kind, file=file)


def _unused(row: SettingValue) -> SettingValue:
    return SettingValue(name=row.name, value=None, source=DEFAULT, default="none: the embedded sandbox is used")


def _shown(setting: Setting, text: str) -> str | None:
    """Return the value, a path as an absolute one; None for a secret."""
    if setting.form is DATABASE_URL:
        return None if _has_secret(text) else text
    if setting.form.is_secret:
        return None
    return str(Path(text).absolute()) if setting.form is PATH else text


def _has_secret(url: str) -> bool:
    """Return whether a database URL may contain a password; any of its parameters may be one."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return True
    return parts.password is not None or bool(parts.query or parts.fragment)


def _proxies(settings: Settings) -> Iterator[SettingValue]:
    """Yield the variables of the proxies: of a URL the host and the port, without name and password."""
    for proxy in settings.proxies.by_scheme.values():
        yield SettingValue(name=proxy.variable, value=proxy.url.rpartition("@")[2], source=ENVIRONMENT)
    if settings.proxies.without:
        yield SettingValue(name="NO_PROXY", value=settings.proxies.without, source=ENVIRONMENT)


def _cells(row: SettingValue) -> tuple[str, ...]:
    if row.characters is not None:
        value = f"set ({row.characters} characters)"
    else:
        value = f"({row.default})" if row.value is None else row.value
    return row.name, value, row.source if row.file is None else f"{row.source} {row.file}"
