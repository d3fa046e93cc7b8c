"""What `doctor` finds without the network."""

from __future__ import annotations

from gateway.commands.doctor.checkup import examined
from gateway.commands.doctor.findings import Finding, Result


def found(environ: dict[str, str]) -> dict[str, Finding]:
    """The finding of each check, the last where there are several."""
    return {finding.check: finding for finding in examined(environ, is_offline=True)}


def troubles(environ: dict[str, str]) -> list[Finding]:
    return [one for one in examined(environ, is_offline=True) if one.result in (Result.WARNING, Result.PROBLEM)]


def one_of(environ: dict[str, str], check: str, result: Result) -> Finding:
    """The only trouble there is, and its remedy is said."""
    (finding,) = [one for one in troubles(environ) if one.check != "console"]
    assert (finding.check, finding.result) == (check, result), finding
    assert finding.remedy
    return finding
