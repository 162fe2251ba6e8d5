"""One Airflow DAG `elt__<db>` for every database of the registry."""

from airflow.sdk import get_parsing_context

from tributary import naming
from tributary.dbt_artifacts import has_models
from tributary.pipeline import build_elt_dag
from tributary.registry import load_registry

registry = load_registry()
# A task needs its own DAG alone; building the others would only cost it time.
wanted = get_parsing_context().dag_id

for database in registry.databases.values():
    if wanted not in (None, naming.dag_id(database.name)):
        continue
    # One whose models dbt has not been asked about must not take the others' DAGs away; broken_databases.py tells it.
    if database.contract.raw_only or has_models(database.app):
        globals()[naming.dag_id(database.name)] = build_elt_dag(database, registry)
