"""The emulator's list of jobs, as Google's client reads it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from google.api_core.exceptions import BadRequest, NotFound
from google.cloud import bigquery


def start(warehouse: bigquery.Client, number: int, *, sql: str = "select 1 as one") -> str:
    config = bigquery.QueryJobConfig(labels={"test": "jobs", "number": str(number)})
    job = warehouse.query(sql, job_config=config)
    return str(job.job_id)


@pytest.fixture
def started(warehouse: bigquery.Client) -> list[str]:
    """Five jobs, oldest first."""
    return [start(warehouse, number) for number in range(5)]


def test_jobs_are_listed_newest_first_over_all_pages(warehouse: bigquery.Client, started: list[str]) -> None:
    pages = warehouse.list_jobs(all_users=True, page_size=2, max_results=5).pages
    assert [len(list(page)) for page in pages] == [2, 2, 1]
    listed = [job.job_id for job in warehouse.list_jobs(all_users=True, page_size=2)]
    assert listed[:5] == started[::-1]
    assert len(listed) == len(set(listed)) == len(list(warehouse.list_jobs()))


def test_labels_of_queries_and_of_copies_are_kept(warehouse: bigquery.Client, started: list[str]) -> None:
    warehouse.create_dataset("listed", exists_ok=True)
    warehouse.query("create or replace table listed.a as select 1 as one").result()
    config = bigquery.CopyJobConfig(labels={"test": "copy"}, write_disposition="WRITE_TRUNCATE")
    copy = warehouse.copy_table("listed.a", "listed.b", job_config=config)
    copy.result()
    jobs = {job.job_id: job for job in warehouse.list_jobs()}
    assert [jobs[name].labels["number"] for name in started] == ["0", "1", "2", "3", "4"]
    assert jobs[started[0]].query == "select 1 as one"
    assert jobs[copy.job_id].labels == {"test": "copy"}
    assert jobs[copy.job_id].job_type == "copy"


def test_of_a_query_s_parameters_names_and_types_are_kept(warehouse: bigquery.Client) -> None:
    parameters = [
        bigquery.ScalarQueryParameter("day", "DATE", "2013-01-01"),
        bigquery.ArrayQueryParameter("names", "STRING", ["a", "b"]),
    ]
    job = warehouse.query("select @day, @names", bigquery.QueryJobConfig(query_parameters=parameters))
    (listed,) = [one for one in warehouse.list_jobs() if one.job_id == job.job_id]
    day, names = listed.query_parameters
    assert (day.name, day.type_, day.value) == ("day", "DATE", None)
    assert (names.name, names.array_type, names.values) == ("names", "STRING", [])


def test_limits_of_time_belong_to_what_is_listed(warehouse: bigquery.Client, started: list[str]) -> None:
    jobs = {job.job_id: job for job in warehouse.list_jobs()}
    middle = jobs[started[2]].created
    since = {job.job_id for job in warehouse.list_jobs(min_creation_time=middle)}
    until = {job.job_id for job in warehouse.list_jobs(max_creation_time=middle)}
    assert started[2] in since & until
    assert {started[3], started[4]} <= since
    assert {started[0], started[1]} <= until
    assert list(warehouse.list_jobs(min_creation_time=datetime.now(UTC) + timedelta(hours=1))) == []


def test_a_failed_job_says_why(warehouse: bigquery.Client) -> None:
    name = start(warehouse, 0, sql="select * from listed.nowhere")
    (job,) = [job for job in warehouse.list_jobs(state_filter="done") if job.job_id == name]
    assert job.error_result["reason"] == "notFound"
    assert job.labels["test"] == "jobs"
    assert list(warehouse.list_jobs(state_filter="running")) == []


def test_a_page_token_that_no_page_gave_is_refused(warehouse: bigquery.Client) -> None:
    with pytest.raises(BadRequest, match="Invalid page token"):
        list(warehouse.list_jobs(page_token="x"))


def test_a_query_that_is_waited_for_is_one_request_and_a_job_with_its_labels(warehouse: bigquery.Client) -> None:
    config = bigquery.QueryJobConfig(
        labels={"test": "waited"},
        maximum_bytes_billed=10**9,
        query_parameters=[bigquery.ScalarQueryParameter("day", "DATE", "2013-01-01")],
    )
    (row,) = rows = warehouse.query_and_wait("select @day as day, 1 as one", job_config=config)
    assert tuple(row.values()) == (date(2013, 1, 1), 1)
    (listed,) = [one for one in warehouse.list_jobs() if one.job_id == rows.job_id]
    assert listed.labels == {"test": "waited"}
    assert listed.maximum_bytes_billed == 10**9
    assert [one.name for one in listed.query_parameters] == ["day"]


@pytest.mark.parametrize(
    ("sql", "error"),
    [
        ("select * from listed.nowhere", NotFound),
        ("select nothing from unnest([1])", BadRequest),
        ("select error('no')", BadRequest),
    ],
)
def test_a_query_that_is_waited_for_and_fails_is_refused(
    warehouse: bigquery.Client, sql: str, error: type[Exception]
) -> None:
    before = {job.job_id for job in warehouse.list_jobs()}
    with pytest.raises(error):
        warehouse.query_and_wait(sql, retry=None, job_retry=None)
    (job,) = [job for job in warehouse.list_jobs() if job.job_id not in before]
    assert job.error_result
