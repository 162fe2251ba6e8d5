"""What a connection moves: checking its configured streams against the source, and planning one sync."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from localcloud.airbyte.catalog import SourceColumn, SourceStream
from localcloud.airbyte.errors import Problem
from localcloud.airbyte.names import safe_name
from localcloud.airbyte.types import Column, column_for

SYNC_MODES = (
    "full_refresh_overwrite", "full_refresh_overwrite_deduped", "full_refresh_append",
    "incremental_append", "incremental_deduped_history",
)  # fmt: skip

PROPAGATING = ("propagate_columns", "propagate_fully")

Body = dict[str, Any]


class StreamBroken(Exception):
    """The source changed so that a configured stream cannot be read."""


@dataclass(frozen=True)
class StreamPlan:
    """One table of one sync; *table* and *primary_key* are BigQuery's names."""

    name: str
    table: str
    mode: str
    columns: list[Column]
    primary_key: list[str]
    cursor: Column | None
    notes: list[str]


def streams_of(found: dict[str, SourceStream]) -> list[Body]:
    """The answer of ``GET /streams`` but for its namespace."""
    return [
        {
            "streamName": stream.name,
            "syncModes": list(
                SYNC_MODES if stream.primary_key else (mode for mode in SYNC_MODES if "dedup" not in mode)
            ),
            "defaultCursorField": [],
            "sourceDefinedCursorField": False,
            "sourceDefinedPrimaryKey": [[name] for name in stream.primary_key],
            "propertyFields": [[column.name] for column in stream.columns],
        }
        for stream in found.values()
    ]


def configured(requested: Body | None, found: dict[str, SourceStream]) -> Body:
    """The connection's ``configurations``: as requested and checked, or every stream when nothing is
    requested.

    Raises Problem 400 for an unknown stream or field, an unknown sync mode, a missing cursor or primary key.
    """
    streams = (requested or {}).get("streams")
    if streams is None:
        streams = [{"name": name} for name in found]
    if len({stream["name"] for stream in streams}) < len(streams):
        raise Problem(400, message="configurations.streams: a stream is listed twice")
    return {"streams": [_configured_stream(dict(stream), found) for stream in streams]}


def _configured_stream(stream: Body, found: dict[str, SourceStream]) -> Body:
    name = stream["name"]
    source = found.get(name)
    if source is None:
        raise Problem(400, message=f"Invalid stream found: {name}. The list of valid streams include: {list(found)}.")
    mode = stream.setdefault("syncMode", "full_refresh_overwrite")
    if mode not in SYNC_MODES:
        raise Problem(
            400,
            message=f"Cannot set sync mode to {mode} for stream {name}. Valid sync modes are: {SYNC_MODES}",
        )
    known = {column.name for column in source.columns}
    used = [*stream.get("cursorField", []), *_flat(stream.get("primaryKey")), *_selected(stream)]
    unknown = [field for field in used if field not in known]
    if unknown:
        raise Problem(400, message=f"Invalid field {unknown[0]} of stream {name}. Valid fields are: {sorted(known)}.")
    if mode.startswith("incremental") and len(stream.get("cursorField", [])) != 1:
        raise Problem(400, message=f"No cursor field specified for stream: {name}")
    if "dedup" in mode:
        stream.setdefault("primaryKey", [[field] for field in source.primary_key])
        if not stream["primaryKey"]:
            raise Problem(400, message=f"No primary key specified for stream: {name}")
    return stream


def _flat(paths: list[list[str]] | None) -> list[str]:
    return [path[0] for path in paths or []]


def _selected(stream: Body) -> list[str]:
    return [field["fieldPath"][0] for field in stream.get("selectedFields") or []]


def snapshot(configurations: Body, found: dict[str, SourceStream]) -> Body:
    """The configured streams' columns at this moment, as JSON: what a later sync compares the source with."""
    names = [stream["name"] for stream in configurations["streams"]]
    return {name: [asdict(column) for column in found[name].columns] for name in names}


def plan(stream: Body, connection: Body, found: dict[str, SourceStream]) -> StreamPlan:
    """How to move *stream* now that the source looks like *found*. Raises StreamBroken.

    A column that is new in the source moves only when the connection propagates changes; one that is gone
    stays as NULLs, or goes, when it does.
    """
    name = stream["name"]
    source = found.get(name)
    if source is None:
        raise StreamBroken(f"stream {name!r}: not found or not accessible in the source database")
    behaviour = connection["nonBreakingSchemaUpdatesBehavior"]
    known = {column["name"]: SourceColumn(**column) for column in connection["catalog"][name]}
    present = {column.name: column for column in source.columns}
    new = [field for field in present if field not in known]
    gone = [field for field in known if field not in present]
    if (new or gone) and behaviour == "disable_connection":
        raise StreamBroken(f"stream {name!r}: the schema changed (new {new}, gone {gone}); the connection is disabled")

    chosen = set(_selected(stream)) or set(known) | set(present)
    columns = []
    for field in [*present, *gone]:
        if field not in chosen or (field in new and behaviour not in PROPAGATING):
            continue
        if field in present:
            columns.append(column_for(present[field]))
        elif behaviour not in PROPAGATING:
            columns.append(replace(column_for(known[field]), read="cast(null as char)", fallible=False))

    needed = [*_flat(stream.get("primaryKey")), *(stream.get("cursorField") or [])]
    lost = [field for field in needed if field in gone]
    if lost:
        raise StreamBroken(f"stream {name!r}: primary key or cursor {lost} is gone from the source")
    by_name = {column.name: column for column in columns}
    notes = [f"stream {name}: new in the source: {new}"] if new else []
    notes += [f"stream {name}: gone from the source: {gone}"] if gone else []
    return StreamPlan(
        name=name,
        table=table_of(stream, connection),
        mode=stream["syncMode"],
        columns=columns,
        primary_key=[safe_name(field) for field in _flat(stream.get("primaryKey"))]
        if "dedup" in stream["syncMode"]
        else [],
        cursor=by_name[stream["cursorField"][0]] if stream["syncMode"].startswith("incremental") else None,
        notes=notes,
    )


def table_of(stream: Body, connection: Body) -> str:
    """The BigQuery table that a stream goes to."""
    return safe_name(stream.get("destinationObjectName") or f"{connection.get('prefix') or ''}{stream['name']}")


def dataset_of(connection: Body, source: Body, destination: Body) -> str:
    """The BigQuery dataset that a connection writes to, from its namespace settings."""
    namespace = source["database"]
    default: str = destination["dataset_id"]
    definition = connection["namespaceDefinition"]
    if definition == "source":
        chosen = namespace
    elif definition == "custom_format":
        chosen = (connection.get("namespaceFormat") or "").replace("${SOURCE_NAMESPACE}", namespace) or default
    else:
        chosen = default
    return safe_name(chosen)
