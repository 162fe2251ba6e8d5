"""Every derived name is made here, and only here.

Names of BigQuery datasets allow letters, digits and underscores; the registry lets only such
names through (`registry.DATABASE_NAME`), so nothing here needs quoting or cutting.
"""

from __future__ import annotations

from datetime import date

CONSOLIDATED = "consolidated"
CONSOLIDATED_AUDIT = "consolidated__audit"
OPS = "ops"
CONSOLIDATE_DAG = "consolidate"
HOUSEKEEPING_DAG = "housekeeping"

_ELT = "elt__"
_RAW = "raw__"

# The column of every consolidated table that says whose row it is.
DATABASE_COLUMN = "_database"
# A table beside those of a kept version: what `ops.published` is to say of it (one row).
PUBLICATION = "_tributary_publication"

# MySQL's own limit.
_LONGEST_COLUMN = 64

# A table that the sync writes beside the raw tables: which dump they hold (one row).
LOAD_MARKER = "_tributary_load"

# The task of a dbt group that runs dbt; the others of the group show what it has done, one a model. Cosmos' name.
DBT_PRODUCER = "dbt_producer_watcher"
# The task that ends with the landing of a database: its marts are built and checked.
LANDING = "validate_marts"


def dag_id(database: str) -> str:
    """`shop_eu` -> `elt__shop_eu`."""
    return f"{_ELT}{database}"


def database_of(dag_id: str) -> str | None:
    """`elt__shop_eu` -> `shop_eu`; None for a DAG that is not a database's."""
    return dag_id.removeprefix(_ELT) or None if dag_id.startswith(_ELT) else None


def step_of(task_id: str) -> str:
    """What people call a task: `transform.orders_run` -> `transform`, `sync` -> `sync`."""
    return task_id.partition(".")[0]


def staging_database(database: str) -> str:
    """The database on the Cloud SQL instance that a dump is imported into."""
    return database


def raw_dataset(database: str) -> str:
    """The dataset that Airbyte writes: `shop_eu` -> `raw__shop_eu`."""
    return f"{_RAW}{database}"


def database_of_raw(dataset: str) -> str | None:
    """`raw__shop_eu` -> `shop_eu`; None for another dataset."""
    return dataset.removeprefix(_RAW) or None if dataset.startswith(_RAW) else None


def quarantine_dataset(database: str) -> str:
    """The dataset of the rows that were set aside: `shop_eu` -> `quarantine__shop_eu`."""
    return f"quarantine__{database}"


def dataset(database: str) -> str:
    """The dataset of a database's staging views and marts."""
    return database


def history_table(table: str) -> str:
    """The table of every version that a table's rows have had: `products` -> `products__history`."""
    return f"{table}__history"


def history_days(history: str) -> str:
    """The table of the days that a history knows: `products__history` -> `products__history_days`."""
    return f"{history}_days"


def found_column(column: str) -> str:
    """Where a staging table keeps what the dump has of a column of another type: `price` -> `_found_price`."""
    return f"_found_{column}"[:_LONGEST_COLUMN]


def unfit_column(column: str) -> str:
    """Where rows that are to be set aside keep what the contract's type cannot hold: `price` -> `_unfit_price`."""
    return f"_unfit_{column}"[:_LONGEST_COLUMN]


def personal_column(column: str) -> str:
    """Where a staging table keeps the clear values of a column that is copied otherwise: `email` -> `_personal_email`.

    Contracts have no longer names of such columns than fit.
    """
    return f"_personal_{column}"


def version_dataset(version: str) -> str:
    """The dataset that keeps what was published: `20261121T020304567` -> `consolidated__v20261121T020304567`.

    No database has such a name: theirs are lower case.
    """
    return f"{CONSOLIDATED}__v{version}"


def import_pool(instance: str) -> str:
    """The pool with one slot that lets one import at a time run on a Cloud SQL instance."""
    return f"cloud_sql__{instance}"


def airbyte_name(database: str) -> str:
    """The name of the Airbyte source and connection of a database."""
    return f"tributary__{database}"


def asset_uri(project_dataset: str) -> str:
    """An asset's URI for a BigQuery dataset; the scheme keeps it apart from tables' URIs."""
    return f"tributary://bigquery/{project_dataset}"


def producer_of(task_id: str) -> str | None:
    """`transform.orders_run` -> `transform.dbt_producer_watcher`; None for a task that runs something."""
    group, dot, name = task_id.rpartition(".")
    return f"{group}.{DBT_PRODUCER}" if dot and name != DBT_PRODUCER else None


def run_id(day: date) -> str:
    """The run id of a run that a person or `tributary run` asks for, one per day."""
    return f"manual__{day.isoformat()}"
