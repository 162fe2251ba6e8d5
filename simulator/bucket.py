"""The bucket that receives the dumps."""

from collections.abc import Iterable
from datetime import date

import requests
from google.api_core.exceptions import GoogleAPIError
from google.auth.exceptions import GoogleAuthError
from google.cloud import storage
from google.cloud.storage.exceptions import DataCorruption, InvalidResponse
from google.cloud.storage.retry import DEFAULT_RETRY

from simulator.errors import ServerAwayError

TIMEOUT_SECONDS = 60
CHECK_TIMEOUT_SECONDS = 5
RETRY = DEFAULT_RETRY.with_timeout(20)  # seconds, in all; the command can simply be run again
CHUNK_BYTES = 8 * 1024 * 1024  # held in memory for each upload

FAILURES = (GoogleAPIError, GoogleAuthError, InvalidResponse, DataCorruption, requests.RequestException)


def object_name(database: str, day: date) -> str:
    """`shop_eu/2013-01-01/shop_eu.sql.gz`."""
    return f"{database}/{day.isoformat()}/{database}.sql.gz"


class DumpBucket:
    """Uploads dumps of unknown length; safe to use from several threads."""

    def __init__(self, name: str) -> None:
        """Raises ServerAwayError when the bucket does not exist or the storage does not answer."""
        try:
            self._bucket = storage.Client().bucket(name)
            there = self._bucket.exists(timeout=CHECK_TIMEOUT_SECONDS, retry=None)
        except FAILURES as error:
            raise ServerAwayError(
                f"storage of bucket {name!r} does not answer ({error}); `make run` starts it"
            ) from error
        if not there:
            raise ServerAwayError(
                f"bucket {name!r} does not exist; `make run` creates it, or set TRIBUTARY_DUMPS_BUCKET"
            )

    def upload(self, name: str, pieces: Iterable[bytes]) -> int:
        """Uploads `pieces` as one object and returns its size in bytes.

        A resumable upload, which the storage shows once it is closed: the object appears whole, or not at all
        when making the pieces raises. Raises ServerAwayError when the storage fails.
        """
        blob = self._bucket.blob(name)
        size = 0
        try:
            with blob.open(
                "wb", CHUNK_BYTES, content_type="application/gzip", timeout=TIMEOUT_SECONDS, retry=RETRY
            ) as out:
                for piece in pieces:
                    size += out.write(piece)
        except FAILURES as error:
            raise ServerAwayError(f"upload of {name!r} failed: {error}; run the command again") from error
        return size
