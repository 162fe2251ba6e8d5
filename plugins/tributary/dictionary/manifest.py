"""What dbt's manifest says of the project's models: as much of it as the dictionary tells. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from tributary.dictionary.model import Layer

_GENERATED = "generated"


@dataclass(frozen=True)
class ModelColumn:
    """A column as its model's yml has it."""

    name: str
    description: str
    type: str
    required: bool


@dataclass(frozen=True)
class ModelTest:
    """A test of a model.

    :param kind: of a generic test, such as `grain`, with what it is `given`; `unit` for a unit test.
    """

    name: str
    kind: str
    given: Mapping[str, Any]
    severity: str
    file: str
    description: str = ""


@dataclass(frozen=True)
class Model:
    """One model of the project."""

    id: str
    name: str
    table: str
    app: str
    layer: Layer
    description: str
    columns: tuple[ModelColumn, ...]
    view: bool
    partitioned_by: str
    clustered_by: tuple[str, ...]
    enforced: bool
    parents: tuple[str, ...]
    tests: tuple[ModelTest, ...]


def models_of(manifest: Mapping[str, Any]) -> list[Model]:
    """The models that build tables of apps, sorted by their ids; those of unknown folders are left out."""
    tests: dict[str, list[ModelTest]] = {}
    for model, test in _tests(manifest):
        tests.setdefault(model, []).append(test)
    found = []
    for unique_id, node in sorted(manifest["nodes"].items()):
        place = _place(node) if node["resource_type"] == "model" else None
        if place is None:
            continue
        app, layer = place
        config = node["config"]
        found.append(
            Model(
                id=unique_id,
                name=node["name"],
                table=node["alias"],
                app=app,
                layer=layer,
                description=node["description"],
                columns=tuple(map(_column, node["columns"].values())),
                view=config["materialized"] == "view",
                partitioned_by=(config.get("partition_by") or {}).get("field", ""),
                clustered_by=_several(config.get("cluster_by")),
                enforced=node["contract"]["enforced"],
                parents=tuple(sorted(set(node["depends_on"]["nodes"]))),
                tests=tuple(sorted(tests.get(unique_id, ()), key=lambda test: (test.kind == "unit", test.name))),
            )
        )
    return found


def raw_table(parent: str) -> tuple[str, str] | None:
    """`source.tributary.raw_retail.orders` -> (`retail`, `orders`); None for what is no raw table."""
    kind, _, rest = parent.partition(".")
    source, _, table = rest.partition(".")[2].partition(".")
    return (source.removeprefix("raw_"), table) if kind == "source" and source.startswith("raw_") else None


def _place(node: Mapping[str, Any]) -> tuple[str, Layer] | None:
    """App and layer, by the folder that a model lies in: see include/dbt/README.md."""
    match PurePosixPath(node["original_file_path"]).parts:
        case ("models", "consolidated", app, _):
            return app, Layer.consolidated
        case ("models", folder, app, _) if folder == _GENERATED:
            return app, Layer.marts
        case ("models", app, ("staging" | "marts") as folder, _):
            return app, Layer(folder)
    return None


def _column(column: Mapping[str, Any]) -> ModelColumn:
    return ModelColumn(
        name=column["name"],
        description=column["description"],
        type=(column.get("data_type") or "").upper(),
        required=any(constraint["type"] == "not_null" for constraint in column.get("constraints") or ()),
    )


def _tests(manifest: Mapping[str, Any]) -> Iterator[tuple[str, ModelTest]]:
    """The tests that belong to a model, with its id."""
    for node in manifest["nodes"].values():
        if node["resource_type"] != "test" or not node.get("attached_node"):
            continue
        what = node["test_metadata"]
        yield (
            node["attached_node"],
            ModelTest(
                name=node["name"],
                kind=what["name"],
                given={name: value for name, value in what["kwargs"].items() if name != "model"},
                severity=node["config"]["severity"].lower(),
                file=node["original_file_path"],
            ),
        )
    for test in manifest["unit_tests"].values():
        for model in test["depends_on"]["nodes"]:
            yield model, ModelTest(test["name"], "unit", {}, "error", test["original_file_path"], test["description"])


def _several(value: str | Sequence[str] | None) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value or ())
