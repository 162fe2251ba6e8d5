"""Values of another type, brought back to the contract's by a real server: exactly, or not at all."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from tributary.drift.conversions import conversion

CASES: list[tuple[str, str, dict[Any, Any]]] = [
    ("varchar(30)", "int", {"1": 1, "-5": -5, "2147483647": 2**31 - 1, "0": 0, "2147483648": None, "1.0": None,
                            " 1": None, "01": None, "1e3": None, "": None, "one": None, "99999999999999999999": None}),
    ("varchar(30)", "tinyint unsigned", {"255": 255, "256": None, "-1": None}),
    ("varchar(30)", "bigint", {str(2**63 - 1): 2**63 - 1, str(-(2**63)): -(2**63), str(2**63): None}),
    ("varchar(30)", "decimal(10,2)", {"1.5": Decimal("1.50"), "-12345678.12": Decimal("-12345678.12"), "1.555": None,
                                      "123456789.00": None, "1.": None, ".5": None, "1,5": None, "NaN": None}),
    ("varchar(30)", "decimal(2,2)", {"0.12": Decimal("0.12"), "1.12": None, "0.123": None}),
    ("varchar(30)", "date", {"2013-02-28": date(2013, 2, 28), "2012-02-29": date(2012, 2, 29), "2013-02-30": None,
                             "0000-00-00": None, "2013-1-1": None, "2013-02-28 10:00:00": None, "soon": None}),
    ("varchar(30)", "datetime", {"2013-02-28 10:11:12": datetime(2013, 2, 28, 10, 11, 12), "2013-02-28": None,
                                 "2013-02-28 25:00:00": None, "2013-02-30 10:00:00": None,
                                 "0000-00-00 00:00:00": None}),
    ("bigint", "int", {7: 7, 2**31: None, -(2**31): -(2**31)}),
    ("bigint unsigned", "bigint", {2**63 - 1: 2**63 - 1, 2**64 - 1: None}),
    ("decimal(12,2)", "int", {Decimal("4.00"): 4, Decimal("4.50"): None}),
    ("decimal(30,5)", "decimal(10,2)", {Decimal("1.25"): Decimal("1.25"), Decimal("1.25500"): None,
                                        Decimal("123456789012.00000"): None}),
    ("int", "varchar(9)", {-12: "-12"}),
    ("decimal(10,2)", "varchar(40)", {Decimal("1.50"): "1.50"}),
    ("date", "varchar(40)", {date(2013, 1, 2): "2013-01-02"}),
    ("enum('a','b')", "varchar(9)", {"b": "b"}),
    ("set('a','b')", "text", {"a,b": "a,b"}),
    ("json", "text", {'{"a": 1}': '{"a": 1}'}),
    ("year", "int", {2013: 2013}),
    ("datetime", "date", {datetime(2013, 1, 2): date(2013, 1, 2), datetime(2013, 1, 2, 0, 0, 1): None}),
    ("date", "datetime", {date(2013, 1, 2): datetime(2013, 1, 2)}),
]  # fmt: skip


@pytest.mark.parametrize(("found", "expected", "values"), CASES, ids=[f"{one} to {other}" for one, other, _ in CASES])
def test_a_value_fits_exactly_or_not_at_all(cursor: Any, found: str, expected: str, values: dict[Any, Any]):
    way = conversion(found, expected)
    assert way is not None
    cursor.execute("set sql_mode = ''")
    cursor.execute(f"create or replace table t (id int primary key, v {found} null)")
    rows = [*enumerate(values), (len(values), None)]
    cursor.executemany("insert into t (id, v) values (%s, %s)", rows)
    cursor.execute("set sql_mode = default")
    cursor.execute(f"alter table t add column c {way.type} as ({way.converted('`v`')}) virtual")
    cursor.execute(f"alter table t add column u longtext as ({way.unfit('`v`')}) virtual")
    cursor.execute("select c, u from t order by id")
    converted = cursor.fetchall()
    assert [row[0] for row in converted] == [*values.values(), None]
    # What does not fit is kept as it is; what does, and NULL, is not.
    assert [row[1] is None for row in converted] == [*(value is not None for value in values.values()), True]
    unfit = [text for _, text in converted if text is not None]
    assert unfit == [str(value) for value, wanted in values.items() if wanted is None]


@pytest.mark.parametrize(
    ("found", "expected"),
    [("double", "decimal(10,2)"), ("timestamp", "datetime"), ("datetime", "timestamp"), ("blob", "text"),
     ("float", "int"), ("bit(1)", "int"), ("varchar(9)", "timestamp"), ("varchar(9)", "time"), ("point", "text")],
)  # fmt: skip
def test_what_cannot_be_told_for_certain_is_not_converted(found: str, expected: str):
    assert conversion(found, expected) is None
