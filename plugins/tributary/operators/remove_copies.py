"""Removes the copies of dumps that imports have read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from airflow.sdk import BaseOperator

from tributary.operators.preflight import CLEANED
from tributary.settings import GOOGLE_CONNECTION, Settings

if TYPE_CHECKING:
    from airflow.sdk import Context

# For so long `import_dump` can be cleared by itself; afterwards its run begins at `preflight`, which copies anew.
KEEP = timedelta(days=7)


class RemoveCopiesOperator(BaseOperator):
    """Deletes what pre-flight copied into the bucket `keep` ago or earlier. Returns the number of objects.

    A copy that is gone already is no error. The dumps themselves are never touched.
    """

    template_fields: Sequence[str] = ()
    ui_color = "#eeeeee"

    def __init__(self, *, keep: timedelta = KEEP, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.keep = keep

    def execute(self, context: Context) -> int:
        from airflow.providers.google.cloud.hooks.gcs import GCSHook

        client = GCSHook(gcp_conn_id=GOOGLE_CONNECTION).get_conn()
        bucket = client.bucket(Settings.from_environment().dumps_bucket)
        end = datetime.now(UTC) - self.keep
        old = [blob for blob in client.list_blobs(bucket, prefix=f"{CLEANED}/") if blob.updated <= end]
        bucket.delete_blobs(old, on_error=lambda blob: self.log.info("%s was gone already", blob.name))
        self.log.info("Removed %d copies older than %s", len(old), self.keep)
        return len(old)
