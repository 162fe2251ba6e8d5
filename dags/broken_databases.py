"""Shows what of the registry cannot be used as an import error in the UI; has no DAG of its own.

In a file of its own, because an import error stops the scheduling of every DAG of its file.
"""

from airflow.sdk import DAG  # noqa: F401 - Airflow reads only files that mention it

from tributary.dbt_artifacts import apps_without_models
from tributary.errors import RegistryError
from tributary.registry import load_registry

registry = load_registry()
wrong = [f"{database.name}: {database.error}" for database in registry.broken] + list(registry.faults)
wrong += [
    f"{app}: include/dbt/target has no models of it, so its databases have no DAGs; stack/dbt-artifacts writes it anew"
    for app in apps_without_models(registry)
]
if wrong:
    raise RegistryError("\n".join(wrong))
