"""Every request that the tests before this one had sent to Google's and Airbyte's APIs, and its answer.

Last of this folder by its name. docs/wire.md says what it proves.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.checkout import Checkout
from tests.support import wire

# Far below what two days, a backfill and the pages send: fewer, and something is not recorded.
AT_LEAST = 5000
# What every day does. The others that are seen are printed.
ON_EVERY_DAY = {
    "airbyte.createConnection",
    "airbyte.createJob",
    "airbyte.createSource",
    "airbyte.getJob",
    "airbyte.listConnections",
    "airbyte.listDestinations",
    "airbyte.listJobs",
    "airbyte.listSources",
    "airbyte.listWorkspaces",
    "airbyte.patchSource",
    "bigquery.datasets.get",
    "bigquery.datasets.insert",
    "bigquery.datasets.list",
    "bigquery.jobs.getQueryResults",
    "bigquery.jobs.insert",
    "bigquery.jobs.list",
    "bigquery.tables.get",
    "sql.instances.import",
    "sql.operations.get",
    "sql.operations.list",
    "storage.objects.get",
    "storage.objects.insert",
    "storage.objects.list",
}


@pytest.mark.timeout(300)
def test_every_request_of_these_days_is_as_published(
    checkout: Checkout, second_day: Any, capsys: pytest.CaptureFixture[str]
):
    assert checkout.recorded
    found = wire.report(checkout.recorded)
    with capsys.disabled():
        print(f"\n{found.seen.total()} requests with their answers, {found.refused.total()} not as published")
        for name, count in sorted(found.seen.items()):
            print(f"{count:7} {name}")
        for name, count in found.unread.items():
            print(f"{count:7} too long to be looked into: {name}")
    assert not found.refused, wire.told(found)
    assert found.seen.total() >= AT_LEAST
    assert found.seen.keys() >= ON_EVERY_DAY
    assert not any(name.endswith("request") for name in found.unread)
