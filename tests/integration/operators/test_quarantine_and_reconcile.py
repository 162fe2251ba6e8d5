"""A real load whose bad row goes aside: what follows, and what a cleared `reconcile` makes of it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.integration.operators.conftest import DAY, Given, Kiosk
from tributary.contracts import QuarantineLimit
from tributary.hooks.clients import bigquery_client
from tributary.operators import validate
from tributary.operators.reconcile import ReconcileOperator
from tributary.operators.validate import ValidateRawOperator
from tributary.quality.suites import suites_for

SUITE = """
tables:
  lines:
    expectations:
      - type: expect_column_values_to_be_between
        kwargs: {column: id, min_value: 2}
        meta: {rule: id_from_two}
"""


def test_a_cleared_reconcile_counts_raw_whole_and_the_row_goes_aside_again(
    kiosk: Kiosk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite = tmp_path / "gx" / "kiosk" / "raw.yaml"
    suite.parent.mkdir(parents=True)
    suite.write_text(SUITE)
    monkeypatch.setattr(validate, "suites_for", partial(suites_for, include=tmp_path))
    database = kiosk.database.model_copy(update={"quarantine": QuarantineLimit(max_share=0.2)})
    xcoms: dict[str, Any] = {"find_dump": kiosk.dump}
    pushed: dict[str, Any] = {}
    instance = SimpleNamespace(
        dag_id=f"elt__{kiosk.name}",
        xcom_pull=lambda task_ids: xcoms.get(task_ids),
        xcom_push=lambda key, value: pushed.update({key: value}),
    )
    context: Any = {"run_id": "run_1", "ti": instance, "params": {"force": False}}
    reconcile = ReconcileOperator(task_id="reconcile", database=database, preflight=Given({"tables": {"lines": 5}}))
    validate_raw = ValidateRawOperator(task_id="validate_raw", database=database)
    reconcile.dump_date = validate_raw.day = DAY

    kiosk.step("import_dump")
    kiosk.step("sync")
    whole = kiosk.raw()
    for _ in range(2):
        xcoms["reconcile"] = reconcile.execute(context)
        assert kiosk.raw() == whole
        validate_raw.execute(context)
        assert pushed.pop("quarantined") == {"lines": 1}
        assert kiosk.raw() == whole[1:]
    rows = bigquery_client().query(f"select id, text, _rule from quarantine__{kiosk.name}.lines").result()
    assert [row.values() for row in rows] == [(1, "line 1", ["id_from_two"])]

    # The next sync of the day brings the whole table again; the row goes aside once more, not twice.
    kiosk.runs.states["run_1"] = "success"
    kiosk.step("import_dump", "run_2")
    kiosk.step("sync", "run_2")
    context["run_id"] = "run_2"
    xcoms["reconcile"] = reconcile.execute(context)
    validate_raw.execute(context)
    rows = bigquery_client().query(f"select id, _run_id from quarantine__{kiosk.name}.lines").result()
    assert [row.values() for row in rows] == [(1, "run_2")]
    assert kiosk.raw() == whole[1:]
