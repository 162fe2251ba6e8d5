"""BigQuery's `jobs.list` and `jobs.query` for the emulator.

Its own list ignores times and pages, and forgets the labels of queries; its `jobs.query` answers a query that fails
with 200 and no rows.

Source: `jobs` and `Job` of BigQuery's REST API, https://bigquery.googleapis.com/discovery/v1/apis/bigquery/v2/rest.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from bqemulator.api.dependencies import get_caller, get_context
from bqemulator.api.routes import jobs
from bqemulator.catalog.models import JobMeta
from bqemulator.domain.errors import ValidationError
from fastapi import Depends, Query, Request

# What BigQuery sends at most in one page.
_PAGE = 1000
_EVERYTHING = 2**31
# What a request for a query's rows says as a job's configuration does.
_OF_A_QUERY = ("query", "useLegacySql", "parameterMode", "queryParameters", "maximumBytesBilled", "defaultDataset")


def apply() -> None:
    """Patch the emulator in this process; call it before the server starts."""
    own = {"list_jobs", "query"}
    jobs.router.routes[:] = [route for route in jobs.router.routes if getattr(route, "name", "") not in own]
    jobs.router.add_api_route("/projects/{project_id}/jobs", list_jobs, methods=["GET"])
    jobs.router.add_api_route("/projects/{project_id}/queries", query, methods=["POST"])
    _keep_what_was_asked_for()


async def list_jobs(
    project_id: str,
    context: Annotated[Any, Depends(get_context)],
    maxResults: Annotated[int, Query(ge=1)] = _PAGE,
    pageToken: str = "",
    projection: Literal["full", "minimal", "FULL", "MINIMAL"] = "minimal",
    stateFilter: Annotated[list[Literal["done", "pending", "running"]] | None, Query()] = None,
    minCreationTime: Annotated[int | None, Query(ge=0)] = None,
    maxCreationTime: Annotated[int | None, Query(ge=0)] = None,
    parentJobId: str = "",
) -> dict[str, Any]:
    """The project's jobs, the newest first. Times are milliseconds since 1970, their limits belong to what is listed.

    There is one user here, so `allUsers` changes nothing. A script's statements are no jobs of their own here. A
    coroutine, since jobs come to the catalog in the server's one thread.
    """
    if pageToken and not pageToken.isdecimal():
        raise ValidationError(f"Invalid page token: {pageToken}")
    states = {state.upper() for state in stateFilter or ()}
    found = [
        job
        for job in context.catalog.list_jobs(project_id, max_results=_EVERYTHING)
        if not parentJobId
        and not job.configuration.get("dryRun")
        and (not states or job.state in states)
        and (minCreationTime is None or milliseconds(job.creation_time) >= minCreationTime)
        and (maxCreationTime is None or milliseconds(job.creation_time) <= maxCreationTime)
    ]
    first = int(pageToken or 0)
    end = first + min(maxResults, _PAGE)
    full = projection.lower() == "full"
    page: dict[str, Any] = {"kind": "bigquery#jobList", "jobs": [resource(job, full) for job in found[first:end]]}
    if end < len(found):
        page["nextPageToken"] = str(end)
    return page


async def query(
    project_id: str,
    request: Request,
    context: Annotated[Any, Depends(get_context)],
    caller: Annotated[Any, Depends(get_caller)],
) -> dict[str, Any]:
    """The rows of a query that is waited for; one that fails is refused with its reason, as a job it stays listed."""
    answer = await jobs.query(project_id, request, context, caller)
    job = context.catalog.get_job(project_id, answer["jobReference"].get("jobId", ""))
    if job is not None:
        body = await request.json()
        asked = {"query": {name: body[name] for name in _OF_A_QUERY if name in body}, "labels": body.get("labels", {})}
        _keep(job, asked)
        context.catalog.upsert_job(job)
        if error := job.error_result:
            kinds = [kind for kind in jobs._SQL_EXECUTION_DOMAIN_ERRORS if kind.bq_reason == error["reason"]]
            raise kinds[0](error["message"], location=error.get("location"))
    return answer


def resource(job: JobMeta, full: bool) -> dict[str, Any]:
    """A job as the list shows it; its configuration only in the full projection."""
    whole = jobs._build_job_response(job.project_id, job.job_id, job, job.configuration)
    shown = {key: whole[key] for key in ("kind", "id", "jobReference", "status", "statistics")}
    shown["state"] = job.state
    if job.error_result:
        shown["errorResult"] = job.error_result
    if full:
        shown["configuration"] = {**job.configuration, "jobType": job.job_type}
        shown["user_email"] = job.user_email or "local@localhost"
    return shown


def milliseconds(moment: datetime) -> int:
    """Since 1970, as in a job's `creationTime`."""
    known = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(known.timestamp() * 1000)


def _keep_what_was_asked_for() -> None:
    """A query's job keeps the configuration that it was started with, labels too; the emulator kept its SQL alone.

    Of its parameters the names and types: every job stays in memory, and values may be megabytes.
    """
    handle = jobs._handle_query_job

    async def handle_and_keep(project_id: str, job_id: str, config: dict[str, Any], **more: Any) -> Any:
        done = await handle(project_id, job_id, config, **more)
        if isinstance(done, JobMeta):
            _keep(done, config)
        return done

    jobs._handle_query_job = handle_and_keep


def _keep(job: JobMeta, config: dict[str, Any]) -> None:
    asked = {**config["query"], **job.configuration.get("query", {})}
    if parameters := asked.pop("queryParameters", None):
        asked["queryParameters"] = [_without_value(parameter) for parameter in parameters]
    job.configuration.update({**config, "query": asked})


def _without_value(parameter: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in parameter.items() if key != "parameterValue"}
