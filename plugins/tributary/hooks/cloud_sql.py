"""The Google provider's Cloud SQL hook, able to talk to another endpoint and to find an import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.google.cloud.hooks.cloud_sql import CloudSQLHook

from tributary.hooks.patience import riding_out
from tributary.resuming import JobState, OutsideJob

if TYPE_CHECKING:
    from google.api_core.client_options import ClientOptions


class CloudSqlHook(CloudSQLHook):
    """Reads `sqladmin_api_endpoint` from the connection's extra (private endpoints, emulators)."""

    def get_client_options(self, api_endpoint_override: str | None = None) -> ClientOptions:
        endpoint = api_endpoint_override or self._get_field("sqladmin_api_endpoint", None)
        options: ClientOptions = super().get_client_options(api_endpoint_override=endpoint)
        return options

    @riding_out
    def get_operation(self, **which: Any) -> dict[str, Any]:
        """The provider's, tried again while the API is away; takes `operation_name`."""
        operation: dict[str, Any] = super().get_operation(**which)
        return operation

    @riding_out
    def imports(self, instance: str, database: str) -> list[OutsideJob]:
        """The instance's latest imports into that database, newest first, as the API lists them."""
        return [
            OutsideJob(str(operation["name"]), _state(operation))
            for operation in self.list_operations(instance=instance)
            if operation.get("operationType") == "IMPORT"
            and (operation.get("importContext") or {}).get("database") == database
        ]

    @riding_out
    def cancel_operation(self, name: str) -> None:
        """Ask for the end of an operation; Cloud SQL may take a while, or find it done already."""
        self.get_conn().operations().cancel(project=self.project_id, operation=name).execute(
            num_retries=self.num_retries
        )

    def submit_import(self, instance: str, body: dict[str, Any]) -> str:
        """Submit an import, waiting while the instance is busy (409); returns the operation's name."""
        name: str = self._submit_import(instance=instance, body=body, project_id=self.project_id)
        return name


def _state(operation: dict[str, Any]) -> JobState:
    if operation.get("status") != "DONE":
        return JobState.unfinished
    return JobState.failed if operation.get("error", {}).get("errors") else JobState.succeeded
