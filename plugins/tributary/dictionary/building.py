"""Makes the dictionary: registry, contracts, suites, dbt's manifest, the SQL of `ops`. Reads files, asks nobody."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tributary.contracts import Contract
from tributary.dictionary.contract_tables import raw_tables
from tributary.dictionary.manifest import Model, models_of
from tributary.dictionary.model import App, Database, Dictionary, Layer, Table, Timetable
from tributary.dictionary.model_tables import built_tables
from tributary.dictionary.sql_tables import ops_tables, table_of
from tributary.errors import TributaryError
from tributary.quality.suites import suites_for
from tributary.registry import INCLUDE, Registry

# Says of each database which day its rows in `consolidated` are of; no model of dbt's.
DATABASES = "databases"


def read_manifest(path: Path) -> Mapping[str, Any]:
    """dbt's manifest. Raises TributaryError where there is none."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise TributaryError(
            f"{path}: expected dbt's manifest, found no file; `stack/dbt-artifacts DBT` writes it, as `make docs` does"
        ) from None
    found: Mapping[str, Any] = json.loads(text)
    return found


def build(registry: Registry, manifest: Mapping[str, Any], include: Path = INCLUDE) -> Dictionary:
    """The dictionary of all databases. Raises SuiteError where a suite cannot be read."""
    models = models_of(manifest)
    name_of = {model.name: model.table for model in models}
    databases: dict[str, list[Database]] = {}
    for database in registry.databases.values():
        databases.setdefault(database.app, []).append(
            Database(
                name=database.name,
                app=database.app,
                owner=database.owner,
                description=database.description,
                deadline=database.deadline,
                severity=database.severity.value,
                set_aside=max(map(database.max_share, database.contract.tables)),
            )
        )
    apps: dict[str, App] = {}
    tables: dict[str, Table] = {}
    for name, contract in registry.contracts.items():
        found = list(_tables(contract, models, name_of, include))
        tables |= {table.id: table for table in found}
        apps[name] = App(
            name=name,
            description=contract.description,
            databases=tuple(databases[name]),
            is_consolidated=contract.is_consolidated,
            has_marts=not contract.raw_only,
            problem=_problem(contract, found),
        )
    if any(app.is_consolidated for app in apps.values()):
        common = _databases_table(include)
        tables[common.id] = common
    tables |= {table.id: table for table in ops_tables(include / "sql" / "ops")}
    # A mart that left the project, and its consolidated twin not yet.
    tables = {name: table.only_with(tables) for name, table in tables.items()}
    consolidation = registry.consolidation
    return Dictionary(
        apps=apps,
        tables=tables,
        timetable=Timetable(
            registry.defaults.schedule, consolidation.deadline, consolidation.cut_off, registry.ops.keep
        ),
        broken=tuple(broken.name for broken in registry.broken),
    )


def _tables(contract: Contract, models: list[Model], name_of: Mapping[str, str], include: Path) -> Iterator[Table]:
    yield from raw_tables(contract, suites_for(contract, "raw", include))
    if contract.raw_only:
        return
    suites = {Layer.marts: suites_for(contract, "marts", include)}
    if contract.is_consolidated:
        suites[Layer.consolidated] = suites_for(contract, "consolidated", include)
    yield from built_tables(contract, models, suites, name_of)


def _problem(contract: Contract, found: list[Table]) -> str:
    known = {table.name for table in found if table.layer is Layer.marts}
    missing = [name for name in contract.mart_names if name not in known]
    if not missing:
        return ""
    return (
        f"dbt's manifest has no model of {', '.join(missing)}: it is older than the contract, and to be written anew."
    )


def _databases_table(include: Path) -> Table:
    text = (include / "sql" / "consolidated" / f"{DATABASES}.sql").read_text(encoding="utf-8")
    table = table_of(Layer.consolidated, DATABASES, text)
    return replace(table, key=("database",))
