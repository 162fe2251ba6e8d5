"""Putting a dump where its database's DAG looks for it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

from tributary.dumps import DumpObject, choose_dump, prefix_for
from tributary.errors import TributaryError
from tributary.registry import Database
from tributary.settings import Settings


def object_name(file: str, database: Database, day: date) -> str:
    """The name in the bucket by which the database's DAG finds a local file as the dump of a day.

    Raises TributaryError where it would not find it by the file's name.
    """
    prefix = prefix_for(database.dump_pattern, database.name, day)
    name = f"{prefix[: prefix.rfind('/') + 1]}{Path(file).name}"
    there = DumpObject("bucket", name, generation=1, size=1, updated=datetime.now(UTC))
    if choose_dump([there], database.name, day, database.dump_pattern) is None:
        raise TributaryError(
            f"--upload-as: expected a file named as `{database.dump_pattern}`, found {Path(file).name!r}; rename it"
        )
    return name


def upload(file: str, name: str) -> str:
    """Upload a local file to the dumps' bucket; returns its address. Raises TributaryError where that fails."""
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError
    from google.cloud import storage

    address = f"gs://{Settings.from_environment().dumps_bucket}/{name}"
    try:
        storage.Blob.from_uri(address, client=storage.Client()).upload_from_filename(file)
    except (GoogleAPIError, GoogleAuthError, OSError) as error:
        raise TributaryError(f"{address}: the bucket did not take the dump: {error}") from None
    return address
