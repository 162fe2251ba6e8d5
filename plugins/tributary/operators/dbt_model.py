"""The tasks of dbt's models: they show what the one task that runs dbt has done, and run nothing themselves."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.empty import EmptyOperator

from tributary.airflow_api import AirflowApi
from tributary.dbt_log import raise_with_last_words
from tributary.errors import DbtError, TributaryError
from tributary.failures import Kind, classify
from tributary.settings import AIRFLOW_CONNECTION
from tributary.telemetry import senders

if TYPE_CHECKING:
    from airflow.sdk import Context

# dbt's words for how a model ended; any other is that it is broken.
_STATES = {"success": "success", "warn": "success", "skipped": "skipped"}
# A mark is worth no more: dbt's log waits for it, and Airflow sets the rest when dbt has ended.
_SECONDS = 5.0

log = logging.getLogger(__name__)


class DbtModelOperator(EmptyOperator):
    """A model, after the task that runs dbt for its group.

    It needs no process: where that task has succeeded, all models are built, and Airflow's scheduler sets a task that
    does nothing to success by itself. Where it has failed this one has not been reached (`upstream_failed`). Before,
    while dbt runs, `ModelMarks` sets each model's task to what dbt says of it.

    :param model: dbt's name of the model, such as `model.tributary.orders`.
    """

    ui_color = "#d0e4f0"

    def __init__(self, *, model: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.model = model


class ModelProgress:
    """What the task that runs dbt passes on of its group's models, while it runs.

    A model that is built is marked so at once. One that is broken not before dbt has ended, and it will not be tried
    again: what comes after it would fail with it.

    :param tasks: by dbt's name of the model, the id of its task.
    """

    def __init__(self, context: Context, tasks: Mapping[str, str]) -> None:
        ti: Any = context["ti"]
        self.tasks = tasks
        self._dag: Any = context["dag"]
        self._is_last_try = ti.try_number > ti.max_tries
        self._marks = ModelMarks(context)
        self._built: set[str] = set()
        self._broken: list[str] = []

    def ended(self, model: str, status: str, seconds: float) -> None:
        """dbt has built a model, or could not; `status` is its word for that."""
        task_id = self.tasks[model]
        state = _STATES.get(status, "failed")
        if state != "skipped":
            senders.try_ended(self._dag.dag_id, task_id, self._dag.tags, state, seconds)
        if state == "success":
            self._built.add(model)
            self._marks.set(task_id, state)
        elif state == "failed":
            self._broken.append(task_id)

    def dbt_ended(self, result: Any) -> None:
        """Cosmos' question what to make of dbt's end.

        Raises DbtError as `raise_with_last_words`, and TributaryError where dbt has told of no error and not of every
        model: their tasks would be green, and nobody had built them.
        """
        try:
            raise_with_last_words(result)
        except DbtError as error:
            if self._is_last_try or classify(error).kind is Kind.permanent:
                for task_id in self._broken:
                    self._marks.set(task_id, "failed")
            raise
        if unbuilt := sorted(self.tasks.keys() - self._built):
            raise TributaryError(f"dbt ended without an error, but has not said to have built {', '.join(unbuilt)}")


class ModelMarks:
    """Sets tasks of the run at hand to a state, as a person does in the UI, with the pipeline's own account.

    Never raises: without a mark a task is right all the same once dbt's own has ended, only later and with less to say.
    After a mark that could not be set no other is tried.
    """

    def __init__(self, context: Context) -> None:
        self._dag_id, self._run_id = context["ti"].dag_id, context["run_id"]
        self._api: AirflowApi | None = None
        self._off = False

    def set(self, task_id: str, state: str) -> None:
        """`success` or `failed`."""
        if self._off:
            return
        try:
            if self._api is None:
                self._api = AirflowApi.from_connection(AIRFLOW_CONNECTION)
            self._api.mark(self._dag_id, self._run_id, task_id, state, _SECONDS)
        except Exception:
            self._off = True
            log.warning("The models' tasks show their states only when dbt has ended", exc_info=True)
