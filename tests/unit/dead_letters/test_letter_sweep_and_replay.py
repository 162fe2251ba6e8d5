"""What a sweep finds and closes, and what a replay clears."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.unit.dead_letters.airflow_in_memory import MemoryAirflow
from tests.unit.dead_letters.letters_in_memory import T0, MemoryOps
from tributary.dead_letters.record import DeadLetter, Status
from tributary.dead_letters.replay import Replay
from tributary.dead_letters.store import LetterStore
from tributary.dead_letters.sweep import Sweep, Swept
from tributary.errors import TributaryError

Make = Callable[..., DeadLetter]
RUN = ("elt__shop_eu", "run_1")
NOW = T0 + timedelta(hours=1)


@pytest.fixture
def airflow() -> MemoryAirflow:
    return MemoryAirflow()


def sweep(store: LetterStore, airflow: MemoryAirflow, now: datetime = NOW) -> Swept:
    return Sweep(store, airflow, now).run(7)  # type: ignore[arg-type]


def status(store: LetterStore, letter_id: str) -> Status:
    found = store.bucket.read(letter_id)
    assert found is not None
    return found.status


def test_a_failure_that_no_callback_saw_gets_a_record(store: LetterStore, airflow: MemoryAirflow, ops: MemoryOps):
    airflow.add_failure("sync", "killed", T0)
    airflow.add_failure("other", "foreign", T0, dag_id="somebody_elses")
    airflow.add_failure("preflight", "long ago", T0 - timedelta(days=30))
    assert sweep(store, airflow).recorded == ["shop_eu/2013-01-02/sync"]
    (found,) = store.bucket.list()
    assert (found.reason, found.tries, found.dump_date, found.run_id) == ("NotReported", 2, date(2013, 1, 2), "run_1")
    assert [row["id"] for row in ops.rows] == [found.id]
    assert sweep(store, airflow).recorded == []
    assert len(ops.rows) == 1


def test_a_failure_that_a_callback_saw_is_not_told_again(store: LetterStore, airflow: MemoryAirflow, letter: Make):
    store.record(letter(key="seen", tries=2))
    airflow.add_failure("sync", "seen", T0)
    assert sweep(store, airflow).recorded == []


def test_a_model_s_task_has_no_record_of_its_own(store: LetterStore, airflow: MemoryAirflow):
    airflow.add_failure("transform.orders_run", "follower", T0)
    assert sweep(store, airflow).recorded == []
    airflow.add_failure("transform.dbt_producer_watcher", "producer", T0)
    assert sweep(store, airflow).recorded == ["shop_eu/2013-01-02/transform.dbt_producer_watcher"]


def test_what_waits_on_this_disk_is_delivered_first(store: LetterStore, airflow: MemoryAirflow, letter: Make):
    store.spool.put(letter(key="seen", tries=2))
    airflow.add_failure("sync", "seen", T0)
    done = sweep(store, airflow)
    assert (done.delivered, done.recorded) == (1, [])
    assert store.bucket.list()[0].reason == "SyncError"


def test_a_step_that_has_succeeded_since_is_closed(store: LetterStore, airflow: MemoryAirflow, letter: Make):
    store.record(letter())
    airflow.runs[RUN] = {"sync": "success"}
    assert sweep(store, airflow).closed == [letter().id]
    found = store.bucket.read(letter().id)
    assert found is not None
    assert (found.status, found.outcome) == (Status.replayed, "success")


@pytest.mark.parametrize("state", ["failed", "upstream_failed", "skipped", "running", "deferred"])
def test_a_step_in_another_state_stays_open(store: LetterStore, airflow: MemoryAirflow, letter: Make, state: str):
    store.record(letter())
    airflow.runs[RUN] = {"sync": state}
    assert sweep(store, airflow).closed == []


def test_another_run_of_the_day_heals_it_though_its_own_is_gone(
    store: LetterStore, airflow: MemoryAirflow, letter: Make
):
    store.record(letter())
    airflow.days = {date(2013, 1, 3)}
    assert sweep(store, airflow).closed == []
    airflow.days = {date(2013, 1, 2)}
    assert sweep(store, airflow).closed == [letter().id]


def test_a_replay_that_never_began_is_opened_again_after_a_while(
    store: LetterStore, airflow: MemoryAirflow, letter: Make
):
    store.record(letter(key="seen", tries=2))
    store.change([letter().id], lambda found: found.replaying(NOW))
    airflow.add_failure("sync", "seen", T0)
    assert sweep(store, airflow, NOW + timedelta(minutes=1)).reopened == []
    assert sweep(store, airflow, NOW + timedelta(minutes=6)).reopened == [letter().id]
    assert status(store, letter().id) is Status.open


def test_a_replay_that_failed_before_it_could_start_is_opened_again(
    store: LetterStore, airflow: MemoryAirflow, letter: Make
):
    store.record(letter(key="seen", tries=1))
    store.change([letter().id], lambda found: found.replaying(NOW))
    # Airflow leaves the end of the try before, which is earlier than the replay.
    airflow.add_failure("sync", "cleared and marked as failed", T0)
    assert sweep(store, airflow, NOW + timedelta(minutes=1)).reopened == [letter().id]
    assert status(store, letter().id) is Status.open


def replaying(store: LetterStore, letter: DeadLetter) -> None:
    store.record(letter)
    store.change([letter.id], lambda found: found.replaying(NOW))


@pytest.mark.parametrize("step", ["upstream_failed", "skipped"])
def test_a_replay_that_did_not_reach_its_step_is_opened_again(
    store: LetterStore, airflow: MemoryAirflow, letter: Make, step: str
):
    """It began earlier, as replays of a refused dump do, and failed there."""
    replaying(store, letter())
    airflow.add_failure("find_dump", "earlier", NOW + timedelta(minutes=1))
    airflow.runs[RUN]["sync"] = step
    assert sweep(store, airflow, NOW + timedelta(minutes=4)).reopened == []
    done = sweep(store, airflow, NOW + timedelta(minutes=6))
    assert (done.recorded, done.reopened) == ([], [letter().id])
    found = store.bucket.read(letter().id)
    assert found is not None
    assert (found.status, found.outcome) == (Status.open, f"not reached, the step is {step}")
    assert sweep(store, airflow, NOW + timedelta(minutes=7)).reopened == []


@pytest.mark.parametrize(
    "tasks",
    [
        {"find_dump": "running", "sync": "upstream_failed"},
        {"find_dump": "success", "sync": "up_for_retry"},
        {"find_dump": "success", "import_dump": "deferred", "sync": "upstream_failed"},
    ],
)
def test_a_replay_whose_run_has_not_ended_is_left_alone(
    store: LetterStore, airflow: MemoryAirflow, letter: Make, tasks: dict[str, str]
):
    replaying(store, letter())
    airflow.runs[RUN] = tasks
    assert sweep(store, airflow, NOW + timedelta(days=1)).reopened == []
    assert status(store, letter().id) is Status.replaying


def test_a_replay_is_opened_again_when_its_run_is_gone_and_closed_when_another_has_loaded_the_day(
    store: LetterStore, airflow: MemoryAirflow, letter: Make
):
    replaying(store, letter())
    airflow.days = {letter().dump_date}
    done = sweep(store, airflow, NOW + timedelta(hours=1))
    assert (done.closed, done.reopened) == ([letter().id], [])
    replaying(store, letter(subject="shop_us"))
    airflow.days = set()
    assert sweep(store, airflow, NOW + timedelta(hours=1)).reopened == [letter(subject="shop_us").id]


def test_a_replay_that_is_asked_for_during_a_sweep_is_left_alone(
    store: LetterStore, airflow: MemoryAirflow, letter: Make
):
    replaying(store, letter())
    airflow.runs[RUN] = {"find_dump": "failed", "sync": "upstream_failed"}
    look, later = airflow.task, NOW + timedelta(hours=1)

    def replayed_meanwhile(*names: str) -> dict[str, object] | None:
        store.change([letter().id], lambda found: found.reopened(later, "by hand").replaying(later))
        return look(*names)

    airflow.task = replayed_meanwhile  # type: ignore[method-assign]
    assert sweep(store, airflow, later).closed == []
    assert status(store, letter().id) is Status.replaying


def test_airflow_away_does_not_hold_up_the_copy(
    store: LetterStore, airflow: MemoryAirflow, letter: Make, ops: MemoryOps
):
    store.record(letter())

    def away(moment: datetime) -> list[dict[str, object]]:
        raise TributaryError("Airflow does not answer")

    airflow.failed_since = away  # type: ignore[method-assign]
    with pytest.raises(TributaryError):
        sweep(store, airflow)
    assert len(ops.rows) == 1


def test_a_file_that_does_not_import_has_one_record_until_it_does(store: LetterStore, airflow: MemoryAirflow):
    trace = "Traceback\n  x\ntributary.errors.RegistryError: databases.yaml: databases.shop_x.app: found 'Jane'"
    airflow.errors = [{"filename": "broken_databases.py", "timestamp": "2013-01-02T23:59:00Z", "stack_trace": trace}]
    assert sweep(store, airflow).recorded == ["dags.broken_databases/2013-01-02/dag_import"]
    # Airflow moves the time at every look at the file.
    airflow.errors[0]["timestamp"] = "2013-01-03T00:01:00Z"
    assert sweep(store, airflow).recorded == []
    (found,) = store.bucket.list()
    assert (found.reason, found.run_id) == ("RegistryError", None)
    assert "databases.shop_x.app" in found.message
    assert "Jane" not in found.message
    assert found.replay.startswith("none:")
    airflow.errors = []
    assert sweep(store, airflow).closed == [found.id]


def test_a_file_whose_import_takes_too_long_has_one_record_that_says_so(store: LetterStore, airflow: MemoryAirflow):
    trace = (
        'Traceback (most recent call last):\n  File "elt.py", line 9, in <module>\n    build()\n'
        "airflow.sdk.exceptions.AirflowTaskTimeout: DagBag import timeout for elt.py after 30.0s.\n"
        "Please take a look at these docs to improve your DAG import time:\n* https://airflow, PID: "
    )
    airflow.errors = [{"filename": "elt.py", "timestamp": "2013-01-02T23:59:00Z", "stack_trace": f"{trace}30479"}]
    sweep(store, airflow)
    airflow.errors[0]["stack_trace"] = f"{trace}30517"
    assert sweep(store, airflow).recorded == []
    (found,) = store.bucket.list()
    assert (found.reason, found.tries) == ("AirflowTaskTimeout", 1)
    assert "import timeout for elt.py after 30.0s" in found.message


def test_an_error_whose_text_goes_on_indented_is_told_by_its_first_line(store: LetterStore, airflow: MemoryAirflow):
    trace = (
        'Traceback (most recent call last):\n  File "elt.py", line 9, in <module>\n    build()\n'
        "pydantic_core.ValidationError: 1 validation error for Defaults\ndeadline\n  Input should be a valid string"
    )
    airflow.errors = [{"filename": "elt.py", "timestamp": "2013-01-02T23:59:00Z", "stack_trace": trace}]
    sweep(store, airflow)
    (found,) = store.bucket.list()
    assert (found.reason, found.message) == ("ValidationError", "elt.py: 1 validation error for Defaults")


def replay(store: LetterStore, airflow: MemoryAirflow, *letters: DeadLetter, begin: str | None = None) -> bool:
    said: list[str] = []
    replays = Replay(store, airflow, said.append, begin)  # type: ignore[arg-type]
    runs, well = replays.start([store.record(letter) for letter in letters])
    return replays.wait(runs) and well


ELT = (
    "find_dump", "preflight", "import_dump", "sync", "reconcile", "validate_raw", "transform.dbt_producer_watcher",
    "transform.orders_run", "validate_marts",
)  # fmt: skip


def elt(airflow: MemoryAirflow, **failed: str) -> None:
    airflow.runs[RUN] = dict.fromkeys(ELT, "success") | failed


def all_succeed(airflow: MemoryAirflow) -> Callable[[], None]:
    return lambda: airflow.runs[RUN].update(dict.fromkeys(ELT, "success"))


def test_a_replay_clears_the_step_and_closes_the_record(store: LetterStore, airflow: MemoryAirflow, letter: Make):
    elt(airflow, sync="failed", validate_marts="upstream_failed")
    airflow.on_clear = all_succeed(airflow)
    assert replay(store, airflow, letter())
    assert airflow.cleared == [["sync"]]
    assert status(store, letter().id) is Status.replayed


def test_a_replay_that_fails_leaves_the_record_open(store: LetterStore, airflow: MemoryAirflow, letter: Make):
    elt(airflow, sync="failed")
    airflow.on_clear = lambda: airflow.runs[RUN].update(sync="failed")
    assert not replay(store, airflow, letter())
    found = store.bucket.read(letter().id)
    assert found is not None
    assert (found.status, found.outcome) == (Status.open, "failed again")


def test_the_record_is_marked_before_the_step_can_fail_again(store: LetterStore, airflow: MemoryAirflow, letter: Make):
    elt(airflow, sync="failed")
    seen: list[Status] = []

    def fails_at_once() -> None:
        seen.append(status(store, letter().id))
        airflow.runs[RUN].update(sync="failed")
        late = (datetime.now(UTC) - T0).total_seconds() / 60
        store.record(letter(key="try_2", tries=2, at=late))

    airflow.on_clear = fails_at_once
    assert not replay(store, airflow, letter())
    assert seen == [Status.replaying]
    assert status(store, letter().id) is Status.open


def test_dbt_s_tasks_run_again_together(store: LetterStore, airflow: MemoryAirflow, letter: Make):
    elt(airflow, **{"transform.orders_run": "failed"})
    airflow.on_clear = all_succeed(airflow)
    assert replay(store, airflow, letter(task_id="transform.orders_run"))
    assert airflow.cleared == [["transform.dbt_producer_watcher", "transform.orders_run"]]
    assert {found.status for found in store.bucket.list()} == {Status.replayed}


@pytest.mark.parametrize(
    ("task", "reason", "begin", "cleared"),
    [
        ("preflight", "DumpError", None, "find_dump"),
        ("sync", "DumpReplacedError", None, "find_dump"),
        ("sync", "SchemaDriftError", None, "find_dump"),
        ("sync", "StagingTakenError", None, "import_dump"),
        ("validate_raw", "RawTakenError", None, "import_dump"),
        ("reconcile", "StageMismatchError", None, "import_dump"),
        ("validate_marts", "StageMismatchError", None, "transform.dbt_producer_watcher transform.orders_run"),
        ("sync", "SyncError", "preflight", "preflight"),
    ],
)
def test_a_replay_begins_where_the_cause_lies(
    store: LetterStore, airflow: MemoryAirflow, letter: Make, task: str, reason: str, begin: str | None, cleared: str
):
    elt(airflow, **{task: "failed"})
    airflow.on_clear = all_succeed(airflow)
    assert replay(store, airflow, letter(task_id=task, reason=reason), begin=begin)
    assert airflow.cleared == [cleared.split()]


def test_a_task_that_the_run_does_not_have_is_named(store: LetterStore, airflow: MemoryAirflow, letter: Make):
    elt(airflow, sync="failed")
    with pytest.raises(TributaryError, match="no task 'load'"):
        replay(store, airflow, letter(), begin="load")


def test_what_has_healed_is_closed_and_not_run_again(store: LetterStore, airflow: MemoryAirflow, letter: Make):
    elt(airflow)
    assert replay(store, airflow, letter())
    assert airflow.cleared == []
    assert status(store, letter().id) is Status.replayed


def test_what_runs_again_already_is_not_cleared_twice(store: LetterStore, airflow: MemoryAirflow, letter: Make):
    elt(airflow, sync="running")
    Replay(store, airflow, lambda line: None).start([store.record(letter())])  # type: ignore[arg-type]
    assert airflow.cleared == []
    assert status(store, letter().id) is Status.replaying


def test_a_refusal_of_airflow_leaves_the_record_open(store: LetterStore, airflow: MemoryAirflow, letter: Make):
    elt(airflow, sync="failed")
    airflow.refuses = True
    with pytest.raises(TributaryError, match="409"):
        replay(store, airflow, letter())
    found = store.bucket.read(letter().id)
    assert found is not None
    assert (found.status, found.outcome) == (Status.open, "the replay did not begin")


def test_a_run_that_is_gone_and_a_file_are_told_apart_from_a_success(
    store: LetterStore, airflow: MemoryAirflow, letter: Make
):
    said: list[str] = []
    replays = Replay(store, airflow, said.append)  # type: ignore[arg-type]
    assert replays.start([letter()]) == ([], False)
    assert "tributary run --date 2013-01-02 --database shop_eu" in said[0]
    file = letter(subject="dags.elt", database=None, dag_id=None, run_id=None, task_id="dag_import")
    assert replays.start([file]) == ([], False)
    assert "correct the file" in said[1]
