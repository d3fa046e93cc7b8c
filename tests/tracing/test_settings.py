"""Whether and how traces are exported: by the variables that all programs with OpenTelemetry share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from opentelemetry.sdk.resources import Resource

from gateway.clock import SystemClock
from gateway.composition.app import Gateway
from gateway.errors import Unusable
from gateway.events import ignore
from gateway.settings import Settings, SettingsError
from gateway.tracing.export import export_by
from gateway.version import version

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector.test:4318"}


@pytest.mark.parametrize(
    ("environ", "exporters"),
    [
        ({}, ()),
        ({"OTEL_SERVICE_NAME": "gateway", "OTEL_METRICS_EXPORTER": "otlp"}, ()),
        (ENDPOINT, ("otlp",)),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector.test/v1/traces"}, ("otlp",)),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, ("otlp",)),
        ({"OTEL_TRACES_EXPORTER": " OTLP, console,otlp"}, ("otlp", "console")),
        (ENDPOINT | {"OTEL_TRACES_EXPORTER": "none"}, ()),
        (ENDPOINT | {"OTEL_TRACES_EXPORTER": " "}, ("otlp",)),
        (ENDPOINT | {"OTEL_SDK_DISABLED": "true"}, ()),
        (ENDPOINT | {"OTEL_SDK_DISABLED": "true", "OTEL_TRACES_EXPORTER": "zipkin"}, ()),
        (ENDPOINT | {"OTEL_SDK_DISABLED": "false"}, ("otlp",)),
        (ENDPOINT | {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, ("otlp",)),
        (ENDPOINT | {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio"}, ("otlp",)),
    ],
)
def test_traces_are_exported_where_an_exporter_or_an_endpoint_is_named(
    environ: dict[str, str], exporters: tuple[str, ...]
) -> None:
    assert Settings.read(environ).traces == exporters


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER must be otlp, console or none."),
        (
            ENDPOINT | {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf: the gateway exports traces by HTTP.",
        ),
        (
            ENDPOINT | {"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"},
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL must be http/protobuf: the gateway exports traces by HTTP.",
        ),
        (
            ENDPOINT | {"OTEL_TRACES_SAMPLER": "sometimes"},
            "OTEL_TRACES_SAMPLER must be one of always_on, always_off, traceidratio, parentbased_always_on, "
            "parentbased_always_off, parentbased_traceidratio.",
        ),
    ],
)
def test_a_value_that_the_gateway_cannot_follow_is_refused_at_the_start(environ: dict[str, str], problem: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        Settings.read(environ)
    assert refusal.value.problems == (problem,)


def test_without_the_extra_the_error_names_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith(("opentelemetry", "gateway.tracing"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    settings = Settings(data_dir=tmp_path, traces=("otlp",))
    with pytest.raises(Unusable) as refusal:
        Gateway(settings, None, SystemClock(), "http://gateway.test")
    assert str(refusal.value).endswith("need OpenTelemetry: pip install 'highlights-gateway[otel]'")


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({}, "highlights-gateway"),
        ({"OTEL_SERVICE_NAME": "edge"}, "edge"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=blue,deployment.environment.name=test"}, "blue"),
    ],
)
def test_the_service_has_a_name_and_its_version(
    environ: dict[str, str], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in environ.items():
        monkeypatch.setenv(variable, value)
    resource = resource_of(export_by(["otlp"], SystemClock(), ignore))
    assert resource.attributes["service.name"] == name
    assert resource.attributes["service.version"] == version()
    assert ("deployment.environment.name" in resource.attributes) == ("OTEL_RESOURCE_ATTRIBUTES" in environ)


def resource_of(export: object) -> Resource:
    provider = getattr(export, "_provider")  # noqa: B009 (private to what exports)
    resource: Resource = provider.resource
    return resource
