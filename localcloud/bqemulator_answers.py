"""Answers of bqemulator 1.4.0 that had fields which BigQuery's have not, or lacked what was asked for (docs/wire.md).

Source: BigQuery's discovery document. Drop one when a newer emulator passes the tests without it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from bqemulator.api.dependencies import get_context
from bqemulator.api.routes import datasets, jobs, routines, upload
from bqemulator.domain.errors import ValidationError
from fastapi import APIRouter, Depends, Query

# What BigQuery shows of a dataset in a list.
_LISTED = ("kind", "id", "datasetReference", "labels", "friendlyName", "location", "type")
_PAGE = 1000


def apply() -> None:
    """Patch the emulator in this process; call it before the server starts."""
    for module in (jobs, upload):
        module._build_job_response = job_as_published(module._build_job_response)  # type: ignore[assignment]
    _replace(datasets.router, "list_datasets", "/projects/{project_id}/datasets", list_datasets)
    path = "/projects/{project_id}/datasets/{dataset_id}/routines"
    _replace(routines.router, "list_routines", path, list_routines)


def _replace(router: APIRouter, name: str, path: str, function: Callable[..., Any]) -> None:
    router.routes[:] = [route for route in router.routes if getattr(route, "name", "") != name]
    router.add_api_route(path, function, methods=["GET"])


def job_as_published(build: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """What *build* makes of a job, without its rows, which results count, and with parameters' values as text.

    And without the number of a script's statements: BigQuery has them as jobs of their own.
    """

    def built(*job: Any) -> dict[str, Any]:
        made = build(*job)
        configuration = made["configuration"]
        made["statistics"] = statistics = without(made["statistics"], "scriptStatistics")
        if "query" in statistics:
            statistics["query"] = without(statistics["query"], "totalRows")
        if parameters := configuration.get("query", {}).get("queryParameters"):
            query = {**configuration["query"], "queryParameters": [_with_text(one) for one in parameters]}
            made["configuration"] = {**configuration, "query": query}
        return made

    return built


def without(value: dict[str, Any], name: str) -> dict[str, Any]:
    """A copy that lacks one field."""
    return {key: item for key, item in value.items() if key != name}


def _with_text(parameter: dict[str, Any]) -> dict[str, Any]:
    value = parameter.get("parameterValue", {}).get("value")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return parameter
    return {**parameter, "parameterValue": {"value": str(value)}}


def list_datasets(
    project_id: str,
    context: Annotated[Any, Depends(get_context)],
    maxResults: Annotated[int, Query(ge=1)] = _PAGE,
    pageToken: str = "",
    filter: str = "",
) -> dict[str, Any]:
    """The project's datasets with all labels of *filter* (``labels.a:1 labels.b``), in pages."""
    if pageToken and not pageToken.isdecimal():
        raise ValidationError(f"Invalid page token: {pageToken}")
    found = [one for one in context.catalog.list_datasets(project_id) if has_labels(one.labels, filter)]
    first = int(pageToken or 0)
    end = first + min(maxResults, _PAGE)
    page: dict[str, Any] = {"kind": "bigquery#datasetList"}
    if shown := [datasets._dataset_to_rest(one) for one in found[first:end]]:
        page["datasets"] = [{name: one[name] for name in _LISTED if name in one} for one in shown]
    if end < len(found):
        page["nextPageToken"] = str(end)
    return page


def has_labels(labels: dict[str, str], conditions: str) -> bool:
    """Whether *labels* meet all of the *conditions*, ``labels.<name>[:<value>]`` with blanks between them."""
    for condition in conditions.split():
        name, has_value, value = condition.removeprefix("labels.").partition(":")
        if not condition.startswith("labels."):
            raise ValidationError(f"Invalid filter: {condition}")
        if name not in labels or (has_value and labels[name] != value):
            return False
    return True


def list_routines(project_id: str, dataset_id: str, context: Annotated[Any, Depends(get_context)]) -> dict[str, Any]:
    """A dataset's routines, in one page."""
    found = context.catalog.list_routines(project_id, dataset_id)
    return {"routines": [routines._routine_to_rest(one) for one in found]}
