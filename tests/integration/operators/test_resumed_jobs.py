"""A step that is killed at any moment goes on with the outside job it had submitted, if any, and ends well."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from airflow.providers.airbyte.hooks.airbyte import AirbyteHook
from airflow.sdk.exceptions import AirflowRescheduleException, AirflowRuntimeError, ErrorType
from airflow.sdk.execution_time.comms import ErrorResponse

from tests.integration.operators.conftest import Killed, Kiosk
from tests.support.services import wait_until
from tributary import naming
from tributary.errors import (
    DumpReplacedError,
    ImportRefusedError,
    ImportTimeoutError,
    StagingTakenError,
    WaitedTooLongError,
)
from tributary.failures import Kind, classify
from tributary.hooks.clients import bigquery_client
from tributary.hooks.cloud_sql import CloudSqlHook
from tributary.operators import import_dump, outside_job, sync
from tributary.operators.import_dump import finished_operation
from tributary.operators.outside_job import STEP_BACK_LIMIT
from tributary.operators.sync import finished_job
from tributary.resuming import JobState
from tributary.settings import AIRBYTE_CONNECTION

FIVE = [(number, f"line {number}") for number in range(1, 6)]

# Where a try can end, by step: the object and the name of what is called there.
MOMENTS: dict[str, dict[str, tuple[Any, str]]] = {
    "import_dump": {
        "note": (import_dump, "write_marker"),
        "submission": (CloudSqlHook, "submit_import"),
        "wait": (outside_job, "look_shortly"),
        "end": (import_dump, "mark_whole"),
    },
    "sync": {
        "note": (sync, "mark_sync"),
        "submission": (AirbyteHook, "submit_sync_connection"),
        "wait": (outside_job, "look_shortly"),
        "end": (sync, "execute_sql"),
    },
}
KILLS = [
    (step, moment, when) for step, moments in MOMENTS.items() for moment in moments for when in ("before", "after")
]


@pytest.fixture
def try_once(monkeypatch: pytest.MonkeyPatch) -> Callable[..., bool]:
    """Runs a step that is killed before or after something is called; whether it came to its end before that."""

    def run(kiosk: Kiosk, step: str, moment: str, when: str, run_id: str = "run_1") -> bool:
        place, name = MOMENTS[step][moment]
        real = getattr(place, name)

        def dies(*arguments: Any, **options: Any) -> Any:
            if when == "after":
                real(*arguments, **options)
            raise Killed(f"{when} {moment}")

        with monkeypatch.context() as patch, contextlib.suppress(Killed):
            patch.setattr(place, name, dies)
            kiosk.step(step, run_id)
            return True
        return False

    return run


@pytest.fixture
def kill(try_once: Callable[..., bool]) -> Callable[..., None]:
    """The same, for a step that must not come to its end."""

    def run(*arguments: Any) -> None:
        assert not try_once(*arguments)

    return run


def order(kiosk: Kiosk, service: str, **fault: Any) -> None:
    url = f"http://127.0.0.1:{kiosk.cloud.ports[service]}/_faults"
    httpx.post(url, json=fault).raise_for_status()


def load(kiosk: Kiosk, run_id: str = "run_1") -> None:
    kiosk.step("import_dump", run_id)
    kiosk.step("sync", run_id)


@pytest.mark.case(
    "F1", "import and sync are killed before and after each of their moments", expected="one job, the dump's rows"
)
@pytest.mark.parametrize(("step", "moment", "when"), KILLS)
def test_a_killed_step_ends_well_with_one_job(
    kiosk: Kiosk, kill: Callable[..., None], step: str, moment: str, when: str
):
    if step == "sync":
        kiosk.step("import_dump")
    kill(kiosk, step, moment, when)
    load(kiosk) if step == "import_dump" else kiosk.step("sync")
    assert kiosk.raw() == FIVE
    # Killed after its very end, the step has nothing left to go on with: it is done again, as a cleared one is.
    done_again = step == "import_dump" and (moment, when) == ("end", "after")
    assert len(kiosk.jobs(step)) == 1 + done_again


def test_a_cleared_step_is_done_again(kiosk: Kiosk):
    load(kiosk)
    load(kiosk)
    assert [len(kiosk.jobs(step)) for step in MOMENTS] == [2, 2]
    assert kiosk.raw() == FIVE


@pytest.mark.case("F1", "import and sync are killed again and again", expected="one job a step, the dump's rows")
@pytest.mark.parametrize("seed", range(6))
def test_any_history_of_kills_ends_with_the_dump_s_rows(kiosk: Kiosk, try_once: Callable[..., bool], seed: int):
    chance = random.Random(seed)
    for step in MOMENTS:
        kills = [(moment, when) for moment in MOMENTS[step] for when in ("before", "after")]
        kills.remove(("end", "after"))
        ended = any(try_once(kiosk, step, *chance.choice(kills)) for _ in range(chance.randrange(5)))
        if not ended:
            kiosk.step(step)
        assert len(kiosk.jobs(step)) == 1
    assert kiosk.staged() == kiosk.raw() == FIVE


def test_a_killed_try_of_the_same_step_waits_for_the_job_that_still_runs(kiosk: Kiosk, kill: Callable[..., None]):
    order(kiosk, "sqladmin", kind="delay", seconds=6)
    kill(kiosk, "import_dump", "wait", "before")
    assert kiosk.jobs("import_dump")[0].state is JobState.unfinished
    kiosk.step("import_dump")
    assert len(kiosk.jobs("import_dump")) == 1
    assert kiosk.staged() == FIVE


def has_ended(kiosk: Kiosk) -> bool:
    return kiosk.jobs("import_dump")[0].state is not JobState.unfinished


@pytest.mark.case("F12", "an import hangs that nobody waits for", expected="cancelled first, then one of its own")
@pytest.mark.parametrize("owner", ["failed", "queued", "replaced"])
def test_an_import_that_nobody_waits_for_is_cancelled(kiosk: Kiosk, kill: Callable[..., None], owner: str):
    """Its run has ended or is to run again, or it is this very run's, which has chosen another dump since."""
    run_id = "run_1" if owner == "replaced" else "run_2"
    order(kiosk, "sqladmin", kind="hang")
    kill(kiosk, "import_dump", "wait", "before", "run_1")
    kiosk.leave_dump(2, first=8)
    if owner != "replaced":
        with pytest.raises(AirflowRescheduleException):
            kiosk.step("import_dump", run_id)
        assert not has_ended(kiosk), "the import of a running run has ended"
        kiosk.runs.states["run_1"] = owner
    with pytest.raises(AirflowRescheduleException):
        kiosk.step("import_dump", run_id)
    wait_until(lambda: has_ended(kiosk), "the end of the cancelled import")
    load(kiosk, run_id)
    assert kiosk.raw() == [(8, "line 8"), (9, "line 9")]
    assert [job.state for job in kiosk.jobs("import_dump")] == [JobState.succeeded, JobState.failed]


def test_an_import_that_ends_before_it_is_cancelled_stands(kiosk: Kiosk, kill: Callable[..., None]):
    kill(kiosk, "import_dump", "wait", "before")
    wait_until(lambda: has_ended(kiosk), "the end of the import")
    operation = kiosk.jobs("import_dump")[0].id
    with pytest.raises(ImportTimeoutError):
        kiosk._operator("import_dump").execute_complete({}, {"status": "timeout", "name": operation})
    assert kiosk.step("import_dump")["operation"] == operation


def test_what_has_ended_meanwhile_is_not_late(kiosk: Kiosk):
    """The triggerer may have been away, and look for the first time when the job's time is up."""
    operation = kiosk.step("import_dump")["operation"]
    assert finished_operation(name=operation, deadline=0) == {"status": "done", "name": operation, "errors": []}
    job = kiosk.step("sync")["job_id"]
    assert (finished_job(job_id=job, connection=AIRBYTE_CONNECTION, deadline=0) or {})["status"] == "success"


@pytest.mark.case("F14", "a dead run's sync is still running, 409", expected="cancelled first, then one of its own")
def test_a_sync_that_a_dead_run_left_is_cancelled(kiosk: Kiosk, kill: Callable[..., None]):
    kiosk.step("import_dump", "run_1")
    order(kiosk, "airbyte", kind="job_hang")
    kill(kiosk, "sync", "wait", "before", "run_1")
    kiosk.runs.states["run_1"] = "failed"
    kiosk.leave_dump(3)
    kiosk.step("import_dump", "run_2")
    with pytest.raises(AirflowRescheduleException):
        kiosk.step("sync", "run_2")
    kiosk.step("sync", "run_2")
    assert kiosk.raw() == FIVE[:3]
    assert [job.state for job in kiosk.jobs("sync")] == [JobState.succeeded, JobState.failed]


def test_an_active_run_keeps_the_staging_database(kiosk: Kiosk):
    kiosk.step("import_dump", "run_1")
    with pytest.raises(AirflowRescheduleException):
        kiosk.step("import_dump", "run_2")
    kiosk.runs.states["run_1"] = "success"
    kiosk.step("import_dump", "run_2")
    with pytest.raises(StagingTakenError):
        kiosk.step("sync", "run_1")


def test_a_queued_run_does_not_keep_the_staging_database(kiosk: Kiosk):
    """A cleared run is, while this one runs: each would wait for the other."""
    kiosk.step("import_dump", "run_1")
    kiosk.runs.states["run_1"] = "queued"
    kiosk.leave_dump(3)
    load(kiosk, "run_2")
    assert kiosk.raw() == FIVE[:3]
    kiosk.runs.states["run_1"] = "running"
    with pytest.raises(StagingTakenError, match="Clear import_dump of this run"):
        kiosk.step("sync", "run_1")


def airflow_says(status: int | None) -> AirflowRuntimeError:
    """What the task SDK raises for that answer of the API server; None: it does not answer."""
    if status is None:
        return AirflowRuntimeError(ErrorResponse(error=ErrorType.GENERIC_ERROR, detail={"error": "ConnectError"}))
    return AirflowRuntimeError(ErrorResponse(error=ErrorType.API_SERVER_ERROR, detail={"status_code": status}))


def test_a_removed_run_does_not_keep_the_staging_database(kiosk: Kiosk):
    kiosk.step("import_dump", "run_1")
    kiosk.runs.states["run_1"] = airflow_says(404)
    load(kiosk, "run_2")
    assert kiosk.raw() == FIVE


@pytest.mark.case("F5", "the API server is away while a run looks for another", expected="nothing is dropped; a retry")
@pytest.mark.parametrize("status", [None, 500, 503])
def test_a_run_of_which_nobody_knows_the_state_keeps_the_staging_database(kiosk: Kiosk, status: int | None):
    kiosk.step("import_dump", "run_1")
    kiosk.runs.states["run_1"] = airflow_says(status)
    with pytest.raises(AirflowRuntimeError) as error:
        kiosk.step("import_dump", "run_2")
    assert classify(error.value).kind is not Kind.permanent
    assert kiosk.staged() == FIVE
    kiosk.step("sync", "run_1")


def test_stepping_back_has_an_end(kiosk: Kiosk):
    kiosk.step("import_dump", "run_1")
    kiosk.runs.stepping_back_since = datetime.now(UTC) - STEP_BACK_LIMIT - timedelta(minutes=1)
    with pytest.raises(WaitedTooLongError, match="run run_1 still uses"):
        kiosk.step("import_dump", "run_2")
    kiosk.runs.stepping_back_since = datetime.now(UTC) - STEP_BACK_LIMIT / 2
    with pytest.raises(AirflowRescheduleException):
        kiosk.step("import_dump", "run_2")


@pytest.mark.parametrize("status", [409, 429])
def test_an_instance_that_is_busy_is_left_alone_for_a_while(kiosk: Kiosk, status: int):
    order(kiosk, "sqladmin", kind="http", status=status, path="/import", method="POST")
    with pytest.raises(AirflowRescheduleException):
        kiosk.step("import_dump")
    assert kiosk.jobs("import_dump") == []
    load(kiosk)
    assert kiosk.raw() == FIVE
    assert len(kiosk.jobs("import_dump")) == 1


@pytest.mark.case("F9", "half an import is left", expected="nothing reads it")
def test_half_an_import_is_no_dump(kiosk: Kiosk, kill: Callable[..., None]):
    kill(kiosk, "import_dump", "end", "before")
    with pytest.raises(StagingTakenError, match="no dump that was imported whole"):
        kiosk.step("sync")


@pytest.mark.case("F9", "the MySQL server dies right after an import", expected="the import stands")
def test_an_import_outlives_its_server(kiosk: Kiosk):
    kiosk.step("import_dump")
    kiosk.cloud.crash("cloud_sql")
    kiosk.step("sync")
    assert kiosk.raw() == FIVE


def test_a_refused_import_is_submitted_anew_when_cleared(kiosk: Kiosk):
    order(kiosk, "sqladmin", kind="operation_error", code="ERROR_RDBMS", message="ERROR 1064 (42000) at line 3")
    with pytest.raises(ImportRefusedError, match="ERROR 1064"):
        kiosk.step("import_dump")
    load(kiosk)
    assert kiosk.raw() == FIVE
    assert [job.state for job in kiosk.jobs("import_dump")] == [JobState.succeeded, JobState.failed]


@pytest.mark.case("F12", "an operation never ends", expected="cancelled at the limit; the next try loads")
def test_an_import_that_hangs_is_cancelled(kiosk: Kiosk):
    order(kiosk, "sqladmin", kind="hang")
    kiosk.import_limit = timedelta(seconds=2)
    with pytest.raises(ImportTimeoutError, match="did not end within 0:00:02"):
        kiosk.step("import_dump")
    kiosk.import_limit = timedelta(minutes=5)
    load(kiosk)
    assert kiosk.raw() == FIVE


def says_what_it_holds(kiosk: Kiosk) -> bool:
    """Whether raw has the marker that dbt asks for."""
    tables = bigquery_client().list_tables(naming.raw_dataset(kiosk.name))
    return naming.LOAD_MARKER in {table.table_id for table in tables}


@pytest.mark.case("F14", "an Airbyte job hangs", expected="cancelled at the limit; the next try loads")
def test_a_sync_that_hangs_is_cancelled(kiosk: Kiosk):
    load(kiosk)
    assert says_what_it_holds(kiosk)
    order(kiosk, "airbyte", kind="job_hang")
    kiosk.sync_limit = timedelta(seconds=2)
    with pytest.raises(RuntimeError, match="did not end in time"):
        kiosk.step("sync")
    assert not says_what_it_holds(kiosk), "raw may be of two dumps, and dbt may not build from it"
    kiosk.sync_limit = timedelta(minutes=5)
    kiosk.step("sync")
    assert kiosk.raw() == FIVE
    assert says_what_it_holds(kiosk)
    assert [job.state for job in kiosk.jobs("sync")] == [JobState.succeeded, JobState.failed, JobState.succeeded]


@pytest.mark.parametrize("gone", [True, False])
def test_a_dump_that_was_replaced_since_it_was_checked_is_not_imported(kiosk: Kiosk, gone: bool):
    checked = kiosk.dump
    kiosk.leave_dump(3)
    kiosk.dump = checked
    if gone:
        kiosk.bucket.blob(checked["name"]).delete()
    with pytest.raises(DumpReplacedError, match="is gone" if gone else "generation"):
        kiosk.step("import_dump")
    assert not kiosk.jobs("import_dump")


def test_a_dump_that_is_replaced_during_its_import_is_not_used(kiosk: Kiosk, kill: Callable[..., None]):
    kill(kiosk, "import_dump", "wait", "before")
    checked = kiosk.dump
    kiosk.leave_dump(3)
    kiosk.dump = checked
    with pytest.raises(DumpReplacedError):
        kiosk.step("import_dump")
    with pytest.raises(StagingTakenError):
        kiosk.step("sync")
