"""Dumps that were loaded though they differ from their contracts: what is told, and for how long."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from tests.unit.alerts.alert_world import finding
from tests.unit.alerts.moments import after, moment, registry
from tributary.alerts import schemas
from tributary.alerts.facts import SchemaChanges
from tributary.alerts.finding import Finding, Kind, Severity
from tributary.alerts.findings import findings_of
from tributary.alerts.policy import AlertPolicy
from tributary.alerts.sorting import Sorter


def row(column: str = "stock", day: int = 2, outcome: str = "left out", **more: Any) -> dict[str, Any]:
    """As `ops/schema_changes_now` gives one."""
    return {
        "database": "shop_eu", "dump_date": date(2013, 1, 3), "run_id": "run_3", "table_name": "orders",
        "column_name": column, "change": "added column", "contract": "", "dump": "int", "mode": None,
        "outcome": outcome, "why": "", "first_day": date(2013, 1, day), "since": after(hours=day), **more,
    }  # fmt: skip


def found(*rows: dict[str, Any]) -> list[Finding]:
    return schemas.find(moment(after(hours=9)).model_copy(update={"schemas": schemas.schemas_of(rows)}), registry())


def test_one_finding_tells_every_difference_and_what_was_done_about_it():
    (one,) = found(row(), row("phone", why="its name says a way to reach a person"))
    assert one.key == "schema_changed/shop_eu/2013-01-02"
    assert one.headline == "its dump differs from the contract in 2 places"
    assert one.detail == (
        "orders.stock: added column: found int: left out",
        "orders.phone: added column: found int (its name says a way to reach a person): left out",
    )
    assert one.command == "tributary contract accept shop_eu"
    assert one.runbook == "docs/runbooks/schema-changed.md"


def test_what_stopped_a_dump_is_told_by_its_failed_step_alone():
    assert found(row(outcome="stopped")) == []
    assert found() == []


def test_nobody_gets_up_for_it_and_a_note_stays_a_note():
    assert {one.severity for one in found(row())} <= {Severity.ticket, Severity.note}


def test_a_further_change_belongs_to_the_same_incident():
    first, second = found(row())[0], found(row(), row("size", day=3))[0]
    assert first.key != second.key
    sorter = Sorter((), after(hours=4), AlertPolicy())
    sorter.put(first)
    sorter.put(second)
    assert len(sorter.result()) == 1
    sorter.put(finding(day=second.day))
    assert len(sorter.result()) == 2


def test_where_bigquery_does_not_answer_nothing_is_taken_for_healed():
    before = found(row())
    unknown = moment(after(hours=9)).model_copy(update={"schemas": None})
    kept = [one for one in findings_of(unknown, registry(), before) if one.kind is Kind.schema_changed]
    assert kept == before
    known = moment(after(hours=9)).model_copy(update={"schemas": {}})
    assert [one for one in findings_of(known, registry(), before) if one.kind is Kind.schema_changed] == []


def test_databases_that_the_registry_does_not_have_are_nobodys():
    changes = SchemaChanges(
        day=date(2013, 1, 2), since=datetime.fromisoformat("2013-01-02T03:00Z"), run_id="r", changes=("x",)
    )
    gone = moment(after()).model_copy(update={"schemas": {"gone": changes}})
    assert schemas.find(gone, registry()) == []
