"""Imports that most tasks, or most files of DAGs, need, done once in the process that forks theirs.

Costs a few seconds and some hundred megabytes at the start of that process, and saves them in every
task: Great Expectations alone takes seven CPU-seconds to import.
"""

from __future__ import annotations

import gc
import importlib
import logging
import os
from collections.abc import Iterable
from itertools import islice

OF_TASKS = (
    # Airbyte's client imports its parts, with the configurations of hundreds of connectors, as they are used.
    "airbyte_api.connections",
    "airbyte_api.destinations",
    "airbyte_api.jobs",
    "airbyte_api.sources",
    "airbyte_api.workspaces",
    # What reads a task's DAG.
    "airflow.dag_processing.bundles.local",
    "airflow.dag_processing.dagbag",
    "airflow.providers.airbyte.hooks.airbyte",
    "airflow.providers.google.cloud.hooks.bigquery",
    "airflow.providers.google.cloud.hooks.gcs",
    "airflow.providers.mysql.hooks.mysql",
    # Both are plugins, which every task loads; the second brings FastAPI along.
    "airflow.providers.openlineage.plugins.openlineage",
    "cosmos.plugin.airflow3",
    "cosmos",
    "cosmos.operators.watcher",
    "datadog.dogstatsd.base",
    "google.cloud.bigquery",
    "great_expectations",
    "great_expectations.expectations.core",
    "openlineage.common.provider.dbt.local",
    "sqlalchemy_bigquery",
    "tributary.pipeline",
    "tributary.quality.engine",
    "tributary.telemetry.lineage_reduction",
)

OF_FILES = ("tributary.pipeline",)

log = logging.getLogger(__name__)


def preload(modules: Iterable[str]) -> None:
    """Import them, and build a DAG. What fails is reported and left to the process that needs it.

    Nearly all of it stays, so garbage is not looked for meanwhile, a quarter of the CPU, and never among it.
    """
    gc.disable()
    for name in modules:
        try:
            importlib.import_module(name)
        except Exception:
            log.exception("could not import %s before forking", name)
    try:
        _build_a_dag()
    except Exception:
        log.exception("could not build a DAG before forking")
    gc.freeze()
    gc.enable()


def look_for_garbage_less_often() -> None:
    """Let this process, and those that it forks, look after 50,000 new objects, and among all after five million.

    Python's 700 fit small programs. Airflow's processes keep hundreds of thousands of objects from their imports,
    which were looked through again and again: half a second at each start, and some of every request.
    """
    gc.set_threshold(50_000, 20, 5)


def leave_garbage_to_the_end() -> None:
    """Let no process that is forked from now on look for garbage.

    Good for one that reads a file of DAGs and ends: nearly all that it makes stays, and there is more and more of
    it to look through.
    """
    os.register_at_fork(after_in_child=gc.disable)


def _build_a_dag() -> None:
    """As every task does with its own: the contracts, and what Airflow and Cosmos import on the way, are there then."""
    from tributary.pipeline import build_elt_dag
    from tributary.registry import load_registry

    registry = load_registry()
    for database in islice(registry.databases.values(), 1):
        build_elt_dag(database, registry)
