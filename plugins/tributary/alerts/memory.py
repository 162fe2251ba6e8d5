"""What the watch remembers on its disk, so that a restart while a service is away heals nothing."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from tributary.alerts.finding import Finding
from tributary.settings import spool_dir

log = logging.getLogger(__name__)


class Memory(BaseModel):
    """What was wrong a moment ago, and since when each database is known (production's time)."""

    model_config = ConfigDict(frozen=True)

    findings: tuple[Finding, ...] = ()
    first_seen: dict[str, AwareDatetime] = Field(default_factory=dict)

    def seen(self, subjects: Iterable[str], moment: datetime) -> Memory:
        """With what is new now; a calendar that begins anew, as a simulation's may, counts from its beginning."""
        first_seen = {name: min(self.first_seen.get(name, moment), moment) for name in subjects}
        return self.model_copy(update={"first_seen": first_seen})


class MemoryFile:
    """The memory as a file, the owner's alone, there whole or not at all. What it cannot do, it logs."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def from_environment(cls) -> MemoryFile:
        return cls(spool_dir() / "watch.json")

    def load(self) -> Memory:
        """What was saved last; nothing where there is no such file, or none that can be read."""
        try:
            return Memory.model_validate_json(self.path.read_bytes())
        except FileNotFoundError:
            return Memory()
        except (OSError, ValidationError):
            log.warning("%s cannot be read; the watch begins without a memory", self.path)
            return Memory()

    def save(self, memory: Memory) -> None:
        """Replace what was saved."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, partial = tempfile.mkstemp(dir=self.path.parent, suffix=".partial")  # with mode 0600
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(memory.model_dump_json(indent=1))
            Path(partial).replace(self.path)
        except OSError:
            log.exception("%s cannot be written", self.path)
