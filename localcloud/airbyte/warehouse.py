"""Writing to BigQuery: load jobs into a temporary table, then one statement that makes the rows visible."""

# ruff: noqa: S608 - statements hold names only, each of them quoted, and no values

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from google.api_core.exceptions import NotFound
from google.cloud import bigquery

from localcloud.airbyte.extract import META_COLUMNS
from localcloud.airbyte.types import Column

JOB_TIMEOUT_SECONDS = 300.0

LEGACY_NAMES = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}
"""BigQuery's REST API spells some types the old way."""

WIRE_NAMES = {name: legacy for legacy, name in LEGACY_NAMES.items()}


class SchemaConflict(Exception):
    """An existing table cannot take the stream's rows without a refresh."""


def quoted(name: str) -> str:
    """*name* as a GoogleSQL identifier."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


class Warehouse:
    """The destination of one connection."""

    def __init__(self, configuration: dict[str, Any], dataset: str) -> None:
        self._project = configuration["project_id"]
        self._location = configuration["dataset_location"]
        self._internal = configuration.get("raw_data_dataset") or "airbyte_internal"
        self._dataset = dataset
        self._client = bigquery.Client(project=self._project, location=self._location)

    def prepare(self) -> None:
        """Create the datasets that are missing."""
        for name in (self._dataset, self._internal):
            dataset = bigquery.Dataset(f"{self._project}.{name}")
            dataset.location = self._location
            self._client.create_dataset(dataset, exists_ok=True, timeout=JOB_TIMEOUT_SECONDS)

    def close(self) -> None:
        """Give the client's connections back."""
        self._client.close()

    def stage(self, table: str, columns: list[Column], files: list[Path]) -> Staged:
        """Load Parquet *files* into a fresh temporary table for *table*; a load that fails leaves none."""
        types = [*META_COLUMNS, *((column.target, column.bigquery_type) for column in columns)]
        schema = [bigquery.SchemaField(name, WIRE_NAMES.get(kind, kind)) for name, kind in types]
        temporary = f"{self._project}.{self._internal}.{self._dataset}_raw__stream_{table}"
        self._client.delete_table(temporary, not_found_ok=True, timeout=JOB_TIMEOUT_SECONDS)
        config = bigquery.LoadJobConfig(
            source_format=bigquery.SourceFormat.PARQUET,
            write_disposition=bigquery.WriteDisposition.WRITE_APPEND,
            schema=schema,
        )
        staged = Staged(self._client, temporary, f"{self._project}.{self._dataset}.{table}", schema)
        with ExitStack() as stack:
            stack.push(staged)
            for file in files:
                with file.open("rb") as content:
                    job = self._client.load_table_from_file(content, temporary, job_config=config)
                job.result(timeout=JOB_TIMEOUT_SECONDS)
            stack.pop_all()
        return staged

    def clear(self, table: str) -> None:
        """Delete a table's rows; nothing happens without the table."""
        name = f"{self._project}.{self._dataset}.{table}"
        try:
            self._client.get_table(name, timeout=JOB_TIMEOUT_SECONDS)
        except NotFound:
            return
        self._client.query(f"truncate table {_path(name)}").result(timeout=JOB_TIMEOUT_SECONDS)


class Staged:
    """Rows in a temporary table, ready to be made visible; a context manager that drops it at its end."""

    def __init__(self, client: bigquery.Client, temporary: str, final: str, schema: list[bigquery.SchemaField]) -> None:
        self._client = client
        self._temporary = temporary
        self._final = final
        self._schema = schema

    def __enter__(self) -> Staged:
        return self

    def __exit__(self, *exc: object) -> None:
        self._client.delete_table(self._temporary, not_found_ok=True, timeout=JOB_TIMEOUT_SECONDS)

    def overwrite(self, primary_key: list[str] | None = None, cursor: str | None = None) -> None:
        """Replace the table, rows and schema, in one step: a reader sees the old one or the new one."""
        rows = self._newest(primary_key, cursor) if primary_key else f"select * from {_path(self._temporary)}"
        self._query(f"create or replace table {_path(self._final)} as {rows}")
        self._correct_record(self._schema)

    def append(self) -> None:
        """Add the rows. Raises SchemaConflict when a column changed its type."""
        if not self._align():
            self.overwrite()
            return
        names = self._names()
        rows = f"select {names} from {_path(self._temporary)}"
        self._query(f"insert into {_path(self._final)} ({names}) {rows}")

    def merge(self, primary_key: list[str], cursor: str | None) -> None:
        """Keep one row per primary key, that of the greatest cursor. Raises SchemaConflict as `append`."""
        if not self._align():
            self.overwrite(primary_key, cursor)
            return
        match = " and ".join(f"old.{quoted(name)} = new.{quoted(name)}" for name in primary_key)
        newer = (
            f"when matched and {self._not_older(cursor)} then update set" if cursor else "when matched then update set"
        )
        update = ", ".join(f"{quoted(field.name)} = new.{quoted(field.name)}" for field in self._schema)
        values = ", ".join(f"new.{quoted(field.name)}" for field in self._schema)
        self._query(
            f"merge {_path(self._final)} as old"
            f" using ({self._newest(primary_key, cursor)}) as new on {match} {newer} {update}"
            f" when not matched then insert ({self._names()}) values ({values})"
        )

    @staticmethod
    def _not_older(cursor: str) -> str:
        name = quoted(cursor)
        return f"(old.{name} is null or new.{name} >= old.{name})"

    def _newest(self, primary_key: list[str], cursor: str | None) -> str:
        keys = ", ".join(quoted(name) for name in primary_key)
        order = f"{quoted(cursor)} desc, " if cursor else ""
        return (
            f"select * from {_path(self._temporary)} where true"
            f" qualify row_number() over (partition by {keys} order by {order}_airbyte_extracted_at desc) = 1"
        )

    def _names(self) -> str:
        return ", ".join(quoted(field.name) for field in self._schema)

    def _align(self) -> bool:
        """Add new columns to the final table; False when there is no such table."""
        try:
            table = self._client.get_table(self._final, timeout=JOB_TIMEOUT_SECONDS)
        except NotFound:
            return False
        present = {field.name: _type(field) for field in table.schema}
        new = [field for field in self._schema if field.name not in present]
        for field in self._schema:
            if field in new:
                self._query(f"alter table {_path(self._final)} add column {quoted(field.name)} {_type(field)}")
            elif present[field.name] != _type(field):
                raise SchemaConflict(
                    f"column {field.name!r} of {self._final}: the table has {present[field.name]},"
                    f" the source now gives {_type(field)}; reset the connection and sync again"
                )
        if new:
            self._correct_record([*table.schema, *new])
        return True

    def _correct_record(self, schema: list[bigquery.SchemaField]) -> None:
        """Make the recorded schema of the final table say *schema*, as it does on BigQuery by itself.

        After ``create table as`` the emulator has STRING for JSON, and after ``add column`` it lacks the
        column.
        """
        table = self._client.get_table(self._final, timeout=JOB_TIMEOUT_SECONDS)
        recorded = {field.name: field for field in table.schema}
        right = [
            recorded[field.name] if field.name in recorded and _type(recorded[field.name]) == _type(field) else field
            for field in schema
        ]
        if right != table.schema:
            table.schema = right
            self._client.update_table(table, ["schema"], timeout=JOB_TIMEOUT_SECONDS)

    def _query(self, sql: str) -> None:
        self._client.query(sql, timeout=JOB_TIMEOUT_SECONDS).result(timeout=JOB_TIMEOUT_SECONDS)


def _path(table: str) -> str:
    return ".".join(quoted(part) for part in table.split(".", 2))


def _type(field: bigquery.SchemaField) -> str:
    return LEGACY_NAMES.get(field.field_type, str(field.field_type))
