"""The Google provider's Cloud SQL hook, able to talk to another endpoint and to find an import."""

from __future__ import annotations

import http.client
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httplib2
from airflow.providers.google.cloud.hooks.cloud_sql import CloudSQLHook
from googleapiclient.errors import HttpError

from tributary.hooks.patience import ANSWER_SECONDS, is_patient, riding_out
from tributary.resuming import JobState, OutsideJob

if TYPE_CHECKING:
    from google.api_core.client_options import ClientOptions
    from google_auth_httplib2 import AuthorizedHttp

# "Not now": another operation is under way, or there were too many requests.
_BUSY = (HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS)
# What the service has to say against the end of an operation that has ended, or that it does not know.
_NOTHING_TO_CANCEL = (
    HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.GONE, HTTPStatus.PRECONDITION_FAILED,
)  # fmt: skip


class CloudSqlHook(CloudSQLHook):
    """Reads `sqladmin_api_endpoint` from the connection's extra (private endpoints, emulators).

    No request is repeated below it: `riding_out` repeats those that may be.
    """

    @property
    def num_retries(self) -> int:
        return 0

    def get_client_options(self, api_endpoint_override: str | None = None) -> ClientOptions:
        endpoint = api_endpoint_override or self._get_field("sqladmin_api_endpoint", None)
        options: ClientOptions = super().get_client_options(api_endpoint_override=endpoint)
        return options

    def _authorize(self) -> AuthorizedHttp:
        authorized = super()._authorize()
        if not is_patient():
            authorized.http.timeout = ANSWER_SECONDS
        send = authorized.http.request

        def send_once(uri: str, *arguments: Any, **options: Any) -> Any:
            options["connection_type"] = _CONNECTIONS[urlsplit(uri).scheme]
            return send(uri, *arguments, **options)

        authorized.http.request = send_once
        return authorized

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
        try:
            self.get_conn().operations().cancel(project=self.project_id, operation=name).execute()
        except HttpError as error:
            if error.resp.status not in _NOTHING_TO_CANCEL:
                raise
            self.log.info("Operation %s cannot be cancelled, it has most likely ended: %s", name, error.reason)

    def submit_import(self, instance: str, body: dict[str, Any]) -> str:
        """Submit an import, by one request; returns the operation's name.

        Raises what that request met. The import may have been accepted all the same, where the answer was
        lost: `imports` tells.
        """
        request = self.get_conn().instances().import_(project=self.project_id, instance=instance, body=body)
        # By a connection of its own: one that was kept open may have been closed by the service since.
        return str(request.execute(http=self._authorize())["name"])


def is_busy(error: Exception) -> bool:
    """Whether the instance has refused a request because it does something else now."""
    return isinstance(error, HttpError) and error.resp.status in _BUSY


def _state(operation: dict[str, Any]) -> JobState:
    if operation.get("status") != "DONE":
        return JobState.unfinished
    return JobState.failed if operation.get("error", {}).get("errors") else JobState.succeeded


class _SendsOnce(http.client.HTTPConnection):
    """httplib2 sends a request again, POST or not, when its connection was closed instead of an answer.

    It takes the connection for one that had gone stale before. The error that it gets here it passes on.
    """

    def getresponse(self) -> http.client.HTTPResponse:
        try:
            return super().getresponse()
        except http.client.BadStatusLine as error:
            raise ConnectionResetError(f"the connection was closed before the answer: {error}") from error


class _Plain(_SendsOnce, httplib2.HTTPConnectionWithTimeout):  # type: ignore[misc]
    pass


class _Secure(_SendsOnce, httplib2.HTTPSConnectionWithTimeout):  # type: ignore[misc]
    pass


_CONNECTIONS = {"http": _Plain, "https": _Secure}
