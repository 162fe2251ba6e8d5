"""The history of a table: what dbt makes of dumps that come in any order, against what they say together."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from dbt_warehouse import Warehouse, succeeded
from google.api_core.exceptions import GoogleAPICallError
from history_world import COLUMNS, CONTRACT, DATABASE, PRICE, Cinema, Dump, Row, history_of
from hypothesis import given, settings
from hypothesis import strategies as st

DAYS = [date(2013, 1, 1) + timedelta(days=number) for number in range(5)]
KEY_VALUES = [(1, "A"), (1, "a"), (2, "A")]
# By column: what is there or not, and what is almost the same.
VALUES: list[list[Any]] = [
    [None, Decimal("1.5"), Decimal("99999999.99"), Decimal("99999999.98")],
    [None, 0.0, -0.0, 0.3, 0.1 + 0.2],
    [None, "null", '{"a":1}', '{"a":"1"}'],
    [None, "", "AP8="],
    [None, datetime(2013, 1, 1), datetime(2013, 1, 1, 0, 0, 0, 1)],
]


@st.composite
def dumps(draw: st.DrawFn) -> Dump:
    """A dump of any day: each key has a row, was set aside, or is not there. Rows differ in a column or in none."""
    rows: list[Row] = []
    aside = set()
    for key in KEY_VALUES:
        match draw(st.sampled_from(["row", "row", "row", "aside", "gone"])):
            case "row":
                changed = draw(st.integers(0, len(VALUES) - 1))
                content = [value[1] for value in VALUES]
                content[changed] = draw(st.sampled_from(VALUES[changed]))
                rows.append((*key, *content))
            case "aside":
                aside.add(key)
    return Dump(draw(st.sampled_from(DAYS)), tuple(rows), frozenset(aside))


@pytest.fixture(scope="module")
def cinema(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Cinema:
    """With what dbt sends for a dump, recorded."""
    cinema = Cinema.made(warehouse, tmp_path_factory.mktemp("cinema"))
    cinema.set_aside({})
    cinema.record(Dump(DAYS[0], (row(1, "A"),)))
    return cinema


def row(film: int, seat: str, **changed: Any) -> Row:
    names = ("order", "rows", "today", "poster", "at")
    return (film, seat, *(changed.get(name, values[1]) for name, values in zip(names, VALUES, strict=True)))


@settings(max_examples=25)
@given(st.lists(dumps(), min_size=1, max_size=7))
def test_a_history_is_what_the_dumps_say_in_whatever_order_they_come(cinema: Cinema, loads: list[Dump]) -> None:
    for number, dump in enumerate(loads):
        so_far = loads[: number + 1]
        cinema.set_aside({load.day: load for load in so_far})
        cinema.replay(dump, anew=number == 0)
        assert cinema.history() == history_of(so_far)


def test_versions_that_ended_before_are_not_looked_at(cinema: Cinema) -> None:
    loads = [Dump(day, (row(1, "A", rows=number / 2), row(2, "A"))) for number, day in enumerate(DAYS)]
    for number, dump in enumerate(loads[:4]):
        cinema.replay(dump, anew=number == 0)
    # As if their partitions were gone.
    cinema.query(f"delete from {cinema.table} where _valid_to <= '{DAYS[2]}'")
    cinema.replay(loads[4], anew=False)
    cinema.replay(loads[3], anew=False)
    kept = {version for version in history_of(loads) if version[1] is None or version[1] > DAYS[2]}
    assert cinema.history() == kept


def test_a_run_that_another_one_has_overtaken_writes_nothing(cinema: Cinema) -> None:
    cinema.replay(Dump(DAYS[0], (row(1, "A"),)), anew=True)
    before, (rows, script) = cinema.history(), cinema.each
    other = f"insert into {cinema.table}_days values (date '{DAYS[1]}', 0, current_timestamp()); begin transaction;"
    cinema.each = [rows, script.replace("begin transaction;", other)]
    with pytest.raises(GoogleAPICallError, match="another run has brought a dump into it meanwhile"):
        cinema.replay(Dump(DAYS[2], (row(2, "A"),)), anew=False)
    cinema.each = [rows, script]
    assert cinema.history() == before


def test_what_would_spoil_a_history_is_refused_and_leaves_it_as_it_was(cinema: Cinema) -> None:
    cinema.begin_anew()
    succeeded(cinema.build(Dump(DAYS[0], (row(1, "A"),))))
    before = cinema.history()
    twice = cinema.build(Dump(DAYS[1], (row(1, "A"), row(1, "A", rows=None))))
    assert "visits__history: expected one row for each film, seat; found some" in twice.text
    assert cinema.history() == before

    succeeded(cinema.build(Dump(DAYS[1], (row(2, "A"),)), "--full-refresh"))
    both = history_of([Dump(DAYS[0], (row(1, "A"),)), Dump(DAYS[1], (row(2, "A"),))])
    assert cinema.history() == both

    cinema.warehouse.client.delete_table(f"{cinema.warehouse.client.project}.{cinema.table}_days")
    without_days = cinema.build(Dump(DAYS[2], (row(2, "A"),)))
    assert "visits__history_days` does not exist: expected it to say which dumps" in without_days.text
    assert cinema.history() == both


def test_a_history_that_somebody_has_altered_fails_its_test(cinema: Cinema) -> None:
    cinema.begin_anew()
    dump = Dump(DAYS[1], (row(1, "A"), row(2, "A")))
    succeeded(cinema.build(dump))
    cinema.query(f"update {cinema.table} set _valid_to = '{DAYS[3]}', _ended_by = 'change' where film = 1")
    cinema.query(f"insert into {cinema.table} select * from {cinema.table} where film = 2")
    select = ("test", "--select", "cinema__visits__history")
    outcome = cinema.warehouse.dbt(DATABASE, *select, database=DATABASE, dump_date=str(dump.day))
    assert outcome.code == 1
    # The end of the first without what it changed to, the second that is there twice, and three rows where raw has two.
    assert "Got 3 results" in outcome.text


# The last one: at the end, what was sent is held against the columns that there are then.
@pytest.fixture
def as_it_was(cinema: Cinema) -> Iterator[Cinema]:
    """For tests that give it other columns."""
    yield cinema
    cinema.accept(CONTRACT)
    cinema.columns = COLUMNS


def test_columns_come_and_go_and_change_no_type(as_it_was: Cinema) -> None:
    cinema = as_it_was
    cinema.begin_anew()
    was = row(1, "A")
    succeeded(cinema.build(Dump(DAYS[0], (was, row(2, "A")))))
    cinema.accept(f"{CONTRACT}      price: {{type: int, nullable: true}}\n")
    cinema.columns = f"{COLUMNS} {PRICE}"
    succeeded(cinema.build(Dump(DAYS[1], ((*was, 7), (*row(2, "A"), None)))))
    added = {
        (DAYS[0], DAYS[1], "change", *was, None),
        (DAYS[1], None, None, *was, 7),
        (DAYS[0], None, None, *row(2, "A"), None),
    }
    assert cinema.history() == added

    cinema.accept(CONTRACT)
    cinema.columns = COLUMNS
    succeeded(cinema.build(Dump(DAYS[2], (was, row(2, "A")))))
    cinema.columns = f"{COLUMNS} {PRICE}"
    dropped = added - {(DAYS[1], None, None, *was, 7)} | {
        (DAYS[1], DAYS[2], "change", *was, 7),
        (DAYS[2], None, None, *was, None),
    }
    assert cinema.history() == dropped

    cinema.accept(f"{CONTRACT}      price: {{type: varchar(9), nullable: true}}\n")
    refused = cinema.build(Dump(DAYS[3], ((*was, 7),)))
    assert "`visits__history`.price is INT64, the contract now makes it STRING" in " ".join(refused.text.split())
    assert cinema.history() == dropped
