"""Bad rows go aside and come back, as `validate_raw` does it, on a real BigQuery dialect."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from google.api_core.exceptions import NotFound
from google.cloud import bigquery
from typer.testing import CliRunner

from tests.integration.quality.conftest import Sql
from tributary import naming
from tributary.contracts import Contract, QuarantineLimit
from tributary.errors import RawTakenError, StageMismatchError, TributaryError
from tributary.failures import Kind, classify
from tributary.ledger.store import OpsStore, execute
from tributary.operators import validate
from tributary.operators.validate import ValidateMartsOperator, ValidateRawOperator
from tributary.quality.results import CheckpointFailed
from tributary.quality.suites import suites_for
from tributary.quarantine import flow, moving
from tributary.quarantine.cli import app
from tributary.quarantine.decisions import Decision, Decisions, UnknownRowsError
from tributary.quarantine.finding import FINDINGS, Findings
from tributary.registry import Database
from tributary.sqlfiles import read_sql, render_sql

DAY = date(2026, 11, 20)
SUITE = """
tables:
  customers:
    expectations:
      - type: expect_column_values_to_match_regex
        kwargs: {column: city, regex: "^[a-z0-9 ]+$"}
        meta: {rule: city_is_lower_case}
  lines:
    expectations:
      - type: expect_column_values_to_be_between
        kwargs: {column: quantity, min_value: 1}
        meta: {rule: quantity_at_least_one}
      - type: expect_column_values_to_be_between
        kwargs: {column: price, min_value: 0}
        meta: {rule: price_not_negative}
      - type: unexpected_rows_expectation
        kwargs:
          unexpected_rows_query: >-
            select item.order_id, item.line from {batch} as item
            where not exists (select 1 from {customers} as customer where customer.customer_id = item.customer_id)
        meta: {rule: customer_exists}
      - type: expect_column_value_lengths_to_be_between
        kwargs: {column: kind, max_value: 8}
        meta: {rule: kind_is_short}
      - type: expect_table_row_count_to_be_between
        kwargs: {min_value: {$PARAMETER: previous_rows}}
        meta: {rule: never_shrinks}
"""

# Each line needs the one of the order before; part of the rules of lines.
CHAIN = """
      - type: unexpected_rows_expectation
        kwargs:
          unexpected_rows_query: >-
            select item.order_id, item.line from {batch} as item
            where item.order_id > 1 and not exists (
            select 1 from {lines} as earlier where earlier.order_id = item.order_id - 1 and earlier.line = item.line)
        meta: {rule: earlier_exists}
"""


class Killed(BaseException):
    """The process of a task ends here."""


class TaskInstance:
    """Airflow's side of a task: the XComs of the run."""

    dag_id = "elt__kiosk"

    def __init__(self, raw: dict[str, int]) -> None:
        self.xcoms: dict[tuple[str, str], Any] = {
            ("find_dump", "return_value"): {"uri": "gs://dumps/kiosk.sql", "generation": 1},
            ("reconcile", "return_value"): raw,
        }

    def xcom_pull(self, task_ids: str, key: str = "return_value") -> Any:
        return self.xcoms.get((task_ids, key))

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcoms["validate_raw", key] = value


class Kiosk:
    """One database with a loaded dump of 10 customers and 20 lines, and the tasks that check it."""

    def __init__(self, dataset: str, contract: Contract, client: bigquery.Client, run_sql: Sql) -> None:
        self.raw = dataset
        self.name = dataset.removeprefix("raw__")
        self.aside = naming.quarantine_dataset(self.name)
        self.contract = contract
        self.client = client
        self.sql = run_sql
        self.store = OpsStore(client, "US")
        self.task_instance = TaskInstance({"customers": 10, "lines": 20})
        self.load("run_1")

    def load(self, run_id: str, day: date = DAY) -> None:
        """Say, as the sync does at its end, that raw holds a dump."""
        sql = render_sql("raw/load_marker", dataset=self.raw, table=naming.LOAD_MARKER)
        values = {"dump_date": str(day), "run_id": run_id, "dump_uri": "gs://dumps/kiosk.sql", "dump_generation": "1"}
        execute(self.client, sql, database=self.name, **values)

    def database(self, share: float, contract: Contract | None = None) -> Database:
        return Database(
            name=self.name, contract=contract or self.contract, owner="tests", cloud_sql_instance="staging",
            dump_pattern="*", dump_wait="1h", quarantine={"max_share": share},
        )  # fmt: skip

    def context(self, run_id: str = "run_1", force: bool = False) -> Any:
        return {"run_id": run_id, "ti": self.task_instance, "params": {"force": force}}

    def validate(self, share: float, contract: Contract | None = None, run_id: str = "run_1") -> dict[str, int]:
        """One try of `validate_raw`; the rows that it set aside."""
        self.task_instance.xcoms.pop(("validate_raw", "quarantined"), None)
        operator = ValidateRawOperator(task_id="validate_raw", database=self.database(share, contract))
        operator.day = str(DAY)
        operator.execute(self.context(run_id))
        return self.task_instance.xcom_pull("validate_raw", "quarantined") or {}

    def validate_marts(self) -> None:
        operator = ValidateMartsOperator(task_id="validate_marts", database=self.database(0))
        operator.day = str(DAY)
        operator.execute(self.context())

    def rows(self, table: str = "lines") -> int:
        return int(str(self.sql(f"select count(*) from {self.raw}.{table}")[0][0]))

    def set_aside(self, table: str = "lines") -> dict[str, list[str]]:
        """By key, the rules that the rows in quarantine broke; a row that is there twice fails."""
        if table not in moving.quarantined_tables(self.client, self.name):
            return {}
        key = "concat(order_id, '/', line)" if table == "lines" else "cast(customer_id as string)"
        rows = self.sql(f"select {key}, _rule from {self.aside}.{table} where _dump_date = '{DAY}'")
        assert len(rows) == len(dict(rows))  # type: ignore[call-overload]
        return {str(key): rules for key, rules in rows}  # type: ignore[misc]

    def ledger(self) -> dict[str, int]:
        rows = self.sql(
            f"select table_name, row_count from ops.ledger where database = '{self.name}' and stage = 'quarantine' "
            "qualify row_number() over (partition by table_name order by recorded_at desc) = 1"
        )
        return {str(table): int(str(count)) for table, count in rows}

    def failing(self) -> set[str]:
        """The rules whose newest result of the day is not a pass."""
        rows = self.sql(
            f"select rule, status from ops.quality_results where database = '{self.name}' "
            "qualify row_number() over (partition by table_name, rule order by checked_at desc) = 1"
        )
        return {str(rule) for rule, status in rows if status not in ("passed", "skipped")}


@pytest.fixture
def shop(
    make_kiosk: Callable[[], str],
    contract: Contract,
    client: bigquery.Client,
    run_sql: Sql,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Kiosk:
    suite = tmp_path / "gx" / contract.app / "raw.yaml"
    suite.parent.mkdir(parents=True)
    suite.write_text(SUITE)
    monkeypatch.setattr(validate, "suites_for", partial(suites_for, include=tmp_path))
    monkeypatch.setattr(validate, "bigquery_client", lambda: client)
    monkeypatch.setattr(validate, "close_for_run", lambda *_: None)
    monkeypatch.setenv("TRIBUTARY_DUMPS_BUCKET", "dumps")
    return Kiosk(make_kiosk(), contract, client, run_sql)


def bad_line(shop: Kiosk, key: str = "order_id = 7 and line = 2", value: int = 0) -> None:
    shop.sql(f"update {shop.raw}.lines set quantity = {value}, discount = 0 where {key}")


def test_by_default_a_bad_row_fails_the_database_as_ever(shop: Kiosk) -> None:
    bad_line(shop)
    with pytest.raises(CheckpointFailed) as failure:
        shop.validate(0)
    assert str(failure.value) == failure.value.result.failure_message()
    assert "quantity_at_least_one" in str(failure.value)
    assert shop.rows() == 20
    assert shop.set_aside() == {}
    assert shop.aside not in {dataset.dataset_id for dataset in shop.client.list_datasets()}


def test_bad_rows_within_the_share_are_moved_and_counted(shop: Kiosk) -> None:
    shop.sql(f"update {shop.raw}.lines set quantity = 0, price = -1 where order_id = 7 and line = 2")
    assert shop.validate(0.05) == {"lines": 1}
    assert shop.rows() == 19
    assert shop.set_aside() == {"7/2": ["price_not_negative", "quantity_at_least_one"]}
    assert shop.ledger() == {"lines": 1}
    assert shop.failing() == set()
    (row,) = shop.sql(f"select _run_id, _dump_date, quantity, _airbyte_raw_id from {shop.aside}.lines")
    assert row == ("run_1", DAY, 0, "r")
    states = shop.sql(f"select state, row_count from ops.runs where database = '{shop.name}'")
    assert states == [("transforming", 30)]


def test_clean_data_sets_nothing_aside(shop: Kiosk) -> None:
    assert shop.validate(1) == {}
    assert shop.rows() == 20
    assert shop.ledger() == {}


def test_children_of_rows_that_are_set_aside_follow_them(shop: Kiosk) -> None:
    shop.sql(f"update {shop.raw}.customers set city = 'SECRET' where customer_id = 4")
    assert shop.validate(0.1) == {"customers": 1, "lines": 2}
    assert shop.set_aside("customers") == {"4": ["city_is_lower_case"]}
    assert shop.set_aside() == {"4/1": ["customer_exists"], "4/2": ["customer_exists"]}
    assert (shop.rows("customers"), shop.rows()) == (9, 18)


def test_rounds_follow_a_chain_to_its_end_but_not_without_one(shop: Kiosk, tmp_path: Path) -> None:
    (tmp_path / "gx" / "kiosk" / "raw.yaml").write_text(SUITE.rstrip() + CHAIN)
    bad_line(shop, "order_id = 8 and line = 1")
    assert shop.validate(0.5) == {"lines": 3}
    assert shop.set_aside() == {
        "8/1": ["quantity_at_least_one"],
        "9/1": ["earlier_exists"],
        "10/1": ["earlier_exists"],
    }
    shop.sql(f"update {shop.raw}.lines set quantity = 0, discount = 0 where order_id = 1 and line = 2")
    with pytest.raises(CheckpointFailed, match="10 rounds did not end it"):
        shop.validate(1)
    assert (shop.rows(), shop.set_aside()) == (20, {})
    assert moving.quarantined_tables(shop.client, shop.name) == ["lines"]


def test_all_rows_of_a_duplicate_key_are_set_aside(shop: Kiosk) -> None:
    shop.sql(f"update {shop.raw}.lines set line = 1 where order_id = 6")
    assert shop.validate(0.1) == {"lines": 2}
    assert shop.sql(f"select order_id, line, _rule from {shop.aside}.lines") == [(6, 1, ["key_unique"])] * 2


def test_rows_without_a_key_are_set_aside(shop: Kiosk) -> None:
    shop.sql(f"insert into {shop.raw}.customers (city, joined) values ('x', date '2020-01-01')")
    assert shop.validate(0.1) == {"customers": 1}
    assert shop.rows("customers") == 10


def test_above_the_share_nothing_is_moved(shop: Kiosk) -> None:
    bad_line(shop, "order_id = 7")
    with pytest.raises(CheckpointFailed, match=r"lines: 2 of 20 rows \(10 %\), at most 9\.9 % may be set aside"):
        shop.validate(0.099)
    assert shop.rows() == 20
    assert shop.set_aside() == {}
    assert moving.quarantined_tables(shop.client, shop.name) == []


def test_children_count_for_the_share_before_anything_is_moved(shop: Kiosk) -> None:
    shop.sql(f"update {shop.raw}.customers set city = 'SECRET' where customer_id in (4, 5)")
    lines = shop.contract.tables["lines"].model_copy(update={"quarantine": QuarantineLimit(max_share=0.1)})
    contract = shop.contract.model_copy(update={"tables": {**shop.contract.tables, "lines": lines}})
    with pytest.raises(CheckpointFailed, match=r"lines: 4 of 20 rows \(20 %\), at most 10 %"):
        shop.validate(0.2, contract)
    assert (shop.rows("customers"), shop.rows()) == (10, 20)


def test_rules_on_whole_tables_and_rules_without_sql_fail_and_say_so(shop: Kiosk) -> None:
    shop.sql(f"update {shop.raw}.lines set kind = 'a long kind' where order_id = 1 and line = 1")
    with pytest.raises(CheckpointFailed, match="kind_is_short: there is no SQL for expect_column_value_lengths"):
        shop.validate(1)
    shop.sql(f"update {shop.raw}.lines set kind = 'sold', quantity = 0 where order_id = 1 and line = 1")
    land_before(shop, lines=21)
    with pytest.raises(CheckpointFailed, match="lines: never_shrinks: it is about the table"):
        shop.validate(1)
    assert shop.rows() == 20


def land_before(shop: Kiosk, lines: int) -> None:
    yesterday = date(2026, 11, 19)
    shop.store.record_counts("raw", {"lines": lines}, database=shop.name, dump_date=yesterday, run_id="run_0")
    shop.store.record_state(
        "landed", database=shop.name, dump_date=yesterday, run_id="run_0", dump_uri="u", dump_generation=1, rows=lines
    )


def test_rows_set_aside_do_not_count_as_lost(shop: Kiosk) -> None:
    bad_line(shop)
    land_before(shop, lines=20)
    assert shop.validate(0.05) == {"lines": 1}


def test_a_repeated_try_gives_the_same(shop: Kiosk) -> None:
    bad_line(shop)
    for _ in range(2):
        assert shop.validate(0.05) == {"lines": 1}
        assert (shop.rows(), shop.set_aside()) == (19, {"7/2": ["quantity_at_least_one"]})
        assert shop.ledger() == {"lines": 1}


@pytest.mark.parametrize("statement", [1, 2, 3])
def test_an_end_between_the_statements_of_a_move_changes_nothing(
    statement: int, shop: Kiosk, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad_line(shop)

    def cut(client: Any, sql: str, **values: str) -> Any:
        if sql.startswith("begin transaction;") and "delete from `raw" in sql:
            head = [part for part in sql.split(";\n") if part.strip()]
            sql = ";\n".join([*head[:statement], "select error('killed')", *head[statement:]])
        return execute(client, sql, **values)

    with monkeypatch.context() as patch:
        patch.setattr(moving, "execute", cut)
        with pytest.raises(Exception, match="killed"):
            shop.validate(0.05)
    assert shop.rows() == 20
    assert shop.set_aside() == {}
    assert shop.validate(0.05) == {"lines": 1}
    assert (shop.rows(), shop.set_aside()) == (19, {"7/2": ["quantity_at_least_one"]})


def test_a_kill_after_the_move_loses_and_doubles_nothing(shop: Kiosk, monkeypatch: pytest.MonkeyPatch) -> None:
    bad_line(shop)

    def killed(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(flow, "rules_on_rows", killed)
        with pytest.raises(Killed):
            shop.validate(0.05)
    assert (shop.rows(), shop.set_aside()) == (19, {"7/2": ["quantity_at_least_one"]})
    assert shop.validate(0.05) == {"lines": 1}
    assert (shop.rows(), shop.set_aside()) == (19, {"7/2": ["quantity_at_least_one"]})


def test_a_cleared_reconcile_finds_raw_whole(shop: Kiosk) -> None:
    bad_line(shop)
    before = shop.sql(f"select * from {shop.raw}.lines order by order_id, line")
    shop.validate(0.05)
    assert moving.restore(shop.client, shop.name, DAY, shop.contract.tables) == ["lines"]
    assert shop.sql(f"select * from {shop.raw}.lines order by order_id, line") == before
    assert shop.set_aside() == {}
    moving.restore(shop.client, shop.name, DAY, shop.contract.tables)
    assert shop.rows() == 20


def test_a_new_sync_of_the_day_replaces_what_was_set_aside(shop: Kiosk) -> None:
    bad_line(shop)
    whole = f"kept_{shop.name}"
    shop.sql(f"create schema {whole}", f"create table {whole}.lines as select * from {shop.raw}.lines")
    shop.validate(0.05)
    # Airbyte writes the whole table again, and the source has another row wrong now.
    shop.sql(
        f"truncate table {shop.raw}.lines",
        f"insert into {shop.raw}.lines select * from {whole}.lines",
        f"update {shop.raw}.lines set quantity = 1 where quantity = 0",
    )
    bad_line(shop, "order_id = 2 and line = 1")
    shop.load("run_2")
    assert shop.validate(0.05, run_id="run_2") == {"lines": 1}
    assert (shop.rows(), shop.set_aside()) == (19, {"2/1": ["quantity_at_least_one"]})
    shop.sql(
        f"truncate table {shop.raw}.lines",
        f"insert into {shop.raw}.lines select * from {whole}.lines",
        f"update {shop.raw}.lines set quantity = 1 where quantity = 0",
    )
    shop.load("run_3")
    assert shop.validate(0.05, run_id="run_3") == {}
    assert (shop.rows(), shop.set_aside(), shop.ledger()) == (20, {}, {"lines": 0})


def test_other_days_stay_in_quarantine_and_a_run_of_them_is_refused(shop: Kiosk) -> None:
    bad_line(shop)
    shop.validate(0.05)
    shop.load("run_2", date(2026, 11, 21))
    with pytest.raises(RawTakenError, match=r"holds the dump of 2026-11-21.*that of 2026-11-20 of run 'run_1'"):
        shop.validate(0.05)
    assert shop.set_aside() == {"7/2": ["quantity_at_least_one"]}


@pytest.mark.parametrize("raw", ["of another run", "being synced"])
def test_rows_of_another_run_are_not_judged(raw: str, shop: Kiosk) -> None:
    if raw == "of another run":
        shop.load("run_2")
    else:
        shop.sql(f"drop table {shop.raw}.{naming.LOAD_MARKER}")
    with pytest.raises(RawTakenError, match="Clear import_dump of this run"):
        shop.validate(0)
    shop.store.create_tables()
    for table in ("runs", "quality_results"):
        assert shop.sql(f"select 1 from ops.{table} where database = '{shop.name}'") == []


def test_a_sync_that_begins_during_the_checks_is_noticed(shop: Kiosk, monkeypatch: pytest.MonkeyPatch) -> None:
    real = validate.run_checkpoint

    def overtaken(**kwargs: Any) -> Any:
        result = real(**kwargs)
        shop.load("run_2", date(2026, 11, 21))
        return result

    monkeypatch.setattr(validate, "run_checkpoint", overtaken)
    with pytest.raises(RawTakenError):
        shop.validate(0)
    assert shop.sql(f"select 1 from ops.runs where database = '{shop.name}'") == []


def test_a_move_that_a_killed_try_left_to_bigquery_is_noticed(shop: Kiosk, monkeypatch: pytest.MonkeyPatch) -> None:
    """BigQuery ends it while the next try looks at raw, which then seems to be clean."""
    bad_line(shop)
    late: list[str] = []

    def killed(client: Any, sql: str, **values: str) -> Any:
        if sql.startswith("begin transaction;") and "delete from `raw" in sql:
            # What the statement reads is gone with the killed try's table of findings; its rows are not.
            late.append(sql)
            raise Killed
        return execute(client, sql, **values)

    with monkeypatch.context() as patch:
        patch.setattr(moving, "execute", killed)
        patch.setattr(Findings, "drop", lambda _: None)
        with pytest.raises(Killed):
            shop.validate(0.05)
    real = validate.run_checkpoint

    def after_the_move(**kwargs: Any) -> Any:
        if late:
            execute(shop.client, late.pop())
        return real(**kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(validate, "run_checkpoint", after_the_move)
        patch.setattr(moving, "FINDINGS", "of nobody")  # the table outlives the start of the try
        with pytest.raises(TributaryError, match=r"has {'lines': 1} of 2026-11-20, this try set aside none") as error:
            shop.validate(0.05)
    assert classify(error.value).kind is not Kind.permanent
    assert shop.sql(f"select 1 from ops.runs where database = '{shop.name}'") == []
    assert shop.validate(0.05) == {"lines": 1}
    assert (shop.rows(), shop.set_aside()) == (19, {"7/2": ["quantity_at_least_one"]})


def test_a_move_that_comes_a_second_time_loses_nothing(shop: Kiosk, monkeypatch: pytest.MonkeyPatch) -> None:
    bad_line(shop)
    real = moving.move

    def twice(*arguments: Any) -> None:
        real(*arguments)
        real(*arguments)

    monkeypatch.setattr(moving, "move", twice)
    assert shop.validate(0.05) == {"lines": 1}
    assert (shop.rows(), shop.set_aside()) == (19, {"7/2": ["quantity_at_least_one"]})


def test_what_a_killed_try_has_found_is_removed(shop: Kiosk, monkeypatch: pytest.MonkeyPatch) -> None:
    bad_line(shop)
    with monkeypatch.context() as patch:
        patch.setattr(Findings, "drop", lambda _: None)
        shop.validate(0.05)
    table = f"{shop.client.project}.{shop.aside}.{FINDINGS}"
    assert shop.client.get_table(table)
    moving.restore(shop.client, shop.name, DAY, ["lines"])
    with pytest.raises(NotFound):
        shop.client.get_table(table)


def test_rows_of_an_earlier_sync_go_whatever_types_their_columns_have_now(
    shop: Kiosk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """BigQuery refuses a statement that would put one type into another, also where it would move no row."""
    bad_line(shop)
    shop.validate(0.05)
    shop.load("run_2")
    sent: list[str] = []

    def noted(client: Any, sql: str, **values: str) -> Any:
        sent.append(sql)
        return execute(client, sql, **values)

    monkeypatch.setattr(moving, "execute", noted)
    assert moving.restore(shop.client, shop.name, DAY, ["lines"]) == ["lines"]
    assert not [sql for sql in sent if "insert into" in sql]
    assert (shop.rows(), shop.set_aside()) == (19, {})


def test_rules_that_stay_broken_put_the_rows_back(shop: Kiosk, monkeypatch: pytest.MonkeyPatch) -> None:
    bad_line(shop)
    real = moving.move

    def spoil(*arguments: Any) -> None:
        real(*arguments)
        shop.sql(f"update {shop.raw}.lines set price = -1 where order_id = 1 and line = 1")

    monkeypatch.setattr(moving, "move", spoil)
    with pytest.raises(CheckpointFailed, match="broken without the bad rows, too; all rows were put back") as failure:
        shop.validate(0.05)
    assert "price_not_negative" in str(failure.value)
    assert (shop.rows(), shop.set_aside()) == (20, {})


def test_marts_have_raws_rows_without_those_set_aside(shop: Kiosk) -> None:
    bad_line(shop)
    shop.validate(0.05)
    shop.sql(
        f"create schema {shop.name}",
        *(
            f"create table {shop.name}.{table} partition by _dump_date as "
            f"select date '{DAY}' as _dump_date, * from {shop.raw}.{table}"
            for table in ("customers", "lines")
        ),
    )
    shop.validate_marts()
    assert shop.name in shop.store.landed(DAY)
    # Built anew by a run of dbt that was started again: what the ledger says of the marts, nobody has checked.
    shop.sql(f"delete from {shop.name}.lines where order_id = 1")
    with pytest.raises(StageMismatchError, match="lines: 19 rows"):
        shop.validate_marts()
    assert shop.name not in shop.store.landed(DAY)


def test_the_report_of_a_day_counts_what_was_set_aside(shop: Kiosk) -> None:
    bad_line(shop)
    for stage, lines in (("dump", 20), ("raw", 20), ("marts", 19)):
        counts = {"customers": 10, "lines": lines}
        shop.store.record_counts(stage, counts, database=shop.name, dump_date=DAY, run_id="run_1")
    shop.validate(0.05)
    (row,) = execute(shop.client, read_sql("ops/day_report"), databases=json.dumps([shop.name]), day=str(DAY))
    assert (row["dump_rows"], row["raw_rows"], row["quarantine_rows"], row["marts_rows"]) == (30, 30, 1, 29)
    assert row["failed"] == 0


def test_the_report_of_a_day_leaves_out_rules_that_are_gone(shop: Kiosk, tmp_path: Path) -> None:
    bad_line(shop)
    with pytest.raises(CheckpointFailed):
        shop.validate(0)
    suite = tmp_path / "gx" / shop.contract.app / "raw.yaml"
    suite.write_text(SUITE.replace("min_value: 1}", "min_value: 0}").replace("quantity_at_least_one", "not_negative"))
    shop.validate(0)
    (row,) = execute(shop.client, read_sql("ops/day_report"), databases=json.dumps([shop.name]), day=str(DAY))
    assert row["failed"] == 0


def decisions(shop: Kiosk) -> Decisions:
    return Decisions(shop.store, shop.database(0), validate.suites_for(shop.contract, "raw"))


def decide(shop: Kiosk, decision: Decision, *keys: str, rule: str = "quantity_at_least_one") -> int:
    return decisions(shop).decide(decision, "lines", rule, keys=list(keys), why="seen", by="tester")


def test_rows_are_shown_after_the_contract_has_gained_a_column(shop: Kiosk) -> None:
    bad_line(shop)
    shop.validate(0.05)
    lines = shop.contract.tables["lines"]
    wider = lines.model_copy(update={"columns": {**lines.columns, "added": lines.columns["quantity"]}})
    contract = shop.contract.model_copy(update={"tables": {**shop.contract.tables, "lines": wider}})
    suites = validate.suites_for(shop.contract, "raw")
    (found,) = Decisions(shop.store, shop.database(0, contract), suites).shown("lines", content=True)
    assert found["quantity"] == 0
    assert "added" not in found


def test_a_released_row_passes_its_rule_from_then_on(shop: Kiosk) -> None:
    bad_line(shop, "order_id = 7")
    assert shop.validate(0.1) == {"lines": 2}
    assert decide(shop, "release", '{"order_id": 7, "line": 2}') == 1
    assert shop.validate(0.1) == {"lines": 1}
    assert shop.set_aside() == {"7/1": ["quantity_at_least_one"]}
    assert shop.rows() == 19
    assert shop.failing() == set()
    observed = shop.sql(
        f"select observed from ops.quality_results where database = '{shop.name}' "
        "and rule = 'quantity_at_least_one' order by checked_at desc limit 1"
    )
    assert observed == [("1 released",)]


def test_a_released_row_is_still_held_against_its_other_rules(shop: Kiosk) -> None:
    shop.sql(f"update {shop.raw}.lines set quantity = 0, price = -1 where order_id = 7 and line = 2")
    decide(shop, "release", '{"order_id": 7, "line": 2}')
    assert shop.validate(0.05) == {"lines": 1}
    assert shop.set_aside() == {"7/2": ["price_not_negative"]}


def test_all_rows_of_a_rule_are_released_without_a_share(shop: Kiosk) -> None:
    bad_line(shop, "order_id in (7, 8)")
    assert shop.validate(0.2) == {"lines": 4}
    assert decide(shop, "release") == 4
    assert shop.validate(0) == {}
    assert (shop.rows(), shop.set_aside(), shop.failing()) == (20, {}, set())
    assert shop.ledger() == {"lines": 0}
    # Another row that breaks the rule is not released.
    bad_line(shop, "order_id = 1 and line = 1")
    with pytest.raises(CheckpointFailed, match="lines: 1 of 20 rows"):
        shop.validate(0)


def test_a_dropped_row_stays_aside_and_no_longer_counts(shop: Kiosk) -> None:
    bad_line(shop, "order_id = 7")
    with pytest.raises(CheckpointFailed):
        shop.validate(0.05)
    assert decide(shop, "drop", "order_id=7, line=1") == 1
    assert shop.validate(0.05) == {"lines": 2}
    assert decide(shop, "drop", "order_id=7, line=2") == 1
    assert shop.validate(0) == {"lines": 2}
    assert shop.ledger() == {"lines": 2}
    # The newest decision counts.
    decide(shop, "release", "order_id=7, line=1")
    assert shop.validate(0) == {"lines": 1}
    assert shop.set_aside() == {"7/2": ["quantity_at_least_one"]}


def test_people_see_how_many_rows_which_keys_and_the_content_only_when_asked(
    shop: Kiosk, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad_line(shop, "order_id = 7")
    shop.validate(0.1)
    decide(shop, "drop", "order_id=7, line=1")
    monkeypatch.setattr("tributary.quarantine.cli.store_for_people", lambda: shop.store)
    monkeypatch.setattr("tributary.quarantine.cli._decisions", lambda name, store: decisions(shop))
    run = partial(CliRunner().invoke, app)

    listed = json.loads(run(["list", "--database", shop.name, "-f", "json"]).stdout)
    line = {"database": shop.name, "dump_date": str(DAY), "table_name": "lines"}
    assert listed == [{**line, "rule": "quantity_at_least_one", "row_count": 2}]
    shown = json.loads(run(["show", shop.name, "lines", "-f", "json"]).stdout)
    assert [(json.loads(row["row_key"])["line"], row["decision"], row["why"]) for row in shown] == [
        (1, "drop", "seen"),
        (2, None, None),
    ]
    assert "price" not in shown[0]
    full = json.loads(run(["show", shop.name, "lines", "--rows", "--date", str(DAY), "-f", "json"]).stdout)
    assert set(full[0]) == {*shown[0], *shop.contract.tables["lines"].selected_columns}
    assert json.loads(run(["show", shop.name, "lines", "--date", "2026-01-01", "-f", "json"]).stdout) == []

    because = ["--rule", "quantity_at_least_one", "--why", "a gift"]
    assert run(["release", shop.name, "lines", *because]).exit_code == 2
    released = run(["release", shop.name, "lines", "--all", *because])
    assert "release 2 rows" in released.stdout, released.output
    assert shop.validate(0) == {}


@pytest.mark.parametrize(
    ("table", "rule", "keys", "words"),
    [
        ("nothing", "quantity_at_least_one", [], "expected one of .*: customers, lines"),
        ("lines", "no_such_rule", [], "expected one of lines: .*quantity_at_least_one"),
        ("lines", "quantity_at_least_one", ["order_id=7, line=9"], r"no row with the key {\"order_id\":7,\"line\":9}"),
        ("lines", "quantity_at_least_one", [], "was ever set aside"),
    ],
)
def test_a_decision_about_nothing_is_refused(shop: Kiosk, table: str, rule: str, keys: list[str], words: str) -> None:
    with pytest.raises(UnknownRowsError, match=words):
        decisions(shop).decide("drop", table, rule, keys=keys, why="seen", by="tester")
