"""Tributary's facts as metrics: one function for each thing that happens, called where it becomes known. Pure.

`database` is the database, or `consolidate` for what concerns all of them together; `app` is then left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from tributary import naming
from tributary.telemetry import metrics

if TYPE_CHECKING:
    from tributary.dead_letters.record import DeadLetter
    from tributary.dumps import DumpReport
    from tributary.ledger.checksums import Content
    from tributary.quality.results import CheckpointResult, RuleResult

_APP_TAG = "app:"
_NOT_REPORTED = "not_reported"
# Cosmos' name for the task of a model.
_MODEL_TASK = "_run"
_UNIQUE = frozenset({"expect_column_values_to_be_unique", "expect_compound_columns_to_be_unique"})


def try_ended(dag_id: str, task_id: str, dag_tags: Iterable[str], state: str, seconds: float | None) -> None:
    """Send how long a try took; nothing for DAGs that load nothing, and for a try that never began."""
    tags = _of_dag(dag_id, dag_tags)
    if tags is not None and seconds is not None:
        step, model = step_of(task_id)
        metrics.timing("task.duration", max(seconds, 0.0), **tags, step=step, model=model, state=state)


def try_failed(
    dag_id: str, task_id: str, dag_tags: Iterable[str], state: str, error: BaseException | str | None
) -> None:
    """Count a try that failed, by what its error means."""
    tags = _of_dag(dag_id, dag_tags)
    if tags is not None:
        step, _ = step_of(task_id)
        metrics.increment("task.failures", 1, **tags, step=step, reason=_reason(error), state=state)


def run_finished(dag_id: str, dag_tags: Iterable[str], state: str) -> None:
    """Count a run that has come to its end: `success` or `failed`."""
    tags = _of_dag(dag_id, dag_tags)
    if tags is not None:
        metrics.increment("runs.finished", 1, **tags, state=state)


def counted(stage: str, contents: Mapping[str, Content], *, database: str, app: str | None) -> None:
    """Send the rows of a stage, all tables together."""
    rows = sum(content.rows for content in contents.values())
    metrics.gauge("rows", rows, database=database, app=app, stage=stage)


def dump_read(report: DumpReport, *, database: str, app: str | None) -> None:
    """Send how large a dump is, stored and as SQL."""
    metrics.gauge("bytes", report.compressed_bytes, database=database, app=app, stage="stored")
    metrics.gauge("bytes", report.sql_bytes, database=database, app=app, stage="dump")


def synced(size: int, *, database: str, app: str) -> None:
    """Send how many bytes a sync moved, as Airbyte counted them."""
    metrics.gauge("bytes", size, database=database, app=app, stage="sync")


def checked(result: CheckpointResult, *, database: str, app: str) -> None:
    """Send how many rules held, and how many rows share a key; a rule that could not be checked does not hold."""
    tags = {"database": _subject(database), "app": app, "layer": result.layer}
    rules = (*result.passed, *result.failed, *result.errors)
    for (rule, state), number in Counter((_kind_of(it), it.status) for it in rules).items():
        metrics.increment("quality.rules", number, **tags, rule=rule, state=state)
    if rules:
        metrics.gauge("quality.pass_rate", 100 * len(result.passed) / len(rules), **tags)
    unique = [it for it in (*result.passed, *result.failed) if _kind_of(it) == "unique"]
    if unique:
        # A rule that fails without a count has at least one such row.
        rows = sum(it.unexpected_count or int(not it.success) for it in unique)
        metrics.gauge("duplicates", rows, **tags)


def recovered(before: DeadLetter, after: DeadLetter) -> None:
    """Send how long a step was broken where this change of its dead letter says that it has succeeded since."""
    if after.outcome == "success" and after.closed and not before.closed:
        seconds = (after.changed_at - after.first_failed_at).total_seconds()
        step, _ = step_of(after.task_id)
        metrics.timing("recovery.seconds", max(seconds, 0.0), database=after.subject, step=step)


def step_of(task_id: str) -> tuple[str, str | None]:
    """Step and model: `transform.orders_run` -> (`transform`, `orders`); the task that runs dbt has no model."""
    step, dot, name = task_id.rpartition(".")
    if not dot:
        return task_id, None
    return step, None if name == naming.DBT_PRODUCER else name.removesuffix(_MODEL_TASK)


def _of_dag(dag_id: str, dag_tags: Iterable[str]) -> dict[str, str | None] | None:
    """The tags of a DAG that loads something: its database, and the app that its own tags name."""
    from tributary.dead_letters.record import subject_of

    named = subject_of(dag_id)
    if named is None:
        return None
    app = next((tag.removeprefix(_APP_TAG) for tag in dag_tags if tag.startswith(_APP_TAG)), None)
    return {"database": named[0], "app": app}


def _kind_of(result: RuleResult) -> str:
    return "unique" if result.type in _UNIQUE else "other"


def _subject(database: str) -> str:
    return naming.CONSOLIDATE_DAG if database == naming.CONSOLIDATED else database


def _reason(error: BaseException | str | None) -> str:
    """A key of failures.yaml; Airflow's own words, or none, mean that the process died with the error untold."""
    from tributary.failures import classify

    return classify(error).reason if isinstance(error, BaseException) else _NOT_REPORTED
