"""Every kind of change of a schema in every mode, by the operators from pre-flight to `validate_raw`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from tests.faults.dump_files import CUSTOMERS, dump, table
from tests.faults.imports.conftest import Shop
from tests.integration.operators.conftest import DAY
from tributary.contracts import OnChange, QuarantineLimit
from tributary.drift.changes import ChangeKind
from tributary.dumps import DumpRefused
from tributary.errors import SchemaDriftError
from tributary.hooks.clients import bigquery_client
from tributary.ledger.store import OpsStore
from tributary.quality.results import CheckpointFailed

MakeShop = Callable[..., Shop]
ROWS = ("1,'pen','10',1.50", "2,'cap',NULL,2.00")
ITEMS = {"items": {"id": "int", "label": "varchar(40)", "size": "!varchar(10)", "price": "!decimal(10,2)"}}
COLUMNS = {
    "id": "`id` int NOT NULL", "label": "`label` varchar(40) NOT NULL", "size": "`size` varchar(10)",
    "price": "`price` decimal(10,2)", "": "PRIMARY KEY (`id`)",
}  # fmt: skip
STOPPED, LOADED = "stopped before anything is imported", "loaded"
MODES: tuple[OnChange | None, ...] = (None, *OnChange)


@dataclass(frozen=True)
class Drift:
    """One kind of change, as a dump has it; and by mode what becomes of it: rows of raw, or why it stops."""

    kind: ChangeKind
    what: str
    items: dict[str, str]
    rows: tuple[str, ...]
    becomes: dict[OnChange | None, Any]
    more: bytes = b""
    missing: bool = False


def of_modes(otherwise: Any, **modes: Any) -> dict[OnChange | None, Any]:
    """By mode; `default` is where the contract says none, and `freeze` stops everything."""
    known = {"freeze": STOPPED, **modes}
    return {mode: known.get(str(mode or "default"), otherwise) for mode in MODES}


def changed(**columns: str) -> dict[str, str]:
    return {**COLUMNS, **columns}


WHOLE = [(1, "pen", "10", "1.5"), (2, "cap", None, "2")]
ADDED = [(*row, extra) for row, extra in zip(WHOLE, (7, None), strict=True)]
DRIFTS = (
    Drift(ChangeKind.TABLE_NEW, "a further table", COLUMNS, ROWS, of_modes(WHOLE), more=CUSTOMERS),
    Drift(ChangeKind.TABLE_MISSING, "the table is gone", COLUMNS, ROWS, of_modes(STOPPED), missing=True),
    Drift(ChangeKind.COLUMN_ADDED, "`stock int`", changed(stock="`stock` int"),
          ("1,'pen','10',1.50,7", "2,'cap',NULL,2.00,NULL"), of_modes(WHOLE, evolve=ADDED)),
    Drift(ChangeKind.COLUMN_ADDED, "`phone varchar(20)`, which looks personal", changed(phone="`phone` varchar(20)"),
          ("1,'pen','10',1.50,'+49 30 1'", "2,'cap',NULL,2.00,NULL"), of_modes(WHOLE)),
    Drift(ChangeKind.COLUMN_DROPPED, "a column that may be empty",
          {name: item for name, item in COLUMNS.items() if name != "size"}, ("1,'pen',1.50", "2,'cap',2.00"),
          of_modes([(1, "pen", None, "1.5"), (2, "cap", None, "2")], default=STOPPED)),
    Drift(ChangeKind.COLUMN_DROPPED, "a column that is never empty",
          {name: item for name, item in COLUMNS.items() if name != "label"}, ("1,'10',1.50", "2,NULL,2.00"),
          of_modes(STOPPED)),
    Drift(ChangeKind.COLUMN_RENAMED, "a column that may be empty", changed(size="`width` varchar(10)"), ROWS,
          of_modes([(1, "pen", None, "1.5"), (2, "cap", None, "2")], default=STOPPED, evolve=WHOLE)),
    Drift(ChangeKind.COLUMN_RENAMED, "a column that is never empty", changed(label="`title` varchar(40) NOT NULL"),
          ROWS, of_modes(STOPPED, evolve=WHOLE)),
    Drift(ChangeKind.RETYPED, "wider: `varchar(40)` to `varchar(80)`", changed(label="`label` varchar(80) NOT NULL"),
          ROWS, of_modes(WHOLE)),
    Drift(ChangeKind.RETYPED, "narrower: `varchar(10)` to `varchar(2)`", changed(size="`size` varchar(2)"), ROWS,
          of_modes(WHOLE)),
    Drift(ChangeKind.RETYPED, "text to a number", changed(size="`size` int"), ("1,'pen',10,1.50", "2,'cap',NULL,2.00"),
          of_modes([(1, "pen", None, "1.5"), (2, "cap", None, "2")], default=STOPPED, evolve=WHOLE,
                   quarantine_rows=WHOLE)),
    Drift(ChangeKind.RETYPED, "a number to text, all of them numbers", changed(price="`price` varchar(20)"),
          ("1,'pen','10','1.50'", "2,'cap',NULL,'2.00'"),
          of_modes([(1, "pen", "10", None), (2, "cap", None, None)], default=STOPPED, evolve=WHOLE,
                   quarantine_rows=WHOLE)),
    Drift(ChangeKind.RETYPED, "a number to text, one of them none", changed(price="`price` varchar(20)"),
          ("1,'pen','10','1.50'", "2,'cap',NULL,'two'"),
          of_modes([(1, "pen", "10", None), (2, "cap", None, None)], default=STOPPED, evolve=SchemaDriftError,
                   quarantine_rows=WHOLE[:1])),
    Drift(ChangeKind.RETYPED, "money to a binary float", changed(price="`price` double"),
          ("1,'pen','10',1.5", "2,'cap',NULL,2"),
          of_modes(STOPPED, discard_column=[(1, "pen", "10", None), (2, "cap", None, None)])),
    Drift(ChangeKind.NULLABLE, "no value is empty", changed(label="`label` varchar(40)"), ROWS, of_modes(WHOLE)),
    Drift(ChangeKind.NULLABLE, "one value is empty", changed(label="`label` varchar(40)"),
          ("1,'pen','10',1.50", "2,NULL,NULL,2.00"), of_modes(CheckpointFailed, quarantine_rows=WHOLE[:1])),
    Drift(ChangeKind.REQUIRED, "", changed(price="`price` decimal(10,2) NOT NULL"), ROWS, of_modes(WHOLE)),
    Drift(ChangeKind.KEY_CHANGED, "the contract's still tells rows apart", changed(**{"": "PRIMARY KEY (`label`)"}),
          ROWS, of_modes(WHOLE)),
    Drift(ChangeKind.KEY_CHANGED, "the contract's does not any more", changed(**{"": "PRIMARY KEY (`label`)"}),
          (*ROWS, "1,'top','9',3.00"), of_modes(CheckpointFailed, quarantine_rows=[(2, "cap", None, "2")])),
)  # fmt: skip
CASES = [
    pytest.param(drift, mode, id=f"{drift.kind}, {drift.what}, {mode or 'default'}", marks=pytest.mark.case(
        "B17", f"{drift.kind} ({drift.what}), {mode or 'no mode'}", expected=str(drift.becomes[mode])))
    for drift in DRIFTS for mode in MODES
]  # fmt: skip


@pytest.mark.parametrize(("drift", "mode"), CASES)
def test_each_change_in_each_mode(make_shop: MakeShop, drift: Drift, mode: OnChange | None, seen: Callable[..., None]):
    shop = make_shop(ITEMS, on_change=mode)
    if mode is OnChange.quarantine_rows:
        # Only here: what the other modes do does not depend on it.
        shop.database = shop.database.model_copy(update={"quarantine": QuarantineLimit(max_share=0.7)})
    parts = [] if drift.missing else [table("items", ", ".join(drift.items.values()), *drift.rows)]
    text = dump(*parts, drift.more, database=shop.name)
    expected = drift.becomes[mode]
    if isinstance(expected, list):
        loaded = load(shop, text, columns="id, label, size, price" + (", stock" if len(expected[0]) > 4 else ""))
        seen(loaded)
        assert loaded == expected
        return
    with pytest.raises((SchemaDriftError, DumpRefused) if expected is STOPPED else expected) as caught:
        load(shop, text)
    seen(caught.value)
    assert bool(shop.jobs("import_dump")) == (expected is not STOPPED)


def load(shop: Shop, text: bytes, columns: str = "id") -> list[tuple[Any, ...]]:
    """Take a dump to a raw layer that was checked; its rows."""
    shop.load(text)
    shop.step("sync")
    shop.step("reconcile")
    shop.validate_raw()
    rows = shop.raw(f"select {columns} from {{raw}}.items order by id")
    return [tuple(f"{value.normalize():f}" if isinstance(value, Decimal) else value for value in row) for row in rows]


@pytest.mark.case(
    "B17", "a dump as the contract says, after one that was not", expected="nothing is told of it any more"
)
def test_what_is_told_is_of_the_newest_dump(make_shop: MakeShop, seen: Callable[..., None]):
    shop = make_shop({"items": {"id": "int", "bought": "!date"}})
    columns = "`id` int NOT NULL, `bought` date{}, PRIMARY KEY (`id`)"
    store = OpsStore(bigquery_client(), "US")

    def told(text: bytes) -> tuple[list[Any], list[Any]]:
        load(shop, dump(text, database=shop.name), columns="id, bought")
        changes = store.query("ops/schema_changes_now", database=shop.name)
        changed = store.query("ui/changed_values", database=shop.name, day=DAY)
        return [(row["column_name"], row["outcome"]) for row in changes], [tuple(row.values()) for row in changed]

    first = told(table("items", columns.format(", `stock` int"), "1,'0000-00-00',7", "2,'2013-01-01',8"))
    seen(first)
    assert first == ([("stock", "left out")], [("items", "bought", "NULLED", "DESTINATION_SERIALIZATION_ERROR", 1)])
    assert told(table("items", columns.format(""), "1,'2013-01-01'")) == ([], [])
