"""The Google provider's Cloud SQL hook, able to talk to another endpoint and to find an import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.google.cloud.hooks.cloud_sql import CloudSQLHook

if TYPE_CHECKING:
    from google.api_core.client_options import ClientOptions

UNFINISHED = ("PENDING", "RUNNING")


class CloudSqlHook(CloudSQLHook):
    """Reads `sqladmin_api_endpoint` from the connection's extra (private endpoints, emulators)."""

    def get_client_options(self, api_endpoint_override: str | None = None) -> ClientOptions:
        endpoint = api_endpoint_override or self._get_field("sqladmin_api_endpoint", None)
        options: ClientOptions = super().get_client_options(api_endpoint_override=endpoint)
        return options

    def unfinished_import(self, instance: str, database: str, uri: str) -> str | None:
        """The name of the running import of that object into that database, if there is one."""
        for operation in self.list_operations(instance=instance):
            wanted: dict[str, Any] = operation.get("importContext") or {}
            if (
                operation.get("operationType") == "IMPORT"
                and operation.get("status") in UNFINISHED
                and wanted.get("database") == database
                and wanted.get("uri") == uri
            ):
                return str(operation["name"])
        return None

    def submit_import(self, instance: str, body: dict[str, Any]) -> str:
        """Submit an import, waiting while the instance is busy (409); returns the operation's name."""
        name: str = self._submit_import(instance=instance, body=body, project_id=self.project_id)
        return name
