"""Operations that commands send to a running gateway."""

from __future__ import annotations

import argparse
import getpass
import json
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx

from gateway.commands.base import KEY_VARIABLE, CommandError, UsageError
from gateway.console import OPERATIONS
from gateway.domain.proxies import Proxies

EXAMPLE = "http://127.0.0.1:8000/graphql"
OTHERS = stat.S_IRWXG | stat.S_IRWXO
TIMEOUT_SECONDS = 30.0
KEY_SOURCES = (
    f"This command takes it from {KEY_VARIABLE}, from a file by --key-file, or from the terminal by --ask-key."
)
LARGEST = 8 * 2**20  # bytes of a response


class OperationError(CommandError):
    """The gateway has refused an operation, or failed to execute it: `code` is that of the first error."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class GatewayClient:
    """A client of the gateway at `url`, with a key or without."""

    def __init__(self, url: str, key: str | None, proxies: Proxies) -> None:
        """Raise UsageError for an invalid URL, and ProxyUnusable."""
        self._url = url
        self._endpoint = _endpoint(url)
        self._proxy = proxies.to(self._endpoint)
        # Compression is disabled, because a compressed body may expand beyond the limit.
        self._headers = {"accept-encoding": "identity"} | ({} if key is None else {"authorization": f"Bearer {key}"})
        self._tls = httpx.create_ssl_context()

    @classmethod
    def of(cls, arguments: argparse.Namespace, environ: Mapping[str, str]) -> GatewayClient:
        """Return the client that the arguments name. Raise UsageError and ProxyUnusable."""
        return cls(arguments.url, key_of(arguments, environ), Proxies.read(environ))

    def data(self, operation: str, variables: Mapping[str, Any], *, seconds: float = TIMEOUT_SECONDS) -> dict[str, Any]:
        """Send an operation of the gateway's own documents, and return its data.

        Raise UsageError for invalid input, OperationError for other errors, and CommandError without an answer.
        """
        # Every gateway trusts its own documents; it would not trust another text.
        request = {"query": (OPERATIONS / f"{operation}.graphql").read_text(), "variables": variables}
        answer = self._answer(request, seconds)
        match answer:
            case {"errors": [{"message": str(message), "extensions": {"code": "BAD_USER_INPUT"}}, *_]}:
                raise UsageError(message)
            case {"errors": [{"message": str(message), "extensions": {"code": "UNAUTHENTICATED" as code}}, *_]} if (
                "authorization" not in self._headers
            ):
                raise OperationError(f"{message} {KEY_SOURCES}", code)
            case {"errors": [{"message": str(message), "extensions": {"code": str(code)}}, *_]}:
                raise OperationError(message, code)
            case {"errors": [{"message": str(message)}, *_]}:
                raise CommandError(message)
            case {"data": dict(data)}:
                return data
            case _:
                raise CommandError(f"The server at {self._url} is not a gateway: {json.dumps(answer)[:100]}")

    def _answer(self, request: Mapping[str, Any], seconds: float) -> Any:
        body = b""
        try:
            with httpx.stream(
                "POST",
                self._endpoint,
                json=request,
                headers=self._headers,
                timeout=seconds,
                proxy=None if self._proxy is None else self._proxy.url,
                verify=self._tls,
                trust_env=False,  # credentials for this host in ~/.netrc would replace the key
            ) as response:
                for piece in response.iter_raw():
                    body += piece
                    if len(body) > LARGEST:
                        raise ValueError("no answer takes as much")
            return json.loads(body)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise CommandError(f"No answer from a gateway at {self._url}: {str(error).rstrip('.')}.") from error
        except (ValueError, RecursionError) as error:
            raise CommandError(f"The server at {self._url} is not a gateway.") from error


def key_of(arguments: argparse.Namespace, environ: Mapping[str, str]) -> str | None:
    """Return the key, or None.

    Raise UsageError. A key is never an argument: all users of the machine can read arguments.
    """
    if arguments.key_file is not None:
        return _read_key(arguments.key_file)
    if not arguments.ask_key:
        return environ.get(KEY_VARIABLE) or None
    try:
        return getpass.getpass("Key: ") or None
    except EOFError as error:
        raise UsageError(f"There is no terminal to enter the key: set {KEY_VARIABLE}.") from error


def _read_key(path: Path) -> str:
    """Return the key in the file, and warn of one that other users can read. Raise UsageError."""
    try:
        mode = path.stat().st_mode
        key = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {getattr(error, 'strerror', 'it is no text')}.") from error
    if not key or not key.isascii() or not key.isprintable():
        raise UsageError(f"{path} has no key: it must hold nothing else.")
    if stat.S_ISREG(mode) and mode & OTHERS and not path.absolute().is_relative_to("/run"):
        print(f"Other users of the machine can read the key in {path}: `chmod 600 {path}`.", file=sys.stderr)
    return key


def _endpoint(url: str) -> str:
    """Return the GraphQL URL. Accept the address that `serve` prints, also without path or scheme. Raise UsageError."""
    text = url.strip()
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address:
        raise UsageError(f"--url must be the address that `serve` prints, like {EXAMPLE}, and is {url!r}.")
    path = parts.path.rstrip("/").removesuffix("/graphql").rstrip("/") + "/graphql"
    return urlunsplit((parts.scheme, parts.netloc, path, "", ""))
