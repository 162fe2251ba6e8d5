"""Which tables a table comes from and which come from it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from graphlib import TopologicalSorter

from tributary.dictionary.layout import Picture, draw
from tributary.dictionary.model import Dictionary, Layer, Table


@dataclass(frozen=True)
class Lineage:
    """A picture of tables, and the same in words: the direct neighbours of the one that it is about."""

    picture: Picture
    reads: tuple[Table, ...]
    read_by: tuple[Table, ...]


def of_table(dictionary: Dictionary, table: Table) -> Lineage:
    """Everything that a table is made from, step by step back to raw, and everything that is made from it."""
    before = _reachable([table.id], lambda name: dictionary.tables[name].upstream)
    after = _reachable([table.id], lambda name: dictionary.downstream.get(name, ()))
    return Lineage(
        picture=_picture(dictionary, before | after),
        reads=tuple(dictionary.tables[name] for name in table.upstream),
        read_by=tuple(dictionary.tables[name] for name in dictionary.downstream.get(table.id, ())),
    )


def of_app(dictionary: Dictionary, app: str) -> Picture:
    """All tables of an app."""
    return _picture(dictionary, {table.id for table in dictionary.tables.values() if table.app == app})


def _picture(dictionary: Dictionary, names: set[str]) -> Picture:
    # In the dictionary's order, so that the same tables always give the same picture.
    tables = [table for table in dictionary.tables.values() if table.id in names]
    edges = [(parent, table.id) for table in tables for parent in table.upstream if parent in names]
    ranks = _ranks(tables, edges)
    headings: dict[int, str] = {}
    for table in tables:
        headings.setdefault(ranks[table.id], table.layer.value)
    return draw([(table.id, table.name) for table in tables], edges, ranks, headings)


def _ranks(tables: list[Table], edges: Iterable[tuple[str, str]]) -> dict[str, int]:
    """The column of each table: layer after layer, and within one each table right of those that it reads."""
    layers = {table.id: table.layer for table in tables}
    beside: dict[str, list[str]] = {name: [] for name in layers}
    for parent, child in edges:
        if layers[parent] is layers[child]:
            beside[child].append(parent)
    depths: dict[str, int] = {}
    for name in TopologicalSorter(beside).static_order():
        depths[name] = max((depths[parent] + 1 for parent in beside[name]), default=0)
    first, begins = 0, {}
    for layer in Layer:
        begins[layer] = first
        first += max((depths[name] + 1 for name in layers if layers[name] is layer), default=0)
    return {name: begins[layer] + depths[name] for name, layer in layers.items()}


def _reachable(start: Iterable[str], step: Callable[[str], Iterable[str]]) -> set[str]:
    found: set[str] = set()
    left = list(start)
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += step(name)
    return found
