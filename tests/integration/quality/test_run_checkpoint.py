"""Checkpoints on real tables: what passes, what fails with which rows, and what may not pass."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from google.cloud import bigquery

from tributary.contracts import Contract, Models
from tributary.quality.checkpoint import run_checkpoint
from tributary.quality.contract_rules import contract_expectations
from tributary.quality.results import CheckpointResult, RuleResult
from tributary.quality.suites import suites_for
from tributary.registry import INCLUDE

Sql = Callable[..., list[tuple[Any, ...]]]
Check = Callable[..., CheckpointResult]

SUITE = """
tables:
  customers:
    key: [customer_id]
    expectations:
      - type: expect_column_values_to_match_regex
        kwargs: {column: city, regex: "^[a-z0-9 ]+$"}
        meta: {rule: city_is_lower_case}
      - type: expect_column_pair_values_a_to_be_greater_than_b
        kwargs: {column_A: joined, column_B: born, or_equal: true, ignore_row_if: either_value_is_missing}
        meta: {rule: born_before_joining}
      - type: expect_table_row_count_to_be_between
        kwargs: {min_value: {$PARAMETER: trunc(previous_rows * 0.8)}}
        meta: {rule: shrinks_by_a_fifth_at_most}
  lines:
    key: [order_id, line]
    expectations:
      - type: expect_column_values_to_be_between
        kwargs: {column: quantity, min_value: 1}
        meta: {rule: quantity_at_least_one}
      - type: expect_column_values_to_be_between
        kwargs: {column: price, max_value: 100, mostly: 0.9}
        meta: {rule: price_mostly_small}
      - type: unexpected_rows_expectation
        kwargs:
          unexpected_rows_query: >-
            select order_id, line from {batch} as item where discount > quantity * price
        meta: {rule: discount_not_above_value}
      - type: unexpected_rows_expectation
        kwargs:
          unexpected_rows_query: >-
            select item.order_id, item.line from {batch} as item
            left join {customers} as customer on customer.customer_id = item.customer_id
            where customer.customer_id is null
        meta: {rule: customer_exists}
      - type: expect_table_row_count_to_be_between
        kwargs: {min_value: {$PARAMETER: previous_rows}}
        meta: {rule: never_shrinks}
"""


@pytest.fixture(scope="session")
def check(client: bigquery.Client, contract: Contract, tmp_path_factory: pytest.TempPathFactory) -> Check:
    """Runs the checkpoint of the kiosk's suite, or of another suite file's text."""
    include = tmp_path_factory.mktemp("include")

    def run(dataset: str, suite: str = SUITE, layer: Any = "raw", **arguments: Any) -> CheckpointResult:
        path = include / "gx" / contract.app / f"{layer}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(suite)
        suites = suites_for(contract, layer, include=include)
        return run_checkpoint(client=client, suites=suites, dataset=dataset, **arguments)

    return run


def bad(result: CheckpointResult) -> dict[tuple[str, str], RuleResult]:
    return {(it.table, it.rule): it for it in (*result.failed, *result.errors)}


def test_clean_data_passes_every_rule_quietly(kiosk: str, check: Check, capfd: pytest.CaptureFixture[str]) -> None:
    result = check(kiosk, parameters={"customers": {"previous_rows": 10}, "lines": {"previous_rows": 20}})
    assert result.success, result.failure_message()
    assert result.skipped == ()
    assert result.row_counts == {"customers": 10, "lines": 20}
    rules = {(it.table, it.rule) for it in result.passed}
    assert len(rules) == len(result.results)
    assert {
        ("lines", "schema"),
        ("lines", "kind_known"),
        ("lines", "key_unique"),
        ("lines", "customer_exists"),
    } <= rules
    assert "Calculating Metrics" not in "".join(capfd.readouterr())


def test_rows_that_keep_to_a_rule_with_a_query_are_counted_and_not_asked_for(
    kiosk: str, check: Check, client: bigquery.Client
) -> None:
    before = {job.job_id for job in client.list_jobs()}
    check(kiosk)
    asked = [job.query for job in client.list_jobs() if job.job_id not in before and " as item" in job.query]
    assert len(asked) == 2  # of rules, once each
    assert ["unexpected_row_count" in query for query in asked] == [True, True]


# What is done to rows, and which rule then names how many rows and which keys.
FAULTS = {
    "null": (
        "update {}.lines set price = null where order_id = 4",
        ("lines", "price_not_null", 2, {"order_id=4, line=1", "order_id=4, line=2"}),
    ),
    "range": (
        "update {}.lines set quantity = 0, discount = 0 where order_id = 7 and line = 2",
        ("lines", "quantity_at_least_one", 1, {"order_id=7, line=2"}),
    ),
    "enum": (
        "update {}.lines set kind = 'SECRET' where order_id = 1 and line = 1",
        ("lines", "kind_known", 1, {"order_id=1, line=1"}),
    ),
    "duplicate of a single key": (
        "insert into {0}.customers (customer_id, city, born, joined, _airbyte_raw_id) "
        "select customer_id, city, born, joined, 'again' from {0}.customers where customer_id = 9",
        ("customers", "key_unique", 2, {"customer_id=9"}),
    ),
    "duplicate of a compound key": (
        "update {}.lines set line = 1 where order_id = 6",
        ("lines", "key_unique", 2, {"order_id=6, line=1"}),
    ),
    "pattern": (
        "update {}.customers set city = 'SECRET' where customer_id in (2, 5)",
        ("customers", "city_is_lower_case", 2, {"customer_id=2", "customer_id=5"}),
    ),
    "pair of columns": (
        "update {}.customers set born = date '2024-02-29' where customer_id = 8",
        ("customers", "born_before_joining", 1, {"customer_id=8"}),
    ),
    "own query": (
        "update {}.lines set discount = 11.01 where order_id = 10 and line = 1",
        ("lines", "discount_not_above_value", 1, {"order_id=10, line=1"}),
    ),
    "reference": (
        "update {}.lines set customer_id = 999 where order_id = 3 and line = 2",
        ("lines", "customer_exists", 1, {"order_id=3, line=2"}),
    ),
    "null in the key": (
        "insert into {0}.customers (city, joined) values ('x', date '2020-01-01')",
        ("customers", "customer_id_not_null", 1, {"customer_id=None"}),
    ),
}


@pytest.fixture(scope="session")
def spoilt(make_kiosk: Callable[[], str], check: Check, run_sql: Sql) -> CheckpointResult:
    """The result of a kiosk with one fault of each kind."""
    dataset = make_kiosk()
    run_sql(*(damage.format(dataset) for damage, _ in FAULTS.values()))
    return check(dataset)


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_is_found_by_its_rule_with_number_and_keys(kind: str, spoilt: CheckpointResult) -> None:
    table, rule, count, keys = FAULTS[kind][1]
    result = bad(spoilt)[table, rule]
    assert (result.status, result.unexpected_count, set(result.sample_keys)) == ("failed", count, keys)
    assert f"{count} of {result.element_count} rows" in spoilt.failure_message()


def test_no_other_rule_fails(spoilt: CheckpointResult) -> None:
    assert set(bad(spoilt)) == {(table, rule) for _, (table, rule, _, _) in FAULTS.values()}
    assert not spoilt.success
    assert spoilt.errors == ()


TELL_TALES = """
tables:
  lines:
    expectations:
      - type: expect_column_distinct_values_to_be_in_set
        kwargs: {column: kind, value_set: [sold]}
        meta: {rule: distinct_kinds}
      - type: expect_column_most_common_value_to_be_in_set
        kwargs: {column: kind, value_set: [sold]}
        meta: {rule: most_common_kind}
"""


def test_results_hold_five_keys_at_most_and_no_other_content(kiosk: str, check: Check, run_sql: Sql) -> None:
    run_sql(f"update {kiosk}.lines set kind = 'SECRET' where true")
    result = check(kiosk, TELL_TALES)
    assert {rule for _, rule in bad(result)} == {"kind_known", "distinct_kinds", "most_common_kind"}
    kinds = bad(result)["lines", "kind_known"]
    assert (kinds.unexpected_count, kinds.element_count, kinds.unexpected_percent) == (20, 20, 100.0)
    assert len(kinds.sample_keys) == 5
    everything = repr(result) + result.failure_message()
    everything += json.dumps(result.to_rows(run_id="r", database="kiosk", date=date(2026, 11, 20)))
    assert "SECRET" not in everything
    assert "20 of 20 rows" in everything


def test_columns_that_differ_from_the_contract_fail(kiosk: str, check: Check, run_sql: Sql) -> None:
    run_sql(
        f"create or replace table {kiosk}.customers as select *, 'x' as email from {kiosk}.customers",
        f"create or replace table {kiosk}.lines as "
        f"select * except (quantity, price), cast(price as float64) as price from {kiosk}.lines",
    )
    result = check(kiosk)
    found = {it.table: it.observed for it in result.failed if it.rule == "schema"}
    assert found == {
        "customers": "column email is not in the contract, or is personal",
        "lines": "column quantity is missing; column price is FLOAT64, expected NUMERIC",
    }
    error = bad(result)["lines", "quantity_at_least_one"]
    assert (error.status, error.error) == ("error", "column quantity does not exist")
    assert ("lines", "kind_known") in {(it.table, it.rule) for it in result.passed}


RAISING = """
tables:
  lines:
    expectations:
      - type: unexpected_rows_expectation
        kwargs: {unexpected_rows_query: "select order_id, line from {batch} as item where no_such_column > 0"}
        meta: {rule: raises_in_sql}
      - type: unexpected_rows_expectation
        kwargs: {unexpected_rows_query: "select order_id, line from {batch} as item where cast(kind as int64) > 0"}
        meta: {rule: raises_for_a_value}
      - type: expect_the_best
        kwargs: {column: price}
        meta: {rule: raises_for_its_type}
      - type: expect_column_values_to_be_between
        kwargs: {column: price, lowest: 0}
        meta: {rule: raises_for_an_argument}
      - type: expect_column_pair_values_a_to_be_greater_than_b
        kwargs: {column_A: price, column_B: kind}
        meta: {rule: raises_for_types_of_columns}
"""


@pytest.mark.case("F22", "a checkpoint's rules raise", expected="an error that names rule and cause, never a pass")
def test_a_rule_that_raises_is_an_error_and_never_a_pass(kiosk: str, check: Check) -> None:
    result = check(kiosk, RAISING)
    words = {
        "raises_in_sql": "no_such_column",
        "raises_for_a_value": "INT64",
        "raises_for_its_type": "expect_the_best",
        "raises_for_an_argument": "lowest",
        "raises_for_types_of_columns": "400",
    }
    assert {rule for _, rule in bad(result)} == set(words)
    for rule, word in words.items():
        error = bad(result)["lines", rule]
        assert error.status == "error"
        assert word in (error.error or "")
        assert rule in result.failure_message()
        assert "sold" not in (error.error or "")
    assert not result.success
    assert ("lines", "kind_known") in {(it.table, it.rule) for it in result.passed}


def test_a_missing_table_and_a_missing_dataset_are_errors_that_name_them(
    kiosk: str, check: Check, run_sql: Sql
) -> None:
    run_sql(f"drop table {kiosk}.lines")
    result = check(kiosk)
    assert [str(it.error) for it in result.errors] == [f"table {kiosk}.lines does not exist"]
    nowhere = check("raw__nowhere")
    assert not nowhere.success
    assert [it.table for it in nowhere.errors] == ["customers", "lines"]


@pytest.mark.parametrize(
    ("customers", "lines", "statuses"),
    [(None, None, ("skipped", "skipped")), (13, 20, ("passed", "passed")), (14, 21, ("failed", "failed"))],
)
def test_rules_on_the_rows_of_the_last_run(
    customers: int | None, lines: int | None, statuses: tuple[str, str], kiosk: str, check: Check
) -> None:
    given = {"customers": customers, "lines": lines}
    parameters = {table: {"previous_rows": rows} for table, rows in given.items() if rows is not None}
    result = check(kiosk, parameters=parameters)
    rules = {it.rule: it for it in result.results}
    shrinks, never = rules["shrinks_by_a_fifth_at_most"], rules["never_shrinks"]
    assert (shrinks.status, never.status) == statuses
    assert result.success is ("failed" not in statuses)
    assert shrinks.skipped == (None if parameters else "the run has no value for previous_rows")
    assert (shrinks.observed, never.observed) == (("10", "20") if parameters else (None, None))
    if not result.success:
        assert "never_shrinks (expect_table_row_count_to_be_between; kiosk/raw.yaml): found 20" in str(never)


def test_mostly_lets_some_rows_pass_and_counts_them(kiosk: str, check: Check, run_sql: Sql) -> None:
    run_sql(f"update {kiosk}.lines set price = 500 where order_id = 1")
    result = check(kiosk)
    (rule,) = [it for it in result.results if it.rule == "price_mostly_small"]
    assert (rule.status, rule.unexpected_count, rule.element_count) == ("passed", 2, 20)
    run_sql(f"update {kiosk}.lines set price = 500 where order_id = 2")
    assert list(bad(check(kiosk))) == [("lines", "price_mostly_small")]


def test_an_empty_table_breaks_no_rule_on_rows(kiosk: str, check: Check, run_sql: Sql) -> None:
    run_sql(f"truncate table {kiosk}.lines")
    result = check(kiosk)
    assert result.success, result.failure_message()
    assert result.row_counts["lines"] == 0


@pytest.fixture(scope="session")
def history(make_kiosk: Callable[[], str], run_sql: Sql) -> str:
    """The kiosk's tables as marts with the dumps of two days; the first day breaks every rule."""
    kiosk = make_kiosk()
    run_sql(
        f"""
        create or replace table {kiosk}.customers partition by _dump_date as
        select date '2026-11-20' as _dump_date, customer_id, city, born, joined from {kiosk}.customers
        union all
        select date '2026-11-19', 77, 'BAD', date '2024-01-01', joined from {kiosk}.customers
        """,
        f"""
        create or replace table {kiosk}.lines partition by _dump_date as
        select date '2026-11-20' as _dump_date, order_id, line, customer_id, kind, quantity, price, discount
        from {kiosk}.lines
        union all
        select date '2026-11-19', 1, 1, 999, 'sold', 0, numeric '500', numeric '9999'
        """,
    )
    return kiosk


def test_only_the_partition_of_the_run_is_looked_at(history: str, check: Check) -> None:
    today = check(history, layer="marts", partition=date(2026, 11, 20))
    assert today.success, today.failure_message()
    assert today.row_counts == {"customers": 10, "lines": 20}
    yesterday = check(history, layer="marts", partition=date(2026, 11, 19))
    assert {rule for _, rule in bad(yesterday)} == {
        "key_unique",
        "city_is_lower_case",
        "born_before_joining",
        "quantity_at_least_one",
        "price_mostly_small",
        "discount_not_above_value",
        "customer_exists",
    }
    assert bad(yesterday)["customers", "key_unique"].element_count == 10
    assert yesterday.errors == ()


def test_rows_of_another_table_count_for_their_own_partition_alone(history: str, check: Check, run_sql: Sql) -> None:
    # Customer 77 is in the other day's dump alone.
    change = f"update {history}.lines set customer_id = {{}} where _dump_date = '2026-11-20' and order_id = 1"
    run_sql(change.format(77))
    try:
        result = check(history, layer="marts", partition=date(2026, 11, 20))
    finally:
        run_sql(change.format(1))
    assert list(bad(result)) == [("lines", "customer_exists")]


def test_a_table_without_partitions_cannot_be_checked_by_day(kiosk: str, check: Check) -> None:
    result = check(kiosk, layer="marts", partition=date(2026, 11, 20))
    assert {it.error for it in result.errors} == {"column _dump_date is missing"}


ALL_DAYS = """
tables:
  lines:
    key: [order_id, line]
    expectations:
      - type: expect_table_column_count_to_equal
        kwargs: {value: 8}
        meta: {rule: eight_columns}
"""


def test_a_rule_that_would_look_at_all_days_is_an_error(history: str, check: Check) -> None:
    result = check(history, ALL_DAYS, layer="marts", partition=date(2026, 11, 20))
    assert "cannot look at one partition alone" in (bad(result)["lines", "eight_columns"].error or "")


EVERY_DATABASE = """
tables:
  customers:
    key: [_database, customer_id]
    expectations:
      - type: expect_column_distinct_values_to_equal_set
        kwargs: {column: _database, value_set: {$PARAMETER: databases}}
        meta: {rule: holds_every_database}
"""


def test_databases_that_are_missing_are_named(kiosk: str, check: Check, run_sql: Sql) -> None:
    table = f"{kiosk}.customers"
    run_sql(f"create or replace table {table} as select 'kiosk_a' as _database, * from {table}")

    def held(*databases: str) -> RuleResult:
        parameters = {"customers": {"databases": list(databases)}}
        result = check(kiosk, EVERY_DATABASE, layer="consolidated", parameters=parameters)
        return next(it for it in result.results if it.rule == "holds_every_database")

    both, one = held("kiosk_a", "kiosk_b"), held("kiosk_a")
    assert (both.status, both.observed) == ("failed", "missing kiosk_b")
    assert one.status == "passed"


def test_results_fit_the_table_in_ops(kiosk: str, check: Check, run_sql: Sql, client: bigquery.Client) -> None:
    run_sql(
        f"update {kiosk}.lines set quantity = 0 where line = 1",
        "create schema if not exists ops",
        (INCLUDE / "sql" / "ops" / "quality_results.sql").read_text(),
    )
    result = check(kiosk)
    rows = result.to_rows(run_id="only_this_one", database="kiosk", date=date(2026, 11, 20))
    assert client.insert_rows_json("ops.quality_results", rows, timeout=60) == []
    counted = run_sql(
        "select status, count(*), sum(array_length(sample_keys)) from ops.quality_results "
        "where run_id = 'only_this_one' group by status order by status"
    )
    assert counted == [("failed", 2, 10), ("passed", len(result.passed), 0), ("skipped", 2, 0)]


def test_of_a_table_without_a_key_bad_rows_are_counted_and_not_named(
    kiosk: str, client: bigquery.Client, run_sql: Sql, contract: Contract
) -> None:
    lines = contract.tables["lines"].model_copy(update={"primary_key": ()})
    keyless = contract.model_copy(update={"models": Models.NONE, "tables": {"lines": lines}})
    run_sql(f"update {kiosk}.lines set price = null where order_id = 4")
    result = run_checkpoint(client=client, suites=contract_expectations(keyless, "raw"), dataset=kiosk)
    (failed,) = result.failed
    assert (failed.rule, failed.unexpected_count, failed.sample_keys) == ("price_not_null", 2, ())
    assert not result.errors
