"""Shows the databases that cannot be loaded as an import error in the UI; has no DAG of its own.

In a file of its own, because an import error stops the scheduling of every DAG of its file.
"""

from airflow.sdk import DAG  # noqa: F401 - Airflow reads only files that mention it

from tributary.errors import RegistryError
from tributary.registry import load_registry

broken = load_registry().broken
if broken:
    raise RegistryError("\n".join(f"{database.name}: {database.error}" for database in broken))
