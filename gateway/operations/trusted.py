"""The documents that the gateway trusts from the start: its own, and those of a manifest."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from gateway.operations.formats import Format
from gateway.operations.manifests import ManifestError, digest_of, operations_in, read
from gateway.operations.normal import SHOWS

PACKAGE = Path(__file__).parents[1]
# In a wheel the queries lie inside of the package, in the repository beside it.
OWN = next(path for path in (PACKAGE / "queries", PACKAGE.parent / "queries") if path.is_dir())
SUFFIXES = (".graphql", ".gql")


def sources(folder: Path) -> dict[str, str]:
    """The texts of all documents below `folder`, by their paths in it. Raises ManifestError."""
    try:
        files = sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES)
        found = {str(path.relative_to(folder)): path.read_text("utf-8") for path in files}
    except (OSError, UnicodeDecodeError) as exc:
        raise ManifestError(f"{folder} cannot be read: {exc}.") from exc
    if not found:
        raise ManifestError(f"{folder} holds no documents ({', '.join(SUFFIXES)}).")
    return found


def trusted(manifest: Path | None) -> dict[str, str]:
    """The texts of the gateway's own documents and of those of `manifest`, by id. Raises ManifestError."""
    return {**_own(), **(_read(manifest) if manifest else {})}


@cache
def _own() -> dict[str, str]:
    """As they stand, and as each client's tool prints them."""
    own = sources(OWN)
    prints = [one.text(form, show) for one in operations_in(own) for form in Format for show in SHOWS]
    texts = [*own.values(), *prints]
    return {digest_of(text): text for text in texts}


def _read(path: Path) -> dict[str, str]:
    try:
        return read(path.read_bytes())
    except OSError as exc:
        raise ManifestError(f"{path} cannot be read ({exc.strerror}).") from exc
    except ManifestError as exc:
        raise ManifestError(f"{path}: {exc}") from exc
