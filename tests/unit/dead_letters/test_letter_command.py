"""`tributary dead-letters`, with a bucket in memory."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable

import pytest
from typer.testing import CliRunner

from tests.unit.dead_letters.airflow_in_memory import MemoryAirflow
from tests.unit.dead_letters.letters_in_memory import MemoryClient
from tributary.cli import app
from tributary.dead_letters import cli
from tributary.dead_letters.record import DeadLetter, Status
from tributary.dead_letters.steps import FailedSteps
from tributary.dead_letters.store import LetterStore
from tributary.errors import TributaryError

Make = Callable[..., DeadLetter]


@pytest.fixture(autouse=True)
def airflow(store: LetterStore, monkeypatch: pytest.MonkeyPatch) -> MemoryAirflow:
    airflow = MemoryAirflow()
    monkeypatch.setattr(cli, "_store", lambda: store)
    monkeypatch.setattr(FailedSteps, "from_environment", lambda: airflow)
    return airflow


def run(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["dead-letters", *words])
    if isinstance(result.exception, TributaryError):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.stdout


def test_the_list_shows_what_is_open_and_how_to_run_it_again(store: LetterStore, letter: Make):
    store.record(letter())
    store.record(letter(subject="airport_jfk", database="airport_jfk", at=5))
    store.change(["airport_jfk/2013-01-02/sync"], lambda found: found.resolved(found.changed_at, "ann", "x"))
    rows = json.loads(run("list", "--format", "json"))
    assert [row["id"] for row in rows] == ["shop_eu/2013-01-02/sync"]
    assert rows[0]["replay"] == "tributary dead-letters replay shop_eu/2013-01-02/sync"
    every = list(csv.DictReader(io.StringIO(run("list", "--all", "--format", "csv"))))
    assert [row["status"] for row in every] == ["resolved", "open"]
    assert json.loads(run("list", "--all", "--database", "airport_jfk", "-f", "json"))[0]["resolved_by"] == "ann"
    assert "shop_eu/2013-01-02/sync" in run("list")


def test_an_empty_list_still_has_its_header():
    assert run("list", "--format", "csv").startswith("id,status,")
    assert json.loads(run("list", "--format", "json")) == []


def test_the_list_brings_what_waits_on_this_disk(store: LetterStore, letter: Make):
    store.spool.put(letter())
    assert len(json.loads(run("list", "-f", "json"))) == 1
    assert store.spool.waiting() == []


def test_show_tells_everything(store: LetterStore, letter: Make):
    store.record(letter(advice="Look at the job."))
    assert "Look at the job." in run("show", letter().id)
    assert json.loads(run("show", letter().id, "-f", "json"))[0]["tries"] == 1


def test_an_unknown_id_says_how_to_find_one():
    with pytest.raises(TributaryError, match="list --all"):
        run("show", "shop_eu/2013-01-02/sync")


def test_resolve_keeps_who_and_why_without_secrets(store: LetterStore, letter: Make):
    store.record(letter())
    run("resolve", letter().id, "--why", "the source has no such day, password=hunter2", "--by", "ann")
    found = store.bucket.read(letter().id)
    assert found is not None
    assert (found.status, found.resolved_by) == (Status.resolved, "ann")
    assert found.why is not None
    assert "no such day" in found.why
    assert "hunter2" not in found.why


def test_resolve_wants_a_reason(store: LetterStore, letter: Make):
    store.record(letter())
    run("resolve", letter().id, "--why", " ", code=2)
    assert store.bucket.list()[0].status is Status.open


def test_replay_takes_one_way_to_choose(letter: Make):
    run("replay", code=2)
    run("replay", letter().id, "--all", code=2)


def test_replay_of_everything_starts_each_run_once(store: LetterStore, airflow: MemoryAirflow, letter: Make):
    store.record(letter())
    store.record(letter(task_id="validate_raw", key="b"))
    airflow.runs["elt__shop_eu", "run_1"] = {"sync": "failed", "validate_raw": "failed"}
    run("replay", "--all")
    assert airflow.cleared == [["sync", "validate_raw"]]
    assert "nothing is open" in run("replay", "--all")


def test_replay_waits_and_its_exit_status_is_the_outcome(store: LetterStore, airflow: MemoryAirflow, letter: Make):
    store.record(letter())
    airflow.runs["elt__shop_eu", "run_1"] = {"sync": "failed"}
    airflow.on_clear = lambda: airflow.runs["elt__shop_eu", "run_1"].update(sync="failed")
    run("replay", letter().id, "--wait", code=1)
    airflow.on_clear = lambda: airflow.runs["elt__shop_eu", "run_1"].update(sync="success")
    run("replay", "--database", "shop_eu", "--wait")
    assert run("list", "-f", "json").strip() == "[]"


def test_sweep_says_what_it_did(airflow: MemoryAirflow):
    from datetime import UTC, datetime

    airflow.add_failure("sync", "killed", datetime.now(UTC))
    output = run("sweep")
    assert "shop_eu/2013-01-02/sync: recorded" in output
    assert "1 recorded, 0 opened again, 0 closed, 1 copied" in output


def test_a_bucket_that_is_away_is_told_without_a_traceback(store: LetterStore, client: MemoryClient, letter: Make):
    store.spool.put(letter())
    client.away = True
    with pytest.raises(TributaryError, match=r"cannot be reached .*1 records wait in"):
        run("list")
