"""The suite files that the repository ships, against its contracts and dbt models."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tributary.naming import DATABASE_COLUMN
from tributary.quality.rules import Layer
from tributary.quality.suites import suite_path, suites_for
from tributary.registry import INCLUDE, load_registry

CONTRACTS = load_registry().contracts
LAYERS: tuple[Layer, ...] = ("raw", "marts", "consolidated")


def model_columns(path: Path) -> set[str]:
    (model,) = yaml.safe_load(path.read_text())["models"]
    return {column["name"] for column in model["columns"]}


def test_there_are_files_of_every_app_and_layer_and_no_others() -> None:
    assert CONTRACTS
    expected = {suite_path(app, layer) for app in CONTRACTS for layer in LAYERS}
    assert set((INCLUDE / "gx").rglob("*.*")) == expected


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("app", CONTRACTS)
def test_every_table_has_rules_by_hand_and_from_the_contract(app: str, layer: Layer) -> None:
    contract = CONTRACTS[app]
    suites = suites_for(contract, layer)
    assert list(suites.tables) == list(contract.tables if layer == "raw" else contract.mart_names)
    origins = {rule.origin for suite in suites.tables.values() for rule in suite.expectations}
    assert origins == {f"include/gx/{app}/{layer}.yaml", f"include/contracts/{app}.yaml"}


@pytest.mark.parametrize("app", CONTRACTS)
def test_rules_of_the_marts_name_columns_that_the_models_have(app: str) -> None:
    models = INCLUDE / "dbt" / "models"
    for name, suite in suites_for(CONTRACTS[app], "marts").tables.items():
        columns = model_columns(models / app / "marts" / f"{name}.yml")
        named = {*suite.key, *(column for rule in suite.expectations for column in rule.columns)}
        assert named <= columns, name


@pytest.mark.parametrize("app", CONTRACTS)
def test_rules_of_the_consolidated_layer_name_columns_that_the_models_have(app: str) -> None:
    models = INCLUDE / "dbt" / "models"
    for name, suite in suites_for(CONTRACTS[app], "consolidated").tables.items():
        columns = model_columns(models / "consolidated" / app / f"consolidated__{name}.yml")
        named = {*suite.key, *(column for rule in suite.expectations for column in rule.columns)}
        assert suite.key[:1] == (DATABASE_COLUMN,), name
        assert named <= columns, name
