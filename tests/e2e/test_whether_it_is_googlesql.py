"""Every statement that the tests before this one had the product send to BigQuery, before Google's own analyzer.

Last of this folder by its name. docs/googlesql.md says what it proves.
"""

from __future__ import annotations

import os
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from tests.support import recorded_sql
from tests.support.googlesql import told
from tests.support.recorded_sql import Analysis
from tributary.sqlfiles import SQL

# About two thirds of what two days, a backfill and the pages send; far below it, something is not recorded.
AT_LEAST = 1500
# Nobody sets rows aside, holds publishing, asks for costs, exports, is forgotten or changes a table on these days. Each
# file is analyzed in tests/unit/test_googlesql.py, and what is sent of those of quarantine and of those by which people
# are forgotten after tests/integration/quality and tests/integration/forgetting.
NOT_ON_THESE_DAYS = {
    *(path.relative_to(SQL) for folder in ("quarantine", "forget") for path in (SQL / folder).glob("*.sql")),
    Path("consolidated/add_column.sql"),
    Path("consolidated/recount.sql"),
    Path("export/table.sql"),
    Path("ops/changed_values__insert.sql"),
    Path("ops/cost_report.sql"),
    Path("ops/dump_counts.sql"),
    Path("ops/forget_receipts__insert.sql"),
    Path("ops/forgotten__insert.sql"),
    Path("ops/forgotten_listed.sql"),
    Path("ops/holds__insert.sql"),
    Path("ops/newest_dump.sql"),
    Path("ops/published__recount.sql"),
    Path("ops/quarantine_decisions__insert.sql"),
    Path("ops/schema_changes__insert.sql"),
    Path("ops/transforming.sql"),
    # Asked while a database is late or a task stands still, which is for the machine's speed to say.
    Path("ops/usual_durations.sql"),
}


@pytest.mark.timeout(900)
def test_every_statement_of_these_days_is_googlesql(
    analysis: Future[Analysis], second_day: Any, capsys: pytest.CaptureFixture[str]
):
    google = analysis.result()
    # Nothing else has anything to do by now. Each further thread takes 150 MB.
    refused = google.refusals(at_once=min(4, os.cpu_count() or 1))
    statements = google.statements
    with capsys.disabled():
        print(f"\n{len(statements)} statements analyzed, {len(refused)} refused")
    assert not refused, told(refused)
    # What the analyzer was told of the tables is what BigQuery would make of them.
    assert not google.other_types
    assert len(statements) >= AT_LEAST
    files = {path.relative_to(SQL) for path in SQL.rglob("*.sql")}
    assert files - recorded_sql.files_of(statements) <= NOT_ON_THESE_DAYS
