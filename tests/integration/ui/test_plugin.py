"""What every process of Airflow pays for the plugin."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import json, sys
import airflow.plugins_manager
before = set(sys.modules)
import tributary_plugin
made = tributary_plugin.TributaryPlugin()
assert made.external_views and "fastapi_apps" not in vars(made)
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def test_a_process_that_serves_no_pages_imports_nothing_for_them(root: Path, tmp_path: Path):
    environment = {**os.environ, "AIRFLOW_HOME": str(tmp_path), "PYTHONPATH": str(root / "plugins")}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    imported = json.loads(done.stdout.splitlines()[-1])
    assert "tributary_plugin" in imported
    heavy = ("fastapi", "starlette", "jinja2", "pygal", "google", "tributary.ui", "airflow.api_fastapi")
    assert [name for name in imported if name.startswith(heavy)] == []
