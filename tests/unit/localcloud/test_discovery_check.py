"""Requests against Google's discovery document."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.sqladmin.discovery import VERSIONS, check_request, checked_answer
from localcloud.sqladmin.errors import ApiError


@pytest.mark.parametrize("version", VERSIONS)
def test_a_request_of_the_documented_form_passes(version: str) -> None:
    context = {"uri": "gs://b/o", "fileType": "SQL", "database": "d", "sqlImportOptions": {"threads": 2}}

    check_request(version, "InstancesImportRequest", {"importContext": context})
    check_request(version, "InstancesImportRequest", {})


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ([], r"Invalid value at '\(root\)'"),
        ({"importcontext": {}}, "Unknown name 'importcontext'"),
        (
            {"importContext": {"sqlImportOptions": {"thread": 2}}},
            "Unknown name 'thread' at 'importContext.sqlImportOptions'",
        ),
        ({"importContext": {"uri": None}}, "Invalid value at 'importContext.uri'"),
        ({"importContext": {"fileType": "sql"}}, "is not one of"),
    ],
)
def test_anything_else_is_refused(payload: Any, message: str) -> None:
    with pytest.raises(ApiError, match=message) as refused:
        check_request("v1beta4", "InstancesImportRequest", payload)
    assert refused.value.code == 400


def test_long_numbers_may_be_text_as_in_protobuf() -> None:
    for size in (5, "5"):
        check_request("v1beta4", "DatabaseInstance", {"maxDiskSize": size})
    with pytest.raises(ApiError):
        check_request("v1beta4", "DatabaseInstance", {"maxDiskSize": "five"})


def test_an_answer_that_google_would_not_send_is_a_defect() -> None:
    with pytest.raises(RuntimeError, match="does not follow Operation"):
        checked_answer("v1beta4", "Operation", {"status": "FINISHED"})
