"""Finds the newest dump of the run's day, and waits for it without holding a worker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from tributary.dates import DUMP_DATE, parse_day
from tributary.dumps.selection import DumpObject, choose_dump, prefix_for
from tributary.hooks.patience import ANSWER_SECONDS, is_patient
from tributary.settings import GOOGLE_CONNECTION, Settings
from tributary.triggers.poll import poll_with

if TYPE_CHECKING:
    from airflow.sdk import Context


class FindDumpOperator(BaseOperator):
    """Waits until `choose_dump` finds an object for the day.

    Returns it: bucket, name, generation, size (bytes), updated, crc32c, uri.
    """

    template_fields: Sequence[str] = ("dump_date",)
    ui_color = "#f0eee4"

    def __init__(self, *, database: str, dump_pattern: str, dump_wait: timedelta, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.database = database
        self.dump_pattern = dump_pattern
        self.dump_wait = dump_wait
        self.dump_date = DUMP_DATE

    def execute(self, context: Context) -> dict[str, Any]:
        settings = Settings.from_environment()
        wanted: dict[str, Any] = {
            "bucket": settings.dumps_bucket,
            "database": self.database,
            "day": self.dump_date,
            "pattern": self.dump_pattern,
        }
        found = find(**wanted)
        if found is None:
            self.log.info("No dump of %s for %s yet; waiting at most %s", self.database, self.dump_date, self.dump_wait)
            self.defer(
                trigger=poll_with(find, settings.poll_seconds, **wanted),
                method_name="execute_complete",
                timeout=self.dump_wait,
            )
            raise AssertionError("defer() does not return")
        return self.execute_complete(context, found)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        if event.get("status") == "error":
            raise RuntimeError(event["message"])
        self.log.info("Chose %s, generation %s, %s bytes", event["uri"], event["generation"], event["size"])
        return event


def find(*, bucket: str, database: str, day: str, pattern: str) -> dict[str, Any] | None:
    """The newest whole object of that day in the bucket, as a plain dict; None where there is none."""
    from airflow.providers.google.cloud.hooks.gcs import GCSHook

    parsed = parse_day(day)
    # Google's library would repeat a request for two minutes.
    once = {} if is_patient() else {"retry": None, "timeout": ANSWER_SECONDS}
    client = GCSHook(gcp_conn_id=GOOGLE_CONNECTION).get_conn()
    blobs = client.list_blobs(bucket, prefix=prefix_for(pattern, database, parsed), **once)
    chosen = choose_dump((DumpObject.from_blob(bucket, blob) for blob in blobs), database, parsed, pattern)
    if chosen is None:
        return None
    return {**asdict(chosen), "updated": chosen.updated.isoformat(), "uri": chosen.uri}
