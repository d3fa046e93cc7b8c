"""Run a command in a bare system, with what the machine says of pip, npm, certificates and DNS.

    .ci/bare.py TREE FOLDER COMMAND...

Nothing else of the machine's environment goes along, and no setting of pip or npm but those listed here: others name
folders of the machine. Whatever file a setting names lies at the same path in the bare system.
"""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

CLEAN = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/root", "LANG": "C.UTF-8", "TERM": "dumb"}
CERTIFICATES = ("NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
PIP = (
    *("index-url", "extra-index-url", "trusted-host", "cert", "client-cert", "proxy"),
    *("timeout", "default-timeout", "retries", "resume-retries"),
)
NPM = re.compile(r"(@[^:]+:)?registry|//.+|cafile|ca(\[\])?|cert|key|(https?-)?proxy|noproxy|strict-ssl|fetch-[a-z-]+")
# Read by pip in this order; a later file overrides an earlier one.
PIP_FILES = ("/etc/xdg/pip/pip.conf", "/etc/pip.conf", "~/.pip/pip.conf", "~/.config/pip/pip.conf")
MACHINE = ("/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs/ca-certificates.crt", "/usr/local/share/ca-certificates")


def variables(given: Mapping[str, str]) -> dict[str, str]:
    """Those that go along."""
    return {name: value for name, text in given.items() if (value := handed(name, text))}


def handed(name: str, value: str) -> str:
    """The value that goes along, or ""."""
    program, _, rest = name.lower().partition("_")
    if program == "pip":
        return elsewhere(value) if rest.replace("_", "-") in PIP else ""
    if program == "npm":
        option = rest.removeprefix("config_")
        return value if option != rest and NPM.fullmatch(option.replace("_", "-")) else ""
    return value if name in CERTIFICATES or name.lower() in PROXIES else ""


def elsewhere(urls: str) -> str:
    """Without those that lead into the machine's own folders."""
    return " ".join(url for url in urls.split() if not url.startswith("file:"))


def pip_settings(texts: Iterator[str]) -> dict[str, str]:
    """Of `[global]` and `[install]`, which are all that `pip install` reads."""
    found: dict[str, str] = {}
    for text in texts:
        config = configparser.RawConfigParser()
        config.read_string(text)
        for section in ("global", "install"):
            if config.has_section(section):
                found |= {name.replace("_", "-"): value for name, value in config.items(section)}
    return {name: kept for name, value in found.items() if name in PIP and (kept := elsewhere(value))}


def npm_settings(texts: Iterator[str], given: Mapping[str, str]) -> list[str]:
    """Lines for the user's npmrc. A variable that one names is filled in: it does not go along."""
    lines = [line.strip() for text in texts for line in text.splitlines()]
    kept = [line for line in lines if NPM.fullmatch(line.partition("=")[0].strip())]
    return [re.sub(r"\$\{(\w+)\}", lambda match: given.get(match[1], match[0]), line) for line in kept]


def named_files(settings: Mapping[str, str]) -> list[Path]:
    return [Path(value) for value in settings.values() if value.startswith("/")]


def contents(paths: Iterator[Path]) -> Iterator[str]:
    yield from (path.read_text() for path in paths if path.is_file())


def npm_files() -> Iterator[Path]:
    """The global one first: the user's own overrides it."""
    if npm := shutil.which("npm"):
        for name in ("globalconfig", "userconfig"):
            done = subprocess.run([npm, "config", "get", name], capture_output=True, text=True, check=False)  # nosec B603 # noqa: S603 (npm)
            yield Path(done.stdout.strip() or os.devnull)
    else:
        yield Path("~/.npmrc").expanduser()


def put(tree: Path, path: Path, text: str | None = None) -> None:
    """Put a file or a folder of the machine into `tree`, at the same path, or `text` in its place."""
    target = tree / path.relative_to("/")
    # A link in the bare system, followed from outside, leads to the machine's own file.
    if not target.parent.resolve().is_relative_to(tree.resolve()):
        raise SystemExit(f"{target} lies outside of the bare system.")
    if text is None and path.is_dir():
        for entry in path.iterdir():
            put(tree, entry)
    elif text is not None or path.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        target.write_bytes(path.read_bytes() if text is None else text.encode())


def furnish(tree: Path, given: Mapping[str, str]) -> dict[str, str]:
    """Put the machine's settings into the bare system, and return the environment there."""
    settings = variables(given)
    names = [*PIP_FILES, *([given["PIP_CONFIG_FILE"]] if "PIP_CONFIG_FILE" in given else [])]
    pip = pip_settings(contents(Path(name).expanduser() for name in names))
    npm = npm_settings(contents(npm_files()), given)
    put(tree, Path("/etc/pip.conf"), "\n".join(["[global]", *(f"{name} = {value}" for name, value in pip.items()), ""]))
    put(tree, Path("/root/.npmrc"), "\n".join([*npm, ""]))
    options = dict(line.replace(" ", "").partition("=")[::2] for line in npm)
    for path in {*map(Path, MACHINE), *named_files(settings), *named_files(pip), *named_files(options)}:
        put(tree, path)
    return CLEAN | settings


def main(tree: str, folder: str, *command: str) -> None:
    settings = furnish(Path(tree), os.environ)
    os.chroot(tree)
    os.chdir(folder)
    os.execvpe(command[0], command, settings)  # nosec B606 # noqa: S606 (the command is the caller's)


if __name__ == "__main__":
    main(*sys.argv[1:])
