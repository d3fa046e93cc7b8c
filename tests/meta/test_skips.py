"""The suite's own rule: in CI nothing is skipped silently."""

from __future__ import annotations

import pytest

from tests.meta.tree import ROOT

SUITE = """
import pytest

@pytest.mark.skip(reason="no engine")
def test_marked(): ...

def test_called():
    pytest.skip("no engine")

@pytest.mark.xfail(raises=ZeroDivisionError)
def test_expected_to_fail():
    1 / 0

def test_that_passes(): ...
"""
MODULE = """
import pytest
pytest.importorskip("a_package_that_is_not_there")
"""


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeconftest((ROOT / "tests/conftest.py").read_text())
    return pytester


def test_a_skip_fails_the_run_in_ci(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    suite.makepyfile(SUITE)
    result = suite.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, failed=1, errors=1, xfailed=1)
    result.stdout.fnmatch_lines(["*Nothing may be skipped in CI: *no engine*"])


def test_a_module_that_skips_itself_fails_the_run_in_ci(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    suite.makepyfile(MODULE)
    suite.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(errors=1)


def test_a_skip_is_allowed_elsewhere(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    suite.makepyfile(SUITE)
    suite.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1, skipped=2, xfailed=1)
