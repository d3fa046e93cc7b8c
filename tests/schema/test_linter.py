"""The printed schema passes a linter: everything is described, and names follow the conventions of GraphQL."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from schema.build import api_sdl
from tests.node import projects

BAD = '''
"""Read operations."""
type Query {
  """A thing."""
  getThing(filter_by: String): Thing
  # A thing.
  thing: Thing
  thingQuery: unlike
}
"""Write operations."""
type Mutation {
  """Change a thing."""
  change(by: ThingInput!): Thing
}
"""A thing."""
type Thing {
  """Colour of the thing."""
  Colour: Colour
  """Name of the thing."""
  thingName: String
  """Old name of the thing."""
  old: String @deprecated
}
"""A thing."""
type unlike {
  """Name."""
  name: String
}
"""A colour."""
enum Colour {
  red
  """The colour red."""
  RED
}
"changes of a thing"
input ThingInput {
  name: String
}
"""A thing that no field returns."""
type Unused {
  """Name."""
  name: String
}
'''
BROKEN = {
    "description-style",
    "input-name",
    "naming-convention",
    "no-hashtag-description",
    "no-typename-prefix",
    "no-unreachable-types",
    "require-deprecation-reason",
    "require-description",
    "unique-enum-value-names",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return projects.installed(projects.SCHEMA, tmp_path_factory.mktemp("schema"))


def findings(project: Path, sdl: str) -> list[dict[str, Any]]:
    (project / "schema.graphql").write_text(sdl)
    found: list[dict[str, Any]] = json.loads(projects.run(project, "lint.mjs", "schema.graphql"))
    return found


def test_the_schema_for_clients_passes_the_linter(project: Path) -> None:
    assert [f"{one['line']}: {one['message']}" for one in findings(project, api_sdl())] == []


def test_the_linter_reports_a_schema_that_breaks_its_rules(project: Path) -> None:
    assert {one["rule"] for one in findings(project, BAD)} >= BROKEN
