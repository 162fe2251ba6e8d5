"""The tasks of dbt's models: they wait in the triggerer, and Cosmos' operator understands how the wait ended."""

from __future__ import annotations

import inspect
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import BaseOperator

PRODUCER = "transform.dbt_producer_watcher"


def models(dag: Any) -> list[Any]:
    return [task for task_id, task in dag.task_dict.items() if task_id.endswith("_run")]


@pytest.mark.parametrize("dag_id", ["elt__shop_eu", "elt__airport_ewr", "consolidate"])
def test_every_model_s_task_begins_in_the_triggerer(dags: dict[str, Any], dag_id: str):
    from airflow.models.trigger import Trigger
    from airflow.sdk.module_loading import import_string
    from airflow.serialization.decoders import smart_decode_trigger_kwargs
    from airflow.serialization.serialized_objects import DagSerialization

    stored = DagSerialization.from_dict(DagSerialization.to_dict(dags[dag_id]))
    assert models(stored)
    for task in models(stored):
        assert task.start_from_trigger
        arguments = task.start_trigger_args
        assert arguments.next_method == "execute_complete"
        # As the scheduler writes them down and the triggerer reads them.
        kept = Trigger._decrypt_kwargs(Trigger.encrypt_kwargs(arguments.trigger_kwargs))
        decoded = {name: smart_decode_trigger_kwargs(value) for name, value in kept.items()}
        trigger = import_string(arguments.trigger_cls)(**decoded)
        assert f"transform.{trigger.model.rpartition('.')[2]}_run" == task.task_id
        assert trigger.producer == PRODUCER
    assert not any(stored.get_task(other).start_from_trigger for other in (PRODUCER, f"{PRODUCER}_done"))


def test_signatures_that_cosmos_asks_for_are_worked_out_once(dags: dict[str, Any]):
    from cosmos.operators.base import AbstractDbtBase
    from cosmos.operators.local import AbstractDbtLocalBase

    assert dags
    for initializer in (BaseOperator.__init__, AbstractDbtBase.__init__, AbstractDbtLocalBase.__init__):
        assert inspect.signature(initializer) is inspect.signature(initializer)


@pytest.mark.parametrize(
    ("state", "ended", "error"),
    [
        ("running", "success", None),
        ("success", None, "failed. Review the producer task"),
        ("failed", "error", "failed. Review the producer task"),
        ("failed", "skipped", "failed. Review the producer task"),
        ("failed", None, "failed before reporting results"),
        ("skipped", None, "failed before reporting results"),
    ],
)
def test_cosmos_understands_every_end(dags: dict[str, Any], state: str, ended: str | None, error: str | None):
    from tributary.triggers.model import Progress, event_of

    task = dags["elt__shop_eu"].get_task("transform.orders_run")
    event = event_of(Progress(state, {task.model_unique_id: ended} if ended else {}), task.model_unique_id)
    context = {"ti": SimpleNamespace(xcom_pull=lambda *args, **kwargs: None)}
    if error is None:
        task.execute_complete(context, event)
    else:
        with pytest.raises(Exception, match=error):
            task.execute_complete(context, event)


def test_the_task_that_runs_dbt_tells_of_its_group_s_models_alone(dags: dict[str, Any]):
    from copy import deepcopy

    from tributary.dbt import before_dbt, read_log

    task = deepcopy(dags["elt__shop_eu"].get_task(PRODUCER))
    assert task._pre_execute_hook is before_dbt
    read_log({"task": task})
    assert task.subprocess_hook.models == {other.model_unique_id for other in models(dags["elt__shop_eu"])}


@pytest.mark.parametrize("dag_id", ["elt__shop_eu", "consolidate"])
def test_a_model_waits_for_all_tries_of_dbt_and_nothing_is_kept_between_them(dags: dict[str, Any], dag_id: str):
    from tributary import policies

    producer = dags[dag_id].get_task(PRODUCER)
    assert producer.execution_timeout == policies.DBT_LIMIT
    for task in models(dags[dag_id]):
        assert task.execution_timeout > policies.DBT_LIMIT * (policies.RETRIES + 1)
    assert producer.on_failure_callback == policies.DEFAULT_ARGS["on_failure_callback"]
    assert not producer.on_retry_callback


def test_every_app_has_a_definition_of_its_consolidated_tables():
    import json

    from tributary.dbt import MANIFEST
    from tributary.editions import definitions
    from tributary.registry import load_registry

    found = definitions(json.loads(MANIFEST.read_text()))
    assert found.keys() == load_registry().apps.keys()
    assert len(set(found.values())) == len(found)
