"""`tributary watch`: the process, and one look for people."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tributary.errors import RegistryError, TributaryError
from tributary.terminal import Format, FormatOption, print_rows

if TYPE_CHECKING:
    from google.cloud.storage import Client as StorageClient

    from tributary.airflow_api import AirflowApi
    from tributary.alerts.finding import Finding
    from tributary.alerts.watch import Round, Tell, Watch
    from tributary.dead_letters.store import LetterStore
    from tributary.ledger.store import OpsStore
    from tributary.registry import Registry

# How long one request to the bucket is tried.
_REQUEST_SECONDS = 20.0
_SWEEP_EVERY = timedelta(minutes=5)
_RECORD_EVERY = timedelta(minutes=5)

log = logging.getLogger(__name__)
_COLUMNS = ("kind", "subject", "day", "severity", "for", "what", "detail", "run")


def watch(
    once: Annotated[bool, typer.Option("--once", help="Only look once, and print what is wrong; tell nobody.")] = False,
    every: Annotated[
        float,
        typer.Option("--every", min=1, envvar="TRIBUTARY_WATCH_SECONDS", help="Seconds from one round to the next."),
    ] = 60.0,
    output: FormatOption = Format.table,
) -> None:
    """Find what is late, stale, slow or failed, and tell whom it concerns. Runs beside Airflow until it is stopped."""
    from tributary.registry import load_registry

    if once:
        seen = _watch(load_registry, tells=False).look(load_registry(), remember=False)
        rows = [_row(one, short=output is Format.table) for one in seen.found]
        print_rows(rows, output, None if rows else _COLUMNS)
        if seen.facts.unknown:
            raise TributaryError(f"{' and '.join(seen.facts.unknown)} could not be asked, so there may be more")
        return
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # One line for each request would hide all else.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    process = _watch(RegistryReader(), tells=True)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: process.stopping.set())
    process.run(every)


def _watch(registry: Callable[[], Registry], *, tells: bool) -> Watch:
    """The watch on the services that the environment names, with the credentials of whoever runs it."""
    from google.cloud import bigquery, storage

    from tributary.alerts.gathering import Gathering
    from tributary.alerts.memory import MemoryFile
    from tributary.alerts.watch import Watch
    from tributary.dead_letters.bucket import LetterBucket
    from tributary.dead_letters.spool import Spool
    from tributary.dead_letters.steps import FailedSteps
    from tributary.dead_letters.store import LetterStore
    from tributary.ledger.store import OpsStore
    from tributary.settings import Settings

    settings = Settings.from_environment()
    client = storage.Client()
    ops = OpsStore(bigquery.Client(location=settings.location), settings.location)
    letters = LetterBucket(client, settings.dumps_bucket, _REQUEST_SECONDS)
    airflow = FailedSteps.from_environment()
    store = LetterStore(letters, Spool.from_environment(), lambda: ops)
    return Watch(
        registry=registry,
        gathering=Gathering(airflow, ops, letters, client, settings.dumps_bucket),
        memory=MemoryFile.from_environment(),
        tells=_tells(client, ops, airflow, store) if tells else (),
    )


def _tells(client: StorageClient, ops: OpsStore, airflow: AirflowApi, letters: LetterStore) -> tuple[Tell, ...]:
    """What is done with each round: messages first, then metrics and records."""
    from tributary.alerts.findings import blind
    from tributary.alerts.slack import Slack
    from tributary.alerts.store import IncidentStore
    from tributary.alerts.telling import tell
    from tributary.alerts.watch import NowAndThen, send_metrics
    from tributary.dead_letters.steps import FailedSteps
    from tributary.dead_letters.sweep import Sweep
    from tributary.ops_records.task_durations import record_new_task_durations

    store = IncidentStore.from_environment(client)
    slack = Slack.from_connection(os.environ.get("TRIBUTARY_DOCS_URL", ""))

    def messages(seen: Round) -> None:
        tell(
            seen.found,
            seen.facts.at,
            store=store,
            slack=slack,
            policy=seen.registry.alerts,
            record=lambda rows: ops.append("alerts", rows),
            blind=blind(seen.facts),
        )

    def sweep() -> None:
        # Another session for each: it remembers the runs that it has seen.
        Sweep(letters, FailedSteps.from_environment()).run()

    return (
        messages,
        send_metrics,
        # The housekeeping sweeps, too, but not while no scheduler runs it.
        NowAndThen(_SWEEP_EVERY, sweep),
        NowAndThen(_RECORD_EVERY, lambda: record_new_task_durations(airflow, ops)),
    )


class RegistryReader:
    """The registry as it is now; kept as it was while it cannot be read, which is told once for each error."""

    def __init__(self, include: Path | None = None) -> None:
        from tributary.registry import INCLUDE

        self.include = include or INCLUDE
        self._read: Registry | None = None
        self._told = ""

    def __call__(self) -> Registry:
        from tributary.registry import load_registry

        try:
            self._read, self._told = load_registry(self.include), ""
        except RegistryError as error:
            if self._read is None:
                raise
            if str(error) != self._told:
                log.error("The registry cannot be read, so the watch goes on with what it was: %s", error)
            self._told = str(error)
        return self._read


def _row(one: Finding, *, short: bool) -> dict[str, Any]:
    """A finding for people, or with everything for programs."""
    from tributary.alerts.finding import age

    for_long = age(one.since, datetime.now(UTC))
    if not short:
        return {"key": one.key, **one.model_dump(mode="json"), "runbook": one.runbook, "for": for_long}
    values = (
        one.kind.value,
        one.subject,
        one.day.isoformat(),
        one.severity.value,
        for_long,
        one.headline,
        "\n".join(one.detail),
        one.run_id or "",
    )
    return dict(zip(_COLUMNS, values, strict=True))
