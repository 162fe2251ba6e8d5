"""One local cloud for all tests of its services, and the clients that real callers use."""

from __future__ import annotations

import os
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
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("LOCALCLOUD_")]:
            patch.delenv(name)
        for name, value in cloud.variables().items():
            patch.setenv(name, value)
        # google-auth has read the environment when it was imported.
        patch.setattr("google.auth.compute_engine._metadata._GCE_METADATA_HOST", os.environ["GCE_METADATA_HOST"])
        try:
            cloud.start(*SERVICES)
            yield cloud
        finally:
            cloud.stop()


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
