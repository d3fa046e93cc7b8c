"""The locks are the whole truth of what is installed, on every platform, from any index."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import requires
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.meta.tree import ROOT

LOCKS = ("requirements.lock", "requirements-dev.lock")
# Installed beside the others: for one lane, and a server of S3.
BESIDE = ("tests/aiograpi/requirements.lock", "tests/object_storage/requirements.lock")


def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def locked(lock: str) -> dict[str, Requirement]:
    text = (ROOT / lock).read_text().replace("\\\n", " ")
    lines = [line.split("--hash")[0] for line in text.splitlines() if line and not line.startswith("#")]
    return {canonicalize_name(one.name): one for one in map(Requirement, lines)}


def wanted(lock: str) -> list[Requirement]:
    project = pyproject()
    groups = project["dependency-groups"]
    extras = project["project"]["optional-dependencies"].values()
    texts = [*project["project"]["dependencies"], *(text for extra in extras for text in extra)]
    if lock == "requirements-dev.lock":
        texts += groups["build"] + [text for text in groups["dev"] if isinstance(text, str)]
    return [Requirement(text) for text in texts]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_covers_what_pyproject_wants(lock: str) -> None:
    pins = locked(lock)
    for requirement in wanted(lock):
        (pin,) = pins[canonicalize_name(requirement.name)].specifier
        assert pin.operator == "=="
        assert requirement.specifier.contains(pin.version), f"{requirement} is locked as {pin}: run make lock"


@pytest.mark.parametrize("lock", [*LOCKS, *BESIDE])
def test_a_lock_names_no_registry(lock: str) -> None:
    """Each machine uses the index it is configured with; the hashes say whether it delivers the same."""
    text = (ROOT / lock).read_text()
    assert "://" not in text
    assert not re.search(r"^-", text, re.MULTILINE)


@pytest.mark.parametrize("lock", [*LOCKS, *BESIDE])
def test_every_pin_is_hashed(lock: str) -> None:
    text = (ROOT / lock).read_text().replace("\\\n", " ")
    pins = [line for line in text.splitlines() if "==" in line]
    assert pins
    assert [pin for pin in pins if not re.search(r"--hash=sha256:[0-9a-f]{64}", pin)] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_pin_names_the_extras_that_others_want_of_it(lock: str) -> None:
    """The pip of Python 3.11 takes a requirement with an extra for an unpinned one, unless its pin has the extra too.

    That shows only once a release newer than the pin is out: then nothing installs any more.
    """
    pins = locked(lock)
    asked = [*wanted(lock), *(one for pin in pins.values() for one in required_by(pin))]
    with_extras = [one for one in asked if one.extras and canonicalize_name(one.name) in pins]
    assert with_extras
    for one in with_extras:
        assert one.extras <= pins[canonicalize_name(one.name)].extras, f"{one}: run make lock"


def required_by(pin: Requirement) -> Iterator[Requirement]:
    if pin.marker and not pin.marker.evaluate():
        return  # not installed here, so nothing is known of it
    for one in map(Requirement, requires(pin.name) or ()):
        if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in ("", *pin.extras)):
            yield one


@pytest.mark.parametrize("lock", BESIDE)
def test_what_is_installed_beside_a_lock_replaces_nothing_of_it(lock: str) -> None:
    """Else its lane would ask another gateway than the one that is tested elsewhere."""
    assert locked(lock)
    assert locked(lock).keys() & locked("requirements-dev.lock").keys() == set()


def test_both_locks_agree() -> None:
    """Tests run against the versions that are shipped."""
    tested = locked("requirements-dev.lock")
    for name, pin in locked("requirements.lock").items():
        assert str(tested[name].specifier) == str(pin.specifier)


def test_the_distribution_called_schema_stays_out() -> None:
    """It would overwrite the package `schema` of this project."""
    assert "schema" not in locked("requirements-dev.lock")


def test_what_the_build_needs_is_locked() -> None:
    """The project is built without isolation, so from the lock."""
    project = pyproject()
    assert project["build-system"]["requires"] == project["dependency-groups"]["build"]
