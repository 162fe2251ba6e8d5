"""Taking rows out of raw into the quarantine dataset, and back again.

Both are one transaction each, so that a kill in between loses no row and doubles none. Which rows
are of the dump that raw holds says the sync's marker: a later sync of the same day brings the whole
table again, and what was set aside of the earlier one is then replaced.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING

from tributary import naming
from tributary.errors import StageMismatchError
from tributary.ledger.checksums import Column, bigquery_query
from tributary.ledger.reading import table_columns
from tributary.ledger.store import ensure_dataset, execute
from tributary.quarantine.conditions import quoted
from tributary.quarantine.finding import FINDINGS, Findings
from tributary.raw import require_load
from tributary.sqlfiles import compose_sql, render_sql

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

_OWN_COLUMNS = (
    ("_rule", "STRING", "REPEATED", "All rules that the row broke."),
    ("_run_id", "STRING", "NULLABLE", "Airflow run that loaded the row."),
    ("_dump_date", "DATE", "NULLABLE", "Day of the dump."),
    ("_loaded_at", "TIMESTAMP", "NULLABLE", "End of the sync that brought the row."),
    ("_quarantined_at", "TIMESTAMP", "NULLABLE", "When the row was set aside."),
)


def quarantined_tables(client: Client, database: str) -> list[str]:
    """The tables of which rows were ever set aside, in alphabetical order."""
    return sorted(_listed(client, database) - {FINDINGS})


def counted(client: Client, database: str, day: date, tables: Iterable[str]) -> dict[str, int]:
    """The rows of a day's dump that are set aside, by table; only tables with any."""
    known = sorted(_listed(client, database) & set(tables))
    return _rows(client, database, known, "_dump_date = cast(@day as date)", day)


def restore(client: Client, database: str, day: date, tables: Iterable[str]) -> list[str]:
    """Make raw whole again: the rows that an earlier try set aside go back, and the day's quarantine is empty.

    Returns the tables that have a quarantine. Rows of an earlier sync of the day are only removed,
    since raw has them anew. Raises RawTakenError where there are rows of the day and raw holds
    another day's dump.
    """
    listed = _listed(client, database)
    if FINDINGS in listed:
        # Of a try that was killed; without it a statement of that try which still waits in BigQuery fails.
        client.delete_table(f"{client.project}.{naming.quarantine_dataset(database)}.{FINDINGS}", not_found_ok=True)
    known = sorted(listed & set(tables))
    of_day = "_dump_date = cast(@day as date)"
    filled = _rows(client, database, known, of_day, day)
    if filled:
        require_load(client, database, day=day)
        # Rows of an earlier sync may have columns of other types by now, which no statement could bring back.
        marker = f"`{naming.raw_dataset(database)}`.`{naming.LOAD_MARKER}`"
        of_load = f"{of_day} and _loaded_at = (select loaded_at from {marker})"  # noqa: S608 - a name of the registry
        own = _rows(client, database, filled, of_load, day)
        names = _names(database)
        steps = [_bring_back(client, database, own)] if own else []
        steps += [render_sql("quarantine/empty_day", table=table, **names) for table in filled]
        execute(client, _transaction(steps))
    return known


def _listed(client: Client, database: str) -> set[str]:
    from google.api_core.exceptions import NotFound

    try:
        return {item.table_id for item in client.list_tables(naming.quarantine_dataset(database))}
    except NotFound:
        return set()


def _bring_back(client: Client, database: str, tables: Iterable[str]) -> str:
    raw = table_columns(client, naming.raw_dataset(database))
    aside = table_columns(client, naming.quarantine_dataset(database))
    steps = []
    for table in tables:
        columns = [quoted(name) for name in raw[table] if name in aside[table]]
        pieces = {"columns": ", ".join(columns), "row_columns": ", ".join(f"item.{name}" for name in columns)}
        steps.append(compose_sql("quarantine/restore", pieces, {"table": table, **_names(database)}))
    return "\n".join(steps)


def _rows(client: Client, database: str, tables: Iterable[str], where: str, day: date) -> dict[str, int]:
    names: dict[str, tuple[Column, ...]] = dict.fromkeys(tables, ())
    if not names:
        return {}
    query = bigquery_query(naming.quarantine_dataset(database), names, where)
    return {table: rows for table, rows, *_ in execute(client, query, day=day.isoformat()) if rows}


def move(client: Client, location: str, findings: Findings, tables: Iterable[str]) -> None:
    """Set aside what was found in these tables, of whose day nothing is set aside: `restore` comes before.

    Nothing is removed from the quarantine here: a statement of a killed try that BigQuery ends late would
    remove what the next try has set aside.
    """
    names = list(tables)
    prepare(client, location, findings.database)
    raw = table_columns(client, naming.raw_dataset(findings.database))
    for table in names:
        _make_table(client, findings.database, table, raw[table])
    steps = []
    for table in names:
        columns = [quoted(name) for name in raw[table]]
        pieces = {
            "columns": ", ".join(columns),
            "row_columns": ", ".join(f"item.{name}" for name in columns),
            "row_key": findings.key(table, "item"),
            "row_key_alone": findings.key(table),
        }
        identifiers = {"table": table, "findings": FINDINGS, **_names(findings.database)}
        steps.append(compose_sql("quarantine/move", pieces, identifiers))
    execute(client, _transaction(steps))


def prepare(client: Client, location: str, database: str) -> None:
    """Make the quarantine dataset where it is missing."""
    ensure_dataset(client, naming.quarantine_dataset(database), location)


def missing_columns(where: str, table: str, wanted: Mapping[str, str], existing: Mapping[str, str]) -> dict[str, str]:
    """The columns to add to a quarantine table. Raises StageMismatchError where a type has changed."""
    for name, data_type in wanted.items():
        if name in existing and existing[name] != data_type:
            raise StageMismatchError(
                f"{where}.{table}.{name} is {existing[name]}, raw has {data_type}. Nothing was set aside. "
                f"Rename or copy {where}.{table} to let the next try make it anew, then clear validate_raw."
            )
    return {name: data_type for name, data_type in wanted.items() if name not in existing}


def _make_table(client: Client, database: str, table: str, wanted: Mapping[str, str]) -> None:
    quarantine = naming.quarantine_dataset(database)
    _create_table(client, f"{naming.raw_dataset(database)}.{table}", f"{quarantine}.{table}")
    existing = table_columns(client, quarantine)[table]
    for column, data_type in missing_columns(quarantine, table, wanted, existing).items():
        sql = render_sql("quarantine/add_column", quarantine=quarantine, table=table, column=column, type=data_type)
        execute(client, sql)


def _create_table(client: Client, raw: str, quarantine: str) -> None:
    """Make a quarantine table where it is missing, by the API: in SQL the emulator makes texts of JSON columns."""
    from google.cloud.bigquery import SchemaField, Table, TimePartitioning

    # A column that raw has no more must not be required of the rows that come after.
    nullable = [
        SchemaField.from_api_repr({**field.to_api_repr(), "mode": field.mode.replace("REQUIRED", "NULLABLE")})
        for field in client.get_table(f"{client.project}.{raw}").schema
    ]
    own = [SchemaField(name, data_type, mode, description=text) for name, data_type, mode, text in _OWN_COLUMNS]
    table = Table(f"{client.project}.{quarantine}", schema=[*nullable, *own])
    table.time_partitioning = TimePartitioning(field="_dump_date")
    client.create_table(table, exists_ok=True)


def _names(database: str) -> dict[str, str]:
    return {
        "raw": naming.raw_dataset(database),
        "quarantine": naming.quarantine_dataset(database),
        "marker": naming.LOAD_MARKER,
    }


def _transaction(steps: Iterable[str]) -> str:
    """One script; it takes no parameters, as the emulator gives a script none."""
    return "\n".join(("begin transaction;", *steps, "commit transaction;"))
