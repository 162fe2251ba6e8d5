"""Clients of the services under test."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

import httpx
import pymysql
from airbyte_api import AirbyteAPI, models

from tests.support.services import LocalCloud

Value = TypeVar("Value")


class MySQL:
    """The administrator's connection to the Cloud SQL instance's server."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._connection = pymysql.connect(
            host="127.0.0.1", port=cloud.ports["cloud_sql"], user="root", password=cloud.password,
            autocommit=True, charset="utf8mb4",
        )  # fmt: skip

    def run(self, *statements: str) -> list[tuple[Any, ...]]:
        """Execute the statements; the rows of the last one."""
        with self._connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())

    def fresh(self, database: str) -> str:
        """Make *database* anew and the current one; returns its name."""
        self.run(f"drop database if exists `{database}`", f"create database `{database}`", f"use `{database}`")
        return database

    def tables(self, database: str) -> list[str]:
        """The names of a database's tables."""
        return [row[0] for row in self.run(f"show tables in `{database}`")]

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def poll(read: Callable[[], Value], done: Callable[[Value], bool], timeout: float = 30.0) -> Value:
    """Call *read* until *done* holds for its result, and return that; fails after *timeout* seconds."""
    deadline = time.monotonic() + timeout
    while not done(value := read()):
        assert time.monotonic() < deadline, f"not within {timeout} s; last: {value}"
        time.sleep(0.05)
    return value


class Airbyte:
    """Airbyte's own client, and what the tests do with it."""

    def __init__(self, cloud: LocalCloud, secret: str | None = None) -> None:
        self._cloud = cloud
        self.url = f"http://127.0.0.1:{cloud.ports['airbyte']}"
        credentials = models.SchemeClientCredentials(
            client_id="tests", client_secret=secret or cloud.password, token_url="v1/applications/token"
        )
        self.api = AirbyteAPI(
            server_url=f"{self.url}/api/public/v1",
            security=models.Security(client_credentials=credentials),
            client=httpx.Client(timeout=30, follow_redirects=True),
        )

    @property
    def workspace(self) -> str:
        """The id of the one workspace."""
        answer = self.api.workspaces.list_workspaces(request={}).workspaces_response
        return answer.data[0].workspace_id

    def source(self, database: str, **changes: Any) -> models.SourceResponse:
        """A source that reads *database* of the Cloud SQL server."""
        configuration = {
            "sourceType": "mysql", "host": "127.0.0.1", "port": self._cloud.ports["cloud_sql"],
            "database": database, "username": "root", "password": self._cloud.password,
            "replication_method": {"method": "STANDARD"}, **changes,
        }  # fmt: skip
        request = {"name": database, "workspaceId": self.workspace, "configuration": configuration}
        return self.api.sources.create_source(request=request).source_response

    def destination(self, dataset: str = "raw") -> models.DestinationResponse:
        """A destination in the test's project."""
        configuration = {
            "destinationType": "bigquery", "project_id": self._cloud.project, "dataset_location": "US",
            "dataset_id": dataset,
        }  # fmt: skip
        request = {"name": "bigquery", "workspaceId": self.workspace, "configuration": configuration}
        return self.api.destinations.create_destination(request=request).destination_response

    def connection(self, database: str, *streams: dict[str, Any], **settings: Any) -> str:
        """The id of a new connection from *database* to dataset ``raw__<database>``; all streams by
        default."""
        request: dict[str, Any] = {
            "sourceId": self.source(database).source_id, "destinationId": self.destination().destination_id,
            "namespaceDefinition": "custom_format", "namespaceFormat": "raw__${SOURCE_NAMESPACE}", **settings,
        }  # fmt: skip
        if streams:
            request["configurations"] = {"streams": list(streams)}
        created = self.api.connections.create_connection(request=request).connection_response
        return created.connection_id

    def start(self, connection: str, job_type: str = "sync") -> int:
        """The id of a job that was just started."""
        request = {"connectionId": connection, "jobType": job_type}
        return self.api.jobs.create_job(request=request).job_response.job_id

    def job(self, job_id: int) -> models.JobResponse:
        """The job as it is now."""
        return self.api.jobs.get_job(request={"jobId": job_id}).job_response

    def finished(self, job_id: int) -> models.JobResponse:
        """The job once it is over."""
        return poll(lambda: self.job(job_id), lambda job: job.status in ("succeeded", "failed", "cancelled"), 60)

    def sync(self, connection: str) -> models.JobResponse:
        """A sync, from start to end, that must succeed."""
        job = self.finished(self.start(connection))
        assert job.status == "succeeded", self.log(job.job_id)
        return job

    def log(self, job_id: int) -> str:
        """The log of a job."""
        return (self._cloud.directory / f"state/airbyte/logs/{job_id}.log").read_text()

    def fault(self, **order: Any) -> None:
        """Order a fault."""
        httpx.post(f"{self.url}/_faults", json=order, timeout=5).raise_for_status()

    def forget_faults(self) -> None:
        """Withdraw every fault."""
        httpx.delete(f"{self.url}/_faults", timeout=5).raise_for_status()
