"""Where the dbt project lies, and what Airflow reads of it. Without Cosmos, which takes seconds to import."""

from __future__ import annotations

import shutil
import subprocess

from tributary.errors import TributaryError
from tributary.registry import INCLUDE, Registry
from tributary.settings import dbt_executable

PROJECT = INCLUDE / "dbt"
# Written by stack/dbt-artifacts when the stack or the image is built: no task and no parse runs dbt for it.
MANIFEST = PROJECT / "target" / "manifest.json"
# In it, for each group, what `dbt ls` says of the models that get a task: to read the manifest of all models, and to
# select from it, would be three quarters of the time that a DAG takes to build.
SHOWN = PROJECT / "target" / "shown"


def has_models(app: str) -> bool:
    """Whether the models of an app are among what Airflow reads; without them its DAGs cannot be built."""
    return (SHOWN / f"{app}.jsonl").is_file()


def apps_without_models(registry: Registry) -> list[str]:
    """The apps whose models are missing there, because they came after it was written."""
    return [app for app in registry.built if not has_models(app)]


def refresh() -> bool:
    """Have dbt write it anew, as when a stack starts or an image is built; needs no warehouse.

    False where there is no dbt here. Raises TributaryError where dbt does not take the models.
    """
    script = INCLUDE.parent / "stack" / "dbt-artifacts"
    if shutil.which(dbt_executable()) is None or not script.is_file():
        return False
    done = subprocess.run([str(script), dbt_executable()], capture_output=True, text=True, check=False)
    if done.returncode:
        raise TributaryError(f"dbt does not take the project: {done.stderr.strip()[-2000:]}")
    return True
