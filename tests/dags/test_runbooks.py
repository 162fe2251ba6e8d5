"""Every alert leads to a page that says what to do."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from tributary.alerts.finding import RUNBOOK_STEPS, Finding, Kind, Severity

SECTIONS = ["What it means", "What readers see", "First look", "Safe actions", "When to wake whom"]


def runbook(kind: Kind, step: str | None) -> str:
    return Finding(
        kind=kind, subject="shop_eu", day=date(2013, 1, 2), step=step, cause="x", severity=Severity.page, owner="x",
        since=datetime(2013, 1, 2, tzinfo=UTC), headline="x",
    ).runbook  # fmt: skip


def steps_of(dags: dict[str, Any]) -> set[str]:
    """As findings name them: a model's task counts as its group."""
    return {task_id.split(".")[0] for dag in dags.values() for task_id in dag.task_ids}


def test_every_alert_of_every_step_has_a_runbook_with_its_sections(dags: dict[str, Any], root: Path) -> None:
    steps = {*steps_of(dags), "a_step_of_tomorrow"}
    assert {"sync", "publish", "sweep_dead_letters"} <= steps
    wanted = {runbook(kind, step) for kind in Kind for step in (*sorted(steps), None)}
    assert len(wanted) == 19
    for path in wanted:
        text = (root / path).read_text()
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS, path
        for section in text.split("\n## ")[1:]:
            assert len(section.split("\n", 1)[1].strip()) > 20, (path, section)


def test_every_step_of_the_loads_has_a_runbook_of_its_own(dags: dict[str, Any]) -> None:
    of_loads = {
        task_id.split(".")[0] for dag_id, dag in dags.items() if dag_id != "housekeeping" for task_id in dag.task_ids
    }
    assert of_loads == RUNBOOK_STEPS["failed"]
    assert RUNBOOK_STEPS["slow"] <= of_loads


def test_a_step_without_its_own_runbook_has_that_of_its_kind() -> None:
    assert runbook(Kind.failed, "sweep_dead_letters") == "docs/runbooks/failed.md"
    assert runbook(Kind.slow, "sync") == "docs/runbooks/slow-sync.md"
    assert runbook(Kind.slow, "publish") == "docs/runbooks/slow.md"
    assert runbook(Kind.late, "sync") == "docs/runbooks/late.md"
    assert runbook(Kind.dag_import, None) == "docs/runbooks/dag-import.md"


def test_the_list_of_runbooks_has_all_of_them(root: Path) -> None:
    folder = root / "docs" / "runbooks"
    listed = set(re.findall(r"^\| \[[\w-]+\]\(([\w-]+\.md)\)", (folder / "README.md").read_text(), re.MULTILINE))
    assert listed == {path.name for path in folder.glob("*.md")} - {"README.md"}


@pytest.mark.parametrize("folder", ["docs/runbooks", "docs"])
def test_links_between_the_pages_lead_somewhere(root: Path, folder: str) -> None:
    for page in (root / folder).glob("*.md"):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)(?:#[\w-]+)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_commands_in_runbooks_exist(root: Path) -> None:
    from typer.main import get_command

    from tributary.cli import app

    known = get_command(app).commands  # type: ignore[attr-defined]
    for page in (root / "docs" / "runbooks").glob("*.md"):
        for words in re.findall(r"(?:\./|`)tributary ([\w -]+)", page.read_text()):
            first, *rest = words.split()
            assert first in known, f"{page.name}: tributary {words}"
            group = getattr(known[first], "commands", None)
            if group is not None:
                assert rest, page.name
                assert rest[0] in group, f"{page.name}: tributary {words}"
