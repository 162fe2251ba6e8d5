"""What a sync leaves in BigQuery."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest
from airbyte_api.errors import SDKError
from google.api_core.exceptions import GoogleAPIError
from google.cloud import bigquery

from localcloud.airbyte.warehouse import Warehouse
from tests.integration.localcloud.clients import Airbyte, MySQL, poll
from tests.support.services import LocalCloud

INCREMENTAL = {"name": "t", "syncMode": "incremental_append", "cursorField": ["at"]}
DEDUPED = {**INCREMENTAL, "syncMode": "incremental_deduped_history"}


@pytest.fixture
def db(mysql: MySQL, request: pytest.FixtureRequest) -> str:
    """A fresh source database, the current one, named after the test."""
    return mysql.fresh(request.node.originalname.removeprefix("test_")[:40])


def rows(warehouse: bigquery.Client, db: str, columns: str = "id, v", table: str = "t") -> list[tuple[Any, ...]]:
    """The rows of a raw table, in order of their first column."""
    found = warehouse.query(f"select {columns} from `raw__{db}`.`{table}` order by 1").result()
    return [tuple(row.values()) for row in found]


def columns(warehouse: bigquery.Client, db: str, table: str = "t") -> dict[str, str]:
    """The raw table's own columns with their types."""
    schema = warehouse.get_table(f"raw__{db}.{table}").schema
    return {field.name: field.field_type for field in schema if not field.name.startswith("_airbyte_")}


def test_every_table_arrives(airbyte: Airbyte, mysql: MySQL, warehouse: bigquery.Client, db: str) -> None:
    mysql.run("create table `odd name` (`a b` int primary key)", "insert into `odd name` values (7)")
    mysql.run("create table t (id int primary key, v varchar(9))", "insert into t values (1, 'a'), (2, null)")
    mysql.run("create table empty (id int, v text)")
    mysql.run("create view seen as select id from t")

    job = airbyte.sync(airbyte.connection(db))

    assert (job.rows_synced, job.job_type, job.duration[:2]) == (5, "sync", "PT")
    assert job.bytes_synced > 0
    assert rows(warehouse, db) == [(1, "a"), (2, None)]
    assert rows(warehouse, db, "a_b", "odd_name") == [(7,)]
    assert (rows(warehouse, db, table="empty"), len(columns(warehouse, db, "empty"))) == ([], 2)
    assert rows(warehouse, db, "id", "seen") == [(1,), (2,)]
    assert list(warehouse.list_tables("airbyte_internal")) == [], "temporary tables are gone"


def test_a_large_table_comes_in_several_loads(
    airbyte: Airbyte, mysql: MySQL, warehouse: bigquery.Client, db: str
) -> None:
    mysql.run(
        "create table t (id int primary key, v text)",
        "insert into t select seq, concat(md5(seq), md5(-seq), md5(seq + 0.5), md5(seq + 0.25)) from seq_1_to_260000",
    )
    airbyte.sync(airbyte.connection(db))

    loads = [
        job
        for job in warehouse.list_jobs()
        if job.job_type == "load" and job.destination.table_id.startswith(f"raw__{db}_")
    ]
    assert len(loads) > 1
    assert rows(warehouse, db, "count(*), count(distinct id), min(id), max(id)") == [(260_000, 260_000, 1, 260_000)]


def test_a_load_that_fails_leaves_no_temporary_table(warehouse: bigquery.Client, tmp_path: Path) -> None:
    loader = Warehouse({"project_id": warehouse.project, "dataset_location": "US"}, "raw__cut")
    loader.prepare()
    whole, cut = tmp_path / "whole.parquet", tmp_path / "cut.parquet"
    values = "'a' _airbyte_raw_id, now() _airbyte_extracted_at, '{}' _airbyte_meta, 1::bigint _airbyte_generation_id"
    duckdb.sql(f"copy (select {values}) to '{whole}'")
    cut.write_bytes(whole.read_bytes()[:-20])
    with loader.stage("t", [], [whole]):
        assert [table.table_id for table in warehouse.list_tables("airbyte_internal")] == ["raw__cut_raw__stream_t"]
    with pytest.raises(GoogleAPIError):
        loader.stage("t", [], [whole, cut])
    assert list(warehouse.list_tables("airbyte_internal")) == []


def test_airbyte_columns_come_first(airbyte: Airbyte, mysql: MySQL, warehouse: bigquery.Client, db: str) -> None:
    mysql.run("create table t (id int)", "insert into t values (1), (1)")
    connection = airbyte.connection(db)
    airbyte.sync(connection)
    job = airbyte.sync(connection)

    schema = [(field.name, field.field_type) for field in warehouse.get_table(f"raw__{db}.t").schema]
    assert [name for name, _ in schema] == [
        "_airbyte_raw_id", "_airbyte_extracted_at", "_airbyte_meta", "_airbyte_generation_id", "id"
    ]  # fmt: skip
    assert [kind for _, kind in schema] == ["STRING", "TIMESTAMP", "JSON", "INTEGER", "INTEGER"]
    first, second = rows(warehouse, db, "_airbyte_raw_id, _airbyte_meta, _airbyte_generation_id")
    assert first[0] != second[0]
    assert first[1:] == ({"sync_id": job.job_id, "changes": []}, 2)


def test_a_wider_view_of_namespaces(airbyte: Airbyte, mysql: MySQL, warehouse: bigquery.Client, db: str) -> None:
    mysql.run("create table t (id int, v int)", "insert into t values (1, 2)")

    airbyte.sync(airbyte.connection(db, namespaceDefinition="destination", prefix="p_"))
    airbyte.sync(airbyte.connection(db, namespaceDefinition="source"))

    assert [tuple(row.values()) for row in warehouse.query("select id, v from raw.p_t").result()] == [(1, 2)]
    assert [tuple(row.values()) for row in warehouse.query(f"select id, v from {db}.t").result()] == [(1, 2)]


def test_only_selected_streams_and_fields_arrive(
    airbyte: Airbyte, mysql: MySQL, warehouse: bigquery.Client, db: str
) -> None:
    mysql.run("create table t (id int, secret text, v int)", "insert into t values (1, 's', 2)")
    mysql.run("create table other (id int)")
    selected = [{"fieldPath": ["id"]}, {"fieldPath": ["v"]}]

    airbyte.sync(airbyte.connection(db, {"name": "t", "selectedFields": selected}))

    assert columns(warehouse, db) == {"id": "INTEGER", "v": "INTEGER"}
    assert [table.table_id for table in warehouse.list_tables(f"raw__{db}")] == ["t"]


def test_overwriting_replaces_rows_and_schema(
    airbyte: Airbyte, mysql: MySQL, warehouse: bigquery.Client, db: str
) -> None:
    mysql.run("create table t (id int, v int, gone int)", "insert into t values (1, 1, 1), (2, 2, 2)")
    connection = airbyte.connection(db, nonBreakingSchemaUpdatesBehavior="propagate_fully")
    airbyte.sync(connection)
    mysql.run("alter table t drop gone, add new json, modify v varchar(5)", "delete from t where id = 1")
    mysql.run("""insert into t values (3, 'x', '{"a": 1}')""")

    airbyte.sync(connection)

    assert columns(warehouse, db) == {"id": "INTEGER", "v": "STRING", "new": "JSON"}
    assert rows(warehouse, db, "id, v, new") == [(2, "2", None), (3, "x", {"a": 1})]


def test_schema_changes_are_ignored_by_default(
    airbyte: Airbyte, mysql: MySQL, warehouse: bigquery.Client, db: str
) -> None:
    mysql.run("create table t (id int, v int)", "insert into t values (1, 1)")
    connection = airbyte.connection(db)
    mysql.run("alter table t drop v, add w int default 9")

    job = airbyte.sync(connection)

    assert columns(warehouse, db) == {"id": "INTEGER", "v": "INTEGER"}
    assert rows(warehouse, db) == [(1, None)]
    assert "new in the source: ['w']" in airbyte.log(job.job_id)
    assert "gone from the source: ['v']" in airbyte.log(job.job_id)


def test_readers_see_the_old_table_or_the_new_one(
    airbyte: Airbyte, mysql: MySQL, warehouse: bigquery.Client, db: str
) -> None:
    mysql.run("create table t (id int, v int)", "insert into t select seq, 0 from seq_1_to_20000")
    connection = airbyte.connection(db)
    airbyte.sync(connection)
    seen: set[tuple[Any, ...]] = set()
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            seen.update(rows(warehouse, db, "count(*), min(v), max(v)"))

    reader = threading.Thread(target=read)
    reader.start()
    for version in (1, 2, 3):
        mysql.run(f"update t set v = {version}")
        airbyte.sync(connection)
    stop.set()
    reader.join()

    assert seen <= {(20000, version, version) for version in range(4)}
    assert len(seen) > 1


def test_a_dropped_table_fails_its_stream_only(
    airbyte: Airbyte, mysql: MySQL, warehouse: bigquery.Client, db: str
) -> None:
    mysql.run("create table t (id int, v int)", "insert into t values (1, 1)", "create table a (id int)")
    connection = airbyte.connection(db)
    airbyte.sync(connection)
    mysql.run("drop table a", "update t set v = 2")

    job = airbyte.finished(airbyte.start(connection))

    assert job.status == "failed"
    assert "stream 'a': not found" in airbyte.log(job.job_id)
    assert rows(warehouse, db) == [(1, 2)], "the other stream is committed"
    assert rows(warehouse, db, "id", "a") == [], "the old rows stay"


def test_full_refresh_append_keeps_what_was_there(
    airbyte: Airbyte, mysql: MySQL, warehouse: bigquery.Client, db: str
) -> None:
    mysql.run("create table t (id int, v int)", "insert into t values (1, 1)")
    connection = airbyte.connection(db, {"name": "t", "syncMode": "full_refresh_append"})
    airbyte.sync(connection)
    mysql.run("update t set v = 2")
    airbyte.sync(connection)

    assert sorted(rows(warehouse, db)) == [(1, 1), (1, 2)]


def test_incremental_append_reads_what_is_new(
    airbyte: Airbyte, mysql: MySQL, warehouse: bigquery.Client, db: str
) -> None:
    mysql.run("create table t (id int primary key, v int, at datetime(6))")
    mysql.run("insert into t values (1, 1, '2013-01-01'), (2, 2, '2013-01-02 00:00:00.000001'), (3, 3, null)")
    connection = airbyte.connection(db, INCREMENTAL)
    assert airbyte.sync(connection).rows_synced == 3
    assert airbyte.sync(connection).rows_synced == 0
    mysql.run("insert into t values (4, 4, '2013-01-03')", "update t set v = 9 where id = 1")

    assert airbyte.sync(connection).rows_synced == 1
    assert rows(warehouse, db) == [(1, 1), (2, 2), (3, 3), (4, 4)]


def test_incremental_cursors_compare_large_numbers_exactly(
    airbyte: Airbyte, mysql: MySQL, warehouse: bigquery.Client, db: str
) -> None:
    mysql.run("create table t (id bigint primary key, v int)", "insert into t values (9007199254740992, 1)")
    connection = airbyte.connection(db, {"name": "t", "syncMode": "incremental_append", "cursorField": ["id"]})
    airbyte.sync(connection)
    mysql.run("insert into t values (9007199254740993, 2)")

    assert airbyte.sync(connection).rows_synced == 1


def test_incremental_deduped_keeps_the_newest_row_of_a_key(
    airbyte: Airbyte, mysql: MySQL, warehouse: bigquery.Client, db: str
) -> None:
    mysql.run("create table t (id int primary key, v int, at date)")
    mysql.run("insert into t values (1, 1, '2013-01-01'), (2, 2, '2013-01-01')")
    connection = airbyte.connection(db, DEDUPED, nonBreakingSchemaUpdatesBehavior="propagate_columns")
    airbyte.sync(connection)
    mysql.run("alter table t add w int", "update t set v = 9, w = 5, at = '2013-01-02' where id = 1")
    mysql.run("insert into t values (3, 3, '2013-01-03', null)")

    assert airbyte.sync(connection).rows_synced == 2
    assert rows(warehouse, db, "id, v, w") == [(1, 9, 5), (2, 2, None), (3, 3, None)]
    assert columns(warehouse, db) == {"id": "INTEGER", "v": "INTEGER", "at": "DATE", "w": "INTEGER"}


def test_appending_a_changed_type_fails(airbyte: Airbyte, mysql: MySQL, db: str) -> None:
    mysql.run("create table t (id int primary key, v int, at date)", "insert into t values (1, 1, '2013-01-01')")
    connection = airbyte.connection(db, DEDUPED)
    airbyte.sync(connection)
    mysql.run("alter table t modify v varchar(9)", "insert into t values (2, 'x', '2013-01-02')")

    job = airbyte.finished(airbyte.start(connection))

    assert job.status == "failed"
    assert "the table has INT64, the source now gives STRING" in airbyte.log(job.job_id)


def test_a_reset_empties_tables_and_forgets_cursors(
    airbyte: Airbyte, mysql: MySQL, warehouse: bigquery.Client, db: str
) -> None:
    mysql.run("create table t (id int primary key, v int, at date)", "insert into t values (1, 1, '2013-01-01')")
    connection = airbyte.connection(db, INCREMENTAL)
    airbyte.sync(connection)

    assert airbyte.finished(airbyte.start(connection, "reset")).status == "succeeded"
    assert rows(warehouse, db) == []
    assert airbyte.sync(connection).rows_synced == 1
    assert rows(warehouse, db, "id, _airbyte_generation_id") == [(1, 1)]


def test_one_job_at_a_time(airbyte: Airbyte, mysql: MySQL, db: str) -> None:
    mysql.run("create table t (id int)")
    connection = airbyte.connection(db)
    airbyte.fault(kind="job_hang")
    running = airbyte.start(connection)

    with pytest.raises(SDKError) as refused:
        airbyte.start(connection)
    assert refused.value.status_code == 409

    poll(lambda: airbyte.job(running), lambda job: job.status == "running")
    cancelled = airbyte.api.jobs.cancel_job(request={"jobId": running}).job_response
    assert cancelled.status == "cancelled"
    with pytest.raises(SDKError) as over:
        airbyte.api.jobs.cancel_job(request={"jobId": running})
    assert over.value.status_code == 409

    done = airbyte.sync(connection)
    listed = airbyte.api.jobs.list_jobs(request={"connectionId": connection}).jobs_response.data
    assert [job.job_id for job in listed] == [done.job_id, running]
    only = airbyte.api.jobs.list_jobs(request={"connectionId": connection, "status": "cancelled"}).jobs_response.data
    assert [job.job_id for job in only] == [running]


def test_a_cancelled_sync_leaves_the_old_rows(
    airbyte: Airbyte, mysql: MySQL, warehouse: bigquery.Client, db: str
) -> None:
    mysql.run("create table t (id int, v int)", "insert into t values (1, 1)")
    connection = airbyte.connection(db)
    airbyte.sync(connection)
    mysql.run("create table big as select 1 as id, 2 as v from seq_1_to_5000")
    mysql.run("drop table t", "create view t as select id, v + sleep(0.01) as v from big")
    running = airbyte.start(connection)
    reading = "select count(*) from information_schema.processlist where info like 'select /* airbyte job%'"
    poll(lambda: mysql.run(reading), lambda found: found == [(1,)])

    airbyte.api.jobs.cancel_job(request={"jobId": running})
    poll(lambda: airbyte.log(running), lambda log: "was cancelled" in log)

    assert airbyte.job(running).status == "cancelled"
    assert rows(warehouse, db) == [(1, 1)]


def test_state_and_rows_survive_a_crash_of_all_services(
    cloud: LocalCloud, airbyte: Airbyte, mysql: MySQL, warehouse: bigquery.Client, db: str
) -> None:
    mysql.run("create table t (id int primary key, v int, at date)", "insert into t values (1, 1, '2013-01-01')")
    connection = airbyte.connection(db, INCREMENTAL)
    airbyte.sync(connection)
    airbyte.fault(kind="job_hang")
    running = airbyte.start(connection)
    poll(lambda: airbyte.job(running), lambda job: job.status == "running")

    names = ("airbyte", "bigquery", "cloud_sql")
    for name in names:
        cloud.processes[name].kill()
    cloud.start("airbyte")

    assert airbyte.job(running).status == "incomplete"
    assert airbyte.finished(running).status == "failed"
    without_source = airbyte.finished(airbyte.start(connection))
    assert without_source.status == "failed"
    assert "Could not connect to the source database" in airbyte.log(without_source.job_id)
    assert cloud.password not in airbyte.log(without_source.job_id)

    cloud.start("bigquery", "cloud_sql")
    assert airbyte.sync(connection).rows_synced == 0, "cursors survive"
    assert rows(warehouse, db) == [(1, 1)]


def test_ordered_faults(airbyte: Airbyte, mysql: MySQL, warehouse: bigquery.Client, db: str) -> None:
    mysql.run("create table t (id int, v int)", "insert into t values (1, 1)", "create table u (id int)")
    mysql.run("insert into u values (5)")
    connection = airbyte.connection(db)

    airbyte.fault(kind="job_failed", message="out of disk")
    job = airbyte.finished(airbyte.start(connection))
    assert (job.status, "out of disk" in airbyte.log(job.job_id)) == ("failed", True)

    airbyte.fault(kind="job_empty")
    assert airbyte.sync(connection).rows_synced == 0

    airbyte.fault(kind="stream_failed", stream="t")
    assert airbyte.finished(airbyte.start(connection)).status == "failed"
    assert rows(warehouse, db, "id", "u") == [(5,)]
    assert [table.table_id for table in warehouse.list_tables(f"raw__{db}")] == ["u"]

    airbyte.fault(kind="duplicate_rows", stream="t")
    assert airbyte.sync(connection).rows_synced == 3
    assert rows(warehouse, db) == [(1, 1), (1, 1)]

    airbyte.fault(kind="http", status=429, path="/jobs", method="GET")
    with pytest.raises(SDKError) as refused:
        airbyte.job(job.job_id)
    assert refused.value.status_code == 429

    airbyte.fault(kind="delay", seconds=0.5)
    airbyte.sync(connection)
    assert rows(warehouse, db) == [(1, 1)]
    assert httpx.get(f"{airbyte.url}/_faults", timeout=5).json() == []
