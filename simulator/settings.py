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

        The password may be in the file that LOCALCLOUD_PRODUCTION_PASSWORD_FILE names. Raises SettingsError when a
        required one is missing, the port is no number, or the file cannot be read.
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
            password=_password(environment),
            bucket=required("TRIBUTARY_DUMPS_BUCKET"),
            state_dir=Path(environment.get("LOCALCLOUD_STATE_DIR", ".local")) / "simulator",
        )


def _password(environment: Mapping[str, str]) -> str:
    variable = "LOCALCLOUD_PRODUCTION_PASSWORD"
    file = environment.get(f"{variable}_FILE")
    if environment.get(variable) or not file:
        return environment.get(variable, "")
    try:
        return Path(file).read_text(encoding="utf-8").rstrip("\n")
    except OSError as error:
        raise SettingsError(f"environment variable {variable}_FILE: {error}; expected a file with it") from None
