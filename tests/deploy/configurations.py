"""The configurations of `deploy/`, as a test's own programs take them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from tests.meta.tree import ROOT
from tests.packages import program

DEPLOY = ROOT / "deploy"


def adapted(name: str, folder: Path, replacements: Mapping[str, str]) -> Path:
    """The configuration of that name, written into the folder. Raise LookupError unless each replaced text is in it."""
    text = (DEPLOY / name).read_text()
    for before, after in replacements.items():
        if before not in text:
            raise LookupError(f"deploy/{name} has no {before!r}")
        text = text.replace(before, after)
    path = folder / name
    path.write_text(text)
    return path


def nginx_in(folder: Path, replacements: Mapping[str, str]) -> list[str]:
    """The command of nginx, which keeps all of its files in the folder."""
    own = {
        "pid /tmp/nginx.pid": f"pid {folder}/nginx.pid",
        "http {\n": f"http {{\n    client_body_temp_path {folder}/bodies;\n    proxy_temp_path {folder}/answers;\n",
    }
    file = adapted("nginx.conf", folder, {**replacements, **own})
    # As root its workers would be those of somebody else, who may not enter the folder.
    directives = "daemon off; user root;" if os.geteuid() == 0 else "daemon off;"
    return [program("nginx"), "-p", str(folder), "-c", str(file), "-g", directives]
