"""Which tests one of several processes gets at a time: those that use the same services, so that they start once.

Without it a file is what a process gets, and each process starts the services of every folder for itself: an
Airflow API server alone costs twenty CPU-seconds. A plugin of pytest-xdist: `-p tests.support.workers`.
"""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

# Each has services, a parse of all DAGs or Airflow's web application, which is imported for seconds. The longest
# first: the short ones fill the end.
TOGETHER = (
    "tests/integration/dbt",
    "tests/integration/operators",
    "tests/integration/forgetting",
    "tests/integration/quality",
    "tests/faults/imports",
    "tests/integration/dead_letters",
    "tests/integration/door",
    "tests/integration/ops_records",
    "tests/integration/ui",
    "tests/integration/telemetry",
    "tests/integration/alerts",
    "tests/dags",
)


class LoadServicesScheduling(LoadFileScheduling):
    """Hands out the folders of TOGETHER in their order, and then the files of all others."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        folder = str(PurePosixPath(file).parent)
        return folder if folder in TOGETHER else file

    def _assign_work_unit(self, node: WorkerController) -> None:
        self._longest_first()
        super()._assign_work_unit(node)

    def _longest_first(self) -> None:
        for folder in reversed(TOGETHER):
            if folder in self.workqueue:
                self.workqueue.move_to_end(folder, last=False)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadServicesScheduling:
    return LoadServicesScheduling(config, log)
