"""BigQuery in the environment of a task, and an Airflow with a few DAGs."""

from __future__ import annotations

import pytest
from google.cloud import bigquery

# The services, the task runner and the REST API of the tests of failed tasks.
from tests.integration.dead_letters.conftest import airflow, cloud, run_task, services, spool
from tests.support.services import LocalCloud
from tributary.ledger.store import OpsStore

__all__ = ("airflow", "cloud", "run_task", "services", "spool")


@pytest.fixture
def store(cloud: LocalCloud) -> OpsStore:
    """The dataset `ops`, empty, through a client without labels."""
    client = bigquery.Client(location="US")
    client.delete_dataset("ops", delete_contents=True, not_found_ok=True)
    store = OpsStore(client, "US")
    store.create_tables()
    return store
