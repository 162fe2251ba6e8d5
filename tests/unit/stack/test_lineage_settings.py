"""What docs/lineage.md tells a deployment to set is what the local stack sets, but for where the events go."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

from stack import environment


def documented(root: Path) -> dict[str, Any]:
    """The settings of the page, by their names."""
    (block,) = re.findall(r"```bash\n(AIRFLOW__.*?)```", (root / "docs" / "lineage.md").read_text(), re.S)
    settings = dict(word.split("=", 1) for word in shlex.split(block))
    return {name.removeprefix("AIRFLOW__"): value for name, value in settings.items()}


def test_the_page_and_the_stack_agree(root: Path, tmp_path: Path):
    shown, used = documented(root), {name: str(value) for name, value in environment.lineage(tmp_path / "a").items()}
    assert set(shown) == set(used)
    transports = [json.loads(settings.pop("OPENLINEAGE__TRANSPORT")) for settings in (shown, used)]
    kinds = [transport.pop("transport")["type"] for transport in transports]
    assert kinds == ["http", "file"]
    assert transports[0] == transports[1]
    policies = [json.loads(settings.pop("OPENLINEAGE__EMISSION_POLICY")) for settings in (shown, used)]
    assert policies[0] == policies[1]
    assert shown == used
