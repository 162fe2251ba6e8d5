"""A small `consolidated` whose rows all say which generation they are of, published by the real code."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from tributary.consolidation import Plan
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
    """Leave a generation in `consolidated__audit`, as dbt does; it has landed, and the ledger has its counts."""
    for database in DATABASES:
        land(OpsStore(client, LOCATION), database, day(generation), generation)
    audit_each(client, dict.fromkeys(DATABASES, generation), dict.fromkeys(DATABASES, day(generation)), tables, columns)


def audit_each(
    client: bigquery.Client,
    generations: Mapping[str, int],
    days: Mapping[str, str],
    tables: tuple[str, ...] = TABLES,
    columns: str = "",
) -> None:
    """Some databases in `consolidated__audit`, each with its own generation and day; of none, tables without rows."""
    ensure_dataset(client, "consolidated__audit", LOCATION)
    script = []
    for table in tables:
        parts = [
            f"""
            select '{database}' as _database, {generation} as generation, n, n * {generation} as value {columns}
            from unnest(generate_array(1, {rows_in(generation, table)})) as n
            """
            for database, generation in ({"": -100} | dict(generations)).items()
        ]
        query = " union all ".join(parts)
        script.append(f"create or replace table consolidated__audit.{table} cluster by _database as {query};")
    execute(client, "".join(script))
    rows = [
        {
            "database": database, "dump_date": days[database], "stage": "marts", "table_name": table,
            "row_count": rows_in(generation, table), "run_id": "elt",
        }
        for database, generation in generations.items()
        for table in tables
    ]  # fmt: skip
    OpsStore(client, LOCATION).append("ledger_log", rows)


def land(store: OpsStore, database: str, day: str, generation: int) -> None:
    """Note that a database's marts of a day are built and checked."""
    store.record_state(
        "landed", database=database, dump_date=date.fromisoformat(day), run_id="elt",
        dump_uri=f"gs://dumps/{database}", dump_generation=generation, rows=1,
    )  # fmt: skip


def day(generation: int) -> str:
    """The day that a generation is of."""
    return f"2013-{1 + generation // 28:02}-{1 + generation % 28:02}"


def publish_generation(
    client: bigquery.Client, generation: int, *, keep: int = 3, tables: tuple[str, ...] = TABLES
) -> dict[str, Any]:
    """Publish what `audit` left, as the run of that generation, in which every database has changed."""
    landed = OpsStore(client, LOCATION).landed(date.fromisoformat(day(generation)))
    plan = Plan.made(day(generation), landed, {"kiosk": DATABASES}, {"kiosk": "as it is"}, base=None)
    return publish(
        client,
        LOCATION,
        run_id=f"run_{generation}",
        apps={"kiosk": DATABASES},
        tables={"kiosk": tables},
        plan=plan,
        keep=keep,
    )
