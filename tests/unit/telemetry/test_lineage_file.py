"""Events of several processes in one file, as the local stack keeps them."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path

from stack import environment
from tests.support.lineage import read_events

WRITERS, EACH = 6, 40


def write(file: Path, writer: int) -> None:
    from datetime import UTC, datetime

    from openlineage.client import OpenLineageClient
    from openlineage.client.event_v2 import Job, OutputDataset, Run, RunEvent, RunState
    from openlineage.client.uuid import generate_new_uuid

    transport = json.loads(environment.lineage(file)["OPENLINEAGE__TRANSPORT"])
    client = OpenLineageClient(config={"transport": transport})
    for number in range(EACH):
        # From well below to well above what a pipe or a buffer takes at once.
        outputs = [OutputDataset("bigquery", f"{writer}.{number}.{table}") for table in range(1 + 50 * (number % 10))]
        client.emit(
            RunEvent(
                eventType=RunState.COMPLETE,
                eventTime=datetime.now(UTC).isoformat(),
                run=Run(str(generate_new_uuid())),
                job=Job("tributary", f"{writer}.{number}"),
                outputs=outputs,
            )
        )


def test_events_of_processes_that_write_at_once_do_not_mix(tmp_path: Path):
    file = tmp_path / "events.jsonl"
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=write, args=(file, writer)) for writer in range(WRITERS)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert {process.exitcode for process in processes} == {0}
    names = sorted(event["job"]["name"] for event in read_events(file))
    assert names == sorted(f"{writer}.{number}" for writer in range(WRITERS) for number in range(EACH))
    assert len({len(line) > 8192 for line in file.read_text().splitlines()}) == 2
