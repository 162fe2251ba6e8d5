"""The emulator refuses when it was told to, in BigQuery's words."""

from __future__ import annotations

import httpx
import pytest
from google.api_core.exceptions import Forbidden, ServiceUnavailable
from google.cloud import bigquery

from tests.support.services import LocalCloud


@pytest.mark.parametrize(
    ("status", "code", "error", "reason"),
    [
        (403, "rateLimitExceeded", Forbidden, "rateLimitExceeded"),
        (403, None, Forbidden, "accessDenied"),
        (503, None, ServiceUnavailable, "backendError"),
    ],
)
def test_an_ordered_refusal_is_served_once(
    cloud: LocalCloud, warehouse: bigquery.Client, status: int, code: str | None, error: type[Exception], reason: str
) -> None:
    fault = {"kind": "http", "status": status, "code": code, "path": "/datasets", "method": "GET", "message": "not now"}
    faults = f"http://127.0.0.1:{cloud.ports['bigquery']}/_faults"
    httpx.post(faults, json=fault).raise_for_status()
    with pytest.raises(error, match="not now") as refused:
        list(warehouse.list_datasets(retry=None))
    assert refused.value.errors[0]["reason"] == reason  # type: ignore[attr-defined]
    list(warehouse.list_datasets(retry=None))
    assert httpx.get(faults).json() == []


def test_a_fault_that_the_emulator_does_not_know_is_refused(cloud: LocalCloud) -> None:
    answer = httpx.post(f"http://127.0.0.1:{cloud.ports['bigquery']}/_faults", json={"kind": "hang"})
    assert answer.status_code == 422
    assert "expected one of http" in answer.text
