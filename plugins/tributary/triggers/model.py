"""The trigger of a dbt model's task: it follows the one task of its group that runs dbt."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from time import monotonic
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
from airflow.sdk.execution_time.xcom import XCom
from airflow.triggers.base import BaseTrigger, TriggerEvent
from cosmos.operators._watcher.state import get_compiled_sql_xcom_key

from tributary.dbt_log import ENDED
from tributary.triggers.poll import patiently, pause

log = logging.getLogger(__name__)

# The states of a task whose latest try has begun: what its XComs say is of that one, see `Watched`.
_BEGUN = frozenset({"running", "success", "failed", "skipped"})
# Those that it will not leave by itself; with the last two nothing was ever built.
_OVER = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})
_WELL = frozenset({"success", "warn", "no-op"})
BUILT = {"status": "success"}
# Sooner than for other waits: the task has no process whose end the scheduler has to see first, small models are built
# in seconds, and what is looked at is Airflow's own.
SHORTEST_PAUSE_SECONDS = 1.0


class Producer(NamedTuple):
    """The task that runs dbt for its group."""

    dag_id: str
    run_id: str
    task_id: str


class Progress(NamedTuple):
    """How far it is: its state, and how each model ended, by dbt's name of the model and in dbt's words."""

    state: str | None
    ended: Mapping[str, str]


class ModelTrigger(BaseTrigger):
    """Waits until the model is built, or cannot be any more, and has Cosmos' operator say so (`execute_complete`).

    A model that failed has not failed for good while the task that runs dbt may be tried again: it builds all models
    anew. All models of a group together ask once, soon, then every `interval` seconds at most. Airflow being away is
    borne as `patiently` does; after that the task fails as one whose trigger failed.

    :param model: dbt's name of the model, such as `model.tributary.orders`.
    :param producer: the id of the task that runs dbt, in the same DAG.
    """

    def __init__(self, model: str, producer: str, interval: float) -> None:
        super().__init__()
        self.model = model
        self.producer = producer
        self.interval = interval

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return (
            "tributary.triggers.model.ModelTrigger",
            {"model": self.model, "producer": self.producer, "interval": self.interval},
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        instance: Any = self.task_instance
        producer = Producer(instance.dag_id, instance.run_id, self.producer)
        watched, begun = _watched.setdefault(producer, Watched(producer)), monotonic()
        seconds = pause(0, self.interval, SHORTEST_PAUSE_SECONDS)
        # The first look is one that began after this wait: an older one may be of the run before it was cleared.
        event = event_of(await watched.look(begun, seconds), self.model)
        while event is None:
            await asyncio.sleep(seconds)
            seconds = pause(monotonic() - begun, self.interval, SHORTEST_PAUSE_SECONDS)
            event = event_of(await watched.look(monotonic() - seconds, seconds), self.model)
        if event == BUILT:
            sql = await patiently(compiled, self.interval, producer=producer, model=self.model)
            event = {**BUILT, "compiled_sql": sql}
        yield TriggerEvent(event)


def event_of(progress: Progress, model: str) -> dict[str, Any] | None:
    """What Cosmos' operator is told of the model; None where it is too early.

    The words are Cosmos' (`BaseConsumerSensor.execute_complete`), which takes any others for a success.
    """
    how = progress.ended.get(model)
    if how in _WELL:
        return BUILT
    if progress.state not in _OVER:
        return None
    if how is None and progress.state == "success":
        # Cosmos would take it for built.
        log.error("%s: the task that runs dbt is a success, but dbt has not said to have built it", model)
        return {"status": "failed", "reason": "node_failed"}
    return {"status": "failed", "reason": "producer_failed" if how is None else "node_failed"}


class Watched:
    """A task that runs dbt, as the models of its group see it.

    Airflow keeps the XComs of a try until the next one is at work, and it says so before that one has removed them.
    So they are removed here as soon as a try has ended that another one follows, or the task has been cleared.
    """

    def __init__(self, producer: Producer) -> None:
        self.producer = producer
        self._one_asks = asyncio.Lock()
        self._seen = Progress("never asked", {})
        self._asked_at = float("-inf")

    async def look(self, not_before: float, interval: float) -> Progress:
        """How far it is, by a look that began no earlier (`monotonic`); all who wait meanwhile share one.

        :param interval: seconds between two requests where Airflow does not answer.
        """
        async with self._one_asks:
            if self._asked_at < not_before:
                asked_at = monotonic()
                self._seen = await self._ask(interval)
                self._asked_at = asked_at
            return self._seen

    async def _ask(self, interval: float) -> Progress:
        state = await patiently(state_of, interval, producer=self.producer)
        if state in _BEGUN:
            return Progress(state, await patiently(ended_of, interval, producer=self.producer))
        if state != self._seen.state:
            await patiently(forget, interval, producer=self.producer)
        return Progress(state, {})


# Those that some trigger looks at.
_watched: WeakValueDictionary[Producer, Watched] = WeakValueDictionary()


def state_of(producer: Producer) -> str | None:
    """The state of its latest try; None where none was scheduled since the run began or was cleared."""
    dag_id, run_id, task_id = producer
    states = RuntimeTaskInstance.get_task_states(dag_id=dag_id, task_ids=[task_id], run_ids=[run_id])
    state: str | None = states.get(run_id, {}).get(task_id)
    return state


def ended_of(producer: Producer) -> dict[str, str]:
    """How each model ended so far."""
    return _xcom(producer, ENDED) or {}


def forget(producer: Producer) -> None:
    """Remove what an earlier try has left of the models."""
    if _xcom(producer, ENDED) is not None:
        XCom.delete(key=ENDED, dag_id=producer.dag_id, task_id=producer.task_id, run_id=producer.run_id)


def compiled(producer: Producer, model: str) -> str | None:
    """The SQL that was run for the model, for the page of its task; None where dbt left none."""
    sql: str | None = _xcom(producer, get_compiled_sql_xcom_key(model))
    return sql


def _xcom(producer: Producer, key: str) -> Any:
    return XCom.get_one(key=key, dag_id=producer.dag_id, task_id=producer.task_id, run_id=producer.run_id)
