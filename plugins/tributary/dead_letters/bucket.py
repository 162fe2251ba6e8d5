"""The records as objects of the dumps' bucket, each changed by read, change and conditional write."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from tributary.dead_letters.record import COMMAND, FOLDER, DeadLetter, Status, object_name
from tributary.errors import TributaryError
from tributary.telemetry import senders

if TYPE_CHECKING:
    from google.cloud.storage import Blob, Client

# Writers of one record are few (a callback, a sweep, a person), so a conflict is over at once.
_ATTEMPTS = 8
_FIRST_WAIT = 0.05

Change = Callable[[DeadLetter | None], DeadLetter | None]


class LetterBucket:
    """The folder `_dead_letters/` of a bucket.

    :param seconds: how long one request is tried. Errors of Cloud Storage pass through; a record that
        cannot be read raises TributaryError.
    """

    def __init__(self, client: Client, bucket: str, seconds: float = 60.0) -> None:
        from google.cloud.storage.retry import DEFAULT_RETRY

        self._client = client
        self._bucket = client.bucket(bucket)
        self._limits: dict[str, Any] = {"timeout": seconds, "retry": DEFAULT_RETRY.with_timeout(seconds)}

    def read(self, letter_id: str) -> DeadLetter | None:
        """One record; None where there is none."""
        return self._read(object_name(letter_id))[0]

    def change(self, letter_id: str, change: Change) -> DeadLetter | None:
        """Replace a record by what `change` makes of it, and return that.

        `change` gets None where there is no record, and may return None or the same to leave it at that.
        Where somebody else writes in between, it is asked again with what is there then.
        """
        from google.api_core.exceptions import PreconditionFailed

        name = object_name(letter_id)
        for attempt in range(_ATTEMPTS):
            found, generation = self._read(name)
            wanted = change(found)
            if wanted is None or wanted == found:
                return found
            wanted = wanted.model_copy(update={"updated_at": _after(found)})
            blob = self._bucket.blob(name)
            blob.metadata = {"status": wanted.status.value}
            try:
                blob.upload_from_string(
                    wanted.to_json(), content_type="application/json", if_generation_match=generation, **self._limits
                )
            except PreconditionFailed:
                time.sleep(_FIRST_WAIT * 2**attempt * random.uniform(0.5, 1))  # noqa: S311
                continue
            if found is not None:
                senders.recovered(found, wanted)
            return wanted
        raise TributaryError(f"{name}: others changed it {_ATTEMPTS} times in a row; try again in a minute")

    def list(self, subject: str | None = None, *, closed: bool = True) -> list[DeadLetter]:
        """Every record, or those of one subject; without the closed ones where they are not wanted."""
        prefix = f"{FOLDER}{subject}/" if subject else FOLDER
        letters = []
        for blob in self._client.list_blobs(self._bucket, prefix=prefix, **self._limits):
            # The status is with the listing, so that closed records cost no request each.
            if not closed and (blob.metadata or {}).get("status") in ("replayed", "resolved"):
                continue
            letter = self._read(blob.name)[0]
            if letter is not None and (closed or not letter.closed):
                letters.append(letter)
        return letters

    def given_up(self, subject: str, day: date) -> bool:
        """Whether a person has said of a step of that day that nothing is left to do; no record is read for it."""
        prefix = f"{FOLDER}{subject}/{day.isoformat()}/"
        blobs = self._client.list_blobs(self._bucket, prefix=prefix, **self._limits)
        return any((blob.metadata or {}).get("status") == Status.resolved.value for blob in blobs)

    def _read(self, name: str) -> tuple[DeadLetter | None, int]:
        """The record and the generation that was read; 0 is Cloud Storage's word for none."""
        from google.api_core.exceptions import NotFound

        for _ in range(_ATTEMPTS):
            blob: Blob | None = self._bucket.get_blob(name, **self._limits)
            if blob is None:
                return None, 0
            try:
                text = self._bucket.blob(name, generation=blob.generation).download_as_bytes(**self._limits)
            except NotFound:
                continue  # it was replaced in between
            return _parsed(name, text), int(blob.generation or 0)
        raise TributaryError(f"{name}: it was replaced {_ATTEMPTS} times while it was read; try again in a minute")


def _parsed(name: str, text: bytes) -> DeadLetter:
    try:
        return DeadLetter.model_validate_json(text)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, fault["loc"])) or "the text"
        raise TributaryError(
            f"{name} is no record that this version of Tributary can read: {where}: {fault['msg']}. Correct or delete "
            f"the object; `{COMMAND} sweep` makes it anew from what Airflow knows."
        ) from None


def _after(found: DeadLetter | None) -> datetime:
    """Now, but later than the last write, whichever machine's clock that had."""
    now = datetime.now(UTC)
    if found is None or found.updated_at is None:
        return now
    return max(now, found.updated_at + timedelta(microseconds=1))
