"""Where the production server, the bucket and the state directory are, from environment variables."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from simulator.errors import SettingsError


@dataclass(frozen=True)
class Settings:
    """Endpoints of one simulated company; `password` never appears in the representation."""

    host: str
    port: int
    user: str
    bucket: str
    state_dir: Path
    password: str = ""

    def __repr__(self) -> str:
        return f"Settings({self.user}@{self.host}:{self.port}, bucket={self.bucket!r})"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """From LOCALCLOUD_PRODUCTION_{HOST,PORT,USER,PASSWORD}, TRIBUTARY_DUMPS_BUCKET, LOCALCLOUD_STATE_DIR.

        Raises SettingsError when a required one is missing or the port is no number.
        """

        def required(name: str) -> str:
            if not environment.get(name):
                raise SettingsError(f"environment variable {name} is not set; `make run` sets it")
            return environment[name]

        port = required("LOCALCLOUD_PRODUCTION_PORT")
        if not port.isdecimal():
            raise SettingsError(f"LOCALCLOUD_PRODUCTION_PORT: expected a port number, found {port!r}")
        return cls(
            host=required("LOCALCLOUD_PRODUCTION_HOST"),
            port=int(port),
            user=required("LOCALCLOUD_PRODUCTION_USER"),
            password=environment.get("LOCALCLOUD_PRODUCTION_PASSWORD", ""),
            bucket=required("TRIBUTARY_DUMPS_BUCKET"),
            state_dir=Path(environment.get("LOCALCLOUD_STATE_DIR", ".local")) / "simulator",
        )
