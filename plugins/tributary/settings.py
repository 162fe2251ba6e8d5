"""Tributary's own settings, read from the environment when a task needs them.

What a connection can say (endpoints, users, passwords) is in Airflow's connections instead;
`docs/configuration.md` lists both.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from tributary.errors import TributaryError

GOOGLE_CONNECTION = "google_cloud_default"
AIRBYTE_CONNECTION = "airbyte_default"
# Airflow's own REST API, for the tasks that look after the others.
AIRFLOW_CONNECTION = "airflow_api"


def mysql_connection(instance: str) -> str:
    """The Airflow connection that reads a Cloud SQL instance's databases."""
    return f"cloud_sql__{instance}"


def dbt_executable() -> str:
    """The dbt program; read when a DAG is parsed, since Cosmos wants a path then."""
    return os.environ.get("TRIBUTARY_DBT_EXECUTABLE", "dbt")


def transform_account() -> str:
    """The account that dbt acts as (include/dbt/profiles.yml); empty: the machine's own."""
    return os.environ.get("TRIBUTARY_TRANSFORM_ACCOUNT", "")


def spool_dir() -> Path:
    """Where this machine keeps what it cannot deliver yet; below AIRFLOW_HOME unless set."""
    home = os.environ.get("AIRFLOW_HOME") or "~/airflow"
    return Path(os.environ.get("TRIBUTARY_SPOOL_DIR") or f"{home}/spool").expanduser()


@dataclass(frozen=True)
class Settings:
    """One reading of the environment."""

    dumps_bucket: str
    location: str
    poll_seconds: float

    @classmethod
    def from_environment(cls) -> Settings:
        """Read TRIBUTARY_*. Raises TributaryError naming the variable that is missing or malformed."""
        poll = os.environ.get("TRIBUTARY_POLL_SECONDS", "20")
        try:
            poll_seconds = float(poll)
        except ValueError:
            raise TributaryError(f"TRIBUTARY_POLL_SECONDS: found {poll!r}, expected seconds such as 20") from None
        return cls(
            dumps_bucket=_required("TRIBUTARY_DUMPS_BUCKET", "the bucket that holds the dumps"),
            location=os.environ.get("TRIBUTARY_LOCATION", "US"),
            poll_seconds=poll_seconds,
        )


def _required(name: str, what: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise TributaryError(f"the environment variable {name} is not set; expected {what}")
    return value
