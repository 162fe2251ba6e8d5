"""A small `consolidated` whose rows all say which generation they are of, published by the real code."""

from __future__ import annotations

from typing import Any

from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from tributary.ledger.store import OpsStore, ensure_dataset, execute
from tributary.publishing import publish

LOCATION = "US"
DATABASES = ("kiosk_a", "kiosk_b")
TABLES = ("lines", "orders")


def client_of(project: str) -> bigquery.Client:
    """A client of the emulator that BIGQUERY_EMULATOR_HOST names."""
    return bigquery.Client(project, credentials=AnonymousCredentials())


def rows_in(generation: int, table: str) -> int:
    """How many rows each database has in a table of a generation; generations differ in it."""
    return 20 + 3 * generation + len(table)


def audit(client: bigquery.Client, generation: int, tables: tuple[str, ...] = TABLES, columns: str = "") -> None:
    """Leave a generation in `consolidated__audit`, as dbt does, and its counts in the ledger."""
    ensure_dataset(client, "consolidated__audit", LOCATION)
    script = [
        f"""
        create or replace table consolidated__audit.{table} cluster by _database as
        select _database, {generation} as generation, n, n * {generation} as value {columns}
        from unnest(['{"', '".join(DATABASES)}']) as _database
        cross join unnest(generate_array(1, {rows_in(generation, table)})) as n;
        """
        for table in tables
    ]
    execute(client, "".join(script))
    rows = [
        {
            "database": database, "dump_date": day(generation), "stage": "marts", "table_name": table,
            "row_count": rows_in(generation, table), "run_id": "elt",
        }
        for database in DATABASES
        for table in tables
    ]  # fmt: skip
    OpsStore(client, LOCATION).append("ledger_log", rows)


def day(generation: int) -> str:
    """The day that a generation is of."""
    return f"2013-{1 + generation // 28:02}-{1 + generation % 28:02}"


def publish_generation(
    client: bigquery.Client, generation: int, *, keep: int = 3, tables: tuple[str, ...] = TABLES
) -> dict[str, Any]:
    """Publish what `audit` left, as the run of that generation."""
    plan = {"day": day(generation), "as_of": dict.fromkeys(DATABASES, day(generation)), "landed": {}}
    return publish(
        client,
        LOCATION,
        run_id=f"run_{generation}",
        apps={"kiosk": DATABASES},
        tables={"kiosk": tables},
        plan=plan,
        keep=keep,
    )
