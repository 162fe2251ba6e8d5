"""Whose dump the staging database and the raw dataset hold.

Several runs of one database may be active at once (a backfill, a manual run), and they share one
staging database and one raw dataset. So the import leaves a marker table in the staging database
that names its run, and every later step of a run checks it: a step can never read another day's
rows, not even after somebody cleared a task of an old run.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from tributary import naming
from tributary.errors import StagingTakenError

_TABLE = f"`{naming.LOAD_MARKER}`"
_COLUMNS = ("run_id", "dump_date", "dump_uri", "dump_generation")


@dataclass(frozen=True)
class LoadMarker:
    """Which run loaded which dump."""

    run_id: str
    dump_date: str
    dump_uri: str
    dump_generation: int


def read_marker(hook: Any, database: str) -> LoadMarker | None:
    """The marker in the staging database; None where the database or the marker is missing.

    `hook` is a MySqlHook on the Cloud SQL instance.
    """
    found = hook.get_first(
        "select count(*) from information_schema.tables where table_schema = %s and table_name = %s",
        parameters=(database, naming.LOAD_MARKER),
    )
    if not found[0]:
        return None
    row = hook.get_first(f"select {', '.join(_COLUMNS)} from `{database}`.{_TABLE}")  # noqa: S608
    return LoadMarker(*row) if row else None


def write_marker(hook: Any, database: str, marker: LoadMarker) -> None:
    """Leave the marker in the staging database; the last thing that an import does."""
    table = f"`{database}`.{_TABLE}"
    values = asdict(marker)
    hook.run(
        f"create table {table} (run_id varchar(250), dump_date char(10), "
        "dump_uri varchar(1100), dump_generation bigint)"
    )
    hook.run(
        f"insert into {table} ({', '.join(_COLUMNS)}) values (%s, %s, %s, %s)",  # noqa: S608
        parameters=tuple(values[column] for column in _COLUMNS),
    )


def require_own(marker: LoadMarker | None, *, database: str, run_id: str) -> LoadMarker:
    """The marker, if it is this run's. Raises StagingTakenError that says how to go on."""
    if marker is None or marker.run_id != run_id:
        holder = (
            "no dump that was imported whole"
            if marker is None
            else (f"the dump of {marker.dump_date}, loaded by run {marker.run_id!r}")
        )
        raise StagingTakenError(
            f"the staging database {database} holds {holder}, but this is run {run_id!r}. "
            "Clear import_dump of this run, with everything downstream, to load its own dump again."
        )
    return marker
