"""`serve --tls-cert PATH --tls-key PATH`."""

from __future__ import annotations

import re
import signal
import ssl
from pathlib import Path

import httpx
import pytest

from tests.commands.process import LIMIT, launched, logged, run, started
from tests.fakes.certificates import CertificateFiles, certificate_files

NOWHERE = {"GATEWAY_HIKERAPI_URL": "http://127.0.0.1:9", "GATEWAY_HIKERAPI_KEY": "k"}  # pragma: allowlist secret


@pytest.fixture
def files(tmp_path: Path) -> CertificateFiles:
    return certificate_files(tmp_path)


def options(files: CertificateFiles) -> tuple[str, ...]:
    return ("--tls-cert", str(files.chain), "--tls-key", str(files.key))


def alive(url: str, context: ssl.SSLContext) -> int:
    """By a connection of its own."""
    return httpx.get(f"{url}/healthz", verify=context, timeout=LIMIT).status_code


def test_workers_serve_by_https_and_take_a_new_certificate(files: CertificateFiles, tmp_path: Path) -> None:
    old = files.context
    with started("serve", "--workers", "2", *options(files), GATEWAY_DATA_DIR=str(tmp_path), **NOWHERE) as (
        announcement,
        process,
    ):
        found = re.search(r"https://127\.0\.0\.1:[0-9]+", announcement)
        assert found, announcement
        url = found[0]
        assert "days=89" in logged(process, "CertificateLoaded")
        assert {alive(url, old) for _ in range(4)} == {200}
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.get(url.replace("https", "http"), timeout=LIMIT)
        files.write(days=7)
        process.send_signal(signal.SIGHUP)
        for _ in range(2):
            assert " level=WARNING " in logged(process, "CertificateLoaded")
        new = files.context
        assert {alive(url, new) for _ in range(8)} == {200}
        files.key.write_text("no key")
        process.send_signal(signal.SIGHUP)
        for _ in range(2):
            assert " level=ERROR " in logged(process, "CertificateReloadFailed")
        assert alive(url, new) == 200


@pytest.mark.parametrize("workers", [1, 2])
def test_sighup_during_the_start_is_a_reload_after_it(workers: int, files: CertificateFiles, tmp_path: Path) -> None:
    """Workers start after the announcement, and one that is sent the signal must not end by it."""
    words = ("serve", "--workers", str(workers), *options(files))
    with launched(LIMIT, *words, GATEWAY_DATA_DIR=str(tmp_path), **NOWHERE) as (announcement, process):
        files.write(days=7)
        process.send_signal(signal.SIGHUP)
        assert process.stderr is not None
        logged = [
            next(line for line in process.stderr if "Certificate" in line or "Died" in line) for _ in range(workers + 1)
        ]
        assert "days=89" in logged[0]
        assert all(" level=WARNING " in line and "CertificateLoaded" in line for line in logged[1:])
        url = re.search(r"https://127\.0\.0\.1:[0-9]+", announcement)
        assert url
        assert alive(url[0], files.context) == 200


def test_what_cannot_be_used_is_told_at_the_start(files: CertificateFiles, tmp_path: Path) -> None:
    other, given = certificate_files(tmp_path, "other"), {"GATEWAY_DATA_DIR": str(tmp_path / "data")}
    half = run("serve", "--port", "0", "--tls-cert", str(files.chain), **given)
    assert (half.returncode, half.stderr) == (2, "TLS needs both --tls-cert and --tls-key.\n")
    mixed = run("serve", "--port", "0", "--tls-cert", str(files.chain), "--tls-key", str(other.key), **given)
    assert (mixed.returncode, mixed.stdout) == (2, "")
    assert mixed.stderr == f"The key in {other.key} does not belong to the certificate in {files.chain}.\n"
    files.key.chmod(0o644)
    readable = run("serve", "--port", "0", *options(files), **given)
    assert readable.returncode == 2
    assert readable.stderr.startswith(f"Other users have access to the key in {files.key}")
    assert not (tmp_path / "data").exists()
