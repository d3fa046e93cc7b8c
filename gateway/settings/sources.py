"""The sources of settings: a variable of the environment, or the file that the variable with the suffix `_FILE` names.

A secret in a file is not in the environment, which other programs inherit and tools print. Docker, Kubernetes and
systemd hand secrets over as files.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

SUFFIX = "_FILE"
LONGEST = 64 * 2**10  # bytes of a file


@dataclass(frozen=True, slots=True)
class SettingSource:
    """The text of a setting, without spaces around it, and the file that it is from; None: the environment."""

    text: str = field(repr=False)
    file: Path | None = None


class SourceError(Exception):
    """There is no usable text. The message names the variable, and never quotes a value."""


def sources(
    environ: Mapping[str, str], names: Iterable[str], secrets: Collection[str]
) -> tuple[dict[str, SettingSource], list[str]]:
    """Return the sources of the settings that are set, by name, and the problems. A secret may be in a file."""
    found, problems = dict[str, SettingSource](), []
    for name in names:
        try:
            source = _source(environ, name, takes_file=name in secrets)
        except SourceError as problem:
            problems.append(str(problem))
        else:
            if source is not None:
                found[name] = source
    return found, problems


def _source(environ: Mapping[str, str], name: str, *, takes_file: bool) -> SettingSource | None:
    """Return the source, or None. An empty value counts as not set. Raise SourceError."""
    text = environ.get(name, "").strip()
    path = environ.get(name + SUFFIX, "").strip() if takes_file else ""
    if text and path:
        raise SourceError(f"{name} and {name}{SUFFIX} are both set: remove one of them.")
    if path:
        return SettingSource(_text_in(Path(path), name + SUFFIX), Path(path))
    return SettingSource(text) if text else None


def _text_in(path: Path, variable: str) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST + 1)
        text = content.decode().strip()
    except OSError as exc:
        reason = (exc.strerror or str(exc)).lower()
        raise SourceError(f"{variable} must name a file that can be read: {reason}.") from exc
    except UnicodeDecodeError as exc:
        raise SourceError(f"{variable} must name a file of UTF-8 text.") from exc
    if not text or len(content) > LONGEST:
        raise SourceError(f"{variable} must name a file with a value of at most {LONGEST // 2**10} KiB.")
    return text
