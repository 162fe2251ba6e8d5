"""A BigQuery emulator in which nothing was published yet; in the end, what it was asked has to be as is published."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from google.cloud import bigquery

from tests.support import wire
from tests.support.bigquery import bigquery_of_its_own
from tests.support.published import client_of


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[bigquery.Client]:
    with bigquery_of_its_own(tmp_path_factory.mktemp("cloud"), is_recorded=True) as cloud:
        yield client_of(cloud.project)
    wire.check(cloud.record)
