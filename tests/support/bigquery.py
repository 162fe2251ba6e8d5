"""A BigQuery emulator for tests."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.services import LocalCloud


@contextmanager
def bigquery_of_its_own(directory: Path, is_recorded: bool = False) -> Iterator[LocalCloud]:
    """The local cloud's BigQuery, which this process's environment points to.

    `TRIBUTARY_BQEMULATOR` names a program of its environment.
    """
    python = Path(os.environ.get("TRIBUTARY_BQEMULATOR", sys.executable)).with_name("python")
    cloud = LocalCloud(directory, python=str(python), is_recorded=is_recorded)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("BIGQUERY_EMULATOR_HOST", "GOOGLE_CLOUD_PROJECT", "TRIBUTARY_DUMPS_BUCKET"):
            patch.setenv(name, cloud.variables()[name])
        with cloud.running("bigquery"):
            yield cloud
