"""The command `highlights-gateway`: environment -> Settings -> app -> server, and the other commands.

Exit codes: 0 done, 1 refused by what it met (a port in use, a stale schema), 2 bad arguments or settings, 3 the
application did not start.
"""

from __future__ import annotations

import argparse
import difflib
import importlib.metadata
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from gateway.clock import SystemClock
from gateway.settings import Settings, SettingsError

Command = Callable[[argparse.Namespace], int]

# `docker stop` kills after ten seconds.
GRACE_SECONDS = 8
# At their finer levels these write request headers and query strings, which hold keys and signatures.
TALKATIVE = ("httpx", "httpcore", "aiohttp")


class CommandError(Exception):
    """A command cannot go on; its message is for the person at the terminal."""


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    command: Command = arguments.command
    try:
        return command(arguments)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    except CommandError as error:
        print(error, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="highlights-gateway", description="A GraphQL gateway over the Instagram story-highlight APIs."
    )
    parser.add_argument("--version", action="version", version=importlib.metadata.version("highlights-gateway"))
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    serve = _add(commands, "serve", _serve, "start the gateway")
    serve.formatter_class = argparse.RawDescriptionHelpFormatter
    serve.epilog = _settings_help()
    _add_address(serve, port=8000)
    _add_address(_add(commands, "sandbox", _sandbox, "start the embedded upstream alone"), port=8080)
    schema = _add(commands, "schema", _schema, "print the schema into its two committed files")
    schema.add_argument("--check", action="store_true", help="write nothing; fail if a file is not as printed")
    return parser


def _add(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, command: Command, help: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=help, description=help[0].upper() + help[1:] + ".")
    parser.set_defaults(command=command)
    return parser


def _add_address(parser: argparse.ArgumentParser, *, port: int) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=_port, default=port, help="0 takes a free one (default: %(default)s)")


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 2**16):
        raise argparse.ArgumentTypeError("must be a number from 0 to 65535")
    return int(text)


def _settings_help() -> str:
    rows = (f"  {row.name}\n      {row.help} Default: {row.default}." for row in Settings.table())
    return "settings, from the environment:\n" + "\n".join(rows)


def _serve(arguments: argparse.Namespace) -> int:
    from gateway.app import create_app

    settings = Settings.read(os.environ)
    with _listen(arguments.host, arguments.port) as listener:
        url = _url(arguments.host, listener)
        app = create_app(settings, base_url=url)
        upstream = "the embedded sandbox (no GATEWAY_HIKERAPI_KEY)" if settings.sandboxed else settings.hikerapi_url
        print(f"Highlights Gateway: open {url}/graphql - the upstream is {upstream}", flush=True)
        return _run(app, listener, settings.log_level)


def _sandbox(arguments: argparse.Namespace) -> int:
    from gateway.sandbox import create_sandbox

    with _listen(arguments.host, arguments.port) as listener:
        url = _url(arguments.host, listener)
        print(f"Sandbox upstream: {url} - its key is sandbox", flush=True)
        return _run(create_sandbox(clock=SystemClock(), base_url=url), listener, "info")


def _schema(arguments: argparse.Namespace) -> int:
    from schema import build

    folder = Path(build.__file__).parent
    printed = {folder / "schema.graphql": build.subgraph_sdl(), folder / "api.graphql": build.api_sdl()}
    changes = [change for path, sdl in printed.items() if (change := _change(path, sdl))]
    if arguments.check:
        print("\n".join([*changes, "Run `make schema`."]) if changes else "The printed schema is up to date.")
        return 1 if changes else 0
    for path, sdl in printed.items():
        path.write_text(sdl, encoding="utf-8")
    return 0


def _change(path: Path, sdl: str) -> str:
    """A unified diff from the file to `sdl`; empty where they are equal."""
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    lines = difflib.unified_diff(
        before.splitlines(), sdl.splitlines(), path.name, f"{path.name}, as printed now", lineterm=""
    )
    return "\n".join(lines)


def _listen(host: str, port: int) -> socket.socket:
    """Listens before anything is announced, so that the announced URL answers."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise CommandError(f"Cannot listen on {host} port {port}: {error.strerror or error}.") from error


def _url(host: str, listener: socket.socket) -> str:
    """A URL that a browser on this machine can open, also where the server listens on every address."""
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host) or (f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{name}:{listener.getsockname()[1]}"


def _run(app: Starlette, listener: socket.socket, log_level: str) -> int:
    _log_to_stderr(log_level)
    # uvicorn raises the signal again once it has shut down: then, and before it has started, the process simply ends.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    config = uvicorn.Config(
        app, access_log=False, log_config=None, log_level=log_level, timeout_graceful_shutdown=GRACE_SECONDS
    )
    server = uvicorn.Server(config)
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:
        return 0
    return 0 if server.started else 3


def _log_to_stderr(log_level: str) -> None:
    logging.basicConfig(level=log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
