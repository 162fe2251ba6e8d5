"""A BigQuery emulator for the session.

``TRIBUTARY_DBT_EXECUTABLE`` names dbt; ``TRIBUTARY_BQEMULATOR`` names the emulator's executable, by default the one
beside this Python. Without them the tests fail, they are never skipped.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from dbt_builds import Built, build_all
from dbt_warehouse import ROOT, Warehouse, free_port, wait_for
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from tests.support import recorded_sql, wire

PROJECT_ID = "tributary-local"


@pytest.fixture(scope="session")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """At its end, what dbt and the tests have sent to it has to be GoogleSQL, in requests as they are published."""
    directory = tmp_path_factory.mktemp("dbt")
    rest, grpc, metadata = free_port(), free_port(), free_port()
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "GOOGLE_CLOUD_PROJECT": PROJECT_ID,
        "GCE_METADATA_HOST": f"127.0.0.1:{metadata}",
        "GCE_METADATA_IP": f"127.0.0.1:{metadata}",
        "BIGQUERY_EMULATOR_HOST": f"http://127.0.0.1:{rest}",
        "LOCALCLOUD_STATE_DIR": str(directory / "state"),
        "LOCALCLOUD_RECORD_DIR": str(directory / "wire"),
        "LOCALCLOUD_BIGQUERY_PORT": str(rest),
        "LOCALCLOUD_BIGQUERY_GRPC_PORT": str(grpc),
        "LOCALCLOUD_METADATA_PORT": str(metadata),
    }
    emulator = Path(os.environ.get("TRIBUTARY_BQEMULATOR") or Path(sys.executable).with_name("bqemulator"))
    python = str(emulator.with_name("python"))
    services = [
        (rest, subprocess.Popen([python, "-m", "localcloud.bigquery"], env=environment)),
        (metadata, subprocess.Popen([python, "-m", "localcloud.metadata"], env=environment)),
    ]
    try:
        for port, process in services:
            wait_for(port, process)
        client = bigquery.Client(
            PROJECT_ID,
            credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
            client_options=ClientOptions(api_endpoint=environment["BIGQUERY_EMULATOR_HOST"]),
        )
        del environment["PYTHONPATH"]  # dbt's environment is its own.
        yield Warehouse(client, environment, directory)
        recorded_sql.check(client)
        wire.check(directory / "wire")
    finally:
        for _, process in services:
            process.terminate()
        for _, process in services:
            process.wait(timeout=20)


@pytest.fixture(scope="session")
def built(warehouse: Warehouse) -> Built:
    """Four databases and one that failed its tests, and all consolidated."""
    return build_all(warehouse)
