"""The files of `deploy/` by the tools of those who read them: schemas, systemd and Prometheus."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.manifests import DEPLOY, KUBERNETES, RULES
from tests.node import projects
from tests.packages import program

LIMIT = 60
UNIT = "highlights-gateway.service"
MOST_EXPOSED = 15  # tenths: of 0 for a service that can do nothing to 100


@pytest.fixture(scope="module")
def validator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return projects.installed(projects.KUBERNETES, tmp_path_factory.mktemp("kubernetes"))


def test_the_kubernetes_manifests_fit_its_schemas(validator: Path) -> None:
    assert json.loads(projects.run(validator, "validate.mjs", *map(str, KUBERNETES))) == []


def test_a_manifest_that_does_not_fit_is_found(validator: Path, tmp_path: Path) -> None:
    wrong = {
        "deployment": ("readinessProbe:", "readinesProbe:"),
        "autoscaling": ("maxReplicas: 3", "maxReplicas: many"),
        "service-monitor": ("interval: 15s", "intervall: 15s"),
    }
    for name, (right, other) in wrong.items():
        text = (DEPLOY / f"kubernetes/{name}.yaml").read_text()
        assert right in text
        (tmp_path / name).write_text(text.replace(right, other))
    found = json.loads(projects.run(validator, "validate.mjs", *(str(tmp_path / name) for name in wrong)))
    assert {Path(problem.partition(": ")[0]).name for problem in found} == wrong.keys()


def composed(path: Path) -> int:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(path)]
    return subprocess.run(command, capture_output=True, timeout=LIMIT, check=False).returncode


def test_the_compose_file_fits_its_schema(tmp_path: Path) -> None:
    assert composed(DEPLOY / "compose.yaml") == 0
    wrong = tmp_path / "compose.yaml"
    wrong.write_text((DEPLOY / "compose.yaml").read_text().replace("read_only: true", "read_onyl: true"))
    assert composed(wrong) == 1


def analyzed(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [program("systemd-analyze"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)


def placed(folder: Path, **others: str) -> str:
    """A copy of the unit whose program is the one of this environment."""
    text = (DEPLOY / UNIT).read_text()
    for before, after in {"/opt/highlights-gateway/bin": str(Path(sys.executable).parent), **others}.items():
        assert before in text
        text = text.replace(before, after)
    (folder / UNIT).write_text(text)
    return str(folder / UNIT)


def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    done = analyzed("verify", placed(tmp_path))
    assert (done.returncode, [line for line in done.stderr.splitlines() if UNIT in line]) == (0, [])
    other = analyzed("verify", placed(tmp_path, **{"KillMode=mixed": "KillMood=mixed"}))
    assert "KillMood" in other.stderr


def test_the_unit_is_hardly_exposed(tmp_path: Path) -> None:
    rated = ("security", "--offline=true", "--no-pager", f"--threshold={MOST_EXPOSED}")
    assert analyzed(*rated, placed(tmp_path)).returncode == 0
    open_unit = placed(tmp_path, **{"CapabilityBoundingSet=\n": "\n", "PrivateUsers=yes": "PrivateUsers=no"})
    assert analyzed(*rated, open_unit).returncode != 0


def test_prometheus_understands_its_configuration(tmp_path: Path) -> None:
    """In the repository, and as the compose file mounts it beside the rules."""
    folder, rules = tmp_path / "deploy", tmp_path / "docs/operations/alerts"
    for each in (folder, rules):
        each.mkdir(parents=True)
    whole = [program("promtool"), "check", "config", str(DEPLOY / "prometheus.yml")]
    assert subprocess.run(whole, capture_output=True, timeout=LIMIT, check=False).returncode == 0
    command = [*whole[:-1], str(folder / "prometheus.yml")]
    text = (DEPLOY / "prometheus.yml").read_text()
    wrong = {"scrape_interval": "scrape_intervall", "rules.yml]": "others.yml]"}
    assert all(right in text for right in wrong)
    (rules / "rules.yml").write_text(RULES.read_text())
    for configuration in (text, *(text.replace(*pair) for pair in wrong.items())):
        (folder / "prometheus.yml").write_text(configuration)
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)
        assert (done.returncode == 0) is (configuration == text), done.stdout + done.stderr
