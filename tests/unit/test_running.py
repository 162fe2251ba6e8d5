"""Following runs: with few requests, and while Airflow's API server is away."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest
import tenacity.nap
from rich.console import Console

from tributary import running
from tributary.airflow_api import AirflowAwayError
from tributary.errors import TributaryError
from tributary.running import RunDay, _Followed

REGISTRY: Any = SimpleNamespace(databases={}, defaults=SimpleNamespace(schedule="30 3 * * *"))


class Answers:
    """Airflow, away for the first `away` requests."""

    def __init__(self, away: int) -> None:
        self.away = away
        self.asked = 0
        self.followed: list[list[str]] = []

    def runs_at(self, logical_date: str, dag_ids: Iterable[str]) -> list[dict[str, Any]]:
        self.ask()
        states = {"elt__shop": "success", "elt__late": "running" if self.asked == 1 else "failed"}
        states |= dict.fromkeys(("elt__behind", "elt__begun"), "queued" if self.asked == 1 else "success")
        return [{"dag_id": dag_id, "state": states[dag_id], "duration": 7.0} for dag_id in dag_ids if dag_id in states]

    def ask(self) -> None:
        self.asked += 1
        if self.asked <= self.away:
            raise AirflowAwayError("Airflow does not answer")

    def running(self, dag_ids: Iterable[str]) -> list[dict[str, Any]]:
        runs = [("elt__behind", "scheduled__2026-11-29"), ("elt__begun", "manual__2013-01-01")]
        return [{"dag_id": dag_id, "dag_run_id": run_id} for dag_id, run_id in runs if dag_id in dag_ids]

    def tasks_in(self, runs: Mapping[str, str], states: Iterable[str]) -> list[dict[str, Any]]:
        self.followed.append(list(runs))
        late = [("transform.orders_run", "deferred"), ("transform.dbt_producer_watcher", "running")]
        if self.asked > 1:
            late.append(("transform.payments_run", "failed"))
        of = {"dag_id": "elt__late", "dag_run_id": "manual__2013-01-01"}
        found = [{**of, "task_id": task, "state": state} for task, state in late if "elt__late" in runs]
        return [*found, *({**one, "dag_run_id": "scheduled__2013-01-01", "task_id": "sync"} for one in found)]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Time passes by sleeping alone."""
    now = [0.0]
    own = SimpleNamespace(monotonic=lambda: now[0], sleep=lambda seconds: now.__setitem__(0, now[0] + seconds))
    for module in (running, tenacity, tenacity.nap):
        monkeypatch.setattr(module, "time", own)
    return now


def followed(answers: Answers, *names: str) -> Iterator[list[_Followed]]:
    """The runs after each look."""
    runs = [_Followed(f"elt__{name}", name, "manual__2013-01-01") for name in names]
    day: Any = RunDay(answers, None, date(2013, 1, 1), names, consolidate=False, console=Console())  # type: ignore[arg-type]
    looks: list[list[_Followed]] = []
    day._poll(runs, lambda: looks.append([replace(run) for run in runs]))
    yield from looks


def follow(answers: Answers) -> _Followed:
    *_, last = followed(answers, "shop")
    return last[0]


def test_a_server_that_is_away_for_minutes_is_waited_for(clock: list[float]):
    answers = Answers(away=int(running.AWAY_SECONDS / running.POLL_SECONDS) - 1)
    assert follow(answers).done
    assert clock[0] >= running.AWAY_SECONDS - running.POLL_SECONDS


def test_a_server_that_stays_away_ends_the_command(clock: list[float]):
    with pytest.raises(AirflowAwayError):
        follow(Answers(away=10_000))
    assert clock[0] <= running.AWAY_SECONDS + 2 * running.POLL_SECONDS


class Restarts(Answers):
    """Airflow that knows the DAGs and dies after it has made a run, before it says so."""

    def __init__(self, away: int) -> None:
        super().__init__(away)
        self.made: list[str] = []

    def dags(self) -> set[str]:
        self.ask()
        return {"elt__shop"}

    def start(self, dag_id: str, day: date, logical_date: str) -> dict[str, Any]:
        self.ask()
        if not self.made:
            self.made.append(dag_id)
            self.asked = self.away - 1
            raise AirflowAwayError("Server disconnected without sending a response")
        return {"dag_run_id": f"scheduled__{logical_date[:10]}"}


def start(answers: Restarts) -> list[_Followed]:
    airflow: Any = answers
    return RunDay(airflow, REGISTRY, date(2013, 1, 1), ["shop"], consolidate=False, console=Console())._start()


def test_a_server_that_restarts_is_asked_again_to_start_the_runs(clock: list[float]):
    answers = Restarts(away=3)
    (run,) = start(answers)
    assert run.run_id == "scheduled__2013-01-01"
    assert answers.made == ["elt__shop"]


def test_a_server_that_is_away_at_the_beginning_is_not_waited_for(clock: list[float]):
    def ensure_pools(registry: Any) -> None:
        raise AirflowAwayError("is it running?")

    airflow: Any = SimpleNamespace(ensure_pools=ensure_pools)
    with pytest.raises(AirflowAwayError, match=r"is it running\?"):
        RunDay(airflow, REGISTRY, date(2013, 1, 1), ["shop"], consolidate=False, console=Console()).follow()
    assert clock == [0.0]


def test_all_runs_are_asked_for_at_once_and_only_while_they_go_on(clock: list[float]):
    answers = Answers(away=0)
    (shop, late), (_, later) = followed(answers, "shop", "late")
    assert (shop.state, shop.seconds) == ("success", 7.0)
    assert (late.state, late.step) == ("running", "transform")
    assert (later.state, later.step) == ("failed", "transform.payments_run")
    assert answers.asked == 2
    assert answers.followed == [["elt__shop", "elt__late"], ["elt__late"]]
    # The last one is looked at more often: it alone is waited for.
    assert clock == [running.POLL_SECONDS + running.LAST_POLL_SECONDS] != [2 * running.POLL_SECONDS]


def test_a_queued_run_says_which_one_is_before_it(clock: list[float]):
    (behind, begun), *_ = followed(Answers(away=0), "behind", "begun")
    assert (behind.state, behind.step) == ("queued", "behind the run scheduled__2026-11-29")
    assert (begun.state, begun.step) == ("queued", "")


def test_a_run_that_is_gone_ends_the_command(clock: list[float]):
    with pytest.raises(TributaryError, match=r"no run of elt__gone for 2013-01-01 any more; was it deleted\?"):
        list(followed(Answers(away=0), "shop", "gone"))
