"""Where the facts come from: BigQuery's `ops`, the bucket of the dead letters, the registry. Each is asked once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from tributary import clock
from tributary.dead_letters.steps import FailedSteps
from tributary.dead_letters.store import LetterStore
from tributary.errors import TributaryError
from tributary.hooks.patience import without_patience
from tributary.registry import Registry, load_registry
from tributary.sqlfiles import read_sql
from tributary.ui.expected import Calendar
from tributary.ui.facts import Letter, Row, Snapshot, published_of, quality_of, runs_of, timings_of

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

# How long one request to the bucket is tried.
BUCKET_SECONDS = 8.0
# Rules of older days are not looked for.
QUALITY_DAYS = 14
_AT_ONCE = 4

log = logging.getLogger(__name__)


class Warehouse:
    """Rows of `include/sql`, through a client that is made when it is first needed."""

    def __init__(self, connect: Callable[[], Client]) -> None:
        self._connect = connect
        self._client: Client | None = None

    def rows(self, name: str, **parameters: str) -> list[Row]:
        """One query, asked once; no rows where its table is not there yet. Errors of BigQuery pass through."""
        from google.api_core.exceptions import NotFound

        from tributary.ledger.store import execute

        with without_patience():
            if self._client is None:
                self._client = self._connect()
            try:
                return [dict(row) for row in execute(self._client, read_sql(name), **parameters)]
            except NotFound:
                return []


@dataclass(frozen=True)
class Sources:
    """Everything that the pages ask, as functions, so that each may be another one in a test.

    :param letters: the store of dead letters.
    :param airflow: Airflow's REST API as the user with that token.
    """

    warehouse: Warehouse
    letters: Callable[[], LetterStore]
    airflow: Callable[[str], FailedSteps]
    registry: Callable[[], Registry] = load_registry
    now: Callable[[], datetime] = clock.now

    @classmethod
    def of_airflow(cls) -> Sources:
        """With Airflow's connections, as the API server reads them."""
        from tributary.settings import AIRFLOW_CONNECTION

        return cls(
            Warehouse(_bigquery),
            cache(lambda: LetterStore.for_tasks(BUCKET_SECONDS)),
            lambda token: FailedSteps.of_user(AIRFLOW_CONNECTION, token),
        )

    def snapshot(self, before: Snapshot | None) -> Snapshot:
        """Read everything; what cannot be read stays as it was, with a line about it."""
        began = datetime.now(UTC)
        found, problems = together({"registry": self.registry}, "registry")
        registry: Registry | None = found.get("registry") or (before.registry if before else None)
        since = self._quality_since(registry)
        rows = self.warehouse.rows
        from_ops, ops_problems = together(
            {
                "runs": lambda: runs_of(rows("ui/runs")),
                "timings": lambda: timings_of(rows("ui/timings")),
                "quality": lambda: quality_of(rows("ui/quality", since=since)),
                "copied_letters": lambda: _by_id(Letter.of_row(row) for row in rows("ui/dead_letters")),
                "published": lambda: published_of(rows("ui/published")),
                "hold": lambda: next(iter(rows("ops/newest_hold")), None),
            },
            "ops",
        )
        from_bucket, bucket_problems = together({"open_letters": self._open_letters}, "bucket")
        if from_bucket:
            from_bucket["bucket_read_at"] = began
        return replace(
            before or Snapshot(None, began),
            registry=registry,
            read_at=datetime.now(UTC),
            problems={**problems, **ops_problems, **bucket_problems},
            **from_ops,
            **from_bucket,
        )

    def _open_letters(self) -> dict[str, Letter]:
        return _by_id(map(Letter.of, self.letters().bucket.list(closed=False)))

    def _quality_since(self, registry: Registry | None) -> str:
        newest = Calendar.at(self.now(), registry.defaults.schedule).day if registry else self.now().date()
        return (newest - timedelta(days=QUALITY_DAYS)).isoformat()


def together(questions: Mapping[str, Callable[[], Any]], source: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Ask a source several things at the same time.

    Returns the answers by name, without those that failed, and the problem of the source, in words, under its name.
    """
    answers: dict[str, Any] = {}
    problems: dict[str, str] = {}
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="tributary-facts") as pool:
        asked = {name: pool.submit(question) for name, question in questions.items()}
    for name, answer in asked.items():
        error = answer.exception()
        if error is None:
            answers[name] = answer.result()
        else:
            problems[source] = _in_words(source, error)
    return answers, problems


def _in_words(source: str, error: BaseException) -> str:
    """The kind of error for all who may look; its words are in the log."""
    if isinstance(error, TributaryError):
        return str(error)
    log.warning("The pages could not read %s", source, exc_info=error)
    what = {"ops": "BigQuery", "bucket": "The bucket of the dead letters"}.get(source, source)
    return f"{what} could not be read ({type(error).__name__})."


def _by_id(letters: Iterable[Letter]) -> dict[str, Letter]:
    return {letter.id: letter for letter in letters}


def _bigquery() -> Client:
    from tributary.hooks.clients import bigquery_client

    return bigquery_client()
