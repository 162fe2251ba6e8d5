"""What the bare day's scripts share: BigQuery, dbt and checkpoints, with nothing of Airflow's."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tributary.quality.checkpoint import run_checkpoint
from tributary.quality.suites import suites_for

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

    from tributary.contracts import Contract
    from tributary.quality.rules import Layer

ROOT = Path(__file__).resolve().parents[2]
PROJECT = os.environ.get("GOOGLE_CLOUD_PROJECT", "")


def bigquery() -> Client:
    """A client, with the environment's credentials and address."""
    from google.cloud.bigquery import Client

    return Client(PROJECT)


def dbt(*command: str, variables: Mapping[str, object], **environment: str) -> None:
    """Run dbt in the project, with a target directory that it finds again; raises where it fails."""
    target = ROOT / ".local" / "bare" / environment["TRIBUTARY_DBT_DATASET"]
    paths = ["--profiles-dir", ".", "--target-path", str(target), "--log-path", str(target)]
    subprocess.run(
        [os.environ["TRIBUTARY_DBT_EXECUTABLE"], "--quiet", *command, "--vars", json.dumps(variables), *paths],
        cwd=ROOT / "include" / "dbt",
        env={**os.environ, **environment},
        check=True,
    )


def check(
    client: Client,
    contract: Contract,
    layer: Layer,
    dataset: str,
    partition: date | None = None,
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
) -> None:
    """Hold a dataset against its suites; raises where a rule does not hold."""
    result = run_checkpoint(
        client=client, suites=suites_for(contract, layer), dataset=dataset, partition=partition, parameters=parameters
    )
    if not result.success:
        raise RuntimeError(result.failure_message())
