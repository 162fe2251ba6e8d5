"""Errors in the registry: said where they are, and no database but the broken one is gone."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

from tributary import dbt_artifacts
from tributary import registry as module
from tributary.errors import RegistryError
from tributary.registry import load_registry

Seen = Callable[[object], None]
CONTRACT = "app: toys\nmodels: none\ntables:\n  toys: {primary_key: [id], columns: {id: {type: int}}}\n"


@pytest.fixture
def include(tmp_path: Path) -> Path:
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts" / "toys.yaml").write_text(CONTRACT)
    return tmp_path


def case(what: str, text: str, says: str):
    marks = pytest.mark.case("B25", what, expected=f"names {says!r}; the other databases have their DAGs")
    return pytest.param(text, says, id=what.replace(" ", "_"), marks=marks)


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        case("a database twice", "bad: {app: toys}\n  bad: {app: toys}", "databases.bad: found 2 entries"),
        case("an unknown app", "bad: {app: nothing}", "databases.bad.app: found 'nothing'"),
        case("no app", "bad: {owner: me}", "databases.bad.app"),
        case("a wrong type", "bad: {app: toys, dump_wait: [4]}", "databases.bad.dump_wait: found [4]"),
        case("an unknown key", "bad: {app: toys, colour: red}", "databases.bad.colour"),
        case("a name that no dataset may have", "Bad-Name: {app: toys}", "databases.Bad-Name"),
        case("a contract that is broken", "bad: {app: cars}", "tables.cars.columns.id.typ"),
        case("a contract that is no YAML", "bad: {app: torn}", "torn.yaml"),
    ],
)
def test_one_bad_entry_takes_no_other_dag_away(
    include: Path, root: Path, monkeypatch: pytest.MonkeyPatch, entry: str, says: str, seen: Seen
):
    (include / "contracts" / "cars.yaml").write_text(CONTRACT.replace("toys", "cars").replace("type:", "typ:"))
    (include / "contracts" / "torn.yaml").write_text("app: torn\ntables: {a: [")
    (include / "databases.yaml").write_text(f"databases:\n  first: {{app: toys}}\n  {entry}\n  last: {{app: toys}}\n")
    monkeypatch.setattr(module.load_registry, "__defaults__", (include,))
    found = runpy.run_path(str(root / "dags" / "elt.py"))
    assert [name for name in found if name.startswith("elt__")] == ["elt__first", "elt__last"]
    with pytest.raises(RegistryError) as caught:
        runpy.run_path(str(root / "dags" / "broken_databases.py"))
    seen(str(caught.value))
    assert says in str(caught.value)
    assert "yaml" in str(caught.value)


@pytest.mark.case(
    "B25", "an app whose models dbt was not asked about", expected="says what writes them; the others have their DAGs"
)
def test_an_app_whose_models_are_missing_takes_no_other_dag_away(
    include: Path, root: Path, monkeypatch: pytest.MonkeyPatch, seen: Seen
):
    cars = CONTRACT.replace("toys", "cars").replace("none", "generated")
    (include / "contracts" / "cars.yaml").write_text(cars)
    (include / "databases.yaml").write_text("databases: {first: {app: toys}, bad: {app: cars}, last: {app: toys}}\n")
    monkeypatch.setattr(module.load_registry, "__defaults__", (include,))
    found = runpy.run_path(str(root / "dags" / "elt.py"))
    assert [name for name in found if name.startswith("elt__")] == ["elt__first", "elt__last"]
    with pytest.raises(RegistryError, match="cars: include/dbt/target has no models of it") as caught:
        runpy.run_path(str(root / "dags" / "broken_databases.py"))
    seen(str(caught.value))


def test_a_task_asks_for_the_models_of_its_own_database_alone(
    include: Path, root: Path, monkeypatch: pytest.MonkeyPatch
):
    (include / "contracts" / "cars.yaml").write_text(CONTRACT.replace("toys", "cars").replace("none", "generated"))
    (include / "databases.yaml").write_text("databases: {a: {app: cars}, b: {app: cars}, c: {app: cars}}\n")
    monkeypatch.setattr(module.load_registry, "__defaults__", (include,))
    asked: list[str] = []
    monkeypatch.setattr(dbt_artifacts, "has_models", asked.append)
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "elt__b")
    runpy.run_path(str(root / "dags" / "elt.py"))
    assert asked == ["cars"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param(text, says, id=what.replace(" ", "_"), marks=pytest.mark.case(
            "B25", what, expected="an error of the file, which says what was expected"))
        for what, text, says in (
            ("an empty list", "databases: []\n", "expected at least one entry"),
            ("an empty file", "", "databases"),
            ("a list instead of entries", "databases: [a, b]\n", "expected at least one entry"),
            ("a default of a wrong type", "defaults: {schedule: 3}\ndatabases: {a: {}}", "defaults.schedule"),
            ("no YAML", "databases: {a: {app: toys}\n", "not valid YAML"),
        )
    ],
)  # fmt: skip
def test_what_concerns_all_is_said_as_such(include: Path, text: str, says: str, seen: Seen):
    (include / "databases.yaml").write_text(text)
    with pytest.raises(RegistryError, match=r"databases\.yaml") as caught:
        load_registry(include)
    seen(str(caught.value))
    assert says in str(caught.value)
