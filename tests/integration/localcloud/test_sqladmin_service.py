"""The Cloud SQL Admin API, asked by google-api-python-client."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from google.api_core.client_options import ClientOptions
from google.cloud import storage
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from tests.integration.localcloud.clients import MySQL, poll
from tests.support.services import LocalCloud


class SqlAdmin:
    """The discovery client, for one project and instance."""

    def __init__(self, cloud: LocalCloud, version: str = "v1beta4") -> None:
        self._cloud = cloud
        self._url = f"http://127.0.0.1:{cloud.ports['sqladmin']}"
        self.api = build(
            "sqladmin", version, client_options=ClientOptions(api_endpoint=self._url), cache_discovery=False
        )
        self.where = {"project": cloud.project, "instance": "staging"}

    def finished(self, operation: dict[str, Any]) -> dict[str, Any]:
        """The operation once it is DONE."""
        get = self.api.operations().get(project=self._cloud.project, operation=operation["name"])
        return poll(get.execute, lambda found: found["status"] == "DONE")

    def begin(self, name: str, database: str, **context: str) -> dict[str, Any]:
        """Ask for an import of the object *name*."""
        body = {"importContext": {"uri": f"gs://{self._cloud.bucket}/{name}", "database": database, **context}}
        return self.api.instances().import_(**self.where, body=body).execute()

    def import_(self, name: str, database: str) -> dict[str, Any]:
        """Import the object *name* and wait for the end."""
        return self.finished(self.begin(name, database))

    def fault(self, **order: Any) -> None:
        """Order a fault."""
        httpx.post(f"{self._url}/_faults", json=order, timeout=5).raise_for_status()

    def forget_faults(self) -> None:
        """Withdraw every fault."""
        httpx.delete(f"{self._url}/_faults", timeout=5).raise_for_status()


@pytest.fixture
def sqladmin(cloud: LocalCloud) -> Iterator[SqlAdmin]:
    client = SqlAdmin(cloud)
    yield client
    client.forget_faults()


def error_of(operation: dict[str, Any]) -> dict[str, str]:
    """The one error of a failed operation."""
    assert operation["status"] == "DONE"
    assert operation["error"]["kind"] == "sql#operationErrors"
    (error,) = operation["error"]["errors"]
    return error


def put(bucket: storage.Bucket, name: str, content: str | bytes) -> str:
    bucket.blob(name).upload_from_string(content)
    return name


@pytest.mark.parametrize("version", ["v1beta4", "v1"])
def test_a_dump_is_imported(cloud: LocalCloud, bucket: storage.Bucket, mysql: MySQL, version: str) -> None:
    database = mysql.fresh("plain")
    name = put(bucket, "plain.sql", "create table t (a varchar(9)); insert into t values ('é'), ('😀');")

    operation = SqlAdmin(cloud, version).import_(name, database)

    assert "error" not in operation
    assert operation["operationType"] == "IMPORT"
    assert operation["insertTime"] <= operation["startTime"] <= operation["endTime"]
    assert operation["importContext"]["database"] == database
    assert mysql.run("select a from plain.t order by a") == [("é",), ("😀",)]


def test_gzip_members_are_one_dump(sqladmin: SqlAdmin, bucket: storage.Bucket, mysql: MySQL) -> None:
    database = mysql.fresh("zipped")
    rows = "".join(f"insert into t values ({n});\n" for n in range(2000))
    content = gzip.compress(b"create table t (a int);\n") + gzip.compress(rows.encode())

    assert "error" not in sqladmin.import_(put(bucket, "named-without-gz", content), database)
    assert mysql.run("select count(*), sum(a) from zipped.t") == [(2000, 1999000)]


def test_a_failing_statement_ends_the_operation_with_its_message(
    sqladmin: SqlAdmin, bucket: storage.Bucket, mysql: MySQL
) -> None:
    database = mysql.fresh("failing")
    name = put(bucket, "failing.sql", "create table t (a int);\ninsert into t values ('private@example.com', 1 2);")

    error = error_of(sqladmin.import_(name, database))

    assert error["code"] == "ERROR_RDBMS"
    assert error["message"].startswith("exit status 1: ERROR 1064 (42000) at line 2: ")
    assert "insert into" not in error["message"]
    assert mysql.tables(database) == ["t"], "what ran before the error stays"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("create definer=`root`@`localhost` view v as select 1;", "ERROR 1227"),
        ("set global max_connections = 5;", "ERROR 1227"),
        ("create user intruder;", "ERROR 1227"),
        ("insert into mysql.global_priv values ('%', 'intruder', '{}');", "ERROR 1142"),
        ("select 1 into outfile 'written';", "ERROR 1227"),
        ("\\! touch shell-command-ran\n", "sandbox"),
        (gzip.compress(b"select 1;" * 9999)[:-9], "gzip"),
    ],
    ids=["definer", "super", "create user", "system table", "file", "shell", "cut gzip"],
)
def test_what_cloud_sql_refuses_is_refused(
    sqladmin: SqlAdmin, bucket: storage.Bucket, mysql: MySQL, content: str | bytes, message: str
) -> None:
    database = mysql.fresh("refusing")

    assert message in error_of(sqladmin.import_(put(bucket, "refused.sql", content), database))["message"]


def test_use_in_a_dump_overrides_the_requested_database(
    sqladmin: SqlAdmin, bucket: storage.Bucket, mysql: MySQL
) -> None:
    requested, other = mysql.fresh("requested"), mysql.fresh("other")
    name = put(bucket, "override.sql", "create database if not exists other; use other; create table t (a int);")

    assert "error" not in sqladmin.import_(name, requested)
    assert (mysql.tables(requested), mysql.tables(other)) == ([], ["t"])


def test_a_missing_object_and_a_missing_database_are_errors(
    sqladmin: SqlAdmin, bucket: storage.Bucket, mysql: MySQL
) -> None:
    name = put(bucket, "fine.sql", "select 1;")

    assert "does not exist" in error_of(sqladmin.import_("missing.sql", mysql.fresh("some")))["message"]
    assert "Unknown database 'nowhere'" in error_of(sqladmin.import_(name, "nowhere"))["message"]


def test_a_second_operation_is_refused_while_one_runs(sqladmin: SqlAdmin, bucket: storage.Bucket, mysql: MySQL) -> None:
    name, database = put(bucket, "slow.sql", "do sleep(1);"), mysql.fresh("busy")
    first = sqladmin.begin(name, database)

    with pytest.raises(HttpError) as refused:
        sqladmin.begin(name, database)
    with pytest.raises(HttpError):
        sqladmin.api.databases().delete(**sqladmin.where, database=database).execute()

    assert refused.value.status_code == 409
    assert refused.value.error_details[0]["reason"] == "operationInProgress"
    assert "error" not in sqladmin.finished(first)
    assert "error" not in sqladmin.import_(name, database), "free again"


def test_a_failing_statement_ends_an_import_that_has_much_more(
    sqladmin: SqlAdmin, bucket: storage.Bucket, mysql: MySQL
) -> None:
    name = put(
        bucket,
        "long.sql",
        "create table t (a int);\ninsert into u values (1);\n" + "insert into t values (1);\n" * 200_000,
    )

    message = error_of(sqladmin.import_(name, mysql.fresh("long")))["message"]
    assert message.startswith("exit status 1: ERROR 1146 (42S02) at line 2: ")


@pytest.mark.parametrize("behind", ["", "-- and so on\n" * 200_000], ids=["nothing behind", "much behind"])
def test_a_running_import_can_be_cancelled(
    cloud: LocalCloud, sqladmin: SqlAdmin, bucket: storage.Bucket, mysql: MySQL, behind: str
) -> None:
    # A statement of its own: the server goes on with one whose client is gone.
    statement = f"do sleep({60 + len(behind)})"
    running = sqladmin.begin(put(bucket, "endless.sql", f"{statement};\n{behind}"), mysql.fresh("cancelled"))
    sleeping = f"select count(*) from information_schema.processlist where info like '{statement}%'"
    poll(lambda: mysql.run(sleeping), lambda found: found == [(1,)])
    sqladmin.api.operations().cancel(project=cloud.project, operation=running["name"]).execute()

    assert error_of(sqladmin.finished(running))["code"] == "CANCELLED"


def test_an_operation_that_was_running_at_a_crash_is_done_with_an_error(
    cloud: LocalCloud, sqladmin: SqlAdmin, bucket: storage.Bucket, mysql: MySQL
) -> None:
    database = mysql.fresh("crashing")
    before = sqladmin.import_(put(bucket, "before.sql", "create table t (a int);"), database)
    running = sqladmin.begin(put(bucket, "endless.sql", "do sleep(60);"), database)

    cloud.crash("sqladmin")

    assert error_of(sqladmin.finished(running))["code"] == "INTERNAL"
    assert sqladmin.finished(before) == before
    listed = sqladmin.api.operations().list(**sqladmin.where, maxResults=1).execute()
    assert [operation["name"] for operation in listed["items"]] == [running["name"]]
    assert "nextPageToken" in listed
    assert "error" not in sqladmin.import_("before.sql", mysql.fresh("crashing"))


def test_databases_are_made_changed_and_dropped(sqladmin: SqlAdmin, mysql: MySQL) -> None:
    mysql.run("drop database if exists made")
    databases = sqladmin.api.databases()
    body = {"name": "made", "project": sqladmin.where["project"], "instance": "staging", "charset": "latin1"}

    sqladmin.finished(databases.insert(**sqladmin.where, body=body).execute())
    assert databases.get(**sqladmin.where, database="made").execute()["charset"] == "latin1"
    again = sqladmin.finished(databases.insert(**sqladmin.where, body=body).execute())
    assert "database exists" in error_of(again)["message"]

    sqladmin.finished(databases.patch(**sqladmin.where, database="made", body={"charset": "utf8mb4"}).execute())
    assert databases.get(**sqladmin.where, database="made").execute()["charset"] == "utf8mb4"

    sqladmin.finished(databases.delete(**sqladmin.where, database="made").execute())
    listed = databases.list(**sqladmin.where).execute()["items"]
    assert "made" not in [found["name"] for found in listed]
    with pytest.raises(HttpError) as missing:
        databases.get(**sqladmin.where, database="made").execute()
    assert missing.value.status_code == 404


def test_instances_are_described(sqladmin: SqlAdmin) -> None:
    instance = sqladmin.api.instances().get(**sqladmin.where).execute()

    assert (instance["name"], instance["state"]) == ("staging", "RUNNABLE")
    assert sqladmin.api.instances().list(project=instance["project"]).execute()["items"] == [instance]


@pytest.mark.parametrize(
    ("context", "message"),
    [
        ({"fileTyp": "SQL"}, "Unknown name 'fileTyp' at 'importContext'"),
        ({"fileType": "XML"}, "Invalid value at 'importContext.fileType'"),
        ({"uri": "/etc/passwd"}, "expected gs://bucket/object"),
        ({"database": 5}, "Invalid value at 'importContext.database'"),
    ],
)
def test_a_request_that_google_refuses_is_refused(sqladmin: SqlAdmin, context: dict[str, Any], message: str) -> None:
    with pytest.raises(HttpError) as refused:
        sqladmin.api.instances().import_(**sqladmin.where, body={"importContext": context}).execute()

    assert refused.value.status_code == 400
    assert message in refused.value.error_details[0]["message"]


def test_another_instance_project_or_caller_is_refused(cloud: LocalCloud, sqladmin: SqlAdmin) -> None:
    instances = sqladmin.api.instances()
    with pytest.raises(HttpError) as instance:
        instances.get(project=cloud.project, instance="production").execute()
    with pytest.raises(HttpError) as project:
        instances.get(project="another", instance="staging").execute()
    path = f"/sql/v1beta4/projects/{cloud.project}/instances"
    anonymous = httpx.get(f"http://127.0.0.1:{cloud.ports['sqladmin']}{path}", timeout=5)

    assert (instance.value.status_code, project.value.status_code, anonymous.status_code) == (404, 403, 401)
    assert anonymous.json()["error"]["status"] == "UNAUTHENTICATED"


def test_ordered_faults_are_served_once_each(sqladmin: SqlAdmin, bucket: storage.Bucket, mysql: MySQL) -> None:
    name, database = put(bucket, "faulty.sql", "select 1;"), mysql.fresh("faulty")
    sqladmin.fault(kind="http", status=503, path="/import", count=2, message="try again")
    sqladmin.fault(kind="operation_error", code="ERROR_RDBMS", message="disk full")

    for _ in range(2):
        with pytest.raises(HttpError) as refused:
            sqladmin.begin(name, database)
        assert (refused.value.status_code, refused.value.reason) == (503, "try again")
    assert error_of(sqladmin.import_(name, database))["message"] == "disk full"
    assert "error" not in sqladmin.import_(name, database)


def test_a_hanging_operation_hangs_until_it_is_cancelled(
    cloud: LocalCloud, sqladmin: SqlAdmin, bucket: storage.Bucket, mysql: MySQL
) -> None:
    name, database = put(bucket, "quick.sql", "select 1;"), mysql.fresh("hanging")
    sqladmin.fault(kind="hang")
    running = sqladmin.begin(name, database)
    operations = sqladmin.api.operations()

    poll(
        operations.get(project=cloud.project, operation=running["name"]).execute,
        lambda found: found["status"] == "RUNNING",
    )
    operations.cancel(project=cloud.project, operation=running["name"]).execute()

    assert error_of(sqladmin.finished(running))["code"] == "CANCELLED"


def test_an_unknown_fault_is_refused(cloud: LocalCloud) -> None:
    url = f"http://127.0.0.1:{cloud.ports['sqladmin']}/_faults"

    assert httpx.post(url, json={"kind": "job_hang"}, timeout=5).status_code == 422
    assert httpx.post(url, json={"kind": "http", "often": 3}, timeout=5).status_code == 400
