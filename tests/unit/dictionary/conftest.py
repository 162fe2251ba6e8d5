"""The dictionary of the shipped registry, and of a made-up one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tributary.dictionary.building import build, read_manifest
from tributary.dictionary.model import Dictionary
from tributary.registry import Registry, load_registry

CINEMA = """
app: cinema
models: generated
description: "HOSTILE"
tables:
  films:
    description: "HOSTILE"
    primary_key: [id]
    columns:
      id: {type: int unsigned, description: "HOSTILE"}
      poster: {type: longblob, nullable: true}
      director: {type: varchar(99), personal: true}
"""


@pytest.fixture(scope="session")
def project(manifest: Path) -> Mapping[str, Any]:
    """dbt's manifest of the shipped project."""
    return read_manifest(manifest)


@pytest.fixture(scope="session")
def dictionary(project: Mapping[str, Any]) -> Dictionary:
    """What is shipped."""
    return build(load_registry(), project)


@pytest.fixture
def cinema(tmp_path: Path) -> Registry:
    """A registry with one app, whose models dbt does not know yet; its words are not to be trusted."""
    include = tmp_path / "include"
    (include / "contracts").mkdir(parents=True)
    (include / "contracts" / "cinema.yaml").write_text(CINEMA.replace("HOSTILE", HOSTILE))
    (include / "databases.yaml").write_text("databases: {cinema_de: {app: cinema}}\n")
    return load_registry(include)


HOSTILE = "<script>alert(1)</script>'><img src=x onerror=alert(1)> {{ 7*7 }} `<b>`"
