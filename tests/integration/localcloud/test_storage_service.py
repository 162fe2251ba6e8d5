"""Cloud Storage, asked by google-cloud-storage."""

from __future__ import annotations

import os

import httpx
import pytest
from google.api_core.exceptions import NotFound, PreconditionFailed
from google.cloud import storage

from tests.support.services import LocalCloud

MEGABYTE = 1 << 20


def test_a_large_object_comes_back_as_it_went(bucket: storage.Bucket) -> None:
    content = os.urandom(MEGABYTE) * 24
    blob = bucket.blob("large/2013-01-01/large.sql.gz")
    blob.upload_from_string(content)

    with bucket.blob(blob.name).open("rb") as stream:
        assert stream.read() == content


def test_one_generation_can_be_read_while_it_lives(bucket: storage.Bucket) -> None:
    blob = bucket.blob("generations.sql")
    blob.upload_from_string(b"first")
    first = blob.generation
    assert bucket.blob(blob.name, generation=first).download_as_bytes() == b"first"

    blob.upload_from_string(b"second")

    assert blob.generation > first
    with pytest.raises(NotFound):
        bucket.blob(blob.name, generation=first).download_as_bytes()


def test_preconditions_are_kept(bucket: storage.Bucket) -> None:
    blob = bucket.blob("conditions.sql")
    blob.upload_from_string(b"new", if_generation_match=0)

    with pytest.raises(PreconditionFailed):
        blob.upload_from_string(b"newer", if_generation_match=0, retry=None)
    with pytest.raises(PreconditionFailed):
        blob.delete(if_generation_match=1, retry=None)

    assert blob.download_as_bytes() == b"new"
    blob.delete(if_generation_match=blob.generation)
    assert not blob.exists()


def test_a_slow_reader_stops_nobody(cloud: LocalCloud, bucket: storage.Bucket) -> None:
    bucket.blob("slow.sql").upload_from_string(os.urandom(MEGABYTE) * 64)
    address = f"http://127.0.0.1:{cloud.ports['storage']}/download/storage/v1/b/{cloud.bucket}/o/slow.sql?alt=media"

    with httpx.stream("GET", address, timeout=5) as slow:
        chunks = slow.iter_raw(1024)
        next(chunks)
        assert bucket.blob("slow.sql").exists(timeout=5)


def test_objects_survive_a_crash(cloud: LocalCloud, bucket: storage.Bucket) -> None:
    bucket.blob("kept/a.sql").upload_from_string(b"kept")
    cloud.crash("storage")

    assert bucket.blob("kept/a.sql").download_as_bytes() == b"kept"
    assert [blob.name for blob in bucket.list_blobs(prefix="kept/")] == ["kept/a.sql"]
