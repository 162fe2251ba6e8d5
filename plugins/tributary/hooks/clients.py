"""The clients that tasks use, made from Airflow's connections when a task needs them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tributary.hooks.patience import riding_out
from tributary.job_labels import labels_here, labels_of, put_on
from tributary.ledger.store import OpsStore
from tributary.settings import GOOGLE_CONNECTION, Settings, mysql_connection, transform_account
from tributary.telemetry.lineage import MYSQL_PORT, Server

if TYPE_CHECKING:
    from google.cloud.bigquery import Client


@riding_out
def bigquery_client() -> Client:
    """BigQuery as the Google connection says; its jobs have the labels of the task at hand.

    Through `get_client`, not `get_conn`: the latter's discovery client does not read the variable
    BIGQUERY_EMULATOR_HOST as Google's own library does. What the client then does, Google's library
    tries again by itself, for up to ten minutes; `ledger.store.execute` does not, without patience.
    """
    from airflow.providers.google.cloud.hooks.bigquery import BigQueryHook

    hook = BigQueryHook(gcp_conn_id=GOOGLE_CONNECTION)
    client = hook.get_client(project_id=hook.project_id, location=Settings.from_environment().location)
    return put_on(client, labels_here())


def bigquery_project() -> str:
    """The project of the datasets, without making a client."""
    from airflow.providers.google.cloud.hooks.bigquery import BigQueryHook

    project: str = BigQueryHook(gcp_conn_id=GOOGLE_CONNECTION).project_id
    return project


def builders_client(client: Client) -> Client:
    """BigQuery as the account that dbt acts as, which alone writes what dbt builds; the same client where none is set.

    For whoever may become it, as the pipeline may (docs/security-roles.md).
    """
    account = transform_account()
    if not account:
        return client
    from google.auth import default
    from google.auth.impersonated_credentials import Credentials
    from google.cloud.bigquery import Client

    scopes = ["https://www.googleapis.com/auth/cloud-platform"]
    source, _ = default(scopes=scopes)
    acting = Client(client.project, Credentials(source, account, scopes), location=client.location)
    return put_on(acting, labels_of(client))


def staging_server(instance: str) -> Any:
    """A MySqlHook on a Cloud SQL instance."""
    from airflow.providers.mysql.hooks.mysql import MySqlHook

    return MySqlHook(mysql_conn_id=mysql_connection(instance))


def staging_address(instance: str) -> Server:
    """Where a Cloud SQL instance listens, as lineage names it."""
    from airflow.sdk import BaseHook

    connection = BaseHook.get_connection(mysql_connection(instance))
    return Server(connection.host or "", connection.port or MYSQL_PORT)


def ops_store() -> OpsStore:
    """The dataset `ops`."""
    return OpsStore(bigquery_client(), Settings.from_environment().location)
