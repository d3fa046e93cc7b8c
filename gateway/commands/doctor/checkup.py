"""All checks in their order, and their findings as a table or as JSON."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from gateway.clock import SystemClock
from gateway.commands.doctor import directories, file_storage, key_agreement, parts, redis_cache, stores, versions
from gateway.commands.doctor.findings import NETWORK, Check, Finding, Installation, Result, ok, problem, skipped
from gateway.commands.table import aligned
from gateway.errors import Unusable
from gateway.settings import Settings
from gateway.version import version

SETTINGS = "settings"
# Of the checks that need nothing but this machine, by their names.
LOCAL: tuple[tuple[str, Check], ...] = (
    (directories.DIRECTORY, directories.directory),
    (directories.PERMISSIONS, directories.permissions),
    (directories.GATEWAY, directories.use),
    (stores.LEDGER, stores.ledger),
    (stores.FLOW_STORE, stores.flows),
    (key_agreement.SHARED_KEYS, key_agreement.shared_keys),
    (file_storage.STORAGE, file_storage.storage),
    (redis_cache.SHARED_CACHE, redis_cache.shared_cache),
    (versions.VERSIONS, versions.versions),
    (stores.CLIENTS, stores.clients),
    (stores.DOCUMENTS, stores.documents),
    (directories.DISK, directories.disk),
    (parts.CONSOLE, parts.console),
    (parts.METRICS, parts.metrics),
    (parts.TRACES, parts.traces),
)


class Report(msgspec.Struct, frozen=True):
    """The findings of all checks. `result` is the worst one."""

    version: str
    result: Result
    checks: list[Finding]


def doctor(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Print the findings. Return 1 if there is a problem, or with `strict` a warning."""
    findings = list(examined(environ, is_offline=arguments.offline))
    worst = _worst(findings)
    if arguments.json:
        report = msgspec.json.encode(Report(version(), worst, findings))
        sys.stdout.write(msgspec.json.format(report, indent=2).decode() + "\n")
    else:
        print(as_table(findings), end="")
    return int(worst is Result.PROBLEM or (arguments.strict and worst is Result.WARNING))


def examined(environ: Mapping[str, str], *, is_offline: bool) -> Iterator[Finding]:
    """Yield the findings of all checks, one after the other. Without valid settings there is nothing else to check."""
    try:
        settings, sources = Settings.read_with_sources(environ)
        settings.proxies.check()
    except Unusable as error:
        for sentence in str(error).splitlines():
            yield problem(SETTINGS, sentence, "Correct the variable: docs/settings.md lists all.")
        yield skipped("all others", "They depend on the settings.")
        return
    yield ok(SETTINGS, f"All settings are valid ({len(sources)} are set).")
    installation = Installation(settings, sources, SystemClock(), is_offline)
    for name, check in LOCAL:
        yield from _findings(name, check, installation)
    if is_offline:
        yield from (skipped(check, "Nothing is asked over the network (--offline).") for check in NETWORK)
        return
    from gateway.commands.doctor.upstreams import upstreams

    yield from _findings(NETWORK[0], upstreams, installation)


def _findings(name: str, check: Check, installation: Installation) -> Iterable[Finding]:
    """Return the findings of a check. One that fails itself must not hide the others."""
    try:
        return list(check(installation))
    except Exception as error:
        # Not its message, which may quote anything.
        where = f" ({error.strerror}: {error.filename})" if isinstance(error, OSError) and error.strerror else ""
        remedy = "Run it as the user of the gateway. If that is so, report it as an error of the gateway."
        return [problem(name, f"The check has failed: {type(error).__name__}{where}.", remedy)]


def as_table(findings: Sequence[Finding]) -> str:
    """Return a line for each finding, with its remedy below, and a line with their numbers."""
    lines = []
    for finding in findings:
        lines.append((finding.check, finding.result.value, finding.finding))
        if finding.remedy is not None:
            lines.append(("", "", f"-> {finding.remedy}"))
    counts = [f"{result.value}: {sum(found.result is result for found in findings)}" for result in Result]
    return aligned(lines, numbers_from=3) + "\n" + ", ".join(counts) + "\n"


def _worst(findings: Iterable[Finding]) -> Result:
    results = {finding.result for finding in findings}
    return next((result for result in (Result.PROBLEM, Result.WARNING) if result in results), Result.OK)
