"""The rounds of the watch: what it asks, what it remembers, what it survives, and what it measures."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from google.api_core.exceptions import ServiceUnavailable

from tests.conftest import ROOT
from tests.unit.alerts.moments import BEFORE, DAY, after, landed, letter, moment, registry, run
from tests.unit.dead_letters.letters_in_memory import MemoryClient
from tributary import naming
from tributary.airflow_api import AirflowAwayError
from tributary.alerts import gathering
from tributary.alerts.finding import Kind
from tributary.alerts.findings import findings_of
from tributary.alerts.gathering import Gathering
from tributary.alerts.memory import Memory, MemoryFile
from tributary.alerts.watch import NowAndThen, Round, Watch, newly_missed, send_metrics
from tributary.alerts.watch_cli import RegistryReader
from tributary.dead_letters.bucket import LetterBucket
from tributary.errors import TributaryError


class Airflow:
    """The REST API's answers; `away` makes it fail, `asked` counts."""

    url = "http://airflow"

    def __init__(self) -> None:
        self.active: list[dict[str, Any]] = []
        self.ended: list[dict[str, Any]] = []
        self.tasks: dict[str, list[dict[str, Any]]] = {}
        self.away = False
        self.asked: list[str] = []
        self.since: list[datetime] = []

    def _answer(self, question: str) -> None:
        self.asked.append(question)
        if self.away:
            raise AirflowAwayError("Airflow does not answer")

    def active_runs(self) -> list[dict[str, Any]]:
        self._answer("active_runs")
        return self.active

    def ended_runs(self, since: datetime) -> list[dict[str, Any]]:
        self._answer("ended_runs")
        self.since.append(since)
        return self.ended

    def tasks_at_work(self, task_id: str) -> list[dict[str, Any]]:
        self._answer(task_id)
        return []

    def active_tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        self._answer(f"tasks of {dag_id}")
        return self.tasks.get(dag_id, [])

    def paused_dags(self) -> set[str]:
        return {"elt__shop_br"}

    def health(self) -> dict[str, Any]:
        return {"metadatabase": {}, "scheduler": {"latest_scheduler_heartbeat": datetime.now(UTC).isoformat()}}


class Ops:
    """The dataset `ops`."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.away = False
        self.asked: list[str] = []

    def query(self, name: str, **parameters: str) -> list[dict[str, Any]]:
        self.asked.append(name)
        if self.away:
            raise ServiceUnavailable("away")
        return self.rows if name == "ops/freshness" else []


class Services:
    """Everything that a round asks."""

    def __init__(self) -> None:
        self.airflow, self.ops, self.client = Airflow(), Ops(), MemoryClient()
        letters = LetterBucket(self.client, "dumps")  # type: ignore[arg-type]
        self.gathering = Gathering(self.airflow, self.ops, letters, self.client, "dumps")  # type: ignore[arg-type]

    def facts(self) -> Any:
        return self.gathering.facts(registry(), {})


@pytest.fixture
def services() -> Services:
    return Services()


def api_run(subject: str = "shop_eu", state: str = "running", **more: Any) -> dict[str, Any]:
    """A manual run that was queued five hours ago."""
    queued = (datetime.now(UTC) - timedelta(hours=5)).isoformat()
    return {
        "dag_id": f"elt__{subject}", "dag_run_id": "manual__2013-01-02", "state": state, "run_type": "manual",
        "logical_date": "2013-01-02T02:00:00Z", "run_after": queued, "queued_at": queued, "start_date": queued,
        "end_date": None, "conf": {}, **more,
    }  # fmt: skip


def test_what_one_service_cannot_say_the_others_still_do(services: Services, caplog: pytest.LogCaptureFixture):
    services.airflow.active = [api_run()]
    facts = services.facts()
    assert facts.unknown == ()
    assert [one.day for one in facts.runs] == [DAY]
    for which, name in ((services.airflow, "Airflow"), (services.ops, "BigQuery"), (services.client, "the bucket")):
        which.away = True
        facts = services.facts()
        assert facts.unknown == (name,)
        assert f"{name} could not be asked" in caplog.text
        which.away = False


def test_runs_are_relied_on_for_a_moment_after_airflow_last_answered(
    services: Services, monkeypatch: pytest.MonkeyPatch
):
    services.airflow.active = [api_run()]
    assert services.facts().last_runs == services.facts().runs
    services.airflow.away = True
    facts = services.facts()
    assert facts.runs is None
    assert [one.subject for one in facts.last_runs] == ["shop_eu"]
    monkeypatch.setattr(gathering, "_RELIED_ON", timedelta(0))
    assert services.facts().last_runs is None


def test_ended_runs_are_asked_for_once_and_remembered(services: Services):
    ended = api_run(state="success", end_date=datetime.now(UTC).isoformat())
    services.airflow.ended = [ended]
    services.facts()
    services.airflow.ended = []
    assert [one.state for one in services.facts().runs] == ["success"]
    first, second = services.airflow.since
    assert second - first > timedelta(days=2)
    # It was cleared, and is at work again.
    services.airflow.active = [api_run()]
    assert [one.state for one in services.facts().runs] == ["running"]


def test_only_late_runs_cost_a_request_each(services: Services):
    services.airflow.active = [api_run("shop_eu"), api_run("shop_us", queued_at=datetime.now(UTC).isoformat())]
    services.facts()
    assert [one for one in services.airflow.asked if one.startswith("tasks of")] == ["tasks of elt__shop_eu"]


def test_a_quiet_round_costs_four_requests_and_a_query(services: Services):
    services.facts()
    services.facts()
    assert services.airflow.asked == ["active_runs", "ended_runs"] * 2
    # Contracts and dumps change by the day: what differs between them is not asked for in every round.
    assert services.ops.asked == ["ops/freshness", "ops/schema_changes_now", "ops/freshness"]


def test_dumps_are_looked_for_only_for_what_is_late_or_missing_and_not_in_every_round(services: Services):
    listed: list[str] = []
    services.client.list_blobs = lambda bucket, prefix, **_: listed.append(prefix) or []  # type: ignore[method-assign]
    services.airflow.active = [api_run()]
    for _ in range(3):
        facts = services.facts()
    assert facts.dumps == {("shop_eu", DAY): None}
    assert [prefix for prefix in listed if prefix.startswith("shop_eu")] == ["shop_eu/2013-01-02/"]


def test_what_readers_see_is_read_in_one_query(services: Services):
    services.ops.rows = [
        {"database": "shop_eu", "day": DAY, "as_of": None, "newest_day": DAY},
        {"database": None, "day": BEFORE, "as_of": '{"shop_eu": "2013-01-01"}', "newest_day": DAY},
    ]
    found = services.facts().landed
    assert (found.of("shop_eu"), found.of("consolidate")) == (DAY, DAY)
    assert found.published.as_of == {"shop_eu": BEFORE}


@pytest.fixture
def memory(tmp_path: Path) -> MemoryFile:
    return MemoryFile(tmp_path / "spool" / "watch.json")


def watch(services: Services, memory: MemoryFile, *tells: Callable[[Round], object]) -> Watch:
    return Watch(registry=registry, gathering=services.gathering, memory=memory, tells=tells)


def test_a_restart_while_a_service_is_away_heals_nothing(services: Services, memory: MemoryFile):
    services.airflow.active = [api_run()]
    told: list[Round] = []
    watch(services, memory, told.append).round()
    services.airflow.away = True
    fresh = Services()
    fresh.airflow.away = True
    watch(fresh, memory, told.append).round()
    assert [[one.key for one in seen.found] for seen in told] == [["late/shop_eu/2013-01-02"]] * 2


def test_a_look_for_people_is_not_remembered(services: Services, memory: MemoryFile):
    services.airflow.active = [api_run()]
    assert len(watch(services, memory).look(registry(), remember=False).found) == 1
    assert not memory.path.exists()


def test_the_memory_is_private_and_a_broken_one_is_no_end(memory: MemoryFile):
    memory.save(Memory(first_seen={"shop_eu": after()}))
    assert memory.path.stat().st_mode & 0o777 == 0o600
    assert memory.load().first_seen == {"shop_eu": after()}
    memory.path.write_text("{")
    assert memory.load() == Memory()


def test_what_was_first_seen_is_kept_unless_the_calendar_begins_anew():
    seen = Memory().seen(["shop_eu"], after(hours=1)).seen(["shop_eu", "shop_us"], after(hours=5))
    assert seen.first_seen == {"shop_eu": after(hours=1), "shop_us": after(hours=5)}
    assert seen.seen(["shop_eu"], after()).first_seen == {"shop_eu": after()}


def test_one_who_is_told_and_fails_does_not_keep_the_others_from_it(
    services: Services, memory: MemoryFile, caplog: pytest.LogCaptureFixture
):
    told: list[Round] = []

    def fails(_: Round) -> None:
        raise RuntimeError("Slack is away")

    watch(services, memory, fails, told.append).round()
    assert len(told) == 1
    assert "Slack is away" in caplog.text


def test_a_round_that_fails_does_not_end_the_watch_and_a_signal_does(
    services: Services, memory: MemoryFile, caplog: pytest.LogCaptureFixture
):
    rounds: list[int] = []

    def broken() -> Any:
        rounds.append(1)
        if len(rounds) == 3:
            process.stopping.set()
        raise TributaryError("the registry is gone")

    caplog.set_level(logging.INFO)
    process = Watch(registry=broken, gathering=services.gathering, memory=memory)
    process.run(every=0.01)
    assert len(rounds) == 3
    assert caplog.text.count("A round of the watch failed") == 3
    assert "The watch ends" in caplog.text


def test_it_stops_at_once_while_it_waits_for_the_next_round(services: Services, memory: MemoryFile):
    process = watch(services, memory)
    thread = threading.Thread(target=process.run, args=(600,))
    thread.start()
    time.sleep(0.2)
    process.stopping.set()
    thread.join(10)
    assert not thread.is_alive()


def test_every_round_leaves_a_line(services: Services, memory: MemoryFile, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    services.airflow.active = [api_run()]
    services.ops.away = True
    watch(services, memory).round()
    assert "Round 1: 1 late; 6 databases" in caplog.text
    assert "; without BigQuery" in caplog.text


def test_a_silence_that_is_wrong_is_logged_once(
    services: Services, memory: MemoryFile, caplog: pytest.LogCaptureFixture
):
    wrong = registry().model_copy(update={"faults": ("alerts.silences.0.until: Field required",)})
    process = Watch(registry=lambda: wrong, gathering=services.gathering, memory=memory)
    process.round()
    process.round()
    assert caplog.text.count("alerts.silences.0.until") == 1


def test_what_asks_airflow_itself_is_done_now_and_then_and_while_that_answers():
    done: list[int] = []
    sweep = NowAndThen(timedelta(minutes=5), lambda: done.append(1))
    for minute, runs in ((0, None), (1, ()), (2, ()), (5, ()), (6, ()), (7, None), (11, ())):
        sweep(Round(moment(after(minutes=minute), runs=runs), registry(), []))
        done.append(0)
    assert done == [0, 1, 0, 0, 0, 1, 0, 0, 1, 0]


class Metrics:
    """What was sent, by name and database."""

    def __init__(self) -> None:
        self.sent: dict[tuple[str, str], float] = {}

    def __call__(self, name: str, value: float, **tags: str) -> None:
        self.sent[name, tags["database"]] = value
        assert set(tags) == ({"database"} if tags["database"] == naming.CONSOLIDATE_DAG else {"database", "app"})


def test_the_metrics_of_a_round(monkeypatch: pytest.MonkeyPatch):
    metrics = Metrics()
    monkeypatch.setattr("tributary.telemetry.metrics.gauge", metrics)
    monkeypatch.setattr("tributary.telemetry.metrics.increment", metrics)
    facts = moment(after(hours=4), landed=landed(shop_eu=BEFORE, shop_us=None), letters=(letter("shop_br"),) * 2)
    found = findings_of(facts, registry())
    send_metrics(Round(facts, registry(), found))
    assert metrics.sent["freshness_seconds", "shop_eu"] == 28 * 3600
    assert ("freshness_seconds", "shop_us") not in metrics.sent
    assert metrics.sent["freshness_seconds", "consolidate"] == 4 * 3600
    assert metrics.sent["dead_letters.open", "shop_br"] == 2
    assert metrics.sent["dead_letters.open", "consolidate"] == 0
    assert {key for key in metrics.sent if key[0] == "deadline.missed"} == {("deadline.missed", "shop_eu")}
    metrics.sent.clear()
    send_metrics(Round(moment(after(), landed=None, letters=None), registry(), found, found))
    assert metrics.sent == {}


def test_a_deadline_is_missed_once_whichever_kind_tells_it():
    stale = findings_of(moment(after(hours=4), landed=landed(shop_eu=BEFORE)), registry())
    late = findings_of(moment(after(hours=4), runs=(run(),)), registry())
    assert [one.kind for one in (*stale, *late)] == [Kind.stale, Kind.late]
    facts = moment(after(hours=5))
    assert newly_missed(Round(facts, registry(), stale)) == {("shop_eu", DAY)}
    assert newly_missed(Round(facts, registry(), late, stale)) == set()
    assert newly_missed(Round(facts, registry(), [], stale)) == set()


def test_the_registry_is_read_anew_when_a_file_changes_and_kept_while_it_is_broken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts" / "toys.yaml").write_text(
        "app: toys\ntables: {toys: {primary_key: [id], columns: {id: {type: int}}}}\n"
    )
    file = tmp_path / "databases.yaml"

    def write(text: str) -> None:
        moment = file.stat().st_mtime_ns + 1_000_000 if file.exists() else 0
        file.write_text(text)
        os.utime(file, ns=(moment, moment))

    reader = RegistryReader(tmp_path)
    with pytest.raises(TributaryError, match="missing"):
        reader()
    write("databases: {first: {app: toys}}")
    first = reader()
    assert reader() is first
    write("databases: {first: {app: toys}, second: {app: toys}}")
    assert list(reader().databases) == ["first", "second"]
    write("databases: {")
    for _ in range(2):
        assert list(reader().databases) == ["first", "second"]
    assert [one.getMessage().partition(":")[0] for one in caplog.records] == [
        "The registry cannot be read, so the watch goes on with what it was"
    ]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_process_ends_well_at_a_signal(number: int, tmp_path: Path):
    program = (
        "import logging, signal, sys\n"
        "from tributary.alerts import watch_cli\n"
        "from tributary.alerts.memory import MemoryFile\n"
        "from tributary.alerts.watch import Watch\n"
        "def broken(): raise RuntimeError('no registry')\n"
        "made = Watch(registry=broken, gathering=None, memory=None)\n"
        "watch_cli._watch = lambda *_, **__: made\n"
        "watch_cli.RegistryReader = lambda: None\n"
        "watch_cli.watch(once=False, every=60, output='table')\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "plugins")}
    log = tmp_path / "log"
    with log.open("w") as file:
        process = subprocess.Popen([sys.executable, "-c", program], env=environment, stderr=file)
    end = time.monotonic() + 60
    while "A round of the watch failed" not in log.read_text() and time.monotonic() < end:
        time.sleep(0.1)
    process.send_signal(number)
    assert process.wait(20) == 0
    assert "The watch ends" in log.read_text()
