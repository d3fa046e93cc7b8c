"""The files of the server's certificate: what is wrong with them is said, and nothing of what they hold."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.server.certificate import Certificate, CertificateUnusable
from tests.fakes.certificates import CertificateFiles, certificate_files


@pytest.fixture
def files(tmp_path: Path) -> CertificateFiles:
    return certificate_files(tmp_path)


def problem(chain: Path, key: Path) -> str:
    with pytest.raises(CertificateUnusable) as caught:
        Certificate(chain, key).load()
    return str(caught.value)


def test_a_pair_is_loaded_and_its_end_known(files: CertificateFiles) -> None:
    certificate = Certificate(files.chain, files.key)
    certificate.load()
    assert timedelta(days=89) < certificate.expires - datetime.now(UTC) <= timedelta(days=90)


def test_another_process_loads_it_itself(files: CertificateFiles) -> None:
    certificate = Certificate(files.chain, files.key)
    certificate.load()
    mine, other = pickle.loads(pickle.dumps((certificate, certificate)))  # noqa: S301 (just made)
    assert mine is other
    assert mine.expires == certificate.expires


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o620, 0o644, 0o777])
def test_a_key_that_others_may_read_or_change_is_refused(files: CertificateFiles, mode: int) -> None:
    files.key.chmod(mode)
    assert problem(files.chain, files.key).startswith(f"Other users have access to the key in {files.key}: run")
    for allowed in (0o400, 0o640):
        files.key.chmod(allowed)
        Certificate(files.chain, files.key).load()


def test_files_that_do_not_fit_are_named(files: CertificateFiles, tmp_path: Path) -> None:
    other, nothing, text = certificate_files(tmp_path, "other"), tmp_path / "nothing.pem", tmp_path / "text.pem"
    text.write_text("no certificate")
    text.chmod(0o600)
    locked = CertificateFiles(tmp_path / "locked.pem", tmp_path / "locked.key.pem").write(passphrase=b"word")
    assert (
        problem(files.chain, other.key)
        == f"The key in {other.key} does not belong to the certificate in {files.chain}."
    )
    assert problem(nothing, files.key) == f"Cannot read {nothing}: No such file or directory."
    assert problem(files.chain, nothing) == f"Cannot read {nothing}: No such file or directory."
    assert problem(text, files.key) == f"There is no PEM certificate in {text}."
    assert problem(files.chain, text).startswith(f"Cannot use {files.chain} with {text}: ")
    assert problem(locked.chain, locked.key).startswith(f"The key in {locked.key} is encrypted: ")


def test_what_cannot_be_loaded_again_changes_nothing(files: CertificateFiles) -> None:
    certificate = Certificate(files.chain, files.key)
    certificate.load()
    before = certificate.context
    key = files.key.read_bytes()
    files.write()
    files.key.write_bytes(key)
    with pytest.raises(CertificateUnusable):
        certificate.load()
    assert certificate.context is before
