"""What the service is told at start."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from pathlib import Path

from localcloud.settings import state_dir, text

PREFIX = "/api/public/v1"
"""Where the API lives."""

WORKSPACE_ID = str(uuid.uuid5(uuid.NAMESPACE_DNS, "default.workspace.localcloud"))
"""The one workspace of this installation."""


@dataclass(frozen=True)
class Config:
    """Credentials and places."""

    client_id: str
    client_secret: str = field(repr=False)
    directory: Path

    @classmethod
    def from_environment(cls) -> Config:
        """Read the variables that the package's docstring lists."""
        return cls(
            client_id=text("LOCALCLOUD_AIRBYTE_CLIENT_ID"),
            client_secret=text("LOCALCLOUD_AIRBYTE_CLIENT_SECRET"),
            directory=state_dir("airbyte"),
        )

    def log_file(self, job_id: int) -> Path:
        """Where job *job_id* writes its log."""
        return self.directory / "logs" / f"{job_id}.log"

    def work_dir(self, job_id: int) -> Path:
        """Where job *job_id* keeps its Parquet files while it runs."""
        return self.directory / "tmp" / str(job_id)
