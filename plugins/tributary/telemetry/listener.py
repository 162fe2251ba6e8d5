"""Airflow's listener: tells of every try and run that ends, with nothing done in the DAGs.

Airflow calls it for a try in the task's own process (once it has ended for Airflow, so a deferral calls nothing),
in the scheduler where that process was lost, and for a run in the scheduler. A process that was killed alone calls
nothing, and what a person marks by hand is no try: both are not counted here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from airflow.listeners import hookimpl

log = logging.getLogger(__name__)


@hookimpl
def on_task_instance_success(previous_state: Any, task_instance: Any) -> None:
    """A try succeeded."""
    _never_raise(_try_ended, previous_state, task_instance, "success")


@hookimpl
def on_task_instance_skipped(previous_state: Any, task_instance: Any) -> None:
    """A try skipped itself."""
    _never_raise(_try_ended, previous_state, task_instance, "skipped")


@hookimpl
def on_task_instance_failed(previous_state: Any, task_instance: Any, error: Any) -> None:
    """A try failed; its state says whether for good or to be tried again."""
    _never_raise(_try_failed, previous_state, task_instance, error)


@hookimpl
def on_dag_run_success(dag_run: Any, msg: str) -> None:
    """A run succeeded."""
    _never_raise(_run_ended, dag_run, "success")


@hookimpl
def on_dag_run_failed(dag_run: Any, msg: str) -> None:
    """A run failed."""
    _never_raise(_run_ended, dag_run, "failed")


def _try_ended(previous_state: Any, ti: Any, state: str) -> None:
    from tributary.telemetry import senders

    # A person has marked it: nothing ran.
    if previous_state is not None:
        senders.try_ended(ti.dag_id, ti.task_id, _tags(getattr(ti, "task", None)), state, _seconds(ti))


def _try_failed(previous_state: Any, ti: Any, error: Any) -> None:
    from tributary.telemetry import senders

    if previous_state is None:
        return
    state = str(getattr(ti.state, "value", ti.state) or "failed")
    _try_ended(previous_state, ti, state)
    senders.try_failed(ti.dag_id, ti.task_id, _tags(getattr(ti, "task", None)), state, error)


def _run_ended(dag_run: Any, state: str) -> None:
    from tributary.telemetry import senders

    senders.run_finished(dag_run.dag_id, _dag_tags(getattr(dag_run, "dag", None)), state)


def _seconds(ti: Any) -> float | None:
    """From the start of the try; Airflow keeps it over a deferral."""
    if ti.start_date is None:
        return None
    return float(((ti.end_date or datetime.now(UTC)) - ti.start_date).total_seconds())


def _tags(task: Any) -> Iterable[str]:
    return _dag_tags(getattr(task, "dag", None))


def _dag_tags(dag: Any) -> Iterable[str]:
    """A DAG's tags; none where the scheduler has not got the DAG at hand, for asking would cost it a query."""
    return getattr(dag, "tags", None) or ()


def _never_raise(send: Callable[..., None], *arguments: Any) -> None:
    try:
        send(*arguments)
    except Exception:
        log.exception("The metrics of this event were not sent")
