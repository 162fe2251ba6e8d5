"""The trigger of a dbt model's task: what it makes of the task that runs dbt, and how often it asks."""

from __future__ import annotations

import asyncio
from pathlib import Path
from time import monotonic
from types import SimpleNamespace
from typing import Any

import pytest

from tributary.errors import PermanentError

ORDERS, PAYMENTS = "model.tributary.orders", "model.tributary.payments"
RUN = SimpleNamespace(dag_id="elt__shop_eu", run_id="manual__2013-01-01", task_id="transform.orders_run")


@pytest.fixture(autouse=True)
def airflow_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))


class Airflow:
    """Answers what triggers ask: the state of the task that runs dbt, and its XComs; a step at a time.

    A step is a state and what the task has written before that is looked at; None where it has written nothing more.
    """

    def __init__(self, *steps: tuple[str | None, dict[str, str] | None] | Exception) -> None:
        self.steps = list(steps)
        self.asked = 0
        self.ended: dict[str, str] | None = None

    def get_task_states(self, dag_id: str, task_ids: list[str], run_ids: list[str]) -> Any:
        assert (dag_id, run_ids, task_ids) == (RUN.dag_id, [RUN.run_id], ["transform.dbt_producer_watcher"])
        self.asked += 1
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        if isinstance(step, Exception):
            raise step
        state, ended = step
        self.ended = ended or self.ended
        return {RUN.run_id: {task_ids[0]: state}} if state else {}

    def get_one(self, key: str, **of: str) -> Any:
        assert of == {"dag_id": RUN.dag_id, "task_id": "transform.dbt_producer_watcher", "run_id": RUN.run_id}
        return {"models": self.ended, "model__tributary__orders_compiled_sql": "select 1"}.get(key)

    def delete(self, key: str, **of: str) -> None:
        assert self.get_one(key, **of) is not None
        self.ended = None


def follow(monkeypatch: pytest.MonkeyPatch, airflow: Airflow, *models: str) -> list[dict[str, Any]]:
    """The events of the models' triggers, all in one triggerer."""
    from tributary.triggers import model as module

    monkeypatch.setattr(module.RuntimeTaskInstance, "get_task_states", airflow.get_task_states)
    monkeypatch.setattr(module.XCom, "get_one", airflow.get_one)
    monkeypatch.setattr(module.XCom, "delete", airflow.delete)

    async def event(model: str) -> dict[str, Any]:
        path, arguments = module.ModelTrigger(model, "transform.dbt_producer_watcher", 0.05).serialize()
        assert path == "tributary.triggers.model.ModelTrigger"
        trigger = module.ModelTrigger(**arguments)
        trigger.task_instance = RUN
        payload: dict[str, Any] = (await anext(trigger.run())).payload
        return payload

    async def events() -> list[dict[str, Any]]:
        return list(await asyncio.wait_for(asyncio.gather(*map(event, models)), timeout=10))

    return asyncio.run(events())


BUILT = {"status": "success", "compiled_sql": "select 1"}
FAILED = {"status": "failed", "reason": "node_failed"}
NEVER = {"status": "failed", "reason": "producer_failed"}


@pytest.mark.parametrize(
    ("steps", "event"),
    [
        # Built, while dbt goes on with others.
        ([(None, None), ("queued", None), ("running", None), ("running", {ORDERS: "success"})], BUILT),
        ([("success", {ORDERS: "success"})], BUILT),
        ([("failed", {ORDERS: "success", PAYMENTS: "error"})], BUILT),
        # What an earlier try left is none of this one's, which says to be running before it removes that.
        ([("queued", {ORDERS: "success"}), ("running", None), ("failed", {ORDERS: "error"})], FAILED),
        (
            [("restarting", {ORDERS: "success"}), (None, {ORDERS: "success"}), ("running", None), ("failed", None)],
            NEVER,
        ),
        ([("queued", {ORDERS: "success"}), ("failed", None)], NEVER),
        # A failure that another try may mend is none yet.
        (
            [
                ("running", {ORDERS: "error"}),
                ("up_for_retry", None),
                ("running", None),
                ("success", {ORDERS: "success"}),
            ],
            BUILT,
        ),
        ([("running", {ORDERS: "error"}), ("failed", None)], FAILED),
        ([("failed", {ORDERS: "skipped", PAYMENTS: "error"})], FAILED),
        ([("failed", {ORDERS: "a word that dbt has not had"})], FAILED),
        # dbt never came to it.
        ([("up_for_retry", None), ("failed", None)], NEVER),
        ([("upstream_failed", {ORDERS: "success"})], NEVER),
        ([("success", {PAYMENTS: "success"})], FAILED),
    ],
)
def test_what_a_model_s_task_is_told(monkeypatch: pytest.MonkeyPatch, steps: list[Any], event: dict[str, Any]):
    airflow = Airflow(*steps)
    (told,) = follow(monkeypatch, airflow, ORDERS)
    assert {"compiled_sql": None, **told} == {"compiled_sql": None, **event}
    assert airflow.asked == len(steps)


def test_all_models_of_a_group_ask_once(monkeypatch: pytest.MonkeyPatch):
    models = [f"model.tributary.m{number}" for number in range(50)]
    airflow = Airflow(("running", None), ("success", dict.fromkeys(models, "success")))
    events = follow(monkeypatch, airflow, *models)
    assert [event["status"] for event in events] == ["success"] * 50
    assert airflow.asked <= 3  # who comes while one asks has that look repeated once


def test_airflow_may_be_away_for_a_while(monkeypatch: pytest.MonkeyPatch):
    airflow = Airflow(OSError("away"), OSError("away"), ("success", {ORDERS: "success"}))
    assert follow(monkeypatch, airflow, ORDERS) == [BUILT]


def test_what_ends_the_wait_fails_the_task(monkeypatch: pytest.MonkeyPatch):
    """An event would not: Cosmos takes words that it does not know for a success."""
    with pytest.raises(PermanentError, match="the token is refused"):
        follow(monkeypatch, Airflow(PermanentError("the token is refused")), ORDERS)


def test_a_look_is_shared_by_those_who_waited_when_it_began(monkeypatch: pytest.MonkeyPatch):
    from tributary.triggers import model as module

    airflow = Airflow(("running", {ORDERS: "success"}), (None, None), ("queued", None))
    follow(monkeypatch, airflow, ORDERS)

    async def looks() -> None:
        watched = module.Watched(module.Producer(RUN.dag_id, RUN.run_id, "transform.dbt_producer_watcher"))
        earlier = monotonic()
        assert (await watched.look(earlier, 1)).state is None
        assert (await watched.look(earlier, 1)).state is None
        assert (await watched.look(monotonic(), 1)).state == "queued"

    asyncio.run(looks())
    assert airflow.asked == 3
