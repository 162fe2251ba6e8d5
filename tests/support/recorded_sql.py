"""What was sent to an emulator, as its list of jobs has it, to be held against Google's analyzer of GoogleSQL."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from google.api_core.exceptions import NotFound
from google.cloud import bigquery

from tests.support.googlesql import GoogleSql, told
from tests.support.statements import Statement
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


class Analysis:
    """What Google's analyzer says of all that an emulator was sent; what it has taken it is not asked of again."""

    def __init__(self, client: bigquery.Client) -> None:
        self._client = client
        self._taken: set[Statement] = set()
        self._google = GoogleSql(client.project)
        self.statements: list[Statement] = []

    @property
    def other_types(self) -> set[str]:
        """Columns that have other types in the emulator than BigQuery would give them."""
        return self._google.other_types

    def refusals(self, at_once: int = 1) -> dict[str, str]:
        """What is refused of all that was sent until now, with the tables that there are by now, and the reasons.

        Only what was not yet there or not yet taken the last time is looked at. `at_once` processors may be busy.
        """
        self.statements = recorded(self._client)
        for dataset in self._client.list_datasets():
            for table in self._client.list_tables(dataset.dataset_id):
                # Who goes on sending statements may have dropped it meanwhile.
                with suppress(NotFound):
                    schema = self._client.get_table(table.reference).schema
                    columns = {field.name: _type_name(field) for field in schema}
                    self._google.add_table(table.dataset_id, table.table_id, columns)
        refused = self._google.refusals([one for one in self.statements if one not in self._taken], at_once)
        self._taken |= {one for one in self.statements if one.sql not in refused}
        return refused


def check(client: bigquery.Client) -> None:
    """Raise AssertionError where an emulator has run what is no GoogleSQL."""
    analysis = Analysis(client)
    refused = analysis.refusals()
    assert analysis.statements
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
