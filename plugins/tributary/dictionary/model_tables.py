"""The tables that dbt builds of an app: staging views, marts and consolidated ones. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from tributary import naming
from tributary.contracts import Contract
from tributary.dictionary.checks import rules_of, tests_of
from tributary.dictionary.contract_tables import copied_as, types_in_production
from tributary.dictionary.manifest import Model, ModelTest, raw_table
from tributary.dictionary.model import Column, Join, Layer, Table, table_id
from tributary.history_models import VALID_FROM
from tributary.quality.contract_rules import PARTITION_COLUMN
from tributary.quality.rules import Suites


def built_tables(
    contract: Contract, models: Iterable[Model], suites: Mapping[Layer, Suites], name_of: Mapping[str, str]
) -> Iterator[Table]:
    """The tables of an app's models, in the contract's order.

    :param suites: the rules of marts and `consolidated`.
    :param name_of: by model, the table as readers know it.
    """
    mine = [model for model in models if model.app == contract.app]
    ids = {model.id: table_id(model.layer, model.app, model.table) for model in mine}
    by_name = {model.name: ids[model.id] for model in mine}
    production = {history: table for table, history in contract.histories.items()}
    order = {name: place for place, name in enumerate((*contract.mart_names, *production))}
    layers = list(Layer)
    for model in sorted(mine, key=lambda it: (layers.index(it.layer), order.get(it.table, len(order)), it.table)):
        upstream = [_parent(parent, ids) for parent in model.parents]
        if model.layer is Layer.consolidated:
            # Its SQL names the marts of all databases when it runs; the manifest knows none of them.
            upstream = [table_id(Layer.marts, model.app, model.table)]
        rules = suites.get(model.layer)
        mirrored = production.get(model.table, model.table)
        yield Table(
            id=ids[model.id],
            layer=model.layer,
            app=model.app,
            name=model.table,
            description=model.description,
            key=_key(model, contract),
            nullable_key=tuple(_given(model, "grain").get("nullable", ())),
            columns=_columns(model, contract, mirrored),
            kind="view" if model.view else "table",
            partitioned_by=model.partitioned_by,
            clustered_by=model.clustered_by,
            enforced=model.enforced,
            rules=rules_of(rules, model.table) if rules else (),
            tests=tests_of(model, name_of),
            joins=_joins(model, by_name),
            upstream=tuple(parent for parent in upstream if parent),
            mirrors=table_id(Layer.raw, model.app, mirrored) if mirrored in contract.tables else "",
        )


def _parent(parent: str, ids: Mapping[str, str]) -> str:
    raw = raw_table(parent)
    return table_id(Layer.raw, *raw) if raw else ids.get(parent, "")


def _given(model: Model, kind: str) -> Mapping[str, list[str]]:
    return next((test.given for test in model.tests if test.kind == kind), {})


def _key(model: Model, contract: Contract) -> tuple[str, ...]:
    """The columns that name a row: those of its grain test, else of production; each dump has such a row.

    Of a history, each day on which production's row has changed.
    """
    if versions := _given(model, "versions").get("key"):
        return (*versions, VALID_FROM)
    table = contract.tables.get(model.table)
    key = tuple(_given(model, "grain").get("key", ())) or (table.primary_key if table else ())
    return (PARTITION_COLUMN, *key) if key and model.layer is Layer.marts else key


def _columns(model: Model, contract: Contract, table: str) -> tuple[Column, ...]:
    types = types_in_production(contract, table) if model.layer is Layer.marts else {}
    mirrored = contract.tables.get(table)
    # As with the type: a column of the same name is taken for the same.
    words = {name: copied_as(said) for name, said in mirrored.columns.items()} if mirrored else {}
    return tuple(
        Column(
            column.name,
            column.description,
            types.get(column.name, ""),
            column.type,
            column.required,
            copied_as=words.get(column.name, ""),
        )
        for column in model.columns
    )


def _joins(model: Model, by_name: Mapping[str, str]) -> tuple[Join, ...]:
    tests: list[ModelTest] = [test for test in model.tests if test.kind == "foreign_keys"]
    within = (naming.DATABASE_COLUMN,) if model.layer is Layer.consolidated else (PARTITION_COLUMN,)
    return tuple(
        Join((*within, column), by_name[parent])
        for test in tests
        for column, parent in test.given["keys"].items()
        if parent in by_name
    )
