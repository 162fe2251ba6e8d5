"""Records that wait on this machine's disk until the bucket can be reached."""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from tributary.dead_letters.record import DeadLetter
from tributary.settings import spool_dir

log = logging.getLogger(__name__)


class Spool:
    """A folder with one file for each occurrence; the files are the owner's alone.

    A file is there whole or not at all, and is removed only after it was delivered. It may so be
    delivered twice, which a record does not mind: it knows its occurrences.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def from_environment(cls) -> Spool:
        return cls(spool_dir() / "dead_letters")

    def put(self, letter: DeadLetter) -> Path:
        """Write a record; one of the same occurrence is replaced."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._path(letter)
        descriptor, partial = tempfile.mkstemp(dir=self.folder, suffix=".partial")  # with mode 0600
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(letter.to_json())
                file.flush()
                os.fsync(file.fileno())
            Path(partial).replace(path)
        except BaseException:
            Path(partial).unlink(missing_ok=True)
            raise
        return path

    def remove(self, letter: DeadLetter) -> None:
        """Forget a record, because it was delivered."""
        self._path(letter).unlink(missing_ok=True)

    def deliver(self, take: Callable[[DeadLetter], object], limit: int | None = None) -> int:
        """Hand the records to `take`, the oldest first, and return how many there were.

        What `take` raises passes through; that record and those behind it stay.
        """
        delivered = 0
        for path in self.waiting():
            if limit is not None and delivered >= limit:
                break
            try:
                letter = DeadLetter.model_validate_json(path.read_bytes())
            except FileNotFoundError:
                continue
            except ValidationError:
                # It must not stand in the way of the others; a person can look at it.
                log.exception("%s is no record; renamed to .bad", path)
                path.replace(path.with_suffix(".bad"))
                continue
            take(letter)
            path.unlink(missing_ok=True)
            delivered += 1
        return delivered

    def waiting(self) -> list[Path]:
        """The files that are still to be delivered, the oldest first."""
        ages: dict[Path, float] = {}
        for path in self.folder.glob("*.json"):
            with suppress(FileNotFoundError):  # somebody else has just delivered it
                ages[path] = path.stat().st_mtime
        return sorted(ages, key=ages.__getitem__)

    def _path(self, letter: DeadLetter) -> Path:
        keys = "\n".join(occurrence.key for occurrence in letter.occurrences)
        digest = hashlib.sha256(f"{letter.id}\n{keys}".encode()).hexdigest()[:12]
        return self.folder / f"{letter.id.replace('/', '__')}__{digest}.json"
