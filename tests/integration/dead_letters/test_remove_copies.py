"""What housekeeping removes from the dumps' bucket, and what not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from google.cloud import storage

from tests.support.services import LocalCloud
from tributary.dead_letters.store import LetterStore
from tributary.operators.remove_copies import RemoveCopiesOperator


@pytest.mark.parametrize(
    ("keep", "left"),
    [
        (timedelta(days=7), ["_cleaned/kiosk/2013-01-02/17.sql.gz", "kiosk/2013-01-02/kiosk.sql.gz"]),
        (timedelta(0), ["kiosk/2013-01-02/kiosk.sql.gz"]),
    ],
)
def test_only_copies_that_are_old_go(cloud: LocalCloud, store: LetterStore, keep: timedelta, left: list[str]):
    client = storage.Client()
    bucket = client.bucket(cloud.bucket)
    for name in ("_cleaned/kiosk/2013-01-02/17.sql.gz", "kiosk/2013-01-02/kiosk.sql.gz"):
        bucket.blob(name).upload_from_string(b"")
    assert RemoveCopiesOperator(task_id="remove_copies", keep=keep).execute({}) == 2 - len(left)
    assert sorted(blob.name for blob in client.list_blobs(bucket)) == left
