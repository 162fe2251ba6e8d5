"""What a group's models' tasks show of the task that runs dbt."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from tributary.airflow_api import AirflowApi
from tributary.errors import DbtError, TributaryError

ORDERS, PAYMENTS, TOTALS = (f"model.tributary.{name}" for name in ("orders", "payments", "totals"))
TASKS = {model: f"transform.{model.rpartition('.')[2]}_run" for model in (ORDERS, PAYMENTS, TOTALS)}
QUOTA = "Failure in model payments (p.sql)", "  Database Error\n  Quota exceeded: Your table"
SQL = "Failure in model payments (p.sql)", "  Compilation Error\n  there is no such column"


class Server:
    """Airflow's API as far as marks go; may be away."""

    def __init__(self) -> None:
        self.marked: list[tuple[str, str]] = []
        self.asked = 0
        self.away = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/auth/token":
            return httpx.Response(201, json={"access_token": "t"})
        self.asked += 1
        if self.away:
            raise httpx.ConnectError("refused")
        assert request.method == "PATCH"
        path, _, task = request.url.path.rpartition("/")
        assert path == "/api/v2/dags/elt__shop_eu/dagRuns/manual__2013-01-02/taskInstances"
        state = json.loads(request.content)["new_state"]
        known = (task, state) in self.marked
        self.marked.append((task, state))
        return httpx.Response(409 if known else 200, json={})


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Server:
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    server = Server()

    def from_connection(connection_id: str) -> AirflowApi:
        assert connection_id == "airflow_api"
        api = AirflowApi("http://airflow", "tributary", "secret")
        api._http = httpx.Client(base_url="http://airflow", transport=httpx.MockTransport(server))
        return api

    monkeypatch.setattr(AirflowApi, "from_connection", from_connection)
    return server


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What is sent as metrics."""
    from tributary.telemetry import senders

    sent: list[tuple[Any, ...]] = []
    monkeypatch.setattr(senders, "try_ended", lambda *one: sent.append(one))
    return sent


def progress(try_number: int = 1) -> Any:
    from tributary.operators.dbt_model import ModelProgress

    ti = SimpleNamespace(dag_id="elt__shop_eu", try_number=try_number, max_tries=5)
    dag = SimpleNamespace(dag_id="elt__shop_eu", tags={"app:retail"})
    return ModelProgress({"ti": ti, "run_id": "manual__2013-01-02", "dag": dag}, TASKS)  # type: ignore[typeddict-item]


def result(code: int, words: tuple[str, str]) -> Any:
    lines = [
        f'{{"info": {{"name": "{name}", "level": "error", "msg": {json.dumps(text)}}}}}'
        for name, text in zip(("RunResultFailure", "RunResultError"), words, strict=True)
    ]
    return SimpleNamespace(exit_code=code, full_output=lines)


def test_a_model_that_is_built_is_marked_at_once(server: Server, timed: list[tuple[Any, ...]]):
    seen = progress()
    seen.ended(ORDERS, "success", 0.5)
    assert server.marked == [(TASKS[ORDERS], "success")]
    assert timed == [("elt__shop_eu", TASKS[ORDERS], {"app:retail"}, "success", 0.5)]


@pytest.mark.usefixtures("timed")
@pytest.mark.parametrize(
    ("try_number", "words", "marked"),
    [
        (1, QUOTA, []),  # another try may build it
        (6, QUOTA, [(TASKS[PAYMENTS], "failed")]),
        (1, SQL, [(TASKS[PAYMENTS], "failed")]),  # no other try comes
    ],
)
def test_a_model_that_is_broken_is_marked_when_no_other_try_comes(
    server: Server, try_number: int, words: tuple[str, str], marked: list[tuple[str, str]]
):
    seen = progress(try_number)
    seen.ended(PAYMENTS, "error", 0.1)
    seen.ended(TOTALS, "skipped", 0.0)
    assert server.marked == []
    with pytest.raises(DbtError):
        seen.dbt_ended(result(1, words))
    # One that dbt has skipped was not reached, which Airflow says by itself.
    assert server.marked == marked


@pytest.mark.usefixtures("timed")
def test_an_airflow_that_is_away_costs_one_look(server: Server, caplog: pytest.LogCaptureFixture):
    server.away = True
    seen = progress()
    for model in TASKS:
        seen.ended(model, "success", 0.1)
    seen.dbt_ended(SimpleNamespace(exit_code=0, full_output=[]))
    assert (server.asked, server.marked) == (1, [])
    assert "show their states only when dbt has ended" in caplog.text


@pytest.mark.usefixtures("server", "timed")
def test_a_model_of_which_dbt_has_said_nothing_is_not_taken_for_built():
    seen, fine = progress(), SimpleNamespace(exit_code=0, full_output=[])
    seen.ended(ORDERS, "success", 0.5)
    seen.ended(PAYMENTS, "warn", 0.1)
    with pytest.raises(TributaryError, match=f"not said to have built {TOTALS}$"):
        seen.dbt_ended(fine)
    seen.ended(TOTALS, "success", 0.5)
    seen.dbt_ended(fine)


@pytest.mark.usefixtures("timed")
def test_what_is_marked_already_may_be_marked_again(server: Server):
    server.marked.append((TASKS[ORDERS], "success"))
    seen = progress()
    seen.ended(ORDERS, "success", 0.5)
    seen.ended(PAYMENTS, "success", 0.5)
    assert server.marked[1:] == [(TASKS[ORDERS], "success"), (TASKS[PAYMENTS], "success")]
