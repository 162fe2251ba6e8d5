"""What the search box looks through: every table, column, app and database, as a script that sets one variable.

A script and no data file: a page that was opened from a folder may load the one and not the other. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from tributary.dictionary.model import Column, Dictionary, Layer, app_page

# What is looked for first in a list of equals: what analysts read.
_ORDER = (Layer.consolidated, Layer.marts, Layer.raw, Layer.ops)


def search_index(dictionary: Dictionary) -> str:
    """Entries `[name, where, words, address, [column, words, ...]]`, those of tables first."""
    tables = sorted(
        (table for table in dictionary.tables.values() if table.has_page), key=lambda table: _ORDER.index(table.layer)
    )
    entries: list[list[object]] = [
        [
            table.name,
            table.dataset,
            table.description,
            table.id,
            [part for column in table.columns for part in (column.name, _words(column))],
        ]
        for table in tables
    ]
    for app in dictionary.apps.values():
        entries.append([app.name, "app", app.description, app_page(app.name), []])
        entries += [
            [
                database.name,
                f"database of {app.name}",
                database.description,
                f"{app_page(app.name)}#{database.name}",
                [],
            ]
            for database in app.databases
        ]
    return f"tributaryIndex({_script(entries)});\n"


def _words(column: Column) -> str:
    how = "never copied" if column.personal else column.copied_as
    return f"{column.description} Personal: {how}." if how else column.description


def _script(value: object) -> str:
    """JSON in which nothing ends a script or a line of one."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    unsafe: Mapping[str, str] = {"<": "\\u003c", "\u2028": "\\u2028", "\u2029": "\\u2029"}
    for sign, written in unsafe.items():
        text = text.replace(sign, written)
    return text
