"""What is not as published is refused, and the right form beside it is taken."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from localcloud.recording import BODY_BYTES, FULL, Exchange
from tests.support import wire

PROJECT = "/bigquery/v2/projects/p"
SQL_ADMIN = "/sql/v1beta4/projects/p/instances/staging"
STORAGE = "/storage/v1/b/dumps"
AIRBYTE = "/api/public/v1"
ID = "651271be-9a14-5e6c-b12f-8a672cb48506"
JSON = "application/json"
JOB = {
    "jobReference": {"projectId": "p", "jobId": "j"},
    "configuration": {
        "labels": {"database": "shop_eu"},
        "query": {"query": "select 1", "useLegacySql": False, "writeDisposition": "WRITE_TRUNCATE"},
    },
}
INTO = {"sourceUris": ["gs://dumps/a"], "maxBadRecords": 0, "timePartitioning": {"type": "DAY", "expirationMs": "1"}}
LOAD = {"configuration": {"load": INTO, "jobTimeoutMs": "1000"}}
IMPORT = {"importContext": {"fileType": "SQL", "uri": "gs://dumps/a.sql", "database": "shop_eu"}}
SOURCE = {
    "name": "tributary__shop_eu",
    "workspaceId": ID,
    "configuration": {
        "sourceType": "mysql", "host": "h", "port": 3306, "database": "shop_eu", "username": "u", "password": "p",
        "replication_method": {"method": "STANDARD"},
    },
}  # fmt: skip
SYNC = {"connectionId": ID, "jobType": "sync"}
RUN = {**SYNC, "jobId": 1, "status": "running", "startTime": "2013-01-01T00:00:00Z"}
STREAMS = {"streams": [{"name": "orders", "syncMode": "full_refresh_overwrite", "primaryKey": [["id"]]}]}
CONNECTION = {"sourceId": ID, "destinationId": ID, "configurations": STREAMS, "status": "active"}


def exchange(method: str, target: str, sent: Any = None, answered: Any = None, status: int = 200) -> Exchange:
    texts = [None if body is None else json.dumps(body) for body in (sent, answered)]
    return Exchange(
        method, target, "tests", JSON if sent is not None else "", len(texts[0] or ""), texts[0],
        status, JSON, len(texts[1] or "") or 1, texts[1],
    )  # fmt: skip


def refusals(service: str, one: Exchange, side: str = "request") -> str:
    """Why one side of it is refused, "" where it is not."""
    found = wire.Report()
    wire.look_at(service, one, found)
    return "; ".join(reason for _, where, reason in found.refused if where == side)


def changed(body: dict[str, Any], **parts: Any) -> dict[str, Any]:
    """The body with other values, at paths with a double underscore between their steps; ... takes one away."""
    copy = json.loads(json.dumps(body))
    for path, value in parts.items():
        *steps, last = path.split("__")
        inner = copy
        for step in steps:
            inner = inner[int(step) if step.isdecimal() else step]
        inner.pop(last, None)
        if value is not ...:
            inner[last] = value
    return dict(copy)


RIGHT = [
    ("bigquery", "POST", f"{PROJECT}/jobs?prettyPrint=false", JOB),
    ("bigquery", "POST", f"{PROJECT}/jobs", LOAD),
    ("bigquery", "GET", f"{PROJECT}/queries/j?maxResults=10&formatOptions.useInt64Timestamp=True&location=US", None),
    ("bigquery", "GET", f"{PROJECT}/jobs?stateFilter=done&stateFilter=running&minCreationTime=1&projection=full", None),
    ("bigquery", "PATCH", f"{PROJECT}/datasets/d", {"labels": {"a": "1", "b": None}, "description": None}),
    ("bigquery", "POST", "/upload/bigquery/v2/projects/p/jobs?uploadType=multipart", LOAD),
    ("sqladmin", "POST", f"{SQL_ADMIN}/import?alt=json", IMPORT),
    ("sqladmin", "GET", "/sql/v1beta4/projects/p/operations?instance=staging&maxResults=10&alt=json", None),
    ("storage", "GET", f"{STORAGE}/o?prefix=shop_eu%2F&projection=noAcl&fields=items%2Fname", None),
    ("storage", "GET", "/download/storage/v1/b/dumps/o/a%2Fb.sql?alt=media&generation=12", None),
    ("storage", "POST", "/upload/storage/v1/b/dumps/o?uploadType=multipart&ifGenerationMatch=0", {"name": "a"}),
    ("storage", "PUT", "/upload/storage/v1/b/dumps/o?uploadType=resumable&upload_id=u", None),
    ("airbyte", "POST", f"{AIRBYTE}/sources", SOURCE),
    ("airbyte", "POST", f"{AIRBYTE}/connections", CONNECTION),
    ("airbyte", "POST", f"{AIRBYTE}/jobs", SYNC),
    ("airbyte", "GET", f"{AIRBYTE}/jobs?connectionId={ID}&jobType=sync&limit=20&orderBy=createdAt%7CDESC", None),
    ("airbyte", "GET", f"{AIRBYTE}/sources?workspaceIds={ID}&includeDeleted=false", None),
    ("metadata", "GET", "/computeMetadata/v1/instance/service-accounts/default/token", None),
]


@pytest.mark.parametrize(("service", "method", "target", "sent"), RIGHT)
def test_what_the_clients_send_is_taken(service: str, method: str, target: str, sent: Any):
    assert refusals(service, exchange(method, target, sent)) == ""


WRONG = {
    "an unknown field of a job": (
        "bigquery", "POST", f"{PROJECT}/jobs", changed(JOB, configuration__query__usesLegacySql=False),
        "Unknown name 'usesLegacySql' at 'configuration.query'",
    ),
    "an unknown field, though it is null": (
        "bigquery", "PATCH", f"{PROJECT}/datasets/d", {"labls": None}, "Unknown name 'labls'",
    ),
    "a wrong enum": (
        "sqladmin", "POST", f"{SQL_ADMIN}/import", changed(IMPORT, importContext__fileType="sql"),
        "'importContext.fileType': 'sql' is not one of",
    ),
    "a text for an int32": (
        "bigquery", "POST", f"{PROJECT}/jobs", changed(LOAD, configuration__load__maxBadRecords="0"),
        "'configuration.load.maxBadRecords': expected a number, found text",
    ),
    "no digits in an int64": (
        "bigquery", "POST", f"{PROJECT}/jobs", changed(LOAD, configuration__jobTimeoutMs="one"),
        "'one' is no int64",
    ),
    "a number beyond an int64": (
        "bigquery", "POST", f"{PROJECT}/jobs", changed(LOAD, configuration__jobTimeoutMs=1 << 63),
        "is no int64",
    ),
    "a label that is a number": (
        "bigquery", "POST", f"{PROJECT}/jobs", changed(JOB, configuration__labels__database=1),
        "'configuration.labels.database': expected text",
    ),
    "a list for an object": ("bigquery", "POST", f"{PROJECT}/jobs", [], "expected an object, found a list"),
    "no body": ("bigquery", "POST", f"{PROJECT}/jobs", None, "has a Job as its body, found nothing"),
    "a body where there is none": (
        "bigquery", "GET", f"{PROJECT}/jobs/j", {"jobId": "j"}, "bigquery.jobs.get has no body",
    ),
    "a misspelt parameter": (
        "bigquery", "GET", f"{PROJECT}/queries/j?maxResult=10", None, "has no parameter 'maxResult'",
    ),
    "a parameter of another method": (
        "bigquery", "GET", f"{PROJECT}/jobs/j?stateFilter=done", None, "has no parameter 'stateFilter'",
    ),
    "a parameter's wrong enum": (
        "bigquery", "GET", f"{PROJECT}/jobs?stateFilter=ended", None, "'ended' is not one of done, pending, running",
    ),
    "a parameter's wrong number": (
        "bigquery", "GET", f"{PROJECT}/jobs?maxResults=-1", None, "'-1' is no uint32",
    ),
    "a parameter twice": (
        "bigquery", "GET", f"{PROJECT}/jobs?projection=full&projection=full", None, "is there 2 times",
    ),
    "an unknown path": ("bigquery", "GET", f"{PROJECT}/job/j", None, "no published method is GET"),
    "a path without the API's name": ("storage", "GET", "/b/dumps/o", None, "no published method is GET /b/dumps/o"),
    "an object's name that is not quoted": ("storage", "GET", f"{STORAGE}/o/a/b", None, "no published method"),
    "a verb that the path does not have": ("storage", "PUT", f"{STORAGE}/o", None, "no published method is PUT"),
    "an import's misspelt field": (
        "sqladmin", "POST", f"{SQL_ADMIN}/import", changed(IMPORT, importContext__uris=["gs://dumps/a.sql"]),
        "Unknown name 'uris' at 'importContext'",
    ),
    "a bucket without its name": ("storage", "POST", "/storage/v1/b?project=p", {}, "needs the field 'name'"),
    "a required parameter that is not there": (
        "storage", "POST", "/storage/v1/b", {"name": "b"}, "the required parameter 'project' is not there",
    ),
    "Airbyte's wrong enum": ("airbyte", "POST", f"{AIRBYTE}/jobs", changed(SYNC, jobType="synch"), "jobType: Input"),
    "Airbyte's unknown field": (
        "airbyte", "POST", f"{AIRBYTE}/jobs", changed(SYNC, priority=1), "priority: Extra inputs are not permitted",
    ),
    "an unknown field of a connector": (
        "airbyte", "POST", f"{AIRBYTE}/sources", changed(SOURCE, configuration__db="d"), "configuration.db: Extra",
    ),
    "a name of Python's in place of the wire's": (
        "airbyte", "POST", f"{AIRBYTE}/jobs", changed(SYNC, connectionId=..., connection_id=ID), "connectionId: Field",
    ),
    "a text for Airbyte's number": (
        "airbyte", "POST", f"{AIRBYTE}/sources", changed(SOURCE, configuration__port="3306"),
        "configuration.port: Input should be a valid integer",
    ),
    "a sync mode that there is not": (
        "airbyte", "POST", f"{AIRBYTE}/connections",
        changed(CONNECTION, configurations__streams__0__syncMode="overwrite"), "syncMode: Input",
    ),
    "Airbyte's misspelt parameter": (
        "airbyte", "GET", f"{AIRBYTE}/jobs?connection={ID}", None, "has no parameter 'connection'",
    ),
    "Airbyte's wrong parameter": ("airbyte", "GET", f"{AIRBYTE}/jobs?jobType=synch", None, "the parameter 'jobType'"),
    "Airbyte's required parameter": ("airbyte", "GET", f"{AIRBYTE}/streams", None, "parameter 'sourceId' is not there"),
    "Airbyte's unknown path": ("airbyte", "POST", f"{AIRBYTE}/sync", SYNC, "no published operation is POST"),
    "a key that no machine has": ("metadata", "GET", "/computeMetadata/v1/project/id", None, "has no GET"),
    "its parameter": ("metadata", "GET", "/computeMetadata/v1/instance/zone?wait=1", None, "no parameter 'wait'"),
}  # fmt: skip


@pytest.mark.parametrize("slip", WRONG)
def test_a_slip_is_refused(slip: str):
    service, method, target, sent, reason = WRONG[slip]
    assert reason in refusals(service, exchange(method, target, sent))


ANSWERS = [
    ("bigquery", f"{PROJECT}/jobs/j", {"status": {"state": "DONE"}, "statistics": {"startTime": "1"}}, 200, ""),
    ("bigquery", f"{PROJECT}/jobs/j", {"statistics": {"query": {"totalRows": "1"}}}, 200, "'totalRows'"),
    ("bigquery", f"{PROJECT}/jobs/j", {"statistics": {"startTime": None}}, 200, "expected a number, found null"),
    ("bigquery", f"{PROJECT}/jobs/j", {"error": {"code": 404, "message": "m", "errors": []}}, 404, ""),
    ("bigquery", f"{PROJECT}/jobs/j", {"detail": "Not Found"}, 404, "Unknown name 'detail'"),
    ("storage", f"{STORAGE}/o/a", {"generation": "1", "updated": "2013-01-01T00:00:00.000Z"}, 200, ""),
    ("storage", f"{STORAGE}/o/a", {"updated": "2013-01-01 00:00:00"}, 200, "is not of the form date-time"),
    ("storage", f"{STORAGE}/o/a", None, 404, "expected an object, found null"),
    ("sqladmin", "/v1/projects/p/operations/o", {"status": "RUNNING"}, 200, ""),
    ("sqladmin", "/v1/projects/p/operations/o", {"status": "FINISHED"}, 200, "'FINISHED' is not one of"),
    ("airbyte", f"{AIRBYTE}/jobs/1", RUN, 200, ""),
    ("airbyte", f"{AIRBYTE}/jobs/1", {**RUN, "status": "done"}, 200, "status: Input should be"),
    ("airbyte", f"{AIRBYTE}/jobs/1", {**RUN, "rows": 1}, 200, "rows: Extra inputs are not permitted"),
    ("airbyte", f"{AIRBYTE}/jobs/1", {"message": "whatever"}, 404, ""),
]


@pytest.mark.parametrize(("service", "target", "answered", "status", "reason"), ANSWERS)
def test_answers_are_held_against_the_published_ones(
    service: str, target: str, answered: Any, status: int, reason: str
):
    found = refusals(service, exchange("GET", target, None, answered, status), side="answer")
    assert reason in found
    assert bool(reason) == bool(found)


def test_a_body_that_is_no_json_is_refused():
    cut = dataclasses.replace(exchange("POST", f"{PROJECT}/jobs", JOB), sent='{"configuration": ')
    assert "the body is no JSON" in refusals("bigquery", cut)


def test_an_empty_answer_is_refused_where_something_is_published():
    nothing = dataclasses.replace(exchange("GET", f"{PROJECT}/jobs/j"), answer_size=0)
    assert "is answered with a Job, found nothing" in refusals("bigquery", nothing, side="answer")


def test_a_record_is_read_as_it_was_written(tmp_path: Path):
    right, wrong = exchange("POST", f"{PROJECT}/jobs", JOB), exchange("GET", f"{PROJECT}/jobs?x=1")
    lines = [json.dumps(dataclasses.asdict(one)) for one in (right, wrong, wrong)]
    (tmp_path / "bigquery.jsonl").write_text("\n".join(lines) + "\n")
    found = wire.report(tmp_path)
    assert found.seen == {"bigquery.jobs.insert": 1, "bigquery.jobs.list": 2}
    assert "2 x bigquery, request: bigquery.jobs.list: " in wire.told(found)
    assert "GET /bigquery/v2/projects/p/jobs?x=1 -> 200, from tests" in wire.told(found)


@pytest.mark.parametrize(("kind", "unread"), [(JSON, {"storage.objects.insert request": 1}), ("text/plain", {})])
def test_json_that_was_too_long_is_told_and_an_object_is_not(kind: str, unread: dict[str, int]):
    found = wire.Report()
    upload = exchange("POST", "/upload/storage/v1/b/dumps/o?uploadType=media&name=a", None, {"name": "a"})
    wire.look_at("storage", dataclasses.replace(upload, type=kind, size=BODY_BYTES + 1), found)
    assert found.unread == unread
    assert not found.refused


def test_one_slip_in_many_places_is_told_once():
    found = wire.Report()
    for place in (0, 1):
        one = changed(JOB, configuration__query__userDefinedFunctionResources=[{}] * place + [{"inline": "x"}])
        wire.look_at("bigquery", exchange("POST", f"{PROJECT}/jobs", one), found)
    (((_, _, reason), count),) = found.refused.items()
    assert count == 2
    assert "at 'configuration.query.userDefinedFunctionResources.*'" in reason


def test_a_record_that_had_no_room_for_all_is_no_proof(tmp_path: Path):
    (tmp_path / "storage.jsonl").write_bytes(FULL)
    with pytest.raises(AssertionError, match="is full"):
        wire.report(tmp_path)
