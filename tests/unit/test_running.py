"""Following runs while Airflow's API server is away."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from tributary import running
from tributary.airflow_api import AirflowAwayError
from tributary.running import RunDay, _Followed


class Answers:
    """Airflow, away for the first `away` requests."""

    def __init__(self, away: int) -> None:
        self.away = away
        self.asked = 0

    def run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        self.asked += 1
        if self.asked <= self.away:
            raise AirflowAwayError("Airflow does not answer")
        return {"state": "success", "duration": 7.0}

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        return []


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Time passes by sleeping alone."""
    now = [0.0]
    own = SimpleNamespace(monotonic=lambda: now[0], sleep=lambda seconds: now.__setitem__(0, now[0] + seconds))
    monkeypatch.setattr(running, "time", own)
    return now


def follow(answers: Answers) -> _Followed:
    run = _Followed("elt__shop", "shop", "manual__2013-01-01")
    day: Any = RunDay(answers, None, date(2013, 1, 1), ["shop"], consolidate=False, console=Console())  # type: ignore[arg-type]
    day._poll([run], lambda: None)
    return run


def test_a_server_that_is_away_for_minutes_is_waited_for(clock: list[float]):
    answers = Answers(away=int(running.AWAY_SECONDS / running.POLL_SECONDS) - 1)
    assert follow(answers).done
    assert clock[0] >= running.AWAY_SECONDS - running.POLL_SECONDS


def test_a_server_that_stays_away_ends_the_command(clock: list[float]):
    with pytest.raises(AirflowAwayError):
        follow(Answers(away=10_000))
    assert clock[0] <= running.AWAY_SECONDS + 2 * running.POLL_SECONDS
