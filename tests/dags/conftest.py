"""The generated DAGs, parsed as the DAG processor parses them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def airflow_home(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Iterator[Path]:
    """An Airflow without a database; its configuration is set before anything imports Airflow."""
    home = tmp_path_factory.mktemp("airflow")
    settings = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(root / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(root / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__COSMOS__CACHE_DIR": str(home / "cosmos"),
        "AIRFLOW__COSMOS__ENABLE_TELEMETRY": "False",
        "TRIBUTARY_DBT_EXECUTABLE": os.environ.get("TRIBUTARY_DBT_EXECUTABLE", "dbt"),
    }
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    yield home
    for name, value in before.items():
        if value is None:
            os.environ.pop(name)
        else:
            os.environ[name] = value


@pytest.fixture(scope="session")
def parse(airflow_home: Path, manifest: Path, root: Path) -> Any:
    """Parse the DAG folder; call it again for a second, independent parse."""

    def parse_folder(folder: Path = root / "dags") -> Any:
        from airflow.dag_processing.dagbag import DagBag

        return DagBag(dag_folder=str(folder), safe_mode=True, bundle_path=folder)

    return parse_folder


@pytest.fixture(scope="session")
def dags(parse: Any) -> dict[str, Any]:
    """Every DAG by its id."""
    bag = parse()
    assert bag.import_errors == {}
    assert bag.dags, "no DAG was found: the tests below would hold for nothing"
    return dict(bag.dags)
