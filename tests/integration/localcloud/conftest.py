"""One local cloud for all tests of its services, and the clients that real callers use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from google.cloud import bigquery, storage

from tests.integration.localcloud.clients import Airbyte, MySQL
from tests.support.services import LocalCloud

SERVICES = ("metadata", "storage", "bigquery", "cloud_sql", "sqladmin", "airbyte")


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """All services, running; the process's environment points Google's clients at them."""
    cloud = LocalCloud(tmp_path_factory.mktemp("cloud"))
    with cloud.as_environment(), cloud.running(*SERVICES):
        yield cloud


@pytest.fixture(scope="session")
def bucket(cloud: LocalCloud) -> storage.Bucket:
    """The bucket of the dumps."""
    return storage.Client().bucket(cloud.bucket)


@pytest.fixture(scope="session")
def warehouse(cloud: LocalCloud) -> bigquery.Client:
    """BigQuery."""
    return bigquery.Client()


@pytest.fixture
def mysql(cloud: LocalCloud) -> Iterator[MySQL]:
    """The server behind the Cloud SQL instance."""
    client = MySQL(cloud)
    yield client
    client.close()


@pytest.fixture
def airbyte(cloud: LocalCloud) -> Iterator[Airbyte]:
    """Airbyte."""
    client = Airbyte(cloud)
    yield client
    client.forget_faults()
