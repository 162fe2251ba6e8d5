"""What the simulator remembers: which databases live, how far they got, what is broken in them.

Kept in the schema `simulator` on the production server, so that a day and its record are one transaction.
"""

import json
from dataclasses import dataclass
from datetime import date

from pymysql.connections import Connection

from simulator.production import create_database, execute, query, sql

SCHEMA = "simulator"


@dataclass(frozen=True)
class Living:
    """A database that is kept alive; `origin` is its airport, `simulated_day` None before the first."""

    name: str
    app: str
    origin: str | None
    seed: int
    scale: float
    simulated_day: date | None


def create_state(connection: Connection) -> None:
    """Creates the schema when it is not there yet."""
    create_database(connection, SCHEMA, sql("sql/state"))


def living_databases(connection: Connection) -> dict[str, Living]:
    """All of them by name, sorted; empty when nothing was ever simulated on this server."""
    if not query(connection, sql("sql/has_state"), (SCHEMA,)):
        return {}
    return {row[0]: Living(*row) for row in query(connection, sql("sql/living_databases"))}


def remember_database(connection: Connection, living: Living) -> None:
    """Records a new database."""
    values = (living.name, living.app, living.origin, living.seed, living.scale, living.simulated_day)
    execute(connection, sql("sql/remember_database"), values)


def remember_day(connection: Connection, name: str, day: date, counts: dict[str, int], dump_due: bool) -> None:
    """Records that `day` was lived; `dump_due` until its dump is left."""
    execute(connection, sql("sql/move_database"), (day, name))
    execute(connection, sql("sql/remember_day"), (name, day, json.dumps(counts, sort_keys=True), dump_due))


def remember_dump(connection: Connection, name: str, day: date, size: int | None) -> None:
    """Records that the dump of `day` is left (its size in bytes), or was left out on purpose (None)."""
    execute(connection, sql("sql/remember_dump"), (size, name, day))


def due_dumps(connection: Connection, name: str) -> list[date]:
    """Days that were lived and whose dump was not left, because a command was interrupted."""
    return [day for (day,) in query(connection, sql("sql/due_dumps"), (name,))]


def counts_on(connection: Connection, day: date) -> dict[str, dict[str, int]]:
    """Rows per database and table at the end of `day`, of the databases that have lived it."""
    return {name: json.loads(counts) for name, counts in query(connection, sql("sql/counts_on"), (day,))}


def breaks_of(connection: Connection, name: str) -> dict[str, str]:
    """What is broken in a database: rule -> detail, sorted by rule."""
    return {rule: detail or "" for rule, detail in query(connection, sql("sql/breaks_of"), (name,))}


def remember_break(connection: Connection, name: str, rule: str, detail: str) -> None:
    """Records a break; once more is the same as once."""
    execute(connection, sql("sql/remember_break"), (name, rule, detail))


def forget_break(connection: Connection, name: str, rule: str) -> None:
    """Removes the record of a break."""
    execute(connection, sql("sql/forget_break"), (name, rule))
