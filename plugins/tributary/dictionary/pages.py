"""The dictionary's pages: which there are, and what is on each. The same ones stand in a folder and inside Airflow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tributary.dictionary import lineage
from tributary.dictionary.building import DATABASES
from tributary.dictionary.model import Dictionary, Layer, Table, app_page, table_id

START, NAMES = "", "names"
# An app with more databases shows their names on demand.
MANY = 30
# A picture of more tables tells nobody anything.
MOST_BOXES = 120


@dataclass(frozen=True)
class Page:
    """One page: its address in the dictionary, and what its template is given."""

    address: str
    title: str
    template: str
    values: Mapping[str, Any]


def addresses(dictionary: Dictionary) -> Iterator[str]:
    """Of all pages. How many there are depends on apps and their tables, not on how many databases share them."""
    yield START
    yield NAMES
    if dictionary.of(Layer.consolidated):
        yield Layer.consolidated
    yield Layer.ops
    yield from map(app_page, dictionary.apps)
    for table in dictionary.tables.values():
        if table.has_page:
            yield table.id


def page(dictionary: Dictionary, address: str) -> Page | None:
    """The page at an address; None where there is none."""
    if address == START:
        return Page(address, "Data dictionary", "dictionary/start.html", {"layers": _layers(dictionary)})
    if address == NAMES:
        return Page(address, "All columns, from A to Z", "dictionary/names.html", {"names": names(dictionary)})
    if address == Layer.consolidated and (tables := consolidated_tables(dictionary)):
        return _consolidated_page(dictionary, tables)
    if address == Layer.ops:
        return Page(address, "ops", "dictionary/ops.html", {"tables": dictionary.of(Layer.ops)})
    kind, _, rest = address.partition("/")
    if kind == "apps" and rest in dictionary.apps:
        return _app_page(dictionary, rest)
    table = dictionary.tables.get(address)
    return _table_page(dictionary, table) if table and table.has_page else None


def values(
    page: Page, dictionary: Dictionary, href: Callable[..., str], database_href: Callable[[str], str] = lambda name: ""
) -> dict[str, Any]:
    """What the template of a page is given, beside what the page around it needs.

    :param href: the link to another page, by its address, and to a place on it.
    :param database_href: the link to a page about a database's days; empty where there is none.
    """
    return {
        **page.values,
        "page": page,
        "title": page.title,
        "dictionary": dictionary,
        "href": href,
        "database_href": database_href,
        "MANY": MANY,
    }


def consolidated_tables(dictionary: Dictionary) -> Mapping[str, tuple[Table, ...]]:
    """The tables of `consolidated` by app, with an empty one for `databases`."""
    apps = {app: dictionary.of(Layer.consolidated, app) for app in dictionary.apps}
    found = {app: tables for app, tables in apps.items() if tables}
    common = dictionary.of(Layer.consolidated)
    return {**found, "": common} if common else found


def names(dictionary: Dictionary) -> Mapping[str, Mapping[str, tuple[Table, ...]]]:
    """By first letter and column, the tables that have it; personal ones too, with the raw table that lacks them."""
    found: dict[str, list[Table]] = {}
    for table in dictionary.tables.values():
        for column in table.columns if table.has_page else ():
            found.setdefault(column.name, []).append(table)
    letters: dict[str, dict[str, tuple[Table, ...]]] = {}
    for name in sorted(found, key=lambda name: (name.lower().lstrip("_"), name)):
        letters.setdefault(name.lstrip("_")[:1].upper() or "_", {})[name] = tuple(found[name])
    return letters


def _layers(dictionary: Dictionary) -> Mapping[Layer, int]:
    """How many tables each layer has, all apps together."""
    return {layer: sum(table.layer is layer for table in dictionary.tables.values()) for layer in Layer}


def _consolidated_page(dictionary: Dictionary, tables: Mapping[str, tuple[Table, ...]]) -> Page:
    # The example is the table that leads to the most others, with the first of them.
    most = max((table for of_app in tables.values() for table in of_app), key=lambda table: len(table.joins))
    join = next(iter(most.joins), None)
    return Page(
        Layer.consolidated,
        "consolidated",
        "dictionary/consolidated.html",
        {
            "tables": tables,
            "example": (most, join, dictionary.tables[join.to]) if join else None,
            "personal": [table for app in tables if app for table in dictionary.of(Layer.raw, app) if table.personal],
            "tagged": any(
                column.copied_as == "tagged"
                for of_app in tables.values()
                for table in of_app
                for column in table.columns
            ),
        },
    )


def _app_page(dictionary: Dictionary, name: str) -> Page:
    raw, marts = dictionary.of(Layer.raw, name), dictionary.of(Layer.marts, name)
    of_app = [table for table in dictionary.tables.values() if table.app == name]
    rows = dict.fromkeys(table.name for table in (*raw, *marts))
    layers = (Layer.raw, Layer.marts, Layer.consolidated)
    return Page(
        app_page(name),
        name,
        "dictionary/app.html",
        {
            "app": dictionary.apps[name],
            "rows": {row: [dictionary.tables.get(table_id(layer, name, row)) for layer in layers] for row in rows},
            "personal": [table for table in raw if table.personal or table.copied_otherwise],
            "knows_raw": bool(raw),
            "staging": dictionary.of(Layer.staging, name),
            "picture": lineage.of_app(dictionary, name) if len(of_app) <= MOST_BOXES else None,
        },
    )


def _table_page(dictionary: Dictionary, table: Table) -> Page:
    raw = dictionary.tables.get(table.mirrors)
    never_empty = {column.name for column in table.columns if column.required}
    return Page(
        table.id,
        table.address,
        "dictionary/table.html",
        {
            "table": table,
            "app": dictionary.apps.get(table.app),
            "lineage": lineage.of_table(dictionary, table),
            "left_out": raw.personal if raw else (),
            "beside": dictionary.of(table.layer, table.app),
            "joins": [(join, dictionary.tables[join.to], set(join.on) <= never_empty) for join in table.joins],
            "joined_by": [(dictionary.tables[of], join) for of, join in dictionary.joined_by.get(table.id, ())],
            "is_databases": table.id == table_id(Layer.consolidated, "", DATABASES),
        },
    )
