"""What Airflow reads of the dbt project: written anew where the project has changed, and only then."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The dbt project and what writes its artifacts, where both may be changed."""
    left_out = shutil.ignore_patterns("target", "logs")
    shutil.copytree(ROOT / "include" / "dbt", tmp_path / "include" / "dbt", ignore=left_out)
    (tmp_path / "stack").mkdir()
    shutil.copy(ROOT / "stack" / "dbt-artifacts", tmp_path / "stack")
    return tmp_path


def written(checkout: Path) -> tuple[str, int]:
    """The models that the DAGs of the shops show after another look, and when that was written."""
    command = [str(checkout / "stack" / "dbt-artifacts"), os.environ["TRIBUTARY_DBT_EXECUTABLE"], "--without-page"]
    subprocess.run(command, check=True, env={**os.environ, "GOOGLE_CLOUD_PROJECT": "tributary-local"})
    shown = checkout / "include" / "dbt" / "target" / "shown" / "retail.jsonl"
    return shown.read_text(), shown.stat().st_mtime_ns


def test_a_model_that_went_is_shown_no_more(checkout: Path):
    before = written(checkout)
    assert "products__history" in before[0]
    assert written(checkout) == before
    shutil.rmtree(checkout / "include" / "dbt" / "models" / "generated" / "retail")
    after = written(checkout)
    assert "products__history" not in after[0]
    assert len(after[0].splitlines()) == len(before[0].splitlines()) - 1
