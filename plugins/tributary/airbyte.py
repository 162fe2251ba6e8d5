"""What Airbyte must know of a database, and making it so.

Sources and connections are made from the contracts by the pipeline itself: there is nothing to
click together in Airbyte, and a changed contract changes the connection at the next sync.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tributary import naming
from tributary.errors import SyncError
from tributary.registry import Database
from tributary.resuming import JobState, OutsideJob

if TYPE_CHECKING:
    from airbyte_api import AirbyteAPI

DESTINATION = "tributary"
UNFINISHED = frozenset({"pending", "queued", "running", "incomplete"})
_PAGE = 100


@dataclass(frozen=True)
class SyncPlan:
    """The source, the destination and the connection that a database needs, in Airbyte's own terms."""

    name: str
    source: dict[str, Any]
    destination: dict[str, Any]
    connection: dict[str, Any]

    @classmethod
    def of(
        cls, database: Database, *, host: str, port: int, username: str, password: str, project: str, location: str
    ) -> SyncPlan:
        """Derive the plan from a contract and from where its staging database and BigQuery are."""
        return cls(
            name=naming.airbyte_name(database.name),
            source={
                "sourceType": "mysql",
                "host": host,
                "port": port,
                "database": naming.staging_database(database.name),
                "username": username,
                "password": password,
                "ssl_mode": {"mode": "preferred"},
                # TINYINT(1) may hold more than 0 and 1; as BOOL it would lose that silently.
                "jdbc_url_params": "tinyInt1isBit=false",
                "replication_method": {"method": "STANDARD"},
            },
            destination={
                "destinationType": "bigquery",
                "project_id": project,
                "dataset_location": location,
                "dataset_id": naming.raw_dataset(database.name),
                "loading_method": {"method": "Standard"},
            },
            connection={
                "name": naming.airbyte_name(database.name),
                "namespaceDefinition": "custom_format",
                "namespaceFormat": naming.raw_dataset(database.name),
                "nonBreakingSchemaUpdatesBehavior": "ignore",
                "schedule": {"scheduleType": "manual"},
                "status": "active",
                "configurations": {"streams": list(_streams(database))},
            },
        )


def _streams(database: Database) -> Iterator[dict[str, Any]]:
    """One stream a table: a dump is complete, so every sync replaces the table."""
    for name, table in database.contract.tables.items():
        stream: dict[str, Any] = {
            "name": name,
            "syncMode": "full_refresh_overwrite",
            "selectedFields": [{"fieldPath": [column]} for column in table.selected_columns],
        }
        # Airbyte finds the key that MySQL has, and takes no other one; a hashed key is none of MySQL's.
        if table.primary_key and not set(table.primary_key) & set(table.concealed_columns):
            stream["primaryKey"] = [[column] for column in table.primary_key]
        yield stream


def ensure_connection(api: AirbyteAPI, plan: SyncPlan) -> str:
    """Make source, destination and connection match the plan; returns the connection's id.

    Raises SyncError where Airbyte has no workspace, or several: which one would be a guess.
    """
    from airbyte_api import api as requests
    from airbyte_api import models

    workspace = _only_workspace(api)
    source_id = _ensure_source(api, workspace, plan)
    destination_id = _ensure_destination(api, workspace, plan)
    existing = _by_name(_connections(api, workspace), plan.name)
    if existing is None:
        body = {**plan.connection, "sourceId": source_id, "destinationId": destination_id}
        created = api.connections.create_connection(request=models.ConnectionCreateRequest.model_validate(body))
        return str(created.connection_response.connection_id)
    if not contains(existing.model_dump(mode="json", by_alias=True), plan.connection):
        api.connections.patch_connection(
            request=requests.PatchConnectionRequest(
                connection_id=existing.connection_id,
                connection_patch_request=models.ConnectionPatchRequest.model_validate(plan.connection),
            )
        )
    return str(existing.connection_id)


def sync_jobs(api: AirbyteAPI, connection_id: str, after: int = 0) -> list[OutsideJob]:
    """The latest syncs of a connection with a greater number than `after`, newest first."""
    from airbyte_api.api import ListJobsRequest
    from airbyte_api.models import JobTypeEnum

    jobs = api.jobs.list_jobs(
        request=ListJobsRequest(connection_id=connection_id, job_type=JobTypeEnum.SYNC, order_by="createdAt|DESC")
    )
    found = sorted(jobs.jobs_response.data, key=lambda job: int(job.job_id), reverse=True)
    return [OutsideJob(str(job.job_id), _state(job)) for job in found if int(job.job_id) > after]


def _state(job: Any) -> JobState:
    state = getattr(job.status, "value", job.status)
    if state in UNFINISHED:
        return JobState.unfinished
    return JobState.succeeded if state == "succeeded" else JobState.failed


def contains(found: Any, wanted: Any) -> bool:
    """Whether everything in `wanted` stands in `found` too, which may say more. Lists in any order."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(contains(found.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return (
            isinstance(found, list)
            and len(found) == len(wanted)
            and all(any(contains(item, value) for item in found) for value in wanted)
        )
    return bool(found == wanted)


def _ensure_source(api: AirbyteAPI, workspace: str, plan: SyncPlan) -> str:
    from airbyte_api import api as requests
    from airbyte_api import models

    pages = _pages(
        lambda offset: (
            api.sources.list_sources(
                request=requests.ListSourcesRequest(workspace_ids=[workspace], limit=_PAGE, offset=offset)
            ).sources_response
        )
    )
    existing = _by_name(pages, plan.name)
    if existing is None:
        body = {"name": plan.name, "workspaceId": workspace, "configuration": plan.source}
        created = api.sources.create_source(request=models.SourceCreateRequest.model_validate(body))
        return str(created.source_response.source_id)
    # Airbyte masks secrets, so whether the password changed cannot be read: it is always sent.
    api.sources.patch_source(
        request=requests.PatchSourceRequest(
            source_id=existing.source_id,
            source_patch_request=models.SourcePatchRequest.model_validate({"configuration": plan.source}),
        )
    )
    return str(existing.source_id)


def _ensure_destination(api: AirbyteAPI, workspace: str, plan: SyncPlan) -> str:
    from airbyte_api import api as requests
    from airbyte_api import models

    pages = _pages(
        lambda offset: (
            api.destinations.list_destinations(
                request=requests.ListDestinationsRequest(workspace_ids=[workspace], limit=_PAGE, offset=offset)
            ).destinations_response
        )
    )
    existing = _by_name(pages, DESTINATION)
    if existing is not None:
        return str(existing.destination_id)
    body = {"name": DESTINATION, "workspaceId": workspace, "configuration": plan.destination}
    created = api.destinations.create_destination(request=models.DestinationCreateRequest.model_validate(body))
    return str(created.destination_response.destination_id)


def _connections(api: AirbyteAPI, workspace: str) -> Iterator[Any]:
    from airbyte_api import api as requests

    return _pages(
        lambda offset: (
            api.connections.list_connections(
                request=requests.ListConnectionsRequest(workspace_ids=[workspace], limit=_PAGE, offset=offset)
            ).connections_response
        )
    )


def _only_workspace(api: AirbyteAPI) -> str:
    from airbyte_api.api import ListWorkspacesRequest

    found = api.workspaces.list_workspaces(request=ListWorkspacesRequest(limit=2)).workspaces_response.data
    if len(found) != 1:
        raise SyncError(f"Airbyte shows {len(found)} workspaces to this user, expected exactly one")
    return str(found[0].workspace_id)


def _pages(fetch: Callable[[int], Any]) -> Iterator[Any]:
    offset = 0
    while True:
        page = fetch(offset).data
        yield from page
        if len(page) < _PAGE:
            return
        offset += _PAGE


def _by_name(items: Iterator[Any], name: str) -> Any:
    return next((item for item in items if item.name == name), None)
