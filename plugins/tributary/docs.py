"""The pages of the DAGs: what they do, what they need, and what to look at when one is red."""

from __future__ import annotations

from tributary import naming
from tributary.registry import Database, Registry

_ELT = """
### {database}: from its nightly dump to checked marts

Takes the dump of one day from the bucket (`{pattern}`), imports it into the Cloud SQL instance
`{instance}`, copies it with Airbyte to `{raw}`{marts}.

| task | does | when it is red, look at | safe to clear |
| --- | --- | --- | --- |
| `find_dump` | waits up to {wait} for the newest whole object of the day | the bucket: did the source leave a dump? | yes |
| `preflight` | reads the dump as a stream: whole, the right database, nothing hostile, as many rows as its guards allow | the report in its log; have the dump left again, then clear `find_dump` | yes |
| `import_dump` | makes the staging database anew and imports the dump | the message of Cloud SQL in its log | yes, with what follows |
| `sync` | makes the Airbyte connection match the contract and runs it | the job's log in Airbyte | yes, with what follows |
| `reconcile` | rows in the dump = in the staging database = in `{raw}`, the latter two with the same content | the tables and figures in its message | yes |
| `validate_raw` | Great Expectations on `{raw}` | the rule and keys in its message; `ops.quality_results` | yes |
{rest}
**Run it for another day**: trigger it with a date, or create a backfill over a range. Every day
has a partition (`_dump_date`) of its own, so days can be loaded in any order and again. With
`force`, tables may have shrunk or grown beyond their guards, and the dump may be an older one.

**Runs at the same time** share one staging database: the later one waits in `import_dump`. A task
of an older run that is cleared when another run has taken the staging database or `{raw}` says so and
asks to clear `import_dump`.
"""

_MARTS_ROWS = """| `transform` | dbt: staging views, marts and histories of `{app}` into dataset `{dataset}` | the log of `transform.dbt_producer_watcher` | yes, as a group |
| `validate_marts` | Great Expectations on the day's partition, rows = raw's; updates the asset `{database}` | the rule and keys in its message | yes |
"""

_CONSOLIDATE = """
### All databases as one dataset

Waits until each database's dump of the day has landed or its run has failed, at most {cut_off};
builds every mart of the databases that have landed anew in `{audit}`, validates it there, and publishes
all tables in one transaction. A database that is late keeps the rows of its last landed dump and is `stale` in
`{consolidated}.databases`.

| task | does | when it is red, look at | safe to clear |
| --- | --- | --- | --- |
| `await_databases` | decides which day's rows each database contributes, and which have changed | the `elt__` DAGs of that day | yes, with what follows |
| `transform` | dbt: the consolidated models into `{audit}` | the log of `transform.dbt_producer_watcher` | yes, as a group |
| `validate_audit` | Great Expectations on `{audit}` | the rule and keys in its message | yes |
| `publish` | rows and content = the marts', keeps a version, then one transaction | the figures in its message, or who has put it on hold; readers still see the old rows | yes |

**For another day**: trigger it with a date; `consolidated` is then as of that day. **Do not wait**:
trigger it with `force`. **Build all anew**, what has not changed too: with `everything`. **Go back** to what
was published before: `tributary rollback`.

Databases: {databases}.
"""

HOUSEKEEPING = """
### What looks after the other DAGs

| task | does | when it is red, look at | safe to clear |
| --- | --- | --- | --- |
| `sweep_dead_letters` | records failures that no task could tell itself (a killed process, a file that does not import), closes the records of what has healed | whether the connection `airflow_api` and the dumps' bucket can be reached | yes |
| `remove_copies` | removes the copies of dumps (`_cleaned/` in the bucket) that pre-flight made more than 7 days ago | whether the bucket can be reached, and objects in it be deleted | yes |
| `record_costs` | brings the BigQuery jobs that have ended into `ops.costs` | whether the account of `google_cloud_default` may list the jobs of all users (`bigquery.jobs.listAll`) | yes |
| `expire_ops` | after midnight (UTC) removes what `ops` has kept for `ops: {keep: ...}` of the registry; skipped at other times | whether BigQuery can be reached | yes |

`tributary dead-letters sweep` does what the first does at once.
""".strip()


def elt(database: Database) -> str:
    """The page of a database's DAG, in Markdown."""
    raw_only = database.contract.raw_only
    names = {
        "database": database.name,
        "app": database.app,
        "pattern": database.dump_pattern,
        "instance": database.cloud_sql_instance,
        "raw": naming.raw_dataset(database.name),
        "dataset": naming.dataset(database.name),
        "wait": _hours(database.dump_wait.total_seconds()),
    }
    marts = "" if raw_only else f", and builds the marts of `{database.app}` in dataset `{database.name}`"
    rest = "" if raw_only else _MARTS_ROWS.format(**names)
    return _ELT.format(**names, marts=marts, rest=rest).strip()


def consolidate(registry: Registry) -> str:
    """The page of the consolidation's DAG, in Markdown."""
    return _CONSOLIDATE.format(
        cut_off=_hours(registry.consolidation.cut_off.total_seconds()),
        audit=naming.CONSOLIDATED_AUDIT,
        consolidated=naming.CONSOLIDATED,
        databases=", ".join(f"`{name}`" for name in registry.consolidated_databases),
    ).strip()


def _hours(seconds: float) -> str:
    hours = seconds / 3600
    return f"{hours:g} hour{'' if hours == 1 else 's'}"
