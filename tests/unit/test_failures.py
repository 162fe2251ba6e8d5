"""What errors of the field mean: real texts, in the exception classes that a task really meets."""

from __future__ import annotations

import errno
import http.client
import json
import re
import socket
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import airbyte_api.errors
import google.auth.exceptions
import httplib2
import httpx
import MySQLdb
import pytest
import requests
import sqlalchemy.exc
import urllib3.exceptions
import yaml
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowNotFoundException,
    AirflowSensorTimeout,
    AirflowTaskTimeout,
    TaskDeferralError,
    TaskDeferralTimeout,
)
from google.api_core import exceptions as google_exceptions
from google.cloud.bigquery.job.base import _error_result_to_exception
from googleapiclient.errors import HttpError

from tributary.dumps.errors import DumpTruncated
from tributary.errors import (
    DbtError,
    ImportRefusedError,
    PermanentError,
    SchemaDriftError,
    StageMismatchError,
    SyncError,
    TributaryError,
)
from tributary.failures import TABLES, Kind, classify, described

BIGQUERY = "https://bigquery.googleapis.com/bigquery/v2/projects/p/jobs?prettyPrint=false"
SQLADMIN = "https://sqladmin.googleapis.com/v1beta4/projects/p/instances/i/import?alt=json"
ISSUES = "https://github.com/"
BIGQUERY_DOCS = "https://cloud.google.com/bigquery/docs/error-messages"
MYSQL_DOCS = "https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html"


def bigquery(status: int, reason: str, message: str, url: str = BIGQUERY) -> Exception:
    """What google-cloud-bigquery and -storage raise for an answer with that JSON body."""
    response = requests.Response()
    response.status_code = status
    response.request = requests.Request("POST", url).prepare()
    error = {"code": status, "message": message, "errors": [{"message": message, "domain": "global", "reason": reason}]}
    response._content = json.dumps({"error": error}).encode()
    return google_exceptions.from_http_response(response)


def bigquery_job(reason: str, message: str) -> Exception:
    """What `QueryJob.result()` raises for a job that ended with that error."""
    return _error_result_to_exception({"reason": reason, "message": message})


def sqladmin(status: int, reason: str, message: str) -> HttpError:
    """What the Cloud SQL hook's discovery client raises."""
    body = {"error": {"code": status, "message": message, "errors": [{"message": message, "reason": reason}]}}
    return HttpError(httplib2.Response({"status": status}), json.dumps(body).encode(), uri=SQLADMIN)


def imported(*errors: str) -> ImportRefusedError:
    """A Cloud SQL operation that is DONE with errors."""
    return ImportRefusedError(f"Cloud SQL could not import gs://dumps/shop_eu.sql.gz: {'; '.join(errors)}.")


def airbyte(status: int, body: str) -> Exception:
    """What Airbyte's SDK raises, wrapped as the provider's hook wraps it."""
    response = httpx.Response(status, text=body, headers={"content-type": "application/json"})
    return wrapped(airbyte_api.errors.SDKError("API error occurred", response, body))


def wrapped(error: Exception) -> AirflowException:
    """`raise AirflowException(error)` in an except clause, as the Airbyte hook does."""
    try:
        try:
            raise error
        except Exception as caught:
            raise AirflowException(caught)  # noqa: B904 - so the provider does it
    except AirflowException as outer:
        return outer


def unreachable(reason: Exception) -> Exception:
    pool = urllib3.HTTPSConnectionPool("oauth2.googleapis.com", 443)
    return requests.exceptions.ConnectionError(urllib3.exceptions.MaxRetryError(pool, "/token", reason))


class Row(NamedTuple):
    """A real error, what it means, why, and where its words are from."""

    error: Callable[[], BaseException]
    means: str
    why: str
    source: str


def row(means: str, why: str, source: str, make: Callable[..., BaseException], *arguments: Any) -> Row:
    return Row(lambda: make(*arguments), means, why, source)


# One block a row, however long: a formatter would make a page of each.
# fmt: off
ROWS = {
    # BigQuery
    "table updates": row(
        "passing quota bigquery", "counted over ten seconds",
        ISSUES + "googleapis/python-bigquery-sqlalchemy/issues/34",
        bigquery, 403, "rateLimitExceeded", "Exceeded rate limits: too many table update operations for this table.",
    ),
    "loads per table": row(
        "passing quota bigquery", "counted over a sliding day", ISSUES + "cloudflare/cloudflare-gcp/issues/72",
        bigquery, 403, "quotaExceeded",
        "Quota exceeded: Your table exceeded quota for imports or query appends per table.",
    ),
    "jobs per second": row(
        "passing quota bigquery", "Google's own advice is to retry with back-off", BIGQUERY_DOCS,
        bigquery, 400, "jobRateLimitExceeded",
        "Exceeded rate limits: too many concurrent queries for this project_and_region.",
    ),
    "visibility check": row(
        "passing unavailable bigquery", "asks to retry", ISSUES + "kestra-io/plugin-gcp/issues/526",
        bigquery, 503, "backendError",
        "Visibility check was unavailable. Please retry the request and contact support if the problem persists",
    ),
    "internal error of a job": row(
        "passing unavailable", "the job met a fault of the service", ISSUES + "googleapis/python-bigquery/issues/1903",
        bigquery_job, "internalError", "An internal error occurred and the request could not be completed.",
    ),
    "concurrent update": row(
        "passing conflict bigquery", "says invalidQuery, and the same query succeeds alone",
        ISSUES + "confluentinc/kafka-connect-bigquery/issues/279",
        bigquery, 400, "invalidQuery", "Could not serialize access to table p:ops.runs due to concurrent update",
    ),
    "aborted transaction": row(
        "passing conflict", "the other transaction is over at the next try", ISSUES + "dlt-hub/dlt/issues/2892",
        bigquery_job, "invalidQuery",
        "Query error: Transaction is aborted due to concurrent update against table p:c.orders",
    ),
    "outstanding DML": row(
        "passing quota", "says resourcesExceeded, and the queue drains", ISSUES + "m-lab/etl-gardener/issues/293",
        bigquery_job, "resourcesExceeded",
        "Resources exceeded during query execution: Too many DML statements outstanding against table p:t, limit is 20",
    ),
    "resources exceeded": row(
        "permanent too_large", "the same query over the same rows fails again", ISSUES + "PostHog/posthog/pull/67914",
        bigquery_job, "resourcesExceeded",
        "Resources exceeded during query execution: The query could not be executed in the allotted memory.",
    ),
    "bytes billed": row(
        "permanent too_large bigquery", "the query reads as much again", BIGQUERY_DOCS,
        bigquery, 400, "bytesBilledLimitExceeded",
        "Query exceeded limit for bytes billed: 100000000000. 240518168576 or higher required.",
    ),
    "no right to run jobs": row(
        "permanent auth bigquery", "a right has to be granted",
        ISSUES + "GoogleCloudPlatform/vertex-ai-samples/issues/174",
        bigquery, 403, "accessDenied",
        "Access Denied: Project p: User does not have bigquery.jobs.create permission in project p.",
    ),
    "missing table": row(
        "permanent not_found bigquery", "nothing makes it between two tries", BIGQUERY_DOCS,
        bigquery, 404, "notFound", "Not found: Table p:raw__shop_eu.orders was not found in location EU",
    ),
    "syntax error": row(
        "permanent sql bigquery", "the same text is as wrong again", ISSUES + "re-data/dbt-re-data/issues/12",
        bigquery, 400, "invalidQuery", 'Syntax error: Expected ")" but got ":" at [330:21]',
    ),
    "invalid value": row(
        "permanent bad_input bigquery", "the same rows are as wrong again", BIGQUERY_DOCS,
        bigquery, 400, "invalid",
        "Provided Schema does not match Table p:ops.runs. Field rows has changed type from INTEGER to STRING",
    ),
    "deadline of the client": row(
        "passing unavailable bigquery", "carries the 503 that it gave up on",
        ISSUES + "googleapis/python-bigquery/issues/945",
        lambda: google_exceptions.RetryError(
            "Deadline of 120.0s exceeded while calling target function",
            bigquery(503, "backendError", "Error encountered during execution. Retrying may solve the problem."),
        ),
    ),
    # Storage
    "object gone": row(
        "permanent not_found storage", "the object has been deleted",
        "https://cloud.google.com/storage/docs/json_api/v1/status-codes",
        bigquery, 404, "notFound", "No such object: dumps/shop_eu/2013-01-01/dump.sql.gz",
        "https://storage.googleapis.com/storage/v1/b/dumps/o/dump.sql.gz",
    ),
    # Google's sign-in and the way there
    "no name resolution": row(
        "passing dns", "worked again the same day", ISSUES + "googleapis/google-cloud-python/issues/4812",
        lambda: google.auth.exceptions.TransportError(unreachable(OSError(
            "Failed to establish a new connection: [Errno -3] Temporary failure in name resolution"
        ))),
    ),
    "network unreachable": row(
        "passing connection", "seen overnight, gone at the next run",
        ISSUES + "bennettoxford/openprescribing/issues/772",
        unreachable, OSError(errno.ENETUNREACH, "Network is unreachable"),
    ),
    "remote end closed": row(
        "passing connection", "the connection broke, not the request",
        ISSUES + "googleapis/python-bigquery/issues/1570",
        lambda: requests.exceptions.ConnectionError(urllib3.exceptions.ProtocolError(
            "Connection aborted.", http.client.RemoteDisconnected("Remote end closed connection without response")
        )),
    ),
    "rotated key": row(
        "permanent auth google", "a new key has to be installed",
        ISSUES + "googleapis/google-cloud-python/issues/10004",
        google.auth.exceptions.RefreshError, "invalid_grant: Invalid JWT Signature.", {"error": "invalid_grant"},
    ),
    "intercepted TLS": row(
        "permanent tls", "the worker does not trust the issuer", ISSUES + "googleapis/google-cloud-python/issues/15730",
        requests.exceptions.SSLError,
        "HTTPSConnectionPool(host='bigquery.googleapis.com', port=443): Max retries exceeded with url: / (Caused by "
        "SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to "
        "get local issuer certificate (_ssl.c:1129)')))",
    ),
    "TLS cut short": row(
        "passing connection", "seen 'often', between calls that succeed",
        ISSUES + "googleapis/google-api-python-client/issues/97",
        ssl.SSLError, 8, "EOF occurred in violation of protocol (_ssl.c:997)",
    ),
    # Cloud SQL
    "another operation": row(
        "passing busy cloud_sql", "Cloud SQL does one operation at a time", ISSUES + "apache/airflow/issues/68040",
        sqladmin, 409, "operationInProgress", "Operation failed because another operation was already in progress.",
    ),
    "another operation, said with 403": row(
        "passing busy cloud_sql", "the same with the status of older versions",
        ISSUES + "hashicorp/terraform/issues/5231",
        sqladmin, 403, "operationInProgress", "Operation failed because another operation was already in progress.",
    ),
    "Cloud SQL away": row(
        "passing unavailable cloud_sql", "temporarily, it says", ISSUES + "hashicorp/terraform/issues/5231",
        sqladmin, 503, "serverException", "Service temporarily unavailable.",
    ),
    "not authorised": row(
        "permanent auth cloud_sql", "a role has to be granted",
        ISSUES + "GoogleCloudPlatform/fda-mystudies/issues/4452",
        sqladmin, 403, "notAuthorized", "The client is not authorized to make this request.",
    ),
    "import: syntax": row(
        "permanent bad_input cloud_sql", "the dump says the same again", ISSUES + "MariaDB/mariadb-docker/issues/549",
        imported,
        "exit status 1\n\nERROR 1064 (42000) at line 1862820: You have an error in your SQL syntax; check the manual",
    ),
    "import: collation": row(
        "permanent bad_input cloud_sql", "the server does not learn it by itself",
        ISSUES + "GoogleCloudPlatform/fda-mystudies/issues/1467",
        imported, "exit status 1\n\nERROR 1273 (HY000) at line 17: Unknown collation: 'utf8mb4_0900_ai_ci'",
    ),
    "import: no such table": row(
        "permanent not_found cloud_sql", "the dump is not whole",
        ISSUES + "GoogleCloudPlatform/fda-mystudies/issues/1467",
        imported,
        "exit status 1\n\nERROR 1146 (42S02) at line 28: Table 'mystudies_userregistration.app_info' doesn't exist",
    ),
    "import: foreign key": row(
        "permanent bad_input cloud_sql", "the dump was not consistent",
        ISSUES + "GoogleCloudPlatform/fda-mystudies/issues/1667",
        imported, "exit status 1\n\nERROR 1452 (23000) at line 194: Cannot add or update a child row: a foreign key",
    ),
    "import: SUPER": row(
        "permanent auth cloud_sql", "Cloud SQL grants it to nobody",
        "https://pulse.support/kb/mysql-error-1227-access-denied-super-privilege",
        imported, "ERROR 1227 (42000) at line 18: Access denied; you need (at least one of) the SUPER privilege(s)",
    ),
    "import: the server went away": row(
        "passing connection cloud_sql", "the server died under a sound dump", ISSUES + "unbit/uwsgi.it/pull/39",
        imported, "exit status 1\n\nERROR 2013 (HY000) at line 723: Lost connection to MySQL server during query",
    ),
    "import: the disk is full": row(
        "passing disk_full cloud_sql", "the disk grows, or somebody makes room",
        "https://virtual-dba.com/blog/mysql-error-1114-table-is-full/",
        imported, "ERROR 1114 (HY000) at line 42: The table 'orders' is full",
    ),
    # MySQL
    "lost connection": row(
        "passing connection mysql", "the connection broke, not the query", ISSUES + "apache/airflow/issues/1095",
        MySQLdb.OperationalError, 2006, "MySQL server has gone away",
    ),
    "lost connection in SQLAlchemy": row(
        "passing connection mysql", "the same, one class further out", ISSUES + "sqlalchemy/sqlalchemy/issues/10327",
        lambda: sqlalchemy.exc.OperationalError(
            "select 1", {}, MySQLdb.OperationalError(2013, "Lost connection to MySQL server during query")
        ),
    ),
    "refused": row(
        "passing connection mysql", "a restart, most often",
        "https://fsiblog.io/how-a-tiny-django-droplet-turned-502-bad-gateway-into-a-bullet-proof-stack",
        MySQLdb.OperationalError, 2003, "Can't connect to MySQL server on '127.0.0.1:3306' (111)",
    ),
    "lock wait": row(
        "passing busy mysql", "asks to restart the transaction", ISSUES + "apache/airflow/issues/16982",
        MySQLdb.OperationalError, 1205, "Lock wait timeout exceeded; try restarting transaction",
    ),
    "deadlock": row(
        "passing busy mysql", "asks to restart the transaction", ISSUES + "apache/airflow/issues/13668",
        MySQLdb.OperationalError, 1213, "Deadlock found when trying to get lock; try restarting transaction",
    ),
    "too many connections": row(
        "passing busy mysql", "others end theirs", MYSQL_DOCS,
        MySQLdb.OperationalError, 1040, "Too many connections",
    ),
    "own connections": row(
        "passing busy mysql", "so do we", "https://help.pythonanywhere.com/pages/ManagingDatabaseConnections/",
        MySQLdb.OperationalError, 1226, "User 'u' has exceeded the 'max_user_connections' resource (current value: 3)",
    ),
    "failover": row(
        "passing read_only mysql", "until the new primary takes writes", ISSUES + "mozilla/persona/issues/561",
        MySQLdb.OperationalError, 1290,
        "The MySQL server is running with the --read-only option so it cannot execute this statement",
    ),
    "secure-file-priv": row(
        "permanent auth mysql", "the same number, and a setting of the server", ISSUES + "cockroachdb/docs/pull/3229",
        MySQLdb.OperationalError, 1290,
        "The MySQL server is running with the --secure-file-priv option so it cannot execute this statement",
    ),
    "engine without space": row(
        "passing disk_full mysql", "28 is ENOSPC, in an error that has many causes",
        "https://dev.mysql.com/doc/refman/8.0/en/full-disk.html",
        MySQLdb.OperationalError, 1030, "Got error 28 from storage engine",
    ),
    "wrong password": row(
        "permanent auth mysql", "the connection has to be corrected", MYSQL_DOCS,
        MySQLdb.OperationalError, 1045, "Access denied for user 'airbyte'@'10.0.0.7' (using password: YES)",
    ),
    "unknown column": row(
        "permanent schema mysql", "the contract and the dump differ", MYSQL_DOCS,
        MySQLdb.OperationalError, 1054, "Unknown column 'newsletter' in 'field list'",
    ),
    "duplicate key with treacherous words": row(
        "permanent bad_input mysql", "the number decides, not what a row says", MYSQL_DOCS,
        MySQLdb.IntegrityError, 1062, "Duplicate entry 'connection reset, timed out' for key 'PRIMARY'",
    ),
    "zero date": row(
        "permanent bad_input mysql", "the row is as wrong again", MYSQL_DOCS,
        MySQLdb.DataError, 1292, "Incorrect datetime value: '0000-00-00' for column 'updated_at' at row 1",
    ),
    # Airbyte
    "sync already running": row(
        "passing busy airbyte", "the next try finds the job and waits for it",
        ISSUES + "airbytehq/airbyte/issues/25920",
        airbyte, 409, '{"message":"A sync is already running for: 21c156fd-7acb-4690-842f-1ac4467e1602",'
        '"exceptionClassName":"io.airbyte.server.errors.ValueConflictKnownException"}',
    ),
    "too many requests": row(
        "passing quota airbyte", "a rate limit", ISSUES + "airbytehq/PyAirbyte/issues/797",
        airbyte, 429, '{"message":"Too Many Requests"}',
    ),
    "Airbyte's own fault": row(
        "passing unavailable airbyte", "a 500 that asks to be reported only if it persists",
        ISSUES + "airbytehq/airbyte/issues/72826",
        airbyte, 500, '{"message":"An unexpected error occurred. Please report this if the issue persists."}',
    ),
    "wrong client": row(
        "permanent auth airbyte", "the connection has to be corrected",
        "https://reference.airbyte.com/reference/authentication",
        airbyte, 401, '{"message":"Unauthorized"}',
    ),
    "Airbyte silent": row(
        "passing timeout", "its API answers nothing for a while", ISSUES + "airbytehq/airbyte/issues/46554",
        lambda: wrapped(httpx.ReadTimeout("The read operation timed out")),
    ),
    "link failure": row(
        "passing connection airbyte", "the source was not reachable", ISSUES + "airbytehq/airbyte/issues/30393",
        SyncError,
        "Airbyte job 7 ended failed: State code: 08S01; Message: Communications link failure\nThe last packet sent",
    ),
    "connection pool": row(
        "passing timeout airbyte", "the source was not reachable in time", ISSUES + "airbytehq/airbyte/issues/30399",
        SyncError,
        "Airbyte job 7 ended failed: HikariPool-1 - Connection is not available, request timed out after 60001ms.",
    ),
    "connection reset": row(
        "passing connection airbyte", "the network, after 5 of 4 million rows",
        ISSUES + "airbytehq/airbyte/issues/10159",
        SyncError, "Airbyte job 7 ended failed: SocketException: Connection reset",
    ),
    "changed schema": row(
        "permanent schema airbyte", "the stream has to be discovered again", ISSUES + "airbytehq/airbyte/issues/55797",
        SyncError,
        "Airbyte job 7 ended failed: Failure in source: MySQL Schema Change Error: Your connection could not be "
        "completed because changes were detected on an unknown table.",
    ),
    # dbt
    "missing model": row(
        "permanent sql dbt", "the project is wrong", ISSUES + "dbt-labs/dbt-core/issues/2503",
        DbtError, 2, ["Encountered an error:\nCompilation Error in model orders (models/orders.sql)\n  Model 'orders' "
        "(models/orders.sql) depends on a node named 'stg_orders' which was not found"],
    ),
    "missing profile": row(
        "permanent configuration dbt", "the project is wrong", ISSUES + "sqlfluff/sqlfluff/issues/1042",
        DbtError, 2, ["Encountered an error:\nRuntime Error\n  Could not find profile named 'default'"],
    ),
    "dbt: no resources": row(
        "permanent too_large dbt", "the same query fails again", ISSUES + "dbt-labs/dbt-bigquery/issues/141",
        DbtError, 1,
        ["Failure in model base (models/base.sql): Database Error in model base (models/base.sql)\n  Resources "
        "exceeded during query execution: Not enough resources for query planning - too many subqueries"],
    ),
    "dbt: quota": row(
        "passing quota dbt", "BigQuery's words in dbt's", ISSUES + "elementary-data/elementary/issues/382",
        DbtError, 1,
        ["Database Error in model dbt_models (models/edr/dbt_artifacts/dbt_models.sql)\n  Quota exceeded: Your "
        "table exceeded quota for imports or query appends per table."],
    ),
    "dbt: unavailable": row(
        "passing unavailable dbt", "dbt does not try a 503 again", ISSUES + "dbt-labs/dbt-bigquery/issues/1475",
        DbtError, 1,
        ["Failure in model my_model (some.sql): Runtime Error in model my_model (dbt/models/some.sql)\n  503 GET "
        "https://bigquery.googleapis.com/bigquery/v2/projects/p/jobs/f?location=US&prettyPrint=false: \n  "
        "Visibility check was unavailable. Please retry the request"],
    ),
    "dbt: one model of each kind": row(
        "permanent sql dbt", "what is permanent fails the next build as well", ISSUES + "re-data/dbt-re-data/issues/12",
        DbtError, 1, ["Database Error in model a (a.sql)\n  Quota exceeded: Your table exceeded quota",
        'Database Error in model b (b.sql)\n  Syntax error: Expected ")" but got ":" at [330:21]'],
    ),
    "dbt: a test fails": row(
        "permanent quality dbt", "the rows are as wrong again", "https://docs.getdbt.com/docs/build/data-tests",
        DbtError, 1,
        ["Failure in test not_null_orders_order_id (models/orders.yml): Got 3 results, configured to fail if != 0"],
    ),
    "dbt: a test cannot be run": row(
        "passing quota dbt", "which says nothing of the rows", "https://docs.getdbt.com/docs/build/data-tests",
        DbtError, 1, ["Failure in test not_null_orders_order_id (models/orders.yml): Database Error in test not_null "
        "(models/orders.yml)\n  Exceeded rate limits: too many api requests per user per method"],
    ),
    "dbt killed": row(
        "passing killed dbt", "memory, most often", ISSUES + "astronomer/astronomer-cosmos/issues/1391",
        AirflowException, "dbt command failed. The command returned a non-zero exit code -9.",
    ),
    # The worker and Airflow
    "worker's disk": row(
        "passing disk_full", "other tasks give their space back", "https://man7.org/linux/man-pages/man3/errno.3.html",
        OSError, errno.ENOSPC, "No space left on device", "/tmp/dump.sql",
    ),
    "no such host": row(
        "passing dns", "resolvers fail for moments", "https://docs.python.org/3/library/socket.html#socket.gaierror",
        socket.gaierror, socket.EAI_NONAME, "Name or service not known",
    ),
    "execution timeout": row(
        "passing timeout", "a call that hung", ISSUES + "apache/airflow/issues/19382",
        AirflowTaskTimeout, "Timeout, PID: 311",
    ),
    "waited to the end": row(
        "permanent waited_too_long", "all the time there was has been waited", ISSUES + "apache/airflow/issues/32638",
        TaskDeferralTimeout, "Trigger timeout",
    ),
    "sensor waited to the end": row(
        "permanent waited_too_long", "so does Airflow", ISSUES + "apache/airflow/pull/32990",
        AirflowSensorTimeout, "The sensor timed out",
    ),
    "connection not defined": row(
        "passing undefined", "also said where the API server is away", ISSUES + "apache/airflow/issues/45595",
        AirflowNotFoundException, "The conn_id `airbyte_default` isn't defined",
    ),
    "trigger failed": row(
        "passing trigger", "the triggerer was restarted, or has a fault", ISSUES + "apache/airflow/issues/55163",
        TaskDeferralError, "Trigger failure",
    ),
}
# fmt: on


@pytest.mark.parametrize("name", ROWS)
def test_a_real_error_is_understood(name: str):
    error, means, _, source = ROWS[name]
    kind, reason, *service = means.split()
    failure = classify(error())
    assert (failure.kind, failure.reason) == (kind, reason)
    assert service in ([], [failure.service])
    assert source.startswith("https://")


def test_the_table_is_large_and_has_both_kinds():
    kinds = [row.means.split()[0] for row in ROWS.values()]
    assert len(kinds) >= 40
    assert min(kinds.count("passing"), kinds.count("permanent")) >= 20


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (DumpTruncated("the file ends early"), "bad_input"),
        (StageMismatchError("a: 1 row in raw; the connection was reset"), "mismatch"),
        (SchemaDriftError("table a lacks timeout"), "schema"),
        (PermanentError("anything"), "refused"),
        (PermanentError(TimeoutError("timed out")), "refused"),
    ],
)
def test_what_tributary_raises_as_permanent_is_so_whatever_it_says(error: Exception, reason: str):
    assert (classify(error).kind, classify(error).reason) == (Kind.permanent, reason)


def test_broken_rules_and_unchecked_rules_differ():
    from datetime import UTC, datetime

    from tributary.quality.results import CheckpointFailed, CheckpointResult, RuleResult

    broken = RuleResult(table="orders", rule="key", type="unique", success=False)
    result = CheckpointResult(dataset="d", layer="raw", results=(broken,), checked_at=datetime.now(UTC))
    assert classify(CheckpointFailed(result)).reason == "quality"
    raised = (
        "d: 0 failed, 1 could not be checked of 1 rules (raw)\n- orders: could not be checked: 503 Service Unavailable"
    )
    assert classify(TributaryError(raised)).reason == "unavailable"


@pytest.mark.parametrize(
    "error", [ValueError("no idea"), Exception(), SystemExit(1), AirflowException("?"), TributaryError("?")]
)
def test_an_unknown_error_says_that_it_is_unknown(error: BaseException):
    assert classify(error).kind is Kind.unknown
    assert classify(error).reason == "unknown"


def test_the_error_that_another_was_made_from_counts():
    def fail(cause: Exception, hidden: bool) -> RuntimeError:
        try:
            try:
                raise cause
            except Exception as caught:
                if hidden:
                    raise RuntimeError("the step failed") from None
                raise RuntimeError("the step failed") from caught
        except RuntimeError as error:
            return error

    assert classify(fail(ConnectionResetError(errno.ECONNRESET, "reset"), hidden=False)).reason == "connection"
    assert classify(fail(ConnectionResetError(errno.ECONNRESET, "reset"), hidden=True)).reason == "unknown"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (AirflowException(MySQLdb.IntegrityError(1062, "?")), "bad_input"),
        (sqlalchemy.exc.IntegrityError("insert", {}, MySQLdb.IntegrityError(1062, "?")), "bad_input"),
        (google_exceptions.RetryError("given up", bigquery(403, "quotaExceeded", "?")), "quota"),
        (
            urllib3.exceptions.MaxRetryError(urllib3.HTTPConnectionPool("h"), "/", ConnectionRefusedError()),
            "connection",
        ),
    ],
)
def test_an_error_that_another_holds_counts(error: Exception, reason: str):
    assert classify(error).reason == reason


@pytest.mark.parametrize(
    ("kind", "numbers"),
    [
        (Kind.passing, [1021, 1040, 1114, 1205, 1213, 1290, 2002, 2003, 2006, 2013]),
        (Kind.permanent, [1044, 1045, 1049, 1054, 1062, 1064, 1146, 1227, 1273, 1366, 1406, 1452]),
        (Kind.unknown, [9999]),
    ],
)
def test_mysql_s_numbers_need_no_words(kind: Kind, numbers: list[int]):
    for number in numbers:
        assert classify(MySQLdb.OperationalError(number, "?")).kind is kind, number


def test_the_outer_error_outweighs_the_one_it_was_made_from():
    error = PermanentError("the registry is wrong")
    error.__cause__ = TimeoutError("timed out")
    assert classify(error).kind is Kind.permanent


def test_errors_that_hold_each_other_end():
    one, two = RuntimeError("one"), RuntimeError("two")
    one.__cause__, two.__cause__ = two, one
    one.args, two.args = (two,), (one,)
    assert classify(one).kind is Kind.unknown


def test_an_error_that_cannot_be_printed_is_judged_by_its_class():
    class Broken(ConnectionError):
        def __str__(self) -> str:
            raise ValueError

    assert classify(Broken()).reason == "connection"


def test_several_errors_are_as_bad_as_the_worst():
    passing, permanent = TimeoutError(), MySQLdb.OperationalError(1045, "Access denied")
    assert classify(ExceptionGroup("both", [passing, permanent])).reason == "auth"
    assert classify(ExceptionGroup("one", [passing])).reason == "timeout"


@pytest.mark.parametrize("name", ROWS)
def test_the_meaning_survives_where_only_words_travel(name: str):
    error = ROWS[name].error()
    again = RuntimeError(f"the wait was given up: {described(error)}")
    assert classify(again).reason == classify(error).reason
    assert type(error).__name__ in str(again)


def test_a_made_up_answer_in_an_error_s_words_is_not_believed():
    assert classify(RuntimeError("x [permanent: nonsense]")).kind is Kind.unknown


def test_the_tables_contradict_themselves_nowhere():
    tables = yaml.safe_load(TABLES.read_text())
    reasons = tables["reasons"]
    assert {row["kind"] for row in reasons.values()} == set(Kind)
    assert all(re.fullmatch(r"[A-Z].*\.", row["advice"]) for row in reasons.values())
    used = {reason for name in ("sharper_words", "words") for _, reason in tables[name]}
    for name in ("mysql", "google", "http", "errno"):
        values = [value for group in tables[name].values() for value in group]
        assert len(values) == len(set(values)), f"{name}: a value stands under two reasons"
        used |= set(tables[name])
    for group in tables["classes"].values():
        used |= set(group.values())
    assert used | {"unknown"} == set(reasons)


def test_every_class_in_the_tables_exists():
    from airflow.sdk.module_loading import import_string

    tables = yaml.safe_load(TABLES.read_text())
    for group in tables["classes"].values():
        for name in group:
            found = import_string(name)
            # The name that an error's class gives itself, which is what is compared.
            assert f"{found.__module__}.{found.__qualname__}" == name
    assert all(hasattr(errno, name) for group in tables["errno"].values() for name in group)


def test_classify_imports_no_service_s_library():
    ask = "[name for name in sys.modules if name.split('.')[0] in ('airflow', 'google', 'MySQLdb', 'httpx')]"
    code = f"import sys, tributary.failures as f; f.classify(ValueError()); print({ask})"
    plugins = Path(TABLES).parents[1]
    run = subprocess.run(["python", "-c", code], cwd=plugins, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
