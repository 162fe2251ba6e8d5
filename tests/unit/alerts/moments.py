"""Facts of one moment, with everything well unless a test says otherwise."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

from tests.unit.dead_letters.letters_in_memory import make_letter
from tributary import naming
from tributary.alerts.facts import Facts, Landed, Published, Run, Task
from tributary.dead_letters.record import DeadLetter
from tributary.registry import Registry, load_registry

DAY = date(2013, 1, 2)
BEFORE = date(2013, 1, 1)
TICK = datetime(2013, 1, 2, 2, tzinfo=UTC)
DATABASES = ("shop_eu", "shop_us", "shop_br", "airport_ewr", "airport_jfk", "airport_lga")


@cache
def registry() -> Registry:
    """Six databases: landed 3 h after 02:00, published 8 h after it."""
    return load_registry()


def after(**length: float) -> datetime:
    """So long after the tick of the day."""
    return TICK + timedelta(**length)


def landed(day: date = DAY, published: date = DAY, **others: date | None) -> Landed:
    """Every database has landed the day, but the others, which have landed theirs or None."""
    days = {**dict.fromkeys(DATABASES, day), **others}
    as_of = dict.fromkeys(DATABASES, published)
    return Landed(
        days={name: found for name, found in days.items() if found},
        published=Published(day=published, newest=published, as_of=as_of),
    )


def moment(at: datetime, **more: Any) -> Facts:
    """All is well, and every service answers."""
    runs = more.pop("runs", ())
    values: dict[str, Any] = {
        "at": at,
        "clock": at,
        "runs": runs,
        "last_runs": runs,
        "heartbeats": dict.fromkeys(("scheduler", "triggerer", "dag_processor"), at),
        "landed": landed(),
        "letters": (),
        "url": "http://airflow",
    }
    return Facts(**{**values, **more})


def run(subject: str = "shop_eu", state: str = "running", day: date = DAY, **more: Any) -> Run:
    """The scheduled run of a day, begun at its tick."""
    tick = datetime.combine(day, TICK.timetz())
    dag_id = subject if subject == naming.CONSOLIDATE_DAG else naming.dag_id(subject)
    values: dict[str, Any] = {
        "dag_id": dag_id, "run_id": f"scheduled__{day}", "subject": subject, "day": day, "run_type": "scheduled",
        "state": state, "run_after": tick, "queued_at": tick, "started_at": None if state == "queued" else tick,
    }  # fmt: skip
    return Run(**{**values, **more})


def task(of: Run, task_id: str, state: str = "running", **more: Any) -> Task:
    """A task of a run, in its state since a minute after the tick."""
    begun = TICK + timedelta(minutes=1)
    times = dict.fromkeys(("scheduled_at", "queued_at", "started_at", "ended_at"), begun)
    values: dict[str, Any] = {"dag_id": of.dag_id, "run_id": of.run_id, "task_id": task_id, "state": state, **times}
    return Task(**{**values, **more})


def letter(subject: str = "shop_eu", task_id: str = "sync", day: date = DAY, **more: Any) -> DeadLetter:
    """The open record of a failed step."""
    values: dict[str, Any] = {
        "subject": subject, "database": subject, "dag_id": naming.dag_id(subject), "task_id": task_id,
        "dump_date": day, "run_id": f"scheduled__{day}", "cause": "unavailable", "service": "airbyte",
        "kind": "passing", "advice": "Look at the service's status page, then clear the task.",
        "log_url": "http://airflow/log",
    }  # fmt: skip
    return make_letter(**{**values, **more})
