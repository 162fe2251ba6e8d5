"""What the service knows about itself and about the server behind its instance."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from localcloud.settings import LOOPBACK, number, state_dir, text

VERSION = "MYSQL_8_4"
REGION = "europe-west1"
LINKS = "https://sqladmin.googleapis.com/sql/v1beta4"


@dataclass(frozen=True)
class Config:
    """One instance of one project."""

    project: str
    instance: str
    host: str
    port: int
    user: str
    password: str = field(repr=False)
    storage_url: str
    state_file: Path

    @classmethod
    def from_environment(cls) -> Config:
        """Read the variables that the package's docstring lists."""
        return cls(
            project=text("GOOGLE_CLOUD_PROJECT"),
            instance=text("LOCALCLOUD_CLOUD_SQL_INSTANCE", "staging"),
            host=text("LOCALCLOUD_CLOUD_SQL_HOST", LOOPBACK),
            port=number("LOCALCLOUD_CLOUD_SQL_PORT"),
            user=text("LOCALCLOUD_CLOUD_SQL_USER", "root"),
            password=text("LOCALCLOUD_CLOUD_SQL_PASSWORD"),
            storage_url=text("STORAGE_EMULATOR_HOST").rstrip("/"),
            state_file=state_dir() / "sqladmin.db",
        )

    @property
    def target_link(self) -> str:
        """The instance's own address in Google's terms."""
        return f"{LINKS}/projects/{self.project}/instances/{self.instance}"

    @property
    def service_account(self) -> str:
        """The account in whose name operations run."""
        return f"local@{self.project}.iam.gserviceaccount.com"
