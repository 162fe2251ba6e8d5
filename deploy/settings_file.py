"""The settings of a deployment: a file of variables, and a folder of secrets."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# The checkout; or on a machine where deploy/ was copied out of the image, the folder that it was copied to.
ROOT = Path(__file__).resolve().parents[1]
PLACES = (ROOT / ".env", Path("/etc/tributary/env"))
# What every deployment needs, and what a profile needs beside it. `deploy/secrets` makes all but Datadog's.
SECRETS = "admin_password airflow_database_url api_secret_key fernet_key jwt_secret service_password".split()
SECRETS_OF = {
    "postgres": ["airflow_database_password"],
    "local": [
        "airflow_database_password",
        "local_airbyte_client_secret",
        "local_cloud_sql_password",
        "local_production_password",
        "local_slack_token",
    ],
    "workers": ["celery_broker_url", "celery_result_backend", "redis_password"],
    "datadog": ["datadog_api_key"],
}
# Containers are given these in any case; where they have no value, they hold this.
WITHOUT_VALUE = {
    "celery_broker_url": "",
    "celery_result_backend": "",
    "connections.json": "{}",
    "sso_client_secret": "",
}
SECRET_MODE = 0o444
LOOPBACK = "127.0.0.1"


class DeployError(Exception):
    """What a person has to know: what was expected, what was found, and what to do."""


@dataclass(frozen=True)
class Settings:
    """The variables of a deployment, the file that they are from, and the folder that its paths begin at."""

    file: Path
    values: Mapping[str, str]
    root: Path = ROOT

    @classmethod
    def find(cls, named: str | None = None) -> Settings:
        """Read the file that was named, or the first of the usual ones. Raises DeployError where there is none."""
        named = named or os.environ.get("TRIBUTARY_SETTINGS")
        for file in (Path(named),) if named else PLACES:
            if file.is_file():
                return cls(file.resolve(), read(file))
        places = named or " and ".join(map(str, PLACES))
        raise DeployError(
            f"no settings: looked for {places}; copy {ROOT / '.env.example'} to {PLACES[0]} and fill it in"
        )

    @property
    def profiles(self) -> set[str]:
        return set(filter(None, self.values.get("COMPOSE_PROFILES", "").split(",")))

    @property
    def version(self) -> str:
        return self.values.get("TRIBUTARY_VERSION") or "dev"

    @property
    def image(self) -> str:
        return self.values.get("TRIBUTARY_IMAGE") or "tributary"

    @property
    def project(self) -> str:
        return self.values.get("COMPOSE_PROJECT_NAME") or "tributary"

    @property
    def secrets(self) -> Path:
        # An absolute one stays as it is.
        return self.root / (self.values.get("TRIBUTARY_SECRETS_DIR") or "secrets")

    @property
    def services(self) -> list[str]:
        """The services of this machine; empty for all."""
        return list(filter(None, self.values.get("TRIBUTARY_SERVICES", "").split(",")))

    @property
    def previous(self) -> Path:
        """The note about the version before."""
        return self.file.with_name(f"{self.file.name}.previous")

    def faults(self) -> list[str]:
        """What contradicts itself or is missing, a line for each."""
        found = []
        celery = self.values.get("TRIBUTARY_EXECUTOR", "LocalExecutor") == "CeleryExecutor"
        if celery != ("workers" in self.profiles):
            found.append(
                "the profile `workers` and TRIBUTARY_EXECUTOR=CeleryExecutor belong together: "
                f"found COMPOSE_PROFILES={self.values.get('COMPOSE_PROFILES', '')} and "
                f"TRIBUTARY_EXECUTOR={self.values.get('TRIBUTARY_EXECUTOR', 'LocalExecutor')}"
            )
        names = [*SECRETS, *(name for profile in sorted(self.profiles) for name in SECRETS_OF.get(profile, []))]
        missing = [name for name in dict.fromkeys(names) if not (self.secrets / name).is_file()]
        if missing:
            found.append(
                f"{self.secrets} lacks {', '.join(missing)}; {self.root / 'deploy' / 'secrets'} makes what can be made"
            )
        for name in names:
            file = self.secrets / name
            if file.is_file() and file.read_bytes().endswith(b"\n"):
                found.append(f"{file} ends with a line break, which Airflow takes for a part of it; write it without")
        if self.services and not self.values.get("TRIBUTARY_MAIN_ADDRESS"):
            found.append("TRIBUTARY_SERVICES needs TRIBUTARY_MAIN_ADDRESS: where the API server and Redis are")
        own = self.values.get("TRIBUTARY_ENV_FILE") in (None, "", str(self.file))
        for name in ("TRIBUTARY_DUMPS_BUCKET", "GOOGLE_CLOUD_PROJECT") if own else ():
            if not self.values.get(name):
                found.append(f"{self.file}: {name} is not set; .env.example says what it is")
        return found

    def complete(self) -> None:
        """Make the files that containers are given even where they have no value."""
        for name, value in WITHOUT_VALUE.items():
            file = self.secrets / name
            if not file.exists():
                file.write_text(value)
                file.chmod(SECRET_MODE)

    def keep_version(self, version: str) -> None:
        """Write the version to the file, whose other lines stay."""
        lines = self.file.read_text().splitlines()
        kept = [line for line in lines if not line.startswith("TRIBUTARY_VERSION=")]
        replace(self.file, "\n".join([*kept, f"TRIBUTARY_VERSION={version}"]) + "\n")


def read(file: Path) -> dict[str, str]:
    """The NAME=value lines of a file, as Compose reads them."""
    lines = (line.strip() for line in file.read_text().splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name.strip(): value.strip().strip("\"'") for name, _, value in pairs}


def replace(file: Path, text: str) -> None:
    """Write a file whole or not at all; its mode stays."""
    partial = file.with_name(f".{file.name}.partial")
    partial.write_text(text)
    partial.chmod(file.stat().st_mode & 0o777 if file.exists() else 0o640)
    partial.replace(file)
