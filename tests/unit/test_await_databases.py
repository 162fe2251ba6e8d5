"""When no database's landing is waited for any more."""

from __future__ import annotations

from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tributary.errors import RegistryError
from tributary.operators import await_databases
from tributary.registry import BrokenDatabase, load_registry

DAY, AT = "2013-01-02", datetime(2013, 1, 2, 2, tzinfo=UTC)


class Airflow:
    """The runs of a day: of each DAG the run's state, and that of the task in which its database lands."""

    def __init__(self, runs: dict[str, tuple[str, str | None]]) -> None:
        self.runs = {f"elt__{name}": run for name, run in runs.items()}

    def get_dr_count(self, dag_id: str, logical_dates: list[datetime], states: list[str]) -> int:
        assert logical_dates == [AT]
        return int(dag_id in self.runs and self.runs[dag_id][0] in states)

    def get_task_states(self, dag_id: str, task_ids: list[str], logical_dates: list[datetime]) -> dict[str, Any]:
        assert (task_ids, logical_dates) == (["validate_marts"], [AT])
        return {"manual__2013-01-02": {"validate_marts": self.runs[dag_id][1]}} if dag_id in self.runs else {}


def settled(monkeypatch: pytest.MonkeyPatch, landed: dict[str, str], runs: dict[str, tuple[str, str | None]]) -> bool:
    records = {name: {"dump_date": date.fromisoformat(day)} for name, day in landed.items()}
    monkeypatch.setattr(await_databases, "ops_store", lambda: SimpleNamespace(landed=lambda day: records))
    monkeypatch.setattr(await_databases, "RuntimeTaskInstance", Airflow(runs))
    names = sorted({*landed, *runs})
    answer = await_databases.all_settled(day=DAY, databases=names, schedule="0 2 * * *")
    assert answer in (None, {"status": "settled"})
    return answer is not None


@pytest.mark.parametrize(
    ("run", "landing", "expected"),
    [
        ("success", "success", True),
        ("running", "success", True),  # its last task ended a moment ago
        ("running", None, False),  # started anew
        ("running", "running", False),
        ("running", "up_for_retry", False),
        ("queued", None, False),
        ("failed", "upstream_failed", True),
        ("running", "upstream_failed", True),  # it will fail
        ("failed", None, True),  # somebody marked the run
    ],
)
def test_a_database_that_landed_is_waited_for_while_it_lands_anew(
    monkeypatch: pytest.MonkeyPatch, run: str, landing: str | None, expected: bool
):
    assert settled(monkeypatch, {"shop": DAY, "kiosk": DAY}, {"shop": (run, landing)}) is expected


def test_a_database_that_has_not_landed_is_waited_for_until_its_run_fails(monkeypatch: pytest.MonkeyPatch):
    assert not settled(monkeypatch, {"shop": "2013-01-01"}, {})
    assert not settled(monkeypatch, {"shop": "2013-01-01"}, {"shop": ("running", None)})
    assert settled(monkeypatch, {"shop": "2013-01-01"}, {"shop": ("failed", "upstream_failed")})
    assert not settled(monkeypatch, {"shop": "2013-01-01", "kiosk": DAY}, {"kiosk": ("success", "success")})


@pytest.mark.parametrize(("published", "refused"), [({"shop_eu", "kiosk"}, True), ({"shop_eu"}, False), (None, False)])
def test_what_readers_have_of_a_database_is_not_lost_by_a_slip_in_its_entry(
    monkeypatch: pytest.MonkeyPatch, published: set[str] | None, refused: bool
):
    broken = (BrokenDatabase(name="kiosk", error="databases.yaml: databases.kiosk.app: found 'retial'"),)
    registry = load_registry().model_copy(update={"broken": broken})
    live = [] if published is None else [SimpleNamespace(as_of=dict.fromkeys(published, DAY))]
    monkeypatch.setattr(await_databases.versions, "published", lambda store: live)
    monkeypatch.setattr(await_databases, "ops_store", lambda: SimpleNamespace(landed=lambda day: {}))
    operator = await_databases.AwaitDatabasesOperator(task_id="await_databases", registry=registry)
    operator.day = DAY
    expected = RegistryError if refused else await_databases.NothingLandedError
    with pytest.raises(expected) as caught:
        operator.execute_complete(cast(Any, {}), {"status": "settled"})
    if refused:
        assert str(caught.value).startswith("databases.yaml: databases.kiosk.app: found 'retial'. Readers have rows of")
        assert "shop_eu" not in str(caught.value)
