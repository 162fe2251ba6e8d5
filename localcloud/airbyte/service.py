"""What the routes share: the state, the jobs, and looking things up."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from localcloud.airbyte.catalog import SourceStream, SourceUnavailable, discover
from localcloud.airbyte.config import Config
from localcloud.airbyte.connections import streams_of
from localcloud.airbyte.errors import Problem
from localcloud.airbyte.jobs import Jobs
from localcloud.airbyte.store import OPEN, Kind, Resource, Store
from localcloud.faults import Faults

FAULT_KINDS = ("http", "delay", "job_failed", "job_hang", "job_empty", "stream_failed", "duplicate_rows")
"""``http``: answer *status* to requests whose path contains *path*. ``delay``: the next job runs *seconds*
longer. ``job_failed``: it fails with *message* before moving anything. ``job_hang``: it stays running until
it is cancelled. ``job_empty``: it succeeds without moving anything. ``stream_failed``: one *stream* fails,
the others are committed. ``duplicate_rows``: one *stream*'s rows arrive twice."""


class Service:
    """The installation."""

    def __init__(self, config: Config) -> None:
        self.store = Store(config.directory / "airbyte.db")
        self.faults = Faults(FAULT_KINDS)
        self.jobs = Jobs(config, self.store, self.faults)

    def resource(self, kind: Kind, id: str) -> Resource:
        """A live resource; raises Problem 404."""
        found = self.store.get(kind, id)
        if found is None:
            raise Problem(404, resourceType=kind, resourceId=id)
        return found

    def discovered(self, source_id: str) -> dict[str, SourceStream]:
        """What a source holds now. Raises Problem 404, or 400 when its database does not answer."""
        source = self.resource("source", source_id)
        try:
            return discover(source.body["configuration"])
        except SourceUnavailable as error:
            raise Problem(400, message=str(error)) from error

    def streams(self, source_id: str) -> list[dict[str, Any]]:
        """The answer of ``GET /streams``."""
        namespace = self.resource("source", source_id).body["configuration"]["database"]
        return [{**stream, "streamnamespace": namespace} for stream in streams_of(self.discovered(source_id))]

    def delete_connection(self, connection: Resource) -> None:
        """Delete a connection, cancelling its job."""
        for job in self.store.jobs(connection.id):
            if job.status in OPEN:
                with suppress(Problem):  # it ended in this moment
                    self.jobs.cancel(job.id)
        self.store.delete(connection.id)
