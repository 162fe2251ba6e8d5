"""What was sent to an emulator, as its list of jobs has it, to be held against Google's analyzer of GoogleSQL."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from google.cloud import bigquery

from tests.support.googlesql import GoogleSql, Statement, told
from tributary.sqlfiles import SQL

# Where Airbyte's stand-in on this machine has its own tables: what it sends is not the product's.
_AIRBYTE = "airbyte_internal"
# Tests spoil a table so. What it had before is gone, and with it what the statement can be held against.
_OF_ITSELF = re.compile(r"create or replace table (?P<table>\S+) as .*\bfrom (?P=table)(?:\s|$)", re.S)
# Names that BigQuery's API has for types.
_STANDARD = {"INTEGER": "INT64", "BOOLEAN": "BOOL", "FLOAT": "FLOAT64"}


def recorded(client: bigquery.Client) -> list[Statement]:
    """What an emulator was asked to run and has run, each once, the oldest first.

    A copy is there as the statement that would make its table, which may be gone by now.
    """
    found: dict[Statement, None] = {}
    for job in client.list_jobs(all_users=True):
        # What it has refused has failed already.
        if job.error_result:
            continue
        if job.job_type == "copy":
            source, made = (f"`{table.dataset_id}`.`{table.table_id}`" for table in (*job.sources, job.destination))
            found[Statement(f"create table {made} as select * from {source}")] = None
        elif job.job_type == "query" and _AIRBYTE not in job.query and not _OF_ITSELF.match(job.query):
            types = {it.name: getattr(it, "type_", "") or f"ARRAY<{it.array_type}>" for it in job.query_parameters}
            found[Statement(job.query, tuple(sorted(types.items())))] = None
    return list(reversed(found))


def analyzer_of(client: bigquery.Client) -> GoogleSql:
    """The analyzer, with all tables that an emulator has by now."""
    google = GoogleSql(client.project)
    for dataset in client.list_datasets():
        for table in client.list_tables(dataset.dataset_id):
            columns = {field.name: _type_name(field) for field in client.get_table(table.reference).schema}
            google.add_table(table.dataset_id, table.table_id, columns)
    return google


def check(client: bigquery.Client) -> None:
    """Raise AssertionError where an emulator has run what is no GoogleSQL."""
    statements = recorded(client)
    assert statements
    refused = analyzer_of(client).refusals(statements)
    assert not refused, told(refused)


def files_of(statements: Iterable[Statement]) -> set[Path]:
    """The files below include/sql, whatever identifiers were filled in, that are in the statements."""
    texts = [statement.sql for statement in statements]
    return {
        file.relative_to(SQL)
        for file in SQL.rglob("*.sql")
        if any(_contains(text, _fixed_parts(file.read_text())) for text in texts)
    }


def _fixed_parts(text: str) -> list[str]:
    return [part.replace("$$", "$") for part in re.split(r"(?<!\$)\$[a-z]\w*", text.strip())]


def _contains(text: str, parts: Iterable[str]) -> bool:
    position = 0
    for part in parts:
        if (found := text.find(part, position)) < 0:
            return False
        position = found + len(part)
    return True


def _type_name(field: bigquery.SchemaField) -> str:
    name = _STANDARD.get(field.field_type, field.field_type)
    return f"ARRAY<{name}>" if field.mode == "REPEATED" else name
