"""Names, dates, comparisons, the Airbyte plan and the publishing script."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from tributary import naming
from tributary.airbyte import SyncPlan, contains
from tributary.dates import logical_date, parse_day
from tributary.drift.columns import require_columns
from tributary.errors import SchemaDriftError, StageMismatchError, StagingTakenError
from tributary.publishing import Partly, missing_columns, transaction
from tributary.registry import load_registry
from tributary.sqlfiles import render_sql
from tributary.staging import LoadMarker, require_own
from tributary.versions import Publication

PUBLICATION = Publication("v1", "run_1", "2013-01-02", as_of={}, tables={}, row_count=0)
MARKER = LoadMarker("run_1", "2013-01-01", "gs://bucket/dump.sql.gz", 1, whole=True)


def test_every_name_of_a_database_is_its_own():
    makers = (naming.dag_id, naming.raw_dataset, naming.dataset, naming.airbyte_name)
    names = [make(database) for database in ("shop_eu", "shop_us") for make in makers]
    assert len(set(names)) == len(names)
    assert naming.dag_id("shop_eu") == "elt__shop_eu"
    assert naming.raw_dataset("shop_eu") == "raw__shop_eu"


def test_a_day_has_one_logical_date():
    assert logical_date(date(2013, 1, 31), "0 2 * * *") == datetime(2013, 1, 31, 2, tzinfo=UTC)
    assert logical_date(date(2013, 1, 31), "0 0 * * *") == datetime(2013, 1, 31, tzinfo=UTC)


def test_a_day_on_which_the_schedule_does_not_run_is_refused():
    with pytest.raises(ValueError, match="has no run on 2013-01-01"):
        logical_date(date(2013, 1, 1), "0 2 * * 1")  # a Tuesday


def test_a_malformed_day_shows_the_expected_form():
    with pytest.raises(ValueError, match="expected a day such as 2013-01-31"):
        parse_day("31.1.2013")


def test_a_step_reads_its_own_run_s_dump_only():
    assert require_own(MARKER, database="shop_eu", run_id="run_1") is MARKER
    with pytest.raises(StagingTakenError, match=r"2013-01-01.*'run_1'.*'run_2'.*Clear import_dump"):
        require_own(MARKER, database="shop_eu", run_id="run_2")
    for not_whole in (None, replace(MARKER, whole=False)):
        with pytest.raises(StagingTakenError, match="no dump that was imported whole"):
            require_own(not_whole, database="shop_eu", run_id="run_1")


def test_a_column_that_the_dump_lacks_is_named_with_what_is_new():
    database = load_registry().databases["airport_ewr"]
    found = {name: [*table.columns, "extra"] for name, table in database.contract.tables.items()}
    require_columns(database, {**found, "further": []})
    found["airlines"].remove("name")
    with pytest.raises(
        SchemaDriftError, match=r"flights\.yaml.*airport_ewr.*table airlines lacks name and has extra\."
    ):
        require_columns(database, found)
    del found["planes"]
    with pytest.raises(SchemaDriftError, match=r"table planes lacks tailnum, .* and has no new one; table airlines"):
        require_columns(database, found)


def test_a_personal_column_may_be_gone():
    database = load_registry().databases["shop_eu"]
    tables = database.contract.tables
    require_columns(database, {name: table.selected_columns for name, table in tables.items()})


def plan_for(name: str) -> SyncPlan:
    return SyncPlan.of(
        load_registry().databases[name], host="h", port=1, username="u", password="p", project="x", location="US"
    )


def test_the_connection_copies_every_table_and_no_dropped_column():
    streams = {stream["name"]: stream for stream in plan_for("shop_eu").connection["configurations"]["streams"]}
    assert set(streams) == set(load_registry().contracts["retail"].tables)
    fields = [field["fieldPath"] for field in streams["customers"]["selectedFields"]]
    assert fields == [["customer_id"], ["email"], ["newsletter"], ["created_at"], ["updated_at"]]
    assert streams["order_items"]["primaryKey"] == [["order_id"], ["line_number"]]


def test_databases_share_a_destination_but_no_dataset():
    first, second = plan_for("shop_eu"), plan_for("shop_us")
    assert first.connection["namespaceFormat"] == "raw__shop_eu"
    assert second.connection["namespaceFormat"] == "raw__shop_us"


@pytest.mark.parametrize(
    ("found", "wanted", "answer"),
    [
        ({"a": 1, "more": 2}, {"a": 1}, True),
        ({"a": 1}, {"a": 2}, False),
        ({}, {"a": 1}, False),
        ({"l": [{"n": 1, "x": 0}, {"n": 2}]}, {"l": [{"n": 2}, {"n": 1}]}, True),
        ({"l": [{"n": 1}, {"n": 2}]}, {"l": [{"n": 1}]}, False),
        ({"l": None}, {"l": []}, False),
    ],
)
def test_whether_airbyte_has_what_is_wanted(found: object, wanted: object, answer: bool):
    assert contains(found, wanted) is answer


def test_publishing_is_one_transaction_over_all_tables():
    columns = {"orders": ["_database", "order_id"], "databases": ["database"], "old": []}
    script = transaction(PUBLICATION, columns, live="v0")
    assert script.startswith("declare _tributary_replaced array<string> default [];\nbegin transaction;")
    assert script.rstrip().endswith("commit transaction;")
    assert script.count("delete from `consolidated`") == 3
    assert script.count("insert into `consolidated`") == 2
    assert script.count("insert into ops.published") == 1
    filled = "(_database, order_id) select _database, order_id from `consolidated__vv1`.`orders`\nwhere {};"
    assert filled.format("true") in script
    partly = transaction(PUBLICATION, columns, live="v0", partly=Partly(frozenset({"orders"}), ("shop_eu",)))
    assert partly.startswith("declare _tributary_replaced array<string> default ['shop_eu'];")
    assert filled.format("_database in unnest(_tributary_replaced)") in partly
    assert (script.count("where true;"), partly.count("where true;")) == (5, 3)


def test_a_publish_asks_whether_it_may_before_it_changes_anything_and_a_rollback_whether_it_still_fits():
    checks = {
        kind: transaction(replace(PUBLICATION, kind=kind), {"old": []}, live="v0").split("delete from")[0]
        for kind in ("publish", "rollback")
    }
    assert "ops.holds" in checks["publish"]
    assert "ops.holds" not in checks["rollback"]
    assert all("not in ('v0', 'v1')" in found for found in checks.values())


def test_a_new_column_is_added_and_a_changed_type_is_refused():
    assert missing_columns("t", {"a": "INT64", "b": "STRING"}, {"a": "INT64", "old": "DATE"}) == {"b": "STRING"}
    with pytest.raises(StageMismatchError, match=r"consolidated\.t\.a is INT64, the new rows have NUMERIC"):
        missing_columns("t", {"a": "NUMERIC"}, {"a": "INT64"})


def test_identifiers_cannot_break_out_of_their_quotes():
    with pytest.raises(ValueError, match="expected an identifier"):
        render_sql("consolidated/empty_table", table="x`; drop table y; --")
