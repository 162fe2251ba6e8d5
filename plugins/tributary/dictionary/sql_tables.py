"""Tables that our own SQL makes: their columns stand in the statement, with types and descriptions. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from tributary.dictionary.model import Column, Layer, Table, table_id

_TABLE = re.compile(r"^create (?:or replace )?table (?:if not exists )?[\w.`$]+ \((?P<columns>.*?)^\)", re.M | re.S)
_VIEW = re.compile(r"^create view if not exists ", re.M)
_COLUMN = re.compile(
    r"^\s*(?P<name>\w+) (?P<type>[\w<>]+)(?P<required> not null)? "
    r"options \(\s*description = '(?P<description>(?:[^'\\]|\\.)*)'\s*\)",
    re.M,
)
# The last query of a view, whose columns it has: `a,\n b as c\nfrom x`.
_SELECTED = re.compile(r"select\n(?P<columns>(?:    [\w ]+,?\n)+)from (?:ops\.)?(?P<source>\w+)")
_SOURCE = re.compile(r"from ops\.(\w+)")
_PARTITION = re.compile(r"^partition by (?:date\()?(\w+)", re.M)
_CLUSTER = re.compile(r"^cluster by ([\w, ]+)", re.M)


def ops_tables(folder: Path) -> list[Table]:
    """The tables and views of `ops`, from the files `<name>.sql` of a folder that make one."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.sql"))}
    made = {name: table_of(Layer.ops, name, text) for name, text in texts.items() if _TABLE.search(text)}
    views = {name: _view(name, text, made) for name, text in texts.items() if _VIEW.search(text)}
    return sorted([*made.values(), *views.values()], key=lambda table: table.name)


def table_of(layer: Layer, name: str, text: str) -> Table:
    """The table that a `create table` statement makes; its first comment says what it is."""
    statement = _TABLE.search(text)
    if not statement:
        raise ValueError(f"{name}: expected a statement that makes a table with its columns")
    cluster = _CLUSTER.search(text)
    partition = _PARTITION.search(text)
    return Table(
        id=table_id(layer, "", name),
        layer=layer,
        app="",
        name=name,
        description=_comment(text),
        columns=tuple(_columns(statement["columns"])),
        partitioned_by=partition[1] if partition else "",
        clustered_by=tuple(cluster[1].split(", ")) if cluster else (),
    )


def _view(name: str, text: str, made: Mapping[str, Table]) -> Table:
    """A view, whose columns are those of the table that it reads."""
    selected = list(_SELECTED.finditer(text))
    source = _SOURCE.search(text)
    if not selected or not source or source[1] not in made:
        raise ValueError(f"{name}: expected a view of one of {', '.join(made)}, column by column")
    known = {column.name: column for column in made[source[1]].columns}
    columns = []
    for line in selected[-1]["columns"].splitlines():
        column, _, alias = line.strip().rstrip(",").partition(" as ")
        columns.append(replace(known[column], name=alias or column))
    return Table(
        id=table_id(Layer.ops, "", name),
        layer=Layer.ops,
        app="",
        name=name,
        description=_comment(text),
        columns=tuple(columns),
        kind="view",
        upstream=(made[source[1]].id,),
    )


def _columns(body: str) -> Iterator[Column]:
    for match in _COLUMN.finditer(body):
        description = re.sub(r"\\(.)", r"\1", match["description"])
        yield Column(match["name"], description, bigquery=match["type"].upper(), required=bool(match["required"]))


def _comment(text: str) -> str:
    lines = []
    for line in text.splitlines():
        if not line.startswith("-- "):
            break
        lines.append(line.removeprefix("-- "))
    return " ".join(lines)
