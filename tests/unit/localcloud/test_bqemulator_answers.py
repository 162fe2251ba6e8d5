"""What the corrections of the BigQuery emulator's answers change, without starting it."""

from __future__ import annotations

import pytest
from bqemulator.domain.errors import ValidationError

from localcloud.bqemulator_answers import has_labels, job_as_published
from localcloud.discovery import document

VALUES = [
    {"name": "share", "parameterType": {"type": "FLOAT64"}, "parameterValue": {"value": 0.5}},
    {"name": "day", "parameterType": {"type": "DATE"}, "parameterValue": {"value": "2013-01-01"}},
    {"name": "none", "parameterType": {"type": "INT64"}},
]


def test_a_job_is_as_bigquery_publishes_it() -> None:
    kept = {"query": {"totalBytesProcessed": "0", "totalRows": "1"}, "scriptStatistics": {"statementCount": "2"}}
    made = {"statistics": kept, "configuration": {"query": {"query": "select 1", "queryParameters": VALUES}}}
    built = job_as_published(lambda project, job: made.copy())("p", "j")
    document("bigquery.v2").check("Job", built)
    assert built["statistics"] == {"query": {"totalBytesProcessed": "0"}}
    values = [one.get("parameterValue") for one in built["configuration"]["query"]["queryParameters"]]
    assert values == [{"value": "0.5"}, {"value": "2013-01-01"}, None]
    # The emulator goes on to use what it gave.
    assert kept["query"]["totalRows"] == "1"
    assert VALUES[0]["parameterValue"] == {"value": 0.5}


def test_a_load_and_a_copy_stay_as_they_are() -> None:
    made = {"statistics": {"load": {"outputRows": "1"}}, "configuration": {"load": {"sourceFormat": "PARQUET"}}}
    assert job_as_published(lambda: made.copy())() == made


@pytest.mark.parametrize(
    ("conditions", "has"),
    [("", True), ("labels.a", True), ("labels.a:1", True), ("labels.a:1 labels.b", False), ("labels.a:2", False)],
)
def test_datasets_are_found_by_their_labels(conditions: str, has: bool) -> None:
    assert has_labels({"a": "1"}, conditions) is has


def test_another_filter_is_refused() -> None:
    with pytest.raises(ValidationError, match="Invalid filter: name:a"):
        has_labels({}, "name:a")
