"""`EXPORT DATA` into the local Cloud Storage: the emulator's own writes into a folder that stands for all buckets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bqemulator.jobs import executor


def apply(folder: Path) -> None:
    """Patch the emulator in this process, whose `gcs_local_root` is *folder*; call it before the server starts.

    Files go to the service that ``STORAGE_EMULATOR_HOST`` names; an export fails where there is none.
    """
    write = executor.write_export

    def write_and_upload(table: Any, options: Any, ctx: Any) -> Any:
        outcome = write(table, options, ctx)
        upload(folder)
        return outcome

    executor.write_export = write_and_upload


def upload(folder: Path) -> None:
    """Move every file below *folder*, `BUCKET/NAME`, into the bucket."""
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import storage

    client = storage.Client(project="local", credentials=AnonymousCredentials())  # type: ignore[no-untyped-call]
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        bucket, _, name = file.relative_to(folder).as_posix().partition("/")
        client.bucket(bucket).blob(name).upload_from_filename(file, timeout=600)
        file.unlink()
