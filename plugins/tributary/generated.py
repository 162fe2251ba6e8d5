"""Files that derive from the registry and other lists, and are kept in the repository, so that people can read them.

`tributary generate` writes them; `tributary check`, and with it CI, fails when one is stale.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from tributary import docs, naming
from tributary.contracts import Contract, Models
from tributary.drift.table import markdown as drift_table
from tributary.errors import RegistryError
from tributary.generated_models import FOLDER, MADE, literal, model_name, models_of
from tributary.history_models import histories_of
from tributary.quality.types_table import markdown as types_table
from tributary.registry import INCLUDE, Registry, RegistryFile
from tributary.telemetry import catalogue

# What is made stands between such lines; the rest of a page is written by hand.
_BEGIN, _END = "<!-- {}: begin -->\n", "<!-- {}: end -->"


def render(registry: Registry, include: Path = INCLUDE) -> dict[Path, str]:
    """The text of every derived file, by path."""
    files = {
        include / "schemas" / "databases.schema.json": _json(RegistryFile.model_json_schema()),
        include / "schemas" / "contract.schema.json": _json(Contract.model_json_schema()),
        include.parent / "docs" / "dags.md": _dags(registry),
    }
    for name, (mark, make) in _PARTS.items():
        path = include.parent / "docs" / name
        files[path] = _with_part(path, mark, make())
    models = include / "dbt" / "models"
    contracts = registry.contracts
    _refuse_twins(contracts)
    for app, databases in registry.built.items():
        source = _dbt_source(contracts[app], databases[0])
        files[models / "sources" / f"{app}.yml"] = f"# {MADE.format(app=app)}{source}"
        if contracts[app].models is Models.GENERATED:
            files |= {models / path: text for path, text in models_of(contracts[app], databases[0])}
        files |= {models / path: text for path, text in histories_of(contracts[app], databases[0])}
    return files


def write(registry: Registry, include: Path = INCLUDE) -> list[Path]:
    """Write the files that are stale, and remove those of models that there are no more; returns their paths."""
    texts = render(registry, include)
    written = _stale(texts, registry, include)
    for path in written:
        if path in texts:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(texts[path], encoding="utf-8")
        else:
            path.unlink()
            if not any(path.parent.iterdir()):
                path.parent.rmdir()
    return written


def stale(registry: Registry, include: Path = INCLUDE) -> list[Path]:
    """The files whose text is not what the registry gives now, and models that it gives no more."""
    return _stale(render(registry, include), registry, include)


def _stale(texts: Mapping[Path, str], registry: Registry, include: Path) -> list[Path]:
    changed = [path for path, text in texts.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    # Whose entry or contract is broken for the moment keeps its models.
    made = [] if registry.broken else sorted((include / "dbt" / "models" / FOLDER).glob("*/*"))
    return changed + [path for path in made if path.is_file() and path not in texts]


def _refuse_twins(contracts: Mapping[str, Contract]) -> None:
    """Raise RegistryError where two tables would have one model: dbt takes no project with such."""
    models: dict[str, str] = {}
    for app, contract in contracts.items():
        made = {table: table for table in contract.tables if contract.models is Models.GENERATED}
        for name, table in made.items() | {(history, table) for table, history in contract.histories.items()}:
            place = f"include/contracts/{app}.yaml: tables.{table}"
            other = models.setdefault(model_name(app, name), place)
            if other != place:
                raise RegistryError(f"{place}: found the dbt model of {other}; expected another name of app or table")


def _json(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _dbt_source(contract: Contract, example: str) -> str:
    """dbt's source of an app: its raw tables, in the dataset of whichever database is being built."""
    source = {
        "name": f"raw_{contract.app}",
        "description": literal(contract.description),
        "schema": f"raw__{{{{ var('database', '{example}') }}}}",
        "config": {
            "loaded_at_field": "_airbyte_extracted_at",
            "freshness": {
                "warn_after": {"count": 26, "period": "hour"},
                "error_after": {"count": 50, "period": "hour"},
            },
        },
        "tables": [
            {
                "name": name,
                "description": literal(table.description),
                "columns": [
                    {"name": column, "description": literal(table.columns[column].description)}
                    for column in table.selected_columns
                ],
            }
            for name, table in contract.tables.items()
        ],
    }
    document = {"version": 2, "sources": [source]}
    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110))


def _dags(registry: Registry) -> str:
    """docs/dags.md: the page of one database per app, the consolidation's and the housekeeping's."""
    parts = [
        "# The DAGs\n\nMade from the DAGs' own documentation by `tributary generate`. "
        "Databases of one app differ in their names alone, so one of each is shown."
    ]
    for databases in registry.built.values():
        database = registry.databases[databases[0]]
        parts.append(f"## `{naming.dag_id(database.name)}`\n\n{docs.elt(database)}")
    parts.append(f"## `{naming.CONSOLIDATE_DAG}`\n\n{docs.consolidate(registry)}")
    parts.append(f"## `{naming.HOUSEKEEPING_DAG}`\n\n{docs.HOUSEKEEPING}")
    return "\n\n".join(parts) + "\n"


# Pages with a part that is made: the name of its marks, and what makes it.
_PARTS: dict[str, tuple[str, Callable[[], str]]] = {
    "metrics.md": ("catalogue", catalogue.markdown),
    "drift.md": ("modes", drift_table),
    "types.md": ("types", types_table),
}


def _with_part(path: Path, mark: str, part: str) -> str:
    """The page as it is, with its part made anew; a page that is not there is the part alone."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    begin, end = _BEGIN.format(mark), _END.format(mark)
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}{part}{end}{after}"
