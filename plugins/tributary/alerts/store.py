"""Where the incidents are kept: one object of the dumps' bucket, and this disk while that is away."""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from tributary.alerts.incidents import Incidents
from tributary.errors import TributaryError
from tributary.settings import Settings, spool_dir

if TYPE_CHECKING:
    from google.cloud.storage import Client

OBJECT = "_alerts/incidents.json"
REQUEST_SECONDS = 10.0
# The generation where the bucket could not be asked.
UNKNOWN = -1

log = logging.getLogger(__name__)


class WrittenElsewhereError(TributaryError):
    """Another process has written the incidents since they were read."""


class Kept(BaseModel):
    """What lies on this disk; `ahead`: the bucket does not have it yet."""

    generation: int
    incidents: Incidents
    ahead: bool


class IncidentStore:
    """The object `_alerts/incidents.json`.

    The bucket is the truth. While it cannot be reached, a copy on this machine stands in for it, and comes
    into the bucket by the first `save` that reaches it again.

    :param bucket: the dumps' bucket.
    :param folder: where the copy lies.
    """

    def __init__(self, client: Client, bucket: str, folder: Path) -> None:
        from google.cloud.storage.retry import DEFAULT_RETRY

        self._bucket = client.bucket(bucket)
        self._file = folder / "incidents.json"
        self._limits: dict[str, Any] = {
            "timeout": REQUEST_SECONDS,
            "retry": DEFAULT_RETRY.with_timeout(REQUEST_SECONDS),
        }

    @classmethod
    def from_environment(cls, client: Client | None = None) -> IncidentStore:
        """With the credentials of whoever runs the process."""
        from google.cloud import storage

        return cls(client or storage.Client(), Settings.from_environment().dumps_bucket, spool_dir() / "alerts")

    def load(self) -> tuple[Incidents, int]:
        """The incidents, and the generation to save them with; UNKNOWN where only this disk could be asked."""
        kept = self._kept()
        try:
            found, generation = self._read()
        except Exception as error:  # noqa: BLE001 - whatever keeps the bucket away, people must be told
            log.warning("The bucket's incidents cannot be read (%s); going on with this disk's", type(error).__name__)
            return (kept.incidents if kept else Incidents()), UNKNOWN
        if kept is None or not kept.ahead:
            return found, generation
        # Where nobody else has written since, what is here is newer.
        return (kept.incidents if kept.generation == generation else kept.incidents.merged(found)), generation

    def save(self, incidents: Incidents, generation: int) -> int:
        """Write the incidents, and return the generation for the next time.

        Raises WrittenElsewhereError where another process has written since `load`. Where the bucket cannot
        be reached they are kept on this disk.
        """
        from google.api_core.exceptions import PreconditionFailed

        if generation == UNKNOWN:
            kept = self._kept()
            self._keep(Kept(generation=kept.generation if kept else UNKNOWN, incidents=incidents, ahead=True))
            return UNKNOWN
        blob = self._bucket.blob(OBJECT)
        text = incidents.model_dump_json(by_alias=True, exclude_defaults=True)
        try:
            blob.upload_from_string(
                text, content_type="application/json", if_generation_match=generation, **self._limits
            )
        except PreconditionFailed as error:
            raise WrittenElsewhereError(f"{OBJECT}: another process has written it since it was read") from error
        except Exception as error:  # noqa: BLE001 - see above
            log.warning("The incidents cannot be written to the bucket (%s); kept on this disk", type(error).__name__)
            self._keep(Kept(generation=generation, incidents=incidents, ahead=True))
            return UNKNOWN
        written = int(blob.generation or 0)
        self._keep(Kept(generation=written, incidents=incidents, ahead=False))
        return written

    def _read(self) -> tuple[Incidents, int]:
        from google.api_core.exceptions import NotFound

        for _ in range(3):
            blob = self._bucket.get_blob(OBJECT, **self._limits)
            if blob is None:
                return Incidents(), 0
            try:
                text = self._bucket.blob(OBJECT, generation=blob.generation).download_as_bytes(**self._limits)
            except NotFound:
                continue  # it was replaced in between
            return _parsed(text, OBJECT) or Incidents(), int(blob.generation or 0)
        raise TributaryError(f"{OBJECT}: it was replaced again and again while it was read")

    def _kept(self) -> Kept | None:
        try:
            return Kept.model_validate_json(self._file.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError):
            log.exception("%s cannot be read; renamed to .bad", self._file)
            if self._file.exists():
                self._file.replace(self._file.with_suffix(".bad"))
            return None

    def _keep(self, kept: Kept) -> None:
        """Write the file, whole or not at all, for its owner alone."""
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, partial = tempfile.mkstemp(dir=self._file.parent, suffix=".partial")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(kept.model_dump_json(by_alias=True, exclude_defaults=True))
                file.flush()
                os.fsync(file.fileno())
            Path(partial).replace(self._file)
        except BaseException:
            Path(partial).unlink(missing_ok=True)
            raise


def _parsed(text: bytes, name: str) -> Incidents | None:
    """None for what this version cannot read: to be told a second time is better than never again."""
    try:
        return Incidents.model_validate_json(text)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, fault["loc"])) or "the text"
        log.error("%s cannot be read (%s: %s); all that is wrong is told anew", name, where, fault["msg"])
        return None
