"""Whether dbt models that people write pass tagged columns on with their policy tag, as far as names tell. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tributary.contracts import Contract
from tributary.privacy.ways import Personal
from tributary.strict_yaml import read_yaml, show

# As a model's `.yml` names the tag; where none is configured, no such column is copied (`require_policy_tag`).
POLICY_TAGS = ("{{ env_var('TRIBUTARY_PERSONAL_POLICY_TAG', '') }}",)
_COMMENTS = re.compile(r"\{#.*?#\}|--[^\n]*", re.DOTALL)
_EPHEMERAL = re.compile(r"materialized\s*=\s*['\"]ephemeral['\"]")


def untagged(contract: Contract, models: Path) -> Iterator[str]:
    """A line for each model of the app that has a tagged column, by its name, and no policy tag on it.

    :param models: the folder include/dbt/models.
    """
    tagged = _names(contract)
    if not tagged or not contract.is_consolidated:
        return
    said = f"policy_tags: {list(POLICY_TAGS)}"
    for folder in (models / contract.app, models / "consolidated" / contract.app):
        described = _described(folder)
        for path in sorted(folder.rglob("*.sql")):
            sql = _COMMENTS.sub("", path.read_text(encoding="utf-8"))
            if _EPHEMERAL.search(sql):
                continue
            columns = described.get(path.stem, {})
            for name in sorted(tagged & {*re.findall(r"\w+", sql), *columns}):
                where = f"{show(path)}: column {name}, which include/contracts/{contract.app}.yaml has tagged"
                if "staging" in path.parts:
                    yield f"{where}: expected no view of it, which cannot have a policy tag; let it be ephemeral"
                elif not columns.get(name, {}).get("policy_tags"):
                    yield f"{where}: expected `{said}` at this column in the model's .yml"


def _names(contract: Contract) -> set[str]:
    """The tagged columns whose name no other table has for one that is open."""
    columns = [(name, said) for table in contract.tables.values() for name, said in table.columns.items()]
    tagged = {name for name, said in columns if said.is_selected and said.personal is Personal.tag}
    return tagged - {name for name, said in columns if said.is_selected and said.personal is not Personal.tag}


def _described(folder: Path) -> dict[str, dict[str, Any]]:
    """By model, what the `.yml` files below a folder say of each column."""
    files = [path for ending in ("*.yml", "*.yaml") for path in sorted(folder.rglob(ending))]
    return {
        model["name"]: {column["name"]: column for column in model.get("columns", ())}
        for path in files
        for model in read_yaml(path).data.get("models", ())
    }
