"""Starting a day's runs, following them, and saying what came of them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar

from rich.console import Console
from rich.live import Live
from rich.table import Table
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from tributary import naming
from tributary.airflow_api import ACTIVE, TERMINAL, AirflowApi, AirflowAwayError
from tributary.dates import logical_date
from tributary.errors import TributaryError
from tributary.registry import Registry
from tributary.reporting import to_table
from tributary.sqlfiles import read_sql

POLL_SECONDS = 2.0
# For the last run, which is all that a person still waits for: little work is beside it, and its looks cost little.
LAST_POLL_SECONDS = 1.0
# A DAG of a new registry entry appears at the DAG processor's next look at the files.
DAGS_WAIT_SECONDS = 120.0
# The runs go on while Airflow's API server is away, and so does who starts and follows them, for this long.
AWAY_SECONDS = 300.0

T = TypeVar("T")


@dataclass
class _Followed:
    """One run that is followed."""

    dag_id: str
    label: str
    run_id: str
    state: str = "queued"
    step: str = ""
    seconds: float = 0.0
    printed: tuple[str, str] = field(default=("", ""))

    @property
    def done(self) -> bool:
        return self.state in TERMINAL


class RunDay:
    """The runs of one day: those of the databases, and the consolidation where it is wanted."""

    def __init__(
        self,
        airflow: AirflowApi,
        registry: Registry,
        day: date,
        databases: Sequence[str],
        *,
        consolidate: bool,
        console: Console,
    ) -> None:
        self.airflow = airflow
        self.registry = registry
        self.day = day
        self.databases = databases
        self.consolidate = consolidate
        self.console = console
        self.logical_date = ""

    def follow(self) -> bool:
        """Start, show progress until the last run has ended, print the table. True when all is well."""
        # Not patiently: who has not started Airflow is to hear so at once.
        self.airflow.ensure_pools(self.registry)
        started = time.monotonic()
        runs = self._start()
        if self.console.is_terminal:
            with Live(self._progress(runs), console=self.console, refresh_per_second=2) as live:
                self._poll(runs, lambda: live.update(self._progress(runs)))
        else:
            self._poll(runs, lambda: self._log(runs))
        return self._report(runs, time.monotonic() - started)

    def _start(self) -> list[_Followed]:
        wanted = {naming.dag_id(name): name for name in self.databases}
        if self.consolidate:
            wanted[naming.CONSOLIDATE_DAG] = naming.CONSOLIDATE_DAG
        self._wait_for_dags(set(wanted))
        self.logical_date = logical_date(self.day, self.registry.defaults.schedule).isoformat()
        runs = []
        for dag_id, label in wanted.items():
            # Whoever asks a second time joins the run that the lost answer was about.
            run = patiently(self.airflow.start, dag_id, self.day, self.logical_date)
            runs.append(_Followed(dag_id, label, run["dag_run_id"]))
        return runs

    def _wait_for_dags(self, wanted: set[str]) -> None:
        end = time.monotonic() + DAGS_WAIT_SECONDS
        while missing := wanted - patiently(self.airflow.dags):
            if time.monotonic() > end:
                raise TributaryError(
                    f"Airflow does not know {', '.join(sorted(missing))} after {DAGS_WAIT_SECONDS:.0f} s; "
                    "its UI shows import errors, and `tributary check` checks the registry"
                )
            time.sleep(POLL_SECONDS)

    def _poll(self, runs: list[_Followed], show: Any) -> None:
        while left := {run.dag_id: run for run in runs if not run.done}:
            pause = LAST_POLL_SECONDS if len(left) == 1 else POLL_SECONDS
            time.sleep(pause)
            for run in left.values():
                run.seconds += pause
            patiently(self._refresh, left)
            show()

    def _refresh(self, followed: Mapping[str, _Followed]) -> None:
        """Ask about all of them at once: who follows the runs should cost them nothing."""
        there: set[str] = set()
        for found in self.airflow.runs_at(self.logical_date, followed):
            run = followed[found["dag_id"]]
            run.state = found["state"]
            run.seconds = found.get("duration") or run.seconds
            there.add(run.dag_id)
        if gone := sorted(followed.keys() - there):
            raise TributaryError(f"Airflow has no run of {', '.join(gone)} for {self.day} any more; was it deleted?")
        failed: dict[str, list[str]] = {dag_id: [] for dag_id in followed}
        active: dict[str, list[str]] = {dag_id: [] for dag_id in followed}
        runs = {dag_id: run.run_id for dag_id, run in followed.items()}
        for task in self.airflow.tasks_in(runs, [*sorted(ACTIVE), "failed"]):
            if task["dag_run_id"] != runs[task["dag_id"]]:
                continue  # another DAG's run has that id
            if task["state"] == "failed":
                failed[task["dag_id"]].append(task["task_id"])
            else:
                active[task["dag_id"]].append(task["task_id"].split(".")[0])
        for dag_id, run in followed.items():
            run.step = ", ".join(failed[dag_id] or dict.fromkeys(active[dag_id]))
        self._say_what_is_before([dag_id for dag_id, run in followed.items() if run.state == "queued"], followed)

    def _say_what_is_before(self, queued: Sequence[str], followed: Mapping[str, _Followed]) -> None:
        """A DAG runs one day at a time, and another day may wait for its dump for hours."""
        if queued:
            for run in self.airflow.running(queued):
                mine = followed[run["dag_id"]]
                if run["dag_run_id"] != mine.run_id:  # it may have begun meanwhile
                    mine.step = f"behind the run {run['dag_run_id']}"

    def _progress(self, runs: Sequence[_Followed]) -> Table:
        rows = [{"run": run.label, "state": run.state, "step": run.step, "seconds": round(run.seconds)} for run in runs]
        return to_table(rows, title=f"{self.day}")

    def _log(self, runs: Sequence[_Followed]) -> None:
        for run in runs:
            if (run.state, run.step) != run.printed:
                run.printed = (run.state, run.step)
                self.console.print(f"{run.label}: {run.state} {run.step}".rstrip(), highlight=False, soft_wrap=True)

    def _report(self, runs: Sequence[_Followed], seconds: float) -> bool:
        found = self._counted([run.label for run in runs if run.label != naming.CONSOLIDATE_DAG])
        rows, well = [], True
        for run in runs:
            counts = found.get(run.label, {})
            stages = self._stages(run.label)
            agree = len({rows_at(stage, counts) for stage in stages}) <= 1
            aside = counts.get("quarantine_rows")
            well = well and run.state == "success" and agree
            rows.append(
                {
                    "database": run.label,
                    "state": run.state if agree else f"{run.state}, counts differ",
                    **{
                        f"in {stage}": counts.get(f"{stage}_rows") for stage in ("dump", "raw", "marts", "consolidated")
                    },
                    **({"quarantined": aside} if aside else {}),
                    **({"forgotten": counts["forgotten_rows"]} if counts.get("forgotten_rows") else {}),
                    "checks passed": counts.get("passed"),
                    "failed": counts.get("failed"),
                    "seconds": round(run.seconds),
                }
            )
        self.console.print(to_table(rows, title=f"{self.day}, {seconds:.0f} s"))
        for run in runs:
            if run.state != "success":
                link = f"{self.airflow.url}/dags/{run.dag_id}/runs/{run.run_id}"
                self.console.print(f"{run.label}: {run.state} at {run.step or 'its start'}: {link}", soft_wrap=True)
        return well

    def _counted(self, databases: list[str]) -> dict[str, Any]:
        """Rows by stage and results of the checks, by database."""
        from google.api_core.exceptions import GoogleAPICallError
        from google.cloud.bigquery import Client

        from tributary.ledger.store import execute
        from tributary.settings import Settings

        client = Client(location=Settings.from_environment().location)
        try:
            counted = execute(
                client, read_sql("ops/day_report"), databases=json.dumps(databases), day=self.day.isoformat()
            )
        except GoogleAPICallError as error:
            raise TributaryError(
                f"The runs have ended, and BigQuery refused to say what they have loaded: {error.message}. Airflow and "
                "`tributary dead-letters list` say how they ended; once it answers, run the day again for the counts."
            ) from None
        return {row["database"]: row for row in counted}

    def _stages(self, database: str) -> tuple[str, ...]:
        """The stages whose rows of the database must agree after this command."""
        if database not in self.registry.databases:
            return ()
        contract = self.registry.databases[database].contract
        if contract.raw_only:
            return ("dump", "raw")
        consolidated = self.consolidate and contract.is_consolidated
        return ("dump", "raw", "marts", "consolidated") if consolidated else ("dump", "raw", "marts")


def patiently(ask: Callable[..., T], *arguments: Any) -> T:
    """What *ask* answers: asked again for AWAY_SECONDS while Airflow's API server is away, as where it starts again.

    :param ask: may have been heard each time it is asked.
    """
    retrying = Retrying(
        retry=retry_if_exception_type(AirflowAwayError),
        stop=stop_after_delay(AWAY_SECONDS),
        wait=wait_fixed(POLL_SECONDS),
        reraise=True,
    )
    return retrying(ask, *arguments)


def rows_at(stage: str, counts: Mapping[str, int | None]) -> int | None:
    """A database's rows at a stage, with those that were left out or set aside before it; None where nobody counted.

    :param counts: a row of `ops/day_report`.
    """
    rows = counts.get(f"{stage}_rows")
    if rows is None or stage == "dump":
        return rows
    before = ("forgotten_rows",) if stage == "raw" else ("forgotten_rows", "quarantine_rows")
    return rows + sum(counts.get(name) or 0 for name in before)
