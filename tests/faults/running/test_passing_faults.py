"""Faults that pass: every day heals by itself, with the rows of a clean run, and leaves no record.

Each test is one day of three databases, loaded while something breaks.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Protocol

import pytest

from tests.faults.running.oracle import Expected, Oracle
from tests.faults.running.stack import DATABASES, ELT_DAGS, Stack
from tributary import naming
from tributary.policies import SLOW_RETRY_DELAY

pytestmark = pytest.mark.timeout(3600)

Day = Callable[[str], None]
PRODUCER = f"transform.{naming.DBT_PRODUCER}"
ANY = naming.dag_id(DATABASES[0])


class Heals(Protocol):
    """Loads the next day while `happens(day)` runs, and holds it against the invariants; returns the seconds."""

    def __call__(self, happens: Day, **more_jobs: int) -> float: ...


@pytest.fixture
def heals(stack: Stack, oracle: Oracle, seen: Callable[[object], None]) -> Heals:
    def heals(happens: Day, **more_jobs: int) -> float:
        oracle.next_day()
        day = stack.next_day()
        begin = time.monotonic()
        command = stack.load(day)
        try:
            happens(day)
            output, _ = command.communicate(timeout=1500)
        finally:
            stack.withdraw()
            command.kill()
        seconds = time.monotonic() - begin
        assert command.returncode == 0, output
        broken = oracle.violations(Expected(days=dict.fromkeys(DATABASES, day), more_jobs=more_jobs))
        assert not broken, "\n".join(broken)
        seen(f"loaded after {seconds:.0f} s")
        return seconds

    return heals


def after_the_syncs(stack: Stack, day: str) -> None:
    """Return when Airbyte no longer writes to BigQuery: a sync that fails there is rightly followed by another one."""
    for dag_id in ELT_DAGS:
        stack.wait_for(dag_id, day, "reconcile", "running", "success")


@pytest.mark.case("F4", "Airflow's API server does not answer for 60 s", expected="heals")
def test_the_api_server_is_away_for_a_minute(stack: Stack, heals: Heals):
    def happens(day: str) -> None:
        stack.wait_for(ANY, day, "import_dump", "running", "deferred", "success")
        stack.pause("api-server", 60)

    heals(happens)


@pytest.mark.case("F5", "the scheduler and all its tasks are killed", expected="heals")
def test_the_scheduler_is_killed(stack: Stack, heals: Heals):
    def happens(day: str) -> None:
        stack.wait_for(ANY, day, "reconcile", "running", "success")
        stack.crash("scheduler")

    heals(happens, **dict.fromkeys(DATABASES, 1))


@pytest.mark.case("F6", "the metadata database is killed", expected="heals")
def test_the_metadata_database_is_killed(stack: Stack, heals: Heals):
    def happens(day: str) -> None:
        stack.wait_for(ANY, day, "preflight", "running", "success")
        stack.crash("airflow_db")

    heals(happens, **dict.fromkeys(DATABASES, 1))


@pytest.mark.case("F5", "the triggerer is killed while tasks wait", expected="heals")
def test_the_triggerer_is_killed(stack: Stack, heals: Heals):
    stack.order("sqladmin", kind="delay", seconds=12)

    def happens(day: str) -> None:
        stack.wait_until(
            lambda: any(stack.state(naming.dag_id(name), day, "import_dump") == "deferred" for name in DATABASES),
            "an import that waits",
        )
        stack.crash("triggerer")

    heals(happens)


@pytest.mark.case("F8", "a running task is cleared by hand", expected="heals")
def test_a_running_task_is_cleared(stack: Stack, heals: Heals):
    def happens(day: str) -> None:
        dag_id = naming.dag_id("shop_eu")
        stack.wait_for(dag_id, day, PRODUCER, "running")
        body = {
            "dry_run": False, "dag_run_id": f"manual__{day}", "task_ids": ["validate_raw"], "include_downstream": True,
            "only_failed": False, "reset_dag_runs": True,
        }  # fmt: skip
        stack.airflow._send("POST", f"/api/v2/dags/{dag_id}/clearTaskInstances", json=body)

    heals(happens)


@pytest.mark.case("F9", "the MySQL server dies in the middle of an import", expected="heals")
def test_the_staging_server_dies_during_an_import(stack: Stack, heals: Heals):
    stack.order("sqladmin", kind="delay", seconds=6)

    def happens(day: str) -> None:
        stack.wait_until(
            lambda: any(
                operation["status"] == "RUNNING" for name in DATABASES for operation in stack.imports(name, day)
            ),
            "an import that runs",
        )
        stack.crash("cloud_sql")

    heals(happens, **dict.fromkeys(DATABASES, 1))


@pytest.mark.case("F11", "the database's disk is full for one import", expected="heals after a longer wait")
def test_the_database_s_disk_is_full(stack: Stack, heals: Heals):
    message = "exit status 1: ERROR 1114 (HY000) at line 40: The table 'orders' is full"
    stack.order("sqladmin", kind="operation_error", code="ERROR_RDBMS", message=message)
    days: list[str] = []
    heals(days.append, **dict.fromkeys(DATABASES, 1))
    begun = (
        sorted(datetime.fromisoformat(operation["insertTime"]) for operation in stack.imports(name, days[0]))
        for name in DATABASES
    )
    ((first, second),) = (times for times in begun if len(times) > 1)
    assert second - first >= SLOW_RETRY_DELAY


@pytest.mark.case("F12", "Cloud SQL answers 409, 429, 503 and 503 to imports", expected="heals")
def test_cloud_sql_refuses_for_a_while(stack: Stack, heals: Heals):
    for status in (409, 429, 503, 503):
        stack.order("sqladmin", kind="http", status=status, path="/import", method="POST", message="try again later")

    def happens(day: str) -> None:
        stack.wait_until(lambda: not stack.pending("sqladmin"), "the faults")

    heals(happens)


@pytest.mark.case("F13", "an import is DONE with a passing error", expected="heals")
def test_an_import_ends_with_a_passing_error(stack: Stack, heals: Heals):
    message = "exit status 1: ERROR 2013 (HY000) at line 40: Lost connection to server during query"
    stack.order("sqladmin", kind="operation_error", code="ERROR_RDBMS", message=message)
    heals(lambda day: None, **dict.fromkeys(DATABASES, 1))


@pytest.mark.case("F14", "somebody cancels a sync; Airbyte dies during another", expected="heals")
def test_airbyte_is_cancelled_and_killed(stack: Stack, heals: Heals):
    for _ in range(3):
        stack.order("airbyte", kind="delay", seconds=8)

    def happens(day: str) -> None:
        stack.wait_until(lambda: stack.cancel_a_sync("shop_eu"), "a sync that runs")
        stack.wait_until(lambda: bool(stack.running_syncs("airport_lga")), "another sync that runs")
        stack.crash("airbyte")

    heals(happens, **dict.fromkeys(DATABASES, 2))


@pytest.mark.case("F15", "one stream of a sync fails, the others are committed", expected="heals")
def test_a_stream_fails(stack: Stack, heals: Heals):
    stack.order("airbyte", kind="stream_failed", message="Connection reset by peer")
    heals(lambda day: None, **dict.fromkeys(DATABASES, 1))


@pytest.mark.case("F18", "BigQuery answers 503 backendError and 403 rateLimitExceeded", expected="heals")
def test_bigquery_refuses_for_a_while(stack: Stack, heals: Heals):
    def happens(day: str) -> None:
        after_the_syncs(stack, day)
        stack.order("bigquery", kind="http", status=503, code="backendError", count=6, method="POST")
        stack.order("bigquery", kind="http", status=403, code="rateLimitExceeded", count=3, method="POST",
                    message="Exceeded rate limits: too many table update operations for this table")  # fmt: skip
        stack.wait_until(lambda: not stack.pending("bigquery"), "the faults")

    heals(happens)


@pytest.mark.case("F23", "dbt is killed", expected="heals")
def test_dbt_is_killed(stack: Stack, heals: Heals):
    def happens(day: str) -> None:
        def kill_one() -> bool:
            # Another stack's dbt has another project.
            pattern = f"bin/dbt .*{stack.checkout.folder}"
            return subprocess.run(["pkill", "-KILL", "-f", pattern]).returncode == 0

        stack.wait_until(kill_one, "a dbt")

    heals(happens)


@pytest.mark.case("F23", "dbt's partial parse is corrupt", expected="heals")
def test_the_partial_parse_is_corrupt(stack: Stack, heals: Heals):
    found = list(Path(stack.checkout.folder).rglob("partial_parse.msgpack"))
    assert found
    for path in found:
        path.write_bytes(b"\xc1 no msgpack")
    heals(lambda day: None)


@pytest.mark.case("F24", "Cloud Storage dies while dumps are read", expected="heals")
def test_the_bucket_is_away(stack: Stack, heals: Heals):
    def happens(day: str) -> None:
        stack.wait_for(ANY, day, "find_dump", "running", "success")
        stack.crash("storage")

    heals(happens)


@pytest.mark.case("F18", "BigQuery dies while marts are built", expected="heals")
def test_the_warehouse_dies(stack: Stack, heals: Heals):
    def happens(day: str) -> None:
        after_the_syncs(stack, day)
        stack.wait_until(lambda: any(stack.state(dag_id, day, PRODUCER) == "running" for dag_id in ELT_DAGS), "dbt")
        stack.crash("bigquery")

    heals(happens)
