"""Which databases a consolidation builds anew: what is the same edition, and what is not."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tributary import dbt_artifacts
from tributary.consolidation import Plan
from tributary.editions import Holding, definitions, editions
from tributary.errors import PlanOutdatedError
from tributary.operators.publish import PublishOperator
from tributary.registry import load_registry
from tributary.sqlfiles import names_sql

APPS = {"retail": ["shop_eu", "shop_us"], "flights": ["airport_jfk"]}
DEFINITIONS = {"retail": "r", "flights": "f"}
LANDING: dict[str, Any] = {
    "dump_date": date(2013, 1, 2),
    "run_id": "run_1",
    "dump_uri": "gs://dumps/x",
    "dump_generation": 7,
    "row_count": 5,
    "landed_at": datetime(2013, 1, 3, 4, 5, 6, 7, UTC),
}
LANDED = {"shop_eu": LANDING, "airport_jfk": {**LANDING, "run_id": "run_2"}}


def node(name: str, columns: dict[str, str], app: str = "retail", folder: str = "consolidated") -> dict[str, Any]:
    return {
        "resource_type": "model",
        "fqn": ["tributary", folder, app, name],
        "checksum": {"checksum": "sum"},
        "columns": {
            column: {"data_type": data_type, "constraints": [{"type": "not_null"}]}
            for column, data_type in columns.items()
        },
    }


def manifest(**changed: Any) -> dict[str, Any]:
    nodes = {
        "model.a": node("a", {"id": "int64"}),
        "model.b": node("b", {"id": "int64"}, app="flights"),
        "model.mart": node("mart", {"id": "int64"}, folder="retail"),
        "test.x": {"resource_type": "test", "fqn": ["tributary", "consolidated", "retail"]},
    }
    macros = {
        "macro.consolidate": {"original_file_path": "macros/consolidate.sql", "macro_sql": "select"},
        "macro.other": {"original_file_path": "macros/other.sql", "macro_sql": "select"},
    }
    return {"nodes": nodes | changed, "macros": macros}


def of(landed: dict[str, Any], definitions: dict[str, str] = DEFINITIONS) -> dict[str, str]:
    return editions(landed, APPS, definitions)


def test_only_what_has_landed_and_belongs_to_an_app_has_an_edition():
    assert set(of({**LANDED, "somebodys": LANDING})) == {"shop_eu", "airport_jfk"}
    assert of(LANDED) == of(LANDED)


@pytest.mark.parametrize(
    "other",
    [
        {"dump_date": date(2013, 1, 1)},
        {"run_id": "run_9"},
        {"dump_generation": 8},
        {"landed_at": datetime(2013, 1, 3, 4, 5, 6, 8, UTC)},
    ],
)
def test_another_landing_is_another_edition(other: dict[str, Any]):
    changed = of({**LANDED, "shop_eu": {**LANDING, **other}})
    assert changed["shop_eu"] != of(LANDED)["shop_eu"]
    assert changed["airport_jfk"] == of(LANDED)["airport_jfk"]


@pytest.mark.parametrize(
    "other",
    [
        {"model.a": node("a", {"id": "string"})},
        {"model.a": node("a", {"id": "int64", "more": "int64"})},
        {"model.a": {**node("a", {"id": "int64"}), "checksum": {"checksum": "other"}}},
        {"model.a": node("a", {"id": "int64"}) | {"columns": {"id": {"data_type": "int64", "constraints": []}}}},
        {"model.c": node("c", {"id": "int64"})},
    ],
)
def test_other_tables_of_an_app_are_another_edition_of_its_databases(other: dict[str, Any]):
    was, becomes = definitions(manifest()), definitions(manifest(**other))
    assert was.keys() == becomes.keys() == {"retail", "flights"}
    assert becomes["retail"] != was["retail"]
    assert becomes["flights"] == was["flights"] == definitions(manifest(**{"model.mart": node("mart", {})}))["flights"]
    assert of(LANDED, becomes)["shop_eu"] != of(LANDED, was)["shop_eu"]


def test_databases_differ_unless_both_versions_have_the_same_edition():
    def holding(**found: str | None) -> Holding:
        return Holding("v", {name: {"edition": edition} for name, edition in found.items()})

    was = holding(same="a", other="a", gone="a", unknown=None, older="a")
    becomes = holding(same="a", other="b", come="a", unknown=None, older=None)
    assert becomes.differing(was) == ["come", "gone", "older", "other", "unknown"]
    assert was.differing(was) == ["unknown"]
    assert Holding("v", {"shop_eu": {"as_of": "of a version without editions"}}).edition("shop_eu") is None


def test_a_plan_builds_what_the_base_does_not_have():
    first = Plan.made("2013-01-02", LANDED, APPS, DEFINITIONS, None)
    assert first.changed == first.as_of == dict.fromkeys(LANDED, "2013-01-02")
    assert (first.base, first.staying) == (None, set())
    assert Plan(**json.loads(json.dumps(asdict(first)))) == first

    base = Holding("v1", {name: {"edition": edition} for name, edition in of(LANDED).items()})
    again = {**LANDED, "shop_eu": {**LANDING, "run_id": "run_9"}}
    plan = Plan.made("2013-01-03", again, APPS, DEFINITIONS, base, LANDED.keys())
    assert (set(plan.changed), plan.staying, plan.base) == ({"shop_eu"}, {"airport_jfk"}, "v1")
    tables = {"retail": ["orders"], "flights": ["flights"]}
    taken = plan.base_of(APPS, tables, base)
    assert taken is not None
    assert (taken.version, taken.tables, taken.replaced) == ("v1", {"flights"}, ("shop_eu",))
    # What was published and never counted is counted now.
    assert set(Plan.made("2013-01-03", again, APPS, DEFINITIONS, base, set()).changed) == set(LANDED)


def test_a_plan_is_not_carried_out_by_another_registry_or_other_models():
    plan = Plan.made("2013-01-02", LANDED, APPS, DEFINITIONS, None)
    plan.refuse_redefined(APPS, DEFINITIONS)
    plan.refuse_redefined({**APPS, "another": ["one"]}, {**DEFINITIONS, "another": "d"})
    with pytest.raises(PlanOutdatedError, match=r"^shop_eu: no longer in the registry"):
        plan.refuse_redefined({"flights": APPS["flights"]}, DEFINITIONS)
    with pytest.raises(PlanOutdatedError, match=r"^the consolidated models of retail are others"):
        plan.refuse_redefined(APPS, {**DEFINITIONS, "retail": "with a column more"})
    Plan.read({"day": plan.day, "as_of": plan.as_of, "landed": plan.landed}).refuse_redefined(APPS, DEFINITIONS)


def test_a_plan_of_before_there_were_editions_builds_everything():
    plan = Plan.read({"day": "2013-01-02", "as_of": {"shop_eu": "2013-01-02"}, "landed": {"shop_eu": LANDING}})
    assert (plan.changed, plan.base, plan.editions) == ({"shop_eu": "2013-01-02"}, None, {})


def test_an_app_whose_tables_are_not_known_is_no_edition():
    with pytest.raises(KeyError, match="retail"):
        of(LANDED, {"flights": "f"})


def test_the_macros_that_make_the_tables_are_part_of_every_edition():
    changed = manifest()
    changed["macros"]["macro.other"]["macro_sql"] = "another"
    assert definitions(changed) == definitions(manifest())
    changed["macros"]["macro.consolidate"]["macro_sql"] = "another"
    was, becomes = definitions(manifest()), definitions(changed)
    assert all(was[app] != becomes[app] for app in APPS)


@pytest.mark.parametrize("name", ["", "a'b", "Shop", "shop_eu'] --", "1"])
def test_what_is_no_name_of_a_database_does_not_become_sql(name: str):
    assert names_sql(["shop_eu", "shop_us"]) == "['shop_eu', 'shop_us']"
    with pytest.raises(ValueError, match="expected the name of a database"):
        names_sql(["shop_eu", name])


def test_publish_asks_whether_its_plan_still_holds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(dbt_artifacts, "MANIFEST", tmp_path / "manifest.json")
    dbt_artifacts.MANIFEST.write_text(json.dumps(manifest()))
    plan = Plan.made("2013-01-02", LANDED, APPS, DEFINITIONS, None)
    resolved = SimpleNamespace(resolve=lambda context: asdict(plan))
    operator = PublishOperator(task_id="publish", registry=load_registry(), plan=resolved)
    operator.apps = APPS
    with pytest.raises(PlanOutdatedError, match="consolidated models of flights, retail are others"):
        operator.execute(cast(Any, {}))
