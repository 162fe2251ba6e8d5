"""Connections that are reset, and a slow network, between a database's steps and every service they speak to."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from tests.integration.operators.conftest import DAY, Given, Kiosk
from tests.integration.operators.test_resumed_jobs import order
from tests.support.bad_network import BadNetwork
from tributary import naming
from tributary.failures import Kind, classify
from tributary.operators.find_dump import FindDumpOperator
from tributary.operators.preflight import PreflightOperator
from tributary.operators.reconcile import ReconcileOperator
from tributary.policies import RETRIES

FIVE = [(number, f"line {number}") for number in range(1, 6)]
# What each variable or connection leads to.
URLS = {"STORAGE_EMULATOR_HOST": "storage", "BIGQUERY_EMULATOR_HOST": "bigquery"}


@contextmanager
def between(kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch, **options: Any) -> Iterator[dict[str, BadNetwork]]:
    """Every way from the steps to a service leads through a bad network."""
    ports = kiosk.cloud.ports
    with ExitStack() as stack, monkeypatch.context() as patch:
        networks = {
            name: stack.enter_context(BadNetwork(ports[name], **options))
            for name in ("storage", "bigquery", "cloud_sql", "sqladmin", "airbyte")
        }
        for variable, name in URLS.items():
            patch.setenv(variable, f"http://127.0.0.1:{networks[name].port}")
        for variable in ("GOOGLE_CLOUD_DEFAULT", "CLOUD_SQL__STAGING", "AIRBYTE_DEFAULT"):
            connection = os.environ[f"AIRFLOW_CONN_{variable}"]
            for name, network in networks.items():
                connection = connection.replace(str(ports[name]), str(network.port))
            patch.setenv(f"AIRFLOW_CONN_{variable}", connection)
        yield networks


def execute(kiosk: Kiosk, task_id: str, results: dict[str, Any]) -> Any:
    """One try of one step."""
    operators: dict[str, Callable[[], Any]] = {
        "find_dump": lambda: FindDumpOperator(
            task_id=task_id, database=kiosk.name, dump_pattern=kiosk.database.dump_pattern,
            dump_wait=kiosk.database.dump_wait,
        ),
        "preflight": lambda: PreflightOperator(
            task_id=task_id, database=kiosk.database, dump=Given(results["find_dump"])
        ),
        "reconcile": lambda: ReconcileOperator(
            task_id=task_id, database=kiosk.database, preflight=Given(results["preflight"])
        ),
    }  # fmt: skip
    if task_id not in operators:
        return kiosk.step(task_id)
    operator = operators[task_id]()
    operator.dump_date = DAY
    kiosk.runs.states.setdefault("run_1", "running")
    dag = SimpleNamespace(dag_id=naming.dag_id(kiosk.name))
    return operator.execute({"run_id": "run_1", "ti": kiosk.runs, "dag": dag, "params": {"force": False}})


def attempt(kiosk: Kiosk, task_id: str, results: dict[str, Any]) -> Exception | None:
    """One try; what it failed with, if it did."""
    try:
        results[task_id] = execute(kiosk, task_id, results)
    except Exception as error:
        return error
    return None


def load(kiosk: Kiosk) -> dict[str, int]:
    """Every step with the tries that Airflow would give it; the tries that each took."""
    results: dict[str, Any] = {}
    tries = {}
    for task_id in ("find_dump", "preflight", "import_dump", "sync", "reconcile"):
        tries[task_id] = 1
        while error := attempt(kiosk, task_id, results):
            tries[task_id] += 1
            assert classify(error).kind is not Kind.permanent, f"{task_id}: {error!r}"
            assert tries[task_id] <= RETRIES + 1, f"{task_id} used all its tries: {error!r}"
    return tries


@pytest.mark.case("F10", "connections to every service are reset", expected="heals: one job a step, the dump's rows")
@pytest.mark.parametrize("seed", range(2))
def test_resets_lose_and_double_nothing(kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch, seed: int):
    with between(kiosk, monkeypatch, cuts=4, chance=random.Random(seed)) as networks:
        assert max(load(kiosk).values()) > 1
    assert all(network.done for network in networks.values()), networks
    assert kiosk.raw() == FIVE
    assert [len(kiosk.jobs(step)) for step in ("import_dump", "sync")] == [1, 1]


@pytest.mark.case("F10", "every network is slow", expected="no step fails")
def test_a_slow_network_only_takes_time(kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch):
    with between(kiosk, monkeypatch, delay=0.05):
        assert set(load(kiosk).values()) == {1}
    assert kiosk.raw() == FIVE


@pytest.mark.case("F10", "the answer to an import's submission is lost", expected="the same try goes on; one import")
@pytest.mark.parametrize("resets", [True, False], ids=["reset", "closed"])
@pytest.mark.parametrize("seconds", [0, 3], ids=["quick", "slow"])
def test_a_submission_whose_answer_is_lost_is_not_repeated(
    kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch, resets: bool, seconds: int
):
    """A repetition would find the instance busy, or the import done: it would be a second one."""
    google = json.loads(os.environ["AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT"])
    google["extra"]["num_retries"] = 2
    monkeypatch.setenv("AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT", json.dumps(google))
    order(kiosk, "sqladmin", kind="delay", seconds=seconds)
    with between(kiosk, monkeypatch, loses=b"/import", resets=resets) as networks:
        kiosk.step("import_dump")
    assert networks["sqladmin"].lost == 1
    assert len(kiosk.jobs("import_dump")) == 1
    assert kiosk.staged() == FIVE
