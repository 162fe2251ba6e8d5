"""From `consolidated__audit` to `consolidated`: all tables in one transaction, or none.

BigQuery makes one statement atomic for one table; several tables change together only in a
multi-statement transaction, which takes DML but no DDL. So tables and columns that are missing
are made before it, and inside it the rows of each table are removed and filled in again: those of the
databases that have changed, or all where that is not certain.

What is published is first kept as a version (`tributary.versions`), and published from there; so a
rollback is the same transaction from an older version. Its last statement writes `ops.published`:
what that log says and what readers see change together, wherever a try is killed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tributary import editions, naming, versions
from tributary.consolidation import Plan
from tributary.errors import OvertakenError, StageMismatchError
from tributary.forgetting.requests import require_none_open
from tributary.holds import refuse_while_held
from tributary.ledger.audited import Contents, audited_contents, check_against_marts
from tributary.ledger.reading import row_counts, table_columns
from tributary.ledger.store import OpsStore, ensure_dataset, execute
from tributary.sqlfiles import compose_sql, names_sql, render_sql
from tributary.versions import DATABASES, Publication

if TYPE_CHECKING:
    from google.cloud.bigquery import Client, SchemaField

log = logging.getLogger(__name__)

Columns = dict[str, dict[str, str]]

# Why the transaction ends itself: the words by which its error is known again.
_HELD = "publishing is on hold"
_OVERTAKEN = "another version is live"
_FORGOTTEN = "somebody was asked to be forgotten"
_FORGOTTEN_MEANWHILE = (
    "somebody was asked to be forgotten while this was prepared, and it may have the rows. Nothing was changed; the "
    "next try, after `tributary forget` has ended, reads anew."
)
# A variable of the transaction's script. Where a table has a column of that name, BigQuery takes the column.
_REPLACED = "_tributary_replaced"


def publish(
    client: Client,
    location: str,
    *,
    run_id: str,
    apps: Mapping[str, Iterable[str]],
    tables: Mapping[str, Iterable[str]],
    plan: Plan,
    keep: int,
) -> Contents:
    """Check the audited tables against the marts, keep a version with them, and publish it.

    May be repeated after a kill at any point: the same run with the same tables is the same version.

    :param apps: the databases of each app; `tables`: the marts of each app.
    :param plan: what `await_databases` decided.
    :param keep: how many versions to keep; older ones, and what killed tries left, are removed.
    Returns what each database that was built anew has, by table. Raises StageMismatchError where a database's rows are
    not its marts', PublishHeldError while publishing is on hold, OvertakenError (which passes) where another run
    rebuilds the audited tables or publishes at the same time, or somebody's rows are being taken out, PlanOutdatedError
    where the plan no longer holds; nothing is published then.
    """
    store = OpsStore(client, location)
    # For a quick answer; the transaction itself asks again, as all this takes its time.
    refuse_while_held(store)
    forgotten = require_none_open(store)
    names = [table for app in apps for table in tables[app]]
    # Before they are read: what is published is what was checked, if they are still the same afterwards.
    written = versions.changes(client, names)
    plan.refuse_landed_again(store)
    contents = audited_contents(client, apps, tables, plan.changed)
    check_against_marts(client, contents, plan.changed)
    older = plan.older(store, run_id)
    databases = plan.databases(apps, contents, older)
    content = versions.content_of(written, run_id=run_id, databases=databases)
    whole = {version.content: version for version in versions.kept(client)}
    version = whole.get(content) or versions.make(
        client, location, content=content, written=written, databases=databases, base=plan.base_of(apps, tables, older)
    )
    with versions.not_removed(client, version.id):
        rows = row_counts(client, version.dataset, names)
    _refuse_forgotten_since(store, forgotten)
    _check_whole(version.dataset, rows, databases)
    publication = Publication(
        version=version.id,
        run_id=run_id,
        day=plan.day,
        as_of=dict(plan.as_of),
        tables={**rows, DATABASES: len(databases)},
        row_count=sum(rows.values()),
    )
    with versions.not_removed(client, version.id):
        make_live(store, location, publication, all_rows=older is None, forgotten=forgotten)
    versions.prune(client, store, keep)
    return contents


def make_live(
    store: OpsStore,
    location: str,
    publication: Publication,
    *,
    all_rows: bool,
    databases: Iterable[str] = (),
    forgotten: int | None = None,
) -> None:
    """Make `consolidated` what a kept version is, and record it, in one transaction.

    Tables that were published before and that the version does not have lose their rows. Rows of databases that are the
    same in the version that was live are left where they are, unless `all_rows` are to be replaced, or those of these
    `databases`. With nothing published, raises StageMismatchError where a column has another type by now,
    PublishHeldError where publishing is on hold, which holds no rollback up, and OvertakenError where another version
    became live since this began, or there are not as many records of `ops.forgotten` any more as `forgotten` says.
    """
    client, source = store.client, naming.version_dataset(publication.version)
    # Of a version that is gone the emulator says that it has no columns; this raises NotFound there, too.
    client.get_dataset(source)
    kept = table_columns(client, source)
    columns = {name: kept[name] for name in publication.tables}
    # Before the tables: one that another run makes in between is then found in the transaction, by what is live.
    seen = versions.published(store)
    if not seen:
        store.create_tables()
    ensure_dataset(client, naming.CONSOLIDATED, location)
    published = table_columns(client, naming.CONSOLIDATED)
    altered = _prepare(client, source, columns, published)
    sql = render_sql("consolidated/publication", dataset=source, table=naming.PUBLICATION)
    execute(client, sql, publication=publication.to_json())
    # Others in the dataset are somebody's, and one that somebody has dropped is no table to empty.
    ever = {name for one in seen for name in one.tables}
    left: dict[str, list[str]] = {name: [] for name in sorted(ever & published.keys() - columns.keys())}
    live = seen[0] if seen else None
    partly = Partly() if all_rows or not live else _partly(client, publication, live, published, altered)
    if partly.tables:
        partly = replace(partly, databases=tuple(sorted({*partly.databases, *databases})))
    with _refusals_told(store):
        execute(client, transaction(publication, {**columns, **left}, live.version if live else "", partly, forgotten))


@dataclass(frozen=True)
class Partly:
    """In these tables, only the rows of these databases are replaced; in any other, all rows."""

    tables: frozenset[str] = frozenset()
    databases: tuple[str, ...] = ()


def transaction(
    publication: Publication,
    columns: Mapping[str, Iterable[str]],
    live: str,
    partly: Partly = Partly(),
    forgotten: int | None = None,
) -> str:
    """The script that replaces the rows of every table by those of the publication's version.

    `columns` lists each table's; a table without any is emptied. It ends with an error, and changes nothing, where
    another version than `live` is so by now, or `ops.forgotten` has not as many records as `forgotten`; a publish also
    while publishing is on hold.
    """
    source = naming.version_dataset(publication.version)
    # Here and not only before: what BigQuery has read in a transaction and what it writes belong to one moment,
    # and of two transactions that write the same tables it cancels one.
    steps = [render_sql("consolidated/refuse_held", refusal=_HELD)] if publication.kind == "publish" else []
    steps.append(
        render_sql("consolidated/refuse_overtaken", live=live, version=publication.version, refusal=_OVERTAKEN)
    )
    if forgotten is not None:
        steps.append(render_sql("consolidated/refuse_forgotten", records=str(forgotten), refusal=_FORGOTTEN))
    for table, names in columns.items():
        rows = {"condition": f"_database in unnest({_REPLACED})" if table in partly.tables else "true"}
        steps.append(compose_sql("consolidated/empty_table", rows, {"table": table}))
        if listed := ", ".join(names):
            identifiers = {"table": table, "columns": listed, "source": source}
            steps.append(compose_sql("consolidated/fill_table", rows, identifiers))
    record = render_sql("consolidated/record", source=source, publication=naming.PUBLICATION)
    declared = f"declare {_REPLACED} array<string> default {names_sql(partly.databases)};"
    return "\n".join((declared, "begin transaction;", *steps, record, "commit transaction;"))


@contextmanager
def _refusals_told(store: OpsStore) -> Iterator[None]:
    """Makes errors of ours from those with which the transaction refuses."""
    from google.api_core.exceptions import BadRequest

    try:
        yield
    except BadRequest as error:
        words = str(error)
        if _HELD in words:
            refuse_while_held(store)
            raise OvertakenError(
                "publishing was on hold, and was released a moment later. Nothing was published; the next try does."
            ) from None
        if _FORGOTTEN in words:
            raise OvertakenError(_FORGOTTEN_MEANWHILE) from None
        if _OVERTAKEN in words:
            raise OvertakenError(
                "another version became live while this one was prepared. Nothing was changed; "
                "`tributary rollback --list` shows what is live, and the next try replaces that."
            ) from None
        raise


def missing_columns(table: str, wanted: Mapping[str, str], existing: Mapping[str, str]) -> dict[str, str]:
    """The columns to add to a published table. Raises StageMismatchError where a type has changed."""
    for name, data_type in wanted.items():
        if name in existing and existing[name] != data_type:
            raise StageMismatchError(
                f"consolidated.{table}.{name} is {existing[name]}, the new rows have {data_type}. "
                f"Nothing was published. Rename the column in its models, or drop consolidated.{table}, "
                "which is then made anew; then publish or roll back again."
            )
    return {name: data_type for name, data_type in wanted.items() if name not in existing}


def _refuse_forgotten_since(store: OpsStore, forgotten: int) -> None:
    """For words that fit, as rows may have gone meanwhile; the transaction itself asks again."""
    if require_none_open(store) != forgotten:
        raise OvertakenError(_FORGOTTEN_MEANWHILE)


def _check_whole(dataset: str, rows: Mapping[str, int], databases: Iterable[Mapping[str, Any]]) -> None:
    """Raise StageMismatchError unless a version has the rows that were checked, and those of its older version."""
    found, expected = sum(rows.values()), sum(one["row_count"] for one in databases)
    if found != expected:
        raise StageMismatchError(
            f"{dataset}: expected {expected:,} rows of all databases, found {found:,}. Nothing was published. The "
            "version that rows were taken from was altered: trigger consolidate with `everything`."
        )


def _partly(
    client: Client, publication: Publication, live: Publication, published: Columns, altered: Set[str]
) -> Partly:
    """What differs between the live version and the one of the publication.

    :param published: the tables that are there; `altered` those that have new columns now, without values.
    """
    was, becomes = editions.held_by(client, live.version), editions.held_by(client, publication.version)
    if was is None or becomes is None:
        return Partly()
    found = row_counts(client, naming.CONSOLIDATED, live.tables.keys() & published.keys())
    if found != live.tables:
        odd = sorted(name for name, rows in live.tables.items() if rows != found.get(name))
        log.warning("%s: not as many rows as were published; those of all databases are replaced", ", ".join(odd))
        return Partly()
    tables = publication.tables.keys() & live.tables.keys() - altered - {DATABASES}
    return Partly(frozenset(tables), tuple(becomes.differing(was)))


def _prepare(client: Client, source: str, wanted: Columns, published: Columns) -> Set[str]:
    """Make the tables and columns that `consolidated` lacks; returns the tables that were there and lacked columns."""
    # Before anything is made: a type that has changed stops all of it.
    missing = {name: missing_columns(name, wanted[name], published[name]) for name in wanted if name in published}
    for name in wanted:
        if name not in published:
            _create_like(client, f"{client.project}.{source}.{name}", f"{client.project}.{naming.CONSOLIDATED}.{name}")
    for name, columns in missing.items():
        _tag_like(client, f"{client.project}.{source}.{name}", f"{client.project}.{naming.CONSOLIDATED}.{name}")
        for column, data_type in columns.items():
            execute(client, render_sql("consolidated/add_column", table=name, column=column, type=data_type))
    return {name for name, columns in missing.items() if columns}


def _tag_like(client: Client, source: str, target: str) -> None:
    """Give columns of one table the policy tags that they have in another; those that it lacks, it gets with them."""
    like = {field.name: field for field in client.get_table(source).schema if _tags_of(field)}
    if not like:
        return
    table = client.get_table(target)
    found = {field.name: field for field in table.schema}
    if all(name in found and _tags_of(found[name]) == _tags_of(field) for name, field in like.items()):
        return
    tagged = {name: _with_tags(found.get(name, field), like=field) for name, field in like.items()}
    table.schema = [*{**found, **tagged}.values()]
    client.update_table(table, ["schema"])


def _tags_of(field: SchemaField) -> tuple[str, ...]:
    return tuple(field.policy_tags.names) if field.policy_tags else ()


def _with_tags(field: SchemaField, like: SchemaField) -> SchemaField:
    """The field, nullable, with the tags of another one."""
    from google.cloud.bigquery import SchemaField

    tags = {"mode": "NULLABLE", "policyTags": {"names": list(_tags_of(like))}}
    return SchemaField.from_api_repr({**field.to_api_repr(), **tags})


def _create_like(client: Client, source: str, target: str) -> None:
    """An empty table with the columns and the layout of another, which may be a snapshot.

    Every column may be null: a version of another day may lack it.
    """
    from google.cloud.bigquery import SchemaField, Table

    like = client.get_table(source)
    columns = [
        field if field.mode != "REQUIRED" else SchemaField.from_api_repr({**field.to_api_repr(), "mode": "NULLABLE"})
        for field in like.schema
    ]
    table = Table(target, schema=columns)
    table.description = like.description
    table.time_partitioning = like.time_partitioning
    table.range_partitioning = like.range_partitioning
    table.clustering_fields = like.clustering_fields
    client.create_table(table, exists_ok=True)
