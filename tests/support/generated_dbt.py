"""dbt on the models of a database that are made of its contract."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from tests.conftest import ROOT
from tests.support.dbt import run_dbt
from tributary import naming
from tributary.generated import _dbt_source
from tributary.generated_models import models_of
from tributary.registry import Database


def build_generated(database: Database, folder: Path, day: str) -> str:
    """dbt, as the task `transform` runs it, on the models that are made of the contract; what it printed.

    The project is copied to `folder`; what dbt writes beside tables is in its folder `target`.
    """
    project = folder / "dbt"
    listed = subprocess.run(["git", "ls-files", "-z", "include/dbt"], cwd=ROOT, capture_output=True, check=True)
    skipped = ("include/dbt/models/flights", "include/dbt/models/retail", "include/dbt/models/consolidated",
               "include/dbt/models/generated", "include/dbt/models/sources", "include/dbt/tests")  # fmt: skip
    for path in filter(None, listed.stdout.decode().split("\0")):
        if not path.startswith(skipped):
            target = folder / Path(path).relative_to("include")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / path).read_bytes())
    for place, text in models_of(database.contract, database.name):
        target = project / "models" / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    (project / "models" / "source.yml").write_text(_dbt_source(database.contract, database.name))
    variables = json.dumps({"database": database.name, "app": database.app})
    code, text = run_dbt(
        "build", "--select", f"tag:{database.app}", "--vars", variables, project=project, target=folder / "target",
        env={**os.environ, "TRIBUTARY_DBT_DATASET": naming.dataset(database.name), "TRIBUTARY_DUMP_DATE": day},
    )  # fmt: skip
    assert code == 0, text
    return text
