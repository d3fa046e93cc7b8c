"""The manifests of `deploy/` say what the gateway needs, and name nothing that it does not have."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import Any

import yaml

from gateway.http.routes.health import ALIVE, READY
from gateway.settings import Settings
from tests.deploy.manifests import DASHBOARDS, DEPLOY, KUBERNETES, RULES, compose, resources, unit
from tests.meta.tree import ROOT

END = 12  # seconds after the drain, as docs/operations/stop.md says
SETTINGS = {row.name for row in Settings.table()}
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def pod() -> dict[str, Any]:
    found: dict[str, Any] = resources()["Deployment"]["spec"]["template"]["spec"]
    return found


def container() -> dict[str, Any]:
    found: dict[str, Any] = pod()["containers"][0]
    return found


def test_they_name_settings_that_exist() -> None:
    for path in (*KUBERNETES, DEPLOY / "compose.yaml", DEPLOY / "highlights-gateway.service", DEPLOY / "nginx.conf"):
        named = re.findall(r"\bGATEWAY_[A-Z_]*[A-Z]\b", path.read_text())
        own = {"GATEWAY_PORT"}  # of Kubernetes
        assert {name.removesuffix("_FILE") for name in named} <= {name.removesuffix("_FILE") for name in SETTINGS} | own


def test_they_configure_a_gateway_that_can_start() -> None:
    config = resources()["ConfigMap"]["data"]
    service = compose()["services"]["gateway"]["environment"]
    assigned = dict(value.partition("=")[::2] for value in unit()["Environment"])
    for settings in (config, service, assigned):
        given = {name: re.sub(r"\$\{[A-Z_]+:-(.*?)\}", r"\1", value) for name, value in settings.items()}
        given = {name: re.sub(r"\$\{[A-Z_]+:\?.*?\}", "given", value) for name, value in given.items()}
        Settings.read({name: value for name, value in given.items() if not name.endswith("_KEY_FILE")})


def test_a_stop_is_waited_for() -> None:
    drain = int(resources()["ConfigMap"]["data"]["GATEWAY_DRAIN_SECONDS"])
    assert pod()["terminationGracePeriodSeconds"] > drain + END
    assert int(compose()["services"]["gateway"]["stop_grace_period"].removesuffix("s")) > 15 + END
    assert int(unit()["TimeoutStopSec"][0]) > 15 + END
    assert unit()["KillMode"] == ["mixed"], "the supervisor tells its workers"


def test_probes_ask_the_health_routes() -> None:
    asked = {name: container()[name]["httpGet"]["path"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert asked == {"startupProbe": ALIVE, "livenessProbe": ALIVE, "readinessProbe": READY}
    assert pod()["enableServiceLinks"] is False


def test_the_pod_runs_the_image_as_it_is_made() -> None:
    command = re.search(r"^CMD (.+)$", DOCKERFILE, re.MULTILINE)
    assert command is not None
    assert container()["args"] == yaml.safe_load(command[1])
    user = re.search(r"^USER (\d+):(\d+)$", DOCKERFILE, re.MULTILINE)
    assert user is not None
    context = pod()["securityContext"]
    assert (context["runAsUser"], context["runAsGroup"], context["fsGroup"]) == (
        int(user[1]),
        int(user[2]),
        int(user[2]),
    )
    assert container()["securityContext"]["readOnlyRootFilesystem"] is True
    assert {mount["mountPath"] for mount in container()["volumeMounts"]} >= {"/data", "/tmp"}  # noqa: S108 (of the pod)


def test_what_kubernetes_resources_refer_to_exists() -> None:
    found, labels = resources(), {"app.kubernetes.io/name": "highlights-gateway"}
    assert {one["metadata"]["name"] for one in found.values()} == {"highlights-gateway"}
    assert found["Deployment"]["spec"]["template"]["metadata"]["labels"] == labels
    selectors = [
        found["Deployment"]["spec"]["selector"]["matchLabels"],
        found["Service"]["spec"]["selector"],
        found["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        found["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
        found["ServiceMonitor"]["spec"]["selector"]["matchLabels"],
    ]
    assert selectors == [labels] * len(selectors)
    ports = {port["name"] for port in container()["ports"]}
    assert {port["targetPort"] for port in found["Service"]["spec"]["ports"]} == ports
    assert {endpoint["port"] for endpoint in found["ServiceMonitor"]["spec"]["endpoints"]} <= ports
    assert {rule["ports"][0]["port"] for rule in found["NetworkPolicy"]["spec"]["ingress"]} == ports
    files = {Path(one["value"]).name for one in container()["env"]}
    assert files == found["Secret"]["stringData"].keys()


def test_gateways_that_share_a_directory_are_on_one_machine() -> None:
    (term,) = pod()["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert term["topologyKey"] == "kubernetes.io/hostname"
    assert resources()["PersistentVolumeClaim"]["spec"]["accessModes"] == ["ReadWriteOnce"]


def test_the_compose_file_mounts_what_is_there_and_pins_its_images() -> None:
    services = compose()["services"]
    mounted = [mount.split(":")[0] for one in services.values() for mount in one["volumes"]]
    paths = [mount for mount in mounted if mount.startswith(".") and mount != "./certificates"]
    assert len(paths) >= 3
    assert [path for path in paths if not (DEPLOY / path).exists()] == []
    assert {mount for mount in mounted if not mount.startswith(".")} == compose()["volumes"].keys()
    foreign = [one["image"] for name, one in services.items() if name != "gateway"]
    assert [image for image in foreign if not re.search(r":v?[0-9]+\.[0-9]+", image)] == []


def test_the_trusted_network_is_that_of_the_proxy() -> None:
    """Others on it could name any peer."""
    services, networks = compose()["services"], compose()["networks"]
    trusted = services["gateway"]["environment"]["GATEWAY_TRUSTED_PROXIES"]
    assert networks["front"]["ipam"]["config"] == [{"subnet": trusted}]
    assert {name for name, one in services.items() if "front" in one["networks"]} == {"gateway", "nginx"}


def test_prometheus_and_grafana_are_told_where_things_are() -> None:
    scraped = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())
    (job,) = scraped["scrape_configs"]
    port = compose()["services"]["gateway"]["environment"]["GATEWAY_METRICS"].rpartition(":")[2]
    (found,) = job["dns_sd_configs"]
    assert (job["job_name"], found["names"], found["port"]) == ("highlights-gateway", ["gateway"], int(port))
    (source,) = yaml.safe_load((DEPLOY / "grafana/datasources/prometheus.yaml").read_text())["datasources"]
    assert source["url"] == "http://prometheus:9090"


def test_prometheus_has_the_rules_and_grafana_the_dashboards() -> None:
    prometheus, grafana = (compose()["services"][name] for name in ("prometheus", "grafana"))
    (rules,) = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())["rule_files"]
    mounted = "/etc/prometheus/deploy/prometheus.yml"
    assert f"--config.file={mounted}" in prometheus["command"]
    assert (DEPLOY / "prometheus.yml", mounted) in mounts(prometheus)
    assert (RULES, os.path.normpath(f"{os.path.dirname(mounted)}/{rules}")) in mounts(prometheus)
    assert (DEPLOY / rules).resolve() == RULES
    (provider,) = yaml.safe_load((DEPLOY / "grafana/dashboards/highlights-gateway.yaml").read_text())["providers"]
    assert (DASHBOARDS, provider["options"]["path"]) in mounts(grafana)
    assert (DEPLOY / "grafana/dashboards", "/etc/grafana/provisioning/dashboards") in mounts(grafana)
    assert (DEPLOY / "grafana/datasources", "/etc/grafana/provisioning/datasources") in mounts(grafana)


def mounts(service: dict[str, Any]) -> list[tuple[Path, str]]:
    pairs = [volume.removesuffix(":ro").split(":") for volume in service["volumes"]]
    return [((DEPLOY / source).resolve(), target) for source, target in pairs]


def test_the_unit_starts_what_an_installation_has() -> None:
    (start,) = unit()["ExecStart"]
    assert shlex.split(start)[:2] == ["/opt/highlights-gateway/bin/highlights-gateway", "serve"]
    assert "%S/highlights-gateway" in " ".join(unit()["Environment"])
    assert unit()["StateDirectory"] == ["highlights-gateway"]
    assert unit()["ExecReload"] == ["/bin/kill -HUP $MAINPID"]
