"""Jobs: one at a time per connection, each in a thread of its own, with a log file each.

``pending`` -> ``running`` -> ``succeeded`` | ``failed`` | ``cancelled``. A job that was under way when the
service died is ``incomplete`` when it comes back, and ``failed`` soon after: there is one attempt per job.
"""

from __future__ import annotations

import shutil
import threading
import time
import traceback
from collections import defaultdict
from datetime import UTC, datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any

from localcloud.airbyte.config import Config
from localcloud.airbyte.errors import Problem
from localcloud.airbyte.store import OPEN, Job, Resource, Store
from localcloud.faults import Faults

if TYPE_CHECKING:
    from localcloud.airbyte.sync import Task

INCOMPLETE_SECONDS = 2.0

TYPES = ("sync", "reset", "clear")


def timestamp(seconds: float) -> str:
    """Seconds since the epoch as Airbyte writes times."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def duration(seconds: float) -> str:
    """Seconds as an ISO 8601 duration."""
    minutes, rest = divmod(round(seconds), 60)
    return f"PT{minutes}M{rest}S" if minutes else f"PT{rest}S"


def answer(job: Job) -> dict[str, Any]:
    """The job as a JobResponse."""
    body: dict[str, Any] = {
        "jobId": job.id, "status": job.status, "jobType": job.type, "connectionId": job.connection_id,
        "startTime": timestamp(job.created_at), "lastUpdatedAt": timestamp(job.updated_at),
        "duration": duration((time.time() if job.status in OPEN else job.updated_at) - job.created_at),
    }  # fmt: skip
    if job.rows_synced is not None:
        body |= {"rowsSynced": job.rows_synced, "bytesSynced": job.bytes_synced}
    return body


class Jobs:
    """Starts and cancels jobs."""

    def __init__(self, config: Config, store: Store, faults: Faults) -> None:
        self._config = config
        self._store = store
        self._faults = faults
        self._running: dict[int, Task] = {}
        self._turns: dict[str, threading.Lock] = defaultdict(threading.Lock)
        config.log_file(0).parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(config.work_dir(0).parent, ignore_errors=True)
        self._fail_orphans()
        threading.Thread(target=import_module, args=("localcloud.airbyte.sync",), name="import", daemon=True).start()

    def start(self, connection: Resource, type: str) -> Job:
        """Start a job. Raises Problem 409 while one runs or the connection is inactive, 400 for *type*."""
        if type not in TYPES:
            raise Problem(400, message=f"jobType: expected one of {', '.join(TYPES)}, found {type!r}")
        if connection.body["status"] != "active":
            raise Problem(409, message=f"The connection is {connection.body['status']}.")
        job = self._store.open_job(connection.id, type)
        if job is None:
            raise Problem(409, message=f"A sync is already running for: {connection.id}")
        threading.Thread(target=self._run, args=(job, connection), name=f"job-{job.id}", daemon=True).start()
        return job

    def cancel(self, job_id: int) -> Job:
        """Cancel a job that is not over and return it. Raises Problem 404, or 409 when it is over."""
        job = self._store.job(job_id)
        if job is None:
            raise Problem(404, resourceType="job", resourceId=str(job_id))
        if not self._store.move_job(job_id, "cancelled"):
            raise Problem(409, message=f"Job {job_id} is not running: it is {job.status}.")
        task = self._running.get(job_id)
        if task is not None:
            task.cancel.set()
            task.interrupt()
        return self._store.job(job_id) or job

    def _log(self, job_id: int, line: str) -> None:
        with self._config.log_file(job_id).open("a", encoding="utf-8") as file:
            file.write(f"{datetime.now(UTC).isoformat(timespec='milliseconds')} {line}\n")

    def _run(self, job: Job, connection: Resource) -> None:
        def log(line: str) -> None:
            self._log(job.id, line)

        # A cancelled job's thread may still be tidying up after itself.
        with self._turns[connection.id]:
            if not self._store.move_job(job.id, "running", 0, 0):
                return
            log(f"{job.type} of connection {connection.id} ({connection.body['name']}) started")
            try:
                status = self._work(job, connection, log)
            except Exception:  # noqa: BLE001 - whatever it is, the job has failed and its log says why
                log(f"ERROR unexpected\n{traceback.format_exc()}")
                status = "failed"
            finally:
                self._running.pop(job.id, None)
            if self._store.move_job(job.id, status):
                log(f"{job.type} {status}")
            else:
                log(f"{job.type} was cancelled")

    def _work(self, job: Job, connection: Resource, log: Any) -> str:
        # Imported here, since DuckDB and Google's client take seconds: the service listens meanwhile.
        from localcloud.airbyte import sync
        from localcloud.airbyte.catalog import SourceUnavailable

        source = self._store.get("source", connection.body["sourceId"])
        destination = self._store.get("destination", connection.body["destinationId"])
        if source is None or destination is None:
            log("ERROR the source or the destination was deleted")
            return "failed"
        task = sync.Task(
            job.id, connection.id, connection.body,
            source.body["configuration"], destination.body["configuration"],
            self._config, self._store, self._faults, log,
        )  # fmt: skip
        self._running[job.id] = task
        try:
            if self._injected(task):
                return "succeeded"
            if job.type == "sync":
                sync.sync(task)
            else:
                sync.reset(task)
        except (sync.SyncFailed, SourceUnavailable) as error:
            log(f"ERROR {error}")
            return "failed"
        except sync.Cancelled:
            return "cancelled"
        return "succeeded"

    def _injected(self, task: Task) -> bool:
        """Serve the pending faults of a whole job; True when it is to succeed without moving anything."""
        from localcloud.airbyte import sync

        if self._faults.take("job_hang"):
            task.cancel.wait()
            raise sync.Cancelled
        if delay := self._faults.take("delay"):
            task.cancel.wait(delay.seconds)
            task.check_cancelled()
        if fault := self._faults.take("job_failed"):
            raise sync.SyncFailed(fault.message)
        return self._faults.take("job_empty") is not None

    def _fail_orphans(self) -> None:
        orphans = [job for job in self._store.jobs() if job.status in OPEN]

        def fail() -> None:
            for job in orphans:
                self._store.move_job(job.id, "failed")
                self._log(job.id, "ERROR the service restarted while the job ran")

        for job in orphans:
            self._store.move_job(job.id, "incomplete")
        if orphans:
            timer = threading.Timer(INCOMPLETE_SECONDS, fail)
            timer.daemon = True
            timer.start()
