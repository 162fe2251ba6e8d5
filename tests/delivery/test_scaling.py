"""The arithmetic of docs/scaling.md: its figures are those of the repository and of Airflow, its tables are today's."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import airflow
import pytest
import yaml

from benchmarks import scaling_arithmetic as arithmetic
from tests.conftest import ROOT
from tributary.registry import load_registry


def airflow_default(section: str, option: str) -> float:
    options = yaml.safe_load((Path(airflow.__file__).parent / "config_templates" / "config.yml").read_text())
    return float(options[section]["options"][option]["default"])


def characters(model: dict[str, Any]) -> int:
    """Of one database in a consolidated model's statement: what the macro `consolidate` writes for it."""
    columns = [column["name"] for column in model["columns"] if column["name"] != "_database"]
    table = f"`tributary-local`.`airport_jfk`.`{model['name'].removeprefix('consolidated__')}`"
    return len(
        "\n    \n    union all\n    select\n        'airport_jfk' as _database,\n        "
        + ",\n        ".join(columns)
        + f"\n    from {table}\n    where _dump_date = date '2013-01-01'"
    )


def test_the_page_has_today_s_tables():
    page = (ROOT / "docs" / "scaling.md").read_text()
    assert arithmetic.replaced(page) == page, "python -m benchmarks.scaling_arithmetic --write docs/scaling.md"


def test_a_page_without_the_marks_is_no_page_of_ours(tmp_path: Path):
    with pytest.raises(ValueError, match="expected one place between"):
        arithmetic.replaced("# Past one machine")
    stale = tmp_path / "page.md"
    stale.write_text(f"{arithmetic.MARKS[0]}\nold\n{arithmetic.MARKS[1]}\n")
    assert arithmetic.main(["--check", str(stale)]) == 1
    assert arithmetic.main(["--write", str(stale)]) == 0
    assert arithmetic.main(["--check", str(stale)]) == 0


@pytest.mark.parametrize(
    ("figure", "section", "option"),
    [
        (arithmetic.IMPORT_SECONDS, "core", "dagbag_import_timeout"),
        (arithmetic.TRIGGERS, "triggerer", "capacity"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_airflow_s_limits_are_those_of_the_installed_airflow(figure: arithmetic.Figure, section: str, option: str):
    assert figure.source == f"Airflow, [{section}] {option}"
    assert figure.value == airflow_default(section, option)


def test_the_window_is_the_registry_s_deadline():
    assert arithmetic.WINDOW_HOURS.value == load_registry().defaults.deadline.total_seconds() / 3600


def test_the_longest_statement_is_that_of_the_widest_consolidated_model():
    models = [
        model
        for file in (ROOT / "include" / "dbt" / "models" / "consolidated").rglob("*.yml")
        for model in yaml.safe_load(file.read_text())["models"]
    ]
    widest = max(models, key=characters)
    assert widest["name"] == arithmetic.BRANCH.source
    # The constant was counted in a statement that ran; the test writes one again, with other white space.
    assert characters(widest) == pytest.approx(arithmetic.BRANCH.value, rel=0.02)


def test_a_statement_of_consolidate_keeps_within_bigquery_s_limits_whatever_the_number_of_databases():
    macro = (ROOT / "include" / "dbt" / "macros" / "consolidate.sql").read_text()
    assert f"var('consolidated_at_once', {arithmetic.AT_ONCE.value})" in macro
    most = arithmetic.needs(10**6)
    assert most["tables in one query of consolidate"] <= arithmetic.RESOURCES.value
    assert most["characters of its longest statement"] <= arithmetic.STATEMENT.value / 2
    assert len('"airport_jfk": "2013-01-01", ') == arithmetic.ENTRY.value


@pytest.mark.parametrize("need", arithmetic.BOUNDS)
def test_a_limit_is_kept_up_to_the_stated_number_of_databases_and_broken_by_one_more(need: str):
    limit, number = arithmetic.BOUNDS[need][0].value, arithmetic.first_at(need)
    assert arithmetic.needs(number)[need] <= limit < arithmetic.needs(number + 1)[need]


def test_what_grows_with_the_databases_never_shrinks():
    columns = [arithmetic.needs(size) for size in arithmetic.SIZES]
    for less, more in pairwise(columns):
        assert all(less[need] <= more[need] for need in less)
