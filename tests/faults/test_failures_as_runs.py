"""Every real error of the table, raised in a task that Airflow's own task runner runs: its state, its record, its wait.

`tests/unit/test_failures.py` says what each error means; here is what Airflow makes of that, callbacks,
bucket and BigQuery's copy included.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.models.taskinstance import TaskInstance
from airflow.sdk.execution_time.comms import RetryTask

from tests.integration.dead_letters import conftest as dead_letters
from tests.integration.dead_letters.conftest import TaskRun
from tests.unit.test_failures import ROWS
from tributary import naming
from tributary.dead_letters.store import LetterStore

services, cloud, spool, store, run_task = (
    dead_letters.services, dead_letters.cloud, dead_letters.spool, dead_letters.store, dead_letters.run_task,
)  # fmt: skip

PRODUCER = f"transform.{naming.DBT_PRODUCER}"
STEPS = {
    "storage": "preflight", "cloud_sql": "import_dump", "airbyte": "sync", "bigquery": "reconcile", "dbt": PRODUCER,
}  # fmt: skip
# Cases of the catalogue: by who failed, else by what failed; what is left comes from jobs of BigQuery.
CASES_BY_SERVICE = {"airbyte": "F14", "bigquery": "F18", "dbt": "F23"}
CASES_BY_REASON = {
    "disk_full": "F11", "dns": "F24", "auth": "F24", "tls": "F24", "connection": "F10", "timeout": "F10",
    "busy": "F10", "read_only": "F10", "trigger": "F5", "undefined": "F5", "waited_too_long": "F25", "bad_input": "B17",
    "schema": "B17",
}  # fmt: skip
# What a service may repeat of a row when it says what is wrong with it.
PERSON = ("Jane Doe", "jane.doe@example.com", "+49 170 1234567")

# The wait before the second try as docs/retries.md has it, with the least and the most of its jitter.
QUICK = timedelta(seconds=5), timedelta(seconds=10)
SLOW = timedelta(seconds=60), timedelta(seconds=90)

RUN_STARTED = datetime(2013, 1, 2, 2, tzinfo=UTC)


def case_of(name: str) -> str:
    _, reason, service, *_ = [*ROWS[name].means.split(), ""]
    if service == "cloud_sql":
        return "F13" if name.startswith("import: ") else "F12"
    return CASES_BY_SERVICE.get(service) or CASES_BY_REASON.get(reason) or "F18"


def rows(kind: str, expected: str) -> list[Any]:
    return [
        pytest.param(name, marks=pytest.mark.case(case_of(name), f"a task meets: {name}", expected=expected))
        for name, row in ROWS.items()
        if row.means.startswith(kind)
    ]


def step_of(name: str) -> str:
    """The step that meets such an error."""
    _, _, service, *_ = [*ROWS[name].means.split(), ""]
    return STEPS.get(service, "find_dump")


class FailsOnce:
    """What a task does: raise the error at its first try, and be done at any other."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
        self.tries = 0

    def __call__(self, context: Any) -> None:
        self.tries += 1
        if self.tries == 1:
            raise self.error


def naming_a_person(error: BaseException) -> BaseException:
    """The same error of the same class, whose words also quote personal data."""
    kind = type(error)
    words = f"{error}, met at '{PERSON[0]}' of {PERSON[1]}, {PERSON[2]}"
    names = {"__module__": kind.__module__, "__qualname__": kind.__qualname__, "__str__": lambda self: words}
    error.__class__ = type(kind.__name__, (kind,), names)
    return error


def wait_before_next_try(run: TaskRun, asked: RetryTask, try_number: int = 1) -> timedelta:
    """What the scheduler makes of the task's delays and of what the task has asked for."""
    instance: Any = SimpleNamespace(
        task=run.task, dag_id=run.task.dag_id, task_id=run.task.task_id, logical_date=RUN_STARTED,
        end_date=timedelta(0), try_number=try_number, retry_delay_override=asked.retry_delay_seconds,
    )  # fmt: skip
    wait: Any = TaskInstance.next_retry_datetime(instance)
    return timedelta(seconds=wait.total_seconds())


@pytest.mark.parametrize("name", rows("passing", "tried again after its delay, then done; no dead letter"))
def test_what_passes_is_tried_again_and_leaves_nothing(run_task: TaskRun, store: LetterStore, name: str):
    reason = ROWS[name].means.split()[1]
    step = FailsOnce(ROWS[name].error())
    assert run_task(step, task_id=step_of(name), try_number=1) == "up_for_retry"
    (asked,) = [message for message in run_task.sent if isinstance(message, RetryTask)]
    assert f"is passing ({reason}" in (asked.retry_reason or "")
    shortest, longest = SLOW if reason in ("quota", "disk_full") else QUICK
    assert shortest <= wait_before_next_try(run_task, asked) <= longest
    assert run_task(step, task_id=step_of(name), try_number=2) == "success"
    assert step.tries == 2
    assert store.bucket.list() == []
    assert store.spool.waiting() == []


@pytest.mark.parametrize("name", rows("permanent", "failed at the first try; one dead letter, nothing personal in it"))
def test_what_does_not_pass_fails_at_once_with_one_record(
    run_task: TaskRun, store: LetterStore, monkeypatch: pytest.MonkeyPatch, name: str
):
    _, reason, *service = ROWS[name].means.split()
    error = naming_a_person(ROWS[name].error())
    step = FailsOnce(error)
    assert run_task(step, task_id=step_of(name), try_number=1) == "failed"
    assert step.tries == 1
    (letter,) = store.bucket.list()
    assert (letter.kind, letter.cause, letter.tries) == ("permanent", reason, 1)
    assert service in ([], [letter.service])
    assert letter.reason == type(ROWS[name].error()).__name__
    assert letter.task_id == step_of(name)
    assert store.spool.waiting() == []
    left = letter.model_dump_json() + "".join(map(repr, run_task.sent))
    assert [words for words in PERSON if words in left] == []


def test_tasks_that_failed_together_come_apart(run_task: TaskRun, store: LetterStore):
    waits = set()
    for number in range(8):
        run_task(FailsOnce(ConnectionResetError("reset")), dag_id=f"elt__shop_{number}", try_number=5)
        (asked,) = [message for message in run_task.sent if isinstance(message, RetryTask)]
        waits.add(wait_before_next_try(run_task, asked, try_number=5))
    assert len(waits) > 4
