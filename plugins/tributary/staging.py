"""Whose dump the staging database and the raw dataset hold.

Several runs of one database may be active at once (a backfill, a manual run), and they share one
staging database and one raw dataset. So the import leaves a marker table in the staging database
that names its run, and every later step of a run checks it: a step can never read another day's
rows, not even after somebody cleared a task of an old run.

The marker stands there from before the import is submitted, and says when the dump is in whole. It
also keeps the notes of `tributary.resuming`, for the import and for the sync.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from tributary import naming
from tributary.errors import StagingTakenError

_TABLE = f"`{naming.LOAD_MARKER}`"
_COLUMNS = ("run_id", "dump_date", "dump_uri", "dump_generation", "import_after", "whole", "sync_after")


@dataclass(frozen=True)
class LoadMarker:
    """Which run loads or loaded which dump, and how far it is.

    `import_after` is the newest import into this database before this run's (empty: there was none).
    `sync_after` is the newest Airbyte job before this run's sync, while that is under way (0: there was
    none); None before it begins and after its end.
    """

    run_id: str
    dump_date: str
    dump_uri: str
    dump_generation: int
    import_after: str = ""
    whole: bool = False
    sync_after: int | None = None


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
    if not row:
        return None
    values = dict(zip(_COLUMNS, row, strict=True))
    return LoadMarker(**{**values, "whole": bool(values["whole"])})


def columns_of(hook: Any, database: str) -> dict[str, list[str]]:
    """The staging database's columns by table."""
    columns: dict[str, list[str]] = {}
    for table, column in hook.get_records(
        "select table_name, column_name from information_schema.columns where table_schema = %s "
        "order by table_name, ordinal_position",
        parameters=(database,),
    ):
        columns.setdefault(table, []).append(column)
    return columns


def comments_of(hook: Any, database: str) -> dict[str, dict[str, str]]:
    """The comments of the staging database's columns, by table and column; empty where there is none."""
    comments: dict[str, dict[str, str]] = {}
    for table, column, comment in hook.get_records(
        "select table_name, column_name, column_comment from information_schema.columns where table_schema = %s",
        parameters=(database,),
    ):
        comments.setdefault(table, {})[column] = comment
    return comments


def write_marker(hook: Any, database: str, marker: LoadMarker) -> None:
    """Leave the marker in a fresh staging database, before anything is imported into it."""
    table = f"`{database}`.{_TABLE}"
    values = asdict(marker)
    hook.run(
        f"create table {table} (run_id varchar(250), dump_date char(10), dump_uri varchar(1100), "
        "dump_generation bigint, import_after varchar(100), whole boolean, sync_after bigint)"
    )
    hook.run(
        f"insert into {table} ({', '.join(_COLUMNS)}) values (%s, %s, %s, %s, %s, %s, %s)",  # noqa: S608
        parameters=tuple(values[column] for column in _COLUMNS),
    )


def mark_whole(hook: Any, database: str, run_id: str) -> None:
    """Say that the run's dump is in, to its last row."""
    hook.run(f"update `{database}`.{_TABLE} set whole = true where run_id = %s", parameters=(run_id,))  # noqa: S608


def mark_sync(hook: Any, database: str, run_id: str, after: int | None) -> None:
    """Note the newest Airbyte job before the run's sync, or take the note back with None."""
    hook.run(
        f"update `{database}`.{_TABLE} set sync_after = %s where run_id = %s",  # noqa: S608
        parameters=(after, run_id),
    )


def require_own(marker: LoadMarker | None, *, database: str, run_id: str) -> LoadMarker:
    """The marker, if it is this run's and its dump is in. Raises StagingTakenError that says how to go on."""
    if marker is None or marker.run_id != run_id or not marker.whole:
        holder = (
            "no dump that was imported whole"
            if marker is None or marker.run_id == run_id
            else (f"the dump of {marker.dump_date}, loaded by run {marker.run_id!r}")
        )
        raise StagingTakenError(
            f"the staging database {database} holds {holder}, but this is run {run_id!r}. "
            "Clear import_dump of this run, with everything downstream, to load its own dump again."
        )
    return marker
