"""The trusted documents of the gateway: its own, and those of a manifest."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from gateway.console import OPERATIONS
from gateway.operations.document_printers import PRINTERS
from gateway.operations.formats import ManifestFormat
from gateway.operations.manifests import ManifestError, digest_of, operations_in, read

PACKAGE = Path(__file__).parents[1]
# In a wheel the queries are inside the package, in the repository next to it.
OWN = next(path for path in (PACKAGE / "queries", PACKAGE.parent / "queries") if path.is_dir())
SUFFIXES = (".graphql", ".gql")


def sources(folder: Path) -> dict[str, str]:
    """Return the texts of all documents below `folder`, by relative path. Raise ManifestError."""
    try:
        files = sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES)
        found = {str(path.relative_to(folder)): path.read_text("utf-8-sig") for path in files}
    except (OSError, UnicodeDecodeError) as exc:
        raise ManifestError(f"{folder} cannot be read: {exc}.") from exc
    if not found:
        raise ManifestError(f"{folder} holds no documents ({', '.join(SUFFIXES)}).")
    return found


class Trusted:
    """The gateway's own documents and those of the file `manifest`, by id and by hash.

    A thread may reload the file: each access uses one version of it.
    """

    def __init__(self, manifest: Path | None = None) -> None:
        """Read the file. Raise ManifestError."""
        self._manifest = manifest
        self._current = 0, _texts(manifest)

    @property
    def version(self) -> int:
        """A number that changes when the file is reloaded. While it is unchanged, an id names the same text."""
        return self._current[0]

    def find(self, id_: str) -> str | None:
        return self._current[1].get(id_) or prints().get(id_)

    def reload(self) -> None:
        """Read the file again. Raise ManifestError, and then keep the current documents."""
        self._current = self.version + 1, _texts(self._manifest)


@cache
def own() -> dict[str, str]:
    """Return the gateway's own documents, and those that the console and the commands send, by hash of their text."""
    return _hashed([*sources(OWN).values(), *sources(OPERATIONS).values()])


@cache
def prints() -> dict[str, str]:
    """Return the gateway's own documents as printed by each client tool, by hash.

    Printing takes a tenth of a second and few clients name a document, so it is done on first use.
    """
    operations = operations_in(sources(OWN))
    return _hashed(one.text(form, show) for one in operations for form in ManifestFormat for show in PRINTERS)


def _texts(manifest: Path | None) -> dict[str, str]:
    listed = {} if manifest is None else _read(manifest)
    return {**own(), **listed, **_hashed(listed.values())}


def _hashed(texts: Iterable[str]) -> dict[str, str]:
    return {digest_of(text): text for text in texts}


def _read(path: Path) -> dict[str, str]:
    try:
        return read(path.read_bytes())
    except OSError as exc:
        raise ManifestError(f"{path} cannot be read ({exc.strerror}).") from exc
    except ManifestError as exc:
        raise ManifestError(f"{path}: {exc}") from exc
