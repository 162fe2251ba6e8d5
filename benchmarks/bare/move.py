"""Moves a MySQL database into BigQuery, table by table: `python -m benchmarks.bare.move DATABASE DATASET STREAMS`.

STREAMS is JSON: the columns of each table that is moved. The work is that of the local Airbyte, without its API, its
jobs and its store; what reads and loads is the same.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

from localcloud.airbyte.catalog import discover
from localcloud.airbyte.connections import plan
from localcloud.airbyte.extract import Extractor
from localcloud.airbyte.warehouse import Warehouse

# Where DuckDB keeps what reads MySQL, so that it is put there once.
EXTENSIONS = Path(__file__).resolve().parents[2] / ".local" / "bare" / "duckdb"


def main(database: str, dataset: str, streams: str) -> None:
    """Move them all."""
    server = json.loads(os.environ["AIRFLOW_CONN_CLOUD_SQL__STAGING"])
    source = {
        "host": server["host"], "port": server["port"], "username": server["login"], "password": server["password"],
        "database": database,
    }  # fmt: skip
    found = discover(source)
    connection = {
        "nonBreakingSchemaUpdatesBehavior": "ignore",
        "catalog": {name: [vars(column) for column in stream.columns] for name, stream in found.items()},
    }
    destination = {"project_id": os.environ["GOOGLE_CLOUD_PROJECT"], "dataset_location": "US"}
    warehouse = Warehouse(destination, dataset)
    warehouse.prepare()
    EXTENSIONS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, Extractor(source, EXTENSIONS, 0) as extractor:
        for name, columns in json.loads(streams).items():
            selected = [{"fieldPath": [column]} for column in columns]
            stream = {"name": name, "syncMode": "full_refresh_overwrite", "selectedFields": selected}
            planned = plan(stream, connection, found)
            extract = extractor.table(name, planned.columns, 0, "", Path(folder) / name)
            with warehouse.stage(planned.table, planned.columns, extract.files) as staged:
                staged.overwrite()


if __name__ == "__main__":
    main(*sys.argv[1:])
