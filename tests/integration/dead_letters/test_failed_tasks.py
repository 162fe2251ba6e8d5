"""A task fails in Airflow's own task runner: what its record says, and that the task's state is its own."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowSkipException,
    TaskDeferralTimeout,
)

from tests.integration.dead_letters.conftest import TaskRun
from tests.support.services import LocalCloud
from tributary.dead_letters import callback
from tributary.dead_letters.closing import close_for_run
from tributary.dead_letters.record import DeadLetter, Status
from tributary.dead_letters.spool import Spool
from tributary.dead_letters.store import LetterStore
from tributary.errors import StageMismatchError, SyncError


def fails(error: BaseException) -> Any:
    def execute(context: Any) -> None:
        raise error

    return execute


def only(store: LetterStore) -> DeadLetter:
    (found,) = store.bucket.list()
    return found


def test_a_task_that_failed_for_good_leaves_its_record(run_task: TaskRun, store: LetterStore):
    assert run_task(fails(SyncError("job 7 of jane@example.com failed"))) == "failed"
    letter = only(store)
    assert letter.id == "kiosk/2013-01-02/sync"
    assert (letter.dag_id, letter.run_id, letter.database) == ("elt__kiosk", "manual__2013-01-02", "kiosk")
    assert (letter.dump_uri, letter.dump_generation) == ("gs://dumps/kiosk/2013-01-02/kiosk.sql.gz", 17)
    assert (letter.reason, letter.tries, letter.status) == ("SyncError", 6, Status.open)
    assert letter.message == "job 7 of <e-mail> failed"
    assert letter.log_url is not None
    assert letter.log_url.endswith("/dags/elt__kiosk/runs/manual__2013-01-02/tasks/sync?try_number=6")
    assert datetime.now(UTC) - letter.last_failed_at < timedelta(minutes=1)
    assert store.spool.waiting() == []


def test_the_copy_in_bigquery_is_readable(run_task: TaskRun, store: LetterStore):
    run_task(fails(SyncError("broken")), task_id="copied")
    query = "select id, status, tries, message from ops.dead_letters where task_id = 'copied'"
    rows = [tuple(row.values()) for row in store._ops().client.query(query).result()]
    assert rows == [("kiosk/2013-01-02/copied", "open", 6, "broken")]


@pytest.mark.parametrize(
    ("error", "try_number", "state"),
    [
        (SyncError("passes"), 1, "up_for_retry"),
        (SyncError("passes"), 5, "up_for_retry"),
        (AirflowSkipException("not today"), 6, "skipped"),
    ],
)
def test_what_has_not_failed_for_good_leaves_nothing(
    run_task: TaskRun, store: LetterStore, error: Exception, try_number: int, state: str
):
    assert run_task(fails(error), try_number=try_number) == state
    assert store.bucket.list() == []
    assert store.spool.waiting() == []


def test_a_success_leaves_nothing(run_task: TaskRun, store: LetterStore):
    assert run_task(lambda context: None) == "success"
    assert store.bucket.list() == []


def test_a_permanent_error_leaves_its_record_at_its_first_try(run_task: TaskRun, store: LetterStore):
    assert run_task(fails(StageMismatchError("12 rows, 11 rows")), try_number=1) == "failed"
    letter = only(store)
    assert (letter.tries, letter.kind, letter.cause) == (1, "permanent", "mismatch")
    assert letter.advice


def test_the_class_s_own_http_status_is_no_number_of_the_error(run_task: TaskRun, store: LetterStore):
    run_task(fails(AirflowException("no server said 500")))
    assert only(store).code is None


@pytest.mark.parametrize("error", [AirflowFailException("stop"), SystemExit(3), KeyboardInterrupt()])
def test_other_ends_of_a_task_leave_a_record_too(run_task: TaskRun, store: LetterStore, error: BaseException):
    assert run_task(fails(error)) == "failed"
    assert only(store).reason == type(error).__name__


def test_a_time_limit_leaves_a_record(run_task: TaskRun, store: LetterStore):
    state = run_task(lambda context: time.sleep(20), execution_timeout=timedelta(seconds=1))
    assert state == "failed"
    assert only(store).reason == "AirflowTaskTimeout"


def test_a_deferred_task_that_times_out_leaves_a_record(run_task: TaskRun, store: LetterStore):
    # Airflow resumes it with `__fail__`, which raises this in the task's process.
    assert run_task(fails(TaskDeferralTimeout("Trigger timeout"))) == "failed"
    assert only(store).reason == "TaskDeferralTimeout"


def test_in_the_dag_processor_there_is_no_exception(run_task: TaskRun, store: LetterStore):
    run_task(fails(AssertionError), in_dag_processor=True, try_number=3, max_tries=2)
    letter = only(store)
    assert (letter.reason, letter.tries) == ("NotReported", 3)
    assert "killed" in letter.message


def test_a_cosmos_task_tells_its_true_tries(run_task: TaskRun, store: LetterStore):
    def as_if_first(context: Any) -> None:
        context["ti"].try_number = 1
        raise SyncError("dbt")

    run_task(as_if_first, task_id="transform.dbt_producer_watcher", try_number=6, max_tries=5)
    letter = only(store)
    assert (letter.tries, letter.id) == (6, "kiosk/2013-01-02/transform.dbt_producer_watcher")
    assert letter.log_url is not None
    assert letter.log_url.endswith("try_number=6")


def test_the_day_is_the_one_that_a_person_chose(run_task: TaskRun, store: LetterStore):
    run_task(fails(SyncError("x")), conf={"date": "2013-03-04"})
    assert only(store).dump_date == date(2013, 3, 4)


def test_the_consolidation_has_no_database_and_no_dump(run_task: TaskRun, store: LetterStore):
    run_task(fails(SyncError("x")), dag_id="consolidate", task_id="publish")
    letter = only(store)
    assert (letter.id, letter.database, letter.dump_uri) == ("consolidate/2013-01-02/publish", None, None)


def test_foreign_dags_have_no_records(run_task: TaskRun, store: LetterStore):
    assert run_task(fails(SyncError("x")), dag_id="somebody_elses") == "failed"
    assert store.bucket.list() == []


def test_a_replay_that_fails_again_adds_to_the_same_record(run_task: TaskRun, store: LetterStore):
    run_task(fails(SyncError("first")))
    store.change([only(store).id], lambda found: found.replaying(datetime.now(UTC)))
    run_task(fails(SyncError("second")), try_number=12, max_tries=11)
    letter = only(store)
    assert (letter.tries, letter.status, letter.message) == (12, Status.open, "second")
    assert len(letter.occurrences) == 2
    assert letter.first_failed_at < letter.last_failed_at


def test_the_same_failure_told_by_worker_and_dag_processor_counts_once(
    run_task: TaskRun, store: LetterStore, monkeypatch: pytest.MonkeyPatch
):
    import uuid6

    same = uuid6.uuid7()
    monkeypatch.setattr(uuid6, "uuid7", lambda: same)
    run_task(fails(SyncError("told")))
    run_task(fails(AssertionError), in_dag_processor=True)
    letter = only(store)
    assert (letter.reason, letter.tries, len(letter.occurrences)) == ("SyncError", 6, 1)


def test_without_the_dump_there_still_is_a_record(run_task: TaskRun, store: LetterStore):
    run_task.dump = {"error": True}
    assert run_task(fails(SyncError("x"))) == "failed"
    assert only(store).dump_uri is None


@pytest.mark.case("F25", "the store of dead letters is away", expected="kept on the worker's disk, delivered later")
def test_a_bucket_that_is_away_costs_neither_time_nor_the_record(
    run_task: TaskRun, store: LetterStore, cloud: LocalCloud
):
    cloud.processes["storage"].kill()
    try:
        begin = time.monotonic()
        assert run_task(fails(SyncError("x"))) == "failed"
        # Airflow kills the task's process after 20 s, and other callbacks want some of them.
        assert time.monotonic() - begin < callback.BUDGET_SECONDS + 2
        assert len(store.spool.waiting()) == 1
    finally:
        cloud.start("storage")
    run_task(fails(SyncError("y")), task_id="preflight")
    assert {letter.task_id for letter in store.bucket.list()} == {"sync", "preflight"}
    assert store.spool.waiting() == []


@pytest.mark.case("F25", "the copy of dead letters in BigQuery is away", expected="the record is in the bucket")
def test_bigquery_away_leaves_the_record_in_the_bucket(run_task: TaskRun, store: LetterStore, cloud: LocalCloud):
    cloud.processes["bigquery"].kill()
    try:
        begin = time.monotonic()
        assert run_task(fails(SyncError("x"))) == "failed"
        assert time.monotonic() - begin < callback.BUDGET_SECONDS + 2
        assert only(store).reason == "SyncError"
        assert store.spool.waiting() == []
    finally:
        cloud.start("bigquery")


@pytest.mark.case(
    "F24", "the network hangs when a failure is recorded", expected="kept on the worker's disk within the budget"
)
def test_a_hanging_network_does_not_hold_the_task(
    run_task: TaskRun, store: LetterStore, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(callback, "BUDGET_SECONDS", 0.5)
    monkeypatch.setattr(LetterStore, "for_tasks", lambda seconds: time.sleep(30))
    begin = time.monotonic()
    assert run_task(fails(SyncError("x"))) == "failed"
    assert time.monotonic() - begin < 5
    assert len(store.spool.waiting()) == 1


def test_writers_at_the_same_time_lose_nothing(run_task: TaskRun, store: LetterStore):
    run_task(fails(SyncError("x")))
    letter = only(store)
    occurrence = letter.occurrences[0]

    def fail_again(number: int) -> None:
        key = {"key": f"run {number}", "run_id": f"run {number}", "try_number": 1}
        store.record(letter.model_copy(update={"occurrences": (occurrence.model_copy(update=key),)}))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(fail_again, range(12)))
    assert only(store).tries == 6 + 12


def test_closed_records_cost_no_request_each(run_task: TaskRun, store: LetterStore, monkeypatch: pytest.MonkeyPatch):
    run_task(fails(SyncError("x")))
    store.change([only(store).id], lambda found: found.resolved(datetime.now(UTC), "ann", "x"))
    monkeypatch.setattr(store.bucket, "_read", lambda name: 1 / 0)
    assert store.bucket.list(closed=False) == []


def test_neither_disk_nor_bucket_is_no_reason_to_raise(
    run_task: TaskRun, store: LetterStore, monkeypatch: pytest.MonkeyPatch, spool: Spool
):
    spool.folder.parent.mkdir(parents=True)
    spool.folder.write_text("a file where the folder should be")
    monkeypatch.setattr(LetterStore, "for_tasks", lambda seconds: 1 / 0)
    assert run_task(fails(SyncError("x"))) == "failed"


@pytest.mark.parametrize("context", [{}, {"ti": None}, {"ti": object(), "exception": ValueError("x")}])
def test_a_callback_never_raises(context: Any, spool: Spool):
    callback.record_failure(context)


def test_the_last_task_of_a_run_closes_the_records_of_its_day(run_task: TaskRun, store: LetterStore):
    run_task(fails(SyncError("x")))
    run_task(fails(SyncError("x")), task_id="preflight")
    run_task(fails(SyncError("x")), conf={"date": "2013-03-04"})
    run_task(fails(SyncError("x")), dag_id="elt__other")
    assert close_for_run("elt__kiosk", "manual__2013-01-02", "kiosk", date(2013, 1, 2)) == 2
    left = {letter.id for letter in store.bucket.list(closed=False)}
    assert left == {"kiosk/2013-03-04/sync", "other/2013-01-02/sync"}
    assert close_for_run("elt__kiosk", "manual__2013-01-02", "kiosk", date(2013, 1, 2)) == 0


def test_closing_never_raises(store: LetterStore, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("TRIBUTARY_DUMPS_BUCKET")
    assert os.environ.get("TRIBUTARY_DUMPS_BUCKET") is None
    assert close_for_run("elt__kiosk", "run", "kiosk", date(2013, 1, 2)) == 0
