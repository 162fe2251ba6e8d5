"""Tasks that follow another: a dbt model's task shows what the one task that runs dbt does with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

from tributary import naming

if TYPE_CHECKING:
    from airflow.sdk import Context


def producer_state(context: Context) -> str | None:
    """The state now of the task that this one follows; None where it follows none, or where it has not begun."""
    task, run_id = context["task"], context["run_id"]
    producer = naming.producer_of(task.task_id)
    if producer is None:
        return None
    states = RuntimeTaskInstance.get_task_states(dag_id=task.dag_id, task_ids=[producer], run_ids=[run_id])
    state: str | None = states.get(run_id, {}).get(producer)
    return state
