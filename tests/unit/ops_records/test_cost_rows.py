"""Rows of costs, from jobs as BigQuery's API describes them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud.bigquery import Client

from tributary.ops_records.costs import billed, row_of

OURS = {
    "tributary": "job",
    "step": "transform",
    "database": "shop_eu",
    "run": "manual__2013-01-02",
    "day": "2013-01-02",
}
TARGET = {"projectId": "p", "datasetId": "raw__shop_eu", "tableId": "orders"}


def job(
    configuration: dict[str, Any], labels: dict[str, str] | None = None, *, error: dict[str, str] | None = None
) -> Any:
    client = Client("p", credentials=AnonymousCredentials())
    statistics = {
        "creationTime": "1357092000000", "endTime": "1357092001500", "totalSlotMs": "2500",
        "query": {
            "statementType": "INSERT", "totalBytesProcessed": "12", "totalBytesBilled": "10485760",
            "totalSlotMs": "2500",
        },
    }  # fmt: skip
    status = {"state": "DONE", **({"errorResult": error} if error else {})}
    reference = {"projectId": "p", "jobId": "j", "location": "US"}
    resource = {
        "jobReference": reference, "status": status, "statistics": statistics,
        "configuration": {**configuration, **({"labels": labels} if labels else {})},
    }  # fmt: skip
    return client.job_from_resource(resource)


QUERY = {"query": {"query": "select 1"}, "jobType": "QUERY"}


def test_a_query_of_ours_says_whose_it_is_and_what_it_cost():
    assert row_of(job(QUERY, OURS)) == {
        "job_id": "j", "database": "shop_eu", "step": "transform", "dump_date": "2013-01-02",
        "run_id": "manual__2013-01-02", "job_type": "query", "statement_type": "INSERT", "bytes_processed": 12,
        "bytes_billed": 10485760, "slot_seconds": 2.5, "created_at": datetime(2013, 1, 2, 2, tzinfo=UTC),
        "ended_at": datetime(2013, 1, 2, 2, 0, 1, 500000, tzinfo=UTC), "error": None,
    }  # fmt: skip


def test_of_an_error_only_the_reason_is_kept():
    row = row_of(job(QUERY, OURS, error={"reason": "invalidQuery", "message": "Bad value 'Jane Doe'"}))
    assert row is not None
    assert row["error"] == "invalidQuery"
    assert "Jane" not in str(row)


@pytest.mark.parametrize("labels", [None, {"step": "transform"}, {"tributary": "version"}])
def test_jobs_of_others_are_not_counted(labels: dict[str, str] | None):
    assert row_of(job(QUERY, labels)) is None


@pytest.mark.parametrize(
    "configuration",
    [
        {"load": {"destinationTable": TARGET}},
        {"copy": {"destinationTable": TARGET, "sourceTable": TARGET}},
        {"query": {"query": "merge", "destinationTable": TARGET}},
    ],
)
def test_what_writes_a_raw_dataset_is_the_sync_s(configuration: dict[str, Any]):
    row = row_of(job(configuration))
    assert row is not None
    assert (row["database"], row["step"], row["run_id"]) == ("shop_eu", "sync", None)


def test_other_kinds_of_job_have_no_bytes():
    row = row_of(job({"copy": {"destinationTable": TARGET, "sourceTable": TARGET}}, OURS))
    assert row is not None
    assert (row["job_type"], row["step"], row["bytes_billed"], row["statement_type"]) == ("copy", "transform", 0, None)


def test_a_day_that_is_none_is_left_out():
    row = row_of(job(QUERY, {**OURS, "day": "yesterday"}))
    assert row is not None
    assert row["dump_date"] is None


def test_bytes_are_summed_by_database_and_step():
    rows = [
        {"database": "a", "step": "x", "bytes_billed": 1},
        {"database": "a", "step": "x", "bytes_billed": 2},
        {"database": None, "step": None, "bytes_billed": 0},
    ]
    assert dict(billed(rows)) == {("a", "x"): 3, ("none", "none"): 0}
    assert billed([]) == {}
