"""Files that derive from the registry and other lists, and are kept in the repository, so that people can read them.

`tributary generate` writes them; `tributary check`, and with it CI, fails when one is stale.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from tributary import docs, naming
from tributary.registry import INCLUDE, Contract, Registry, RegistryFile
from tributary.telemetry import catalogue

# Around the part of docs/metrics.md that is made; the rest of it is written by hand.
_BEGIN, _END = "<!-- catalogue: begin -->\n", "<!-- catalogue: end -->"
_HEADER = "# Made from include/contracts/{app}.yaml by `tributary generate`; change the contract instead.\n"


def render(registry: Registry, include: Path = INCLUDE) -> dict[Path, str]:
    """The text of every derived file, by path."""
    files = {
        include / "schemas" / "databases.schema.json": _json(RegistryFile.model_json_schema()),
        include / "schemas" / "contract.schema.json": _json(Contract.model_json_schema()),
        include.parent / "docs" / "dags.md": _dags(registry),
        include.parent / "docs" / "metrics.md": _metrics(include.parent / "docs" / "metrics.md"),
    }
    for app, databases in registry.apps.items():
        path = include / "dbt" / "models" / "sources" / f"{app}.yml"
        files[path] = _HEADER.format(app=app) + _dbt_source(registry.contracts[app], databases[0])
    return files


def write(registry: Registry, include: Path = INCLUDE) -> list[Path]:
    """Write the files that are stale; returns their paths."""
    written = stale(registry, include)
    texts = render(registry, include)
    for path in written:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(texts[path], encoding="utf-8")
    return written


def stale(registry: Registry, include: Path = INCLUDE) -> list[Path]:
    """The files whose text is not what the registry gives now."""
    return [
        path
        for path, text in render(registry, include).items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]


def _json(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _dbt_source(contract: Contract, example: str) -> str:
    """dbt's source of an app: its raw tables, in the dataset of whichever database is being built."""
    source = {
        "name": f"raw_{contract.app}",
        "description": contract.description,
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
                "description": table.description,
                "columns": [
                    {"name": column, "description": table.columns[column].description}
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
    for databases in registry.apps.values():
        database = registry.databases[databases[0]]
        parts.append(f"## `{naming.dag_id(database.name)}`\n\n{docs.elt(database)}")
    parts.append(f"## `{naming.CONSOLIDATE_DAG}`\n\n{docs.consolidate(registry)}")
    parts.append(f"## `{naming.HOUSEKEEPING_DAG}`\n\n{docs.HOUSEKEEPING}")
    return "\n\n".join(parts) + "\n"


def _metrics(path: Path) -> str:
    """The page as it is, with the table made anew; a page that is not there is the table alone."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}{catalogue.markdown()}{_END}{after}"
