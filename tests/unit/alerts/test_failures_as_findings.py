"""Open dead letters as findings: what they say, and which of them have one cause."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.alerts.moments import BEFORE, after, landed, letter, moment, registry
from tributary.alerts import failures
from tributary.alerts.finding import Finding, Kind, Severity
from tributary.dead_letters.record import DAG_IMPORT, DeadLetter, Status
from tributary.dead_letters.redaction import one_line

CHECKPOINT = one_line(
    "raw__shop_eu of 2013-01-02: 2 failed, 1 could not be checked of 30 rules (raw)\n"
    "- orders.amount: amount_not_negative (expect_column_values_to_be_between; include/gx/retail/raw.yaml): "
    "3 of 1,200 rows (0.25 %); such as order_id=7; order_id=Jane\n"
    "- orders: row_count (expect_table_row_count_to_be_between; contract): found 5 rows of Jane\n"
    "- orders: sums (unexpected_rows_expectation; contract): could not be checked: no column 'Jane'\n"
    "What to do: look the rows up by their keys in raw__shop_eu."
)


def found(*letters: DeadLetter) -> list[Finding]:
    return failures.find(moment(after(hours=2), letters=letters, landed=landed(published=BEFORE)), registry())


def test_a_failure_says_what_where_why_and_what_to_do():
    (one,) = found(letter(tries=6, at=60))
    assert one.key == "failed/shop_eu/2013-01-02/sync"
    assert one.headline == "sync failed: SyncError (airbyte, unavailable)"
    assert one.detail == (
        "the job failed",
        "Look at the service's status page, then clear the task.",
        "failed for good at 2013-01-02 04:00 UTC, after 6 tries",
    )
    assert one.readers == "consolidated shows 2013-01-01, 1 day old"
    assert one.command == "tributary dead-letters replay shop_eu/2013-01-02/sync"
    assert (one.url, one.severity, one.runbook) == (
        "http://airflow/log", Severity.ticket, "docs/runbooks/failed-sync.md",
    )  # fmt: skip


def test_where_the_records_are_unknown_nothing_is_found():
    assert failures.find(moment(after(), letters=None), registry()) == []


def test_a_replay_does_not_heal_before_it_succeeds():
    (one,) = found(letter(status=Status.replaying, changed_at=after(hours=2)))
    assert "it is running again, since 2013-01-02 04:00 UTC" in one.detail
    assert one.replaying
    assert not found(letter())[0].replaying


def test_a_checkpoint_s_failure_names_rules_and_counts_and_nothing_of_the_rows():
    (one,) = found(
        letter(task_id="validate_raw", message=CHECKPOINT, reason="CheckpointFailed", cause="quality", service="great")
    )
    assert one.detail[:3] == (
        "orders.amount: amount_not_negative, 3 of 1,200 rows",
        "orders: row_count",
        "orders: sums, could not be checked",
    )
    assert "Jane" not in str(one)
    assert "order_id" not in str(one)


def test_of_many_rules_a_few_are_named():
    rules = "".join(f" - orders: rule_{number} (x; y): {number} of 9 rows" for number in range(7))
    (one,) = found(letter(message=f"7 failed{rules}", cause="quality"))
    assert one.detail[4:6] == ("orders: rule_4, 4 of 9 rows", "and 2 more rules")


def test_words_of_an_error_are_redacted_again():
    (one,) = found(letter(message="Duplicate entry 'jane@example.com' for key 'email', password=hunter2"))
    assert "jane" not in str(one)
    assert "hunter2" not in str(one)


def test_the_models_of_a_group_are_one_failure():
    (one,) = found(
        letter(task_id="transform.orders_run", reason="DbtError"),
        letter(task_id="transform.dbt_producer_watcher", reason="DbtError", at=5),
    )
    assert (one.step, one.run_id) == ("transform", "scheduled__2013-01-02")
    assert "2 tasks: transform.dbt_producer_watcher, transform.orders_run" in one.detail
    assert one.since == letter().first_failed_at


def test_forty_databases_that_fail_on_one_broken_service_have_one_cause():
    ways = (
        {"cause": "unavailable"},
        {"cause": "connection", "reason": "NoResponseError"},
        {"cause": "timeout", "reason": "ReadTimeout", "kind": "passing"},
    )
    letters = [letter(f"shop_{number}", **ways[number % 3]) for number in range(40)]
    assert {one.cause for one in found(*letters)} == {"airbyte/unavailable"}
    assert len(found(*letters)) == 40


@pytest.mark.parametrize(
    ("more", "cause"),
    [
        ({"cause": "quota", "service": "bigquery"}, "bigquery/quota"),
        ({"cause": "unknown", "reason": "SyncError"}, "airbyte/SyncError"),
        ({"cause": None, "service": None, "reason": "NotReported"}, "sync/NotReported"),
        ({"cause": "waited_too_long", "service": None, "task_id": "find_dump"}, "find_dump/waited_too_long"),
        ({"cause": "auth"}, "airbyte/auth"),
    ],
)
def test_what_may_be_the_cause_of_several_failures(more: dict[str, Any], cause: str):
    assert {failures.cause_of(letter(name, **more)) for name in ("shop_eu", "shop_us")} == {cause}


@pytest.mark.parametrize("cause", ["quality", "bad_input", "mismatch", "schema", "sql", "refused"])
def test_what_lies_in_the_data_of_a_database_is_its_own(cause: str):
    shops = {failures.cause_of(letter(name, cause=cause)) for name in ("shop_eu", "shop_us")}
    assert len(shops) == 2


def test_a_file_that_does_not_import_is_a_page_and_has_no_replay():
    (one,) = found(letter("dags.elt", DAG_IMPORT, database=None, reason="SyntaxError", cause=None, service=None))
    assert (one.kind, one.severity, one.command) == (Kind.dag_import, Severity.page, None)
    assert one.headline == "elt.py does not import: SyntaxError"
    assert one.key == "dag_import/dags.elt/2013-01-02"


def test_the_file_that_tells_of_bad_entries_concerns_those_alone():
    (one,) = found(letter("dags.broken_databases", DAG_IMPORT, database=None))
    assert one.severity is Severity.ticket


def test_a_database_that_has_left_the_registry_is_still_told():
    (one,) = found(letter("shop_gone"))
    assert (one.owner, one.severity, one.readers) == ("data-platform", Severity.ticket, None)
