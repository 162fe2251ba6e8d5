"""Checkpoints, counts and dead letters as metrics."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.histories import Dump, Run
from tests.unit.dead_letters.letters_in_memory import T0, MemoryClient, make_letter
from tests.unit.memory_world import NAME, MemoryWorld
from tests.unit.telemetry.conftest import Agent
from tributary.dead_letters.bucket import LetterBucket
from tributary.ledger.checksums import Content
from tributary.quality.results import CheckpointResult, RuleResult
from tributary.telemetry import senders

PASSED = RuleResult("orders", "row_count", "expect_table_row_count_to_be_between", True, observed="812")
UNIQUE = RuleResult("orders", "key_unique", "expect_column_values_to_be_unique", True, unexpected_count=0)
GRAIN = RuleResult("lines", "key_unique", "expect_compound_columns_to_be_unique", False, unexpected_count=4)
ERROR = RuleResult("lines", "table_exists", "schema", False, error="table raw__kiosk.lines does not exist")
SKIPPED = RuleResult("orders", "never_shrinks", "expect_x", True, skipped="no value")
OF_RAW = {"database": "kiosk", "app": "stalls", "layer": "raw"}


def result(*rules: RuleResult, **changes: Any) -> CheckpointResult:
    return replace(CheckpointResult("raw__kiosk", "raw", rules, datetime(2026, 11, 20, tzinfo=UTC)), **changes)


def by_name(agent: Agent) -> dict[str, float]:
    return {sent.name.removeprefix("tributary."): sent.value for sent in agent.heard()}


def test_a_checkpoint_tells_its_rate_its_rules_and_its_duplicates(agent: Agent):
    senders.checked(result(PASSED, UNIQUE, GRAIN, ERROR, SKIPPED), database="kiosk", app="stalls")
    heard = agent.heard()
    rules = {
        (sent.tags["rule"], sent.tags["state"]): sent.value for sent in heard if sent.name == "tributary.quality.rules"
    }
    assert rules == {
        ("other", "passed"): 1, ("unique", "passed"): 1, ("unique", "failed"): 1, ("other", "error"): 1,
    }  # fmt: skip
    gauges = {sent.name: (sent.value, sent.tags) for sent in heard if sent.type == "g"}
    assert gauges == {"tributary.quality.pass_rate": (50, OF_RAW), "tributary.duplicates": (4, OF_RAW)}


def test_no_duplicates_is_a_zero_and_not_silence(agent: Agent):
    senders.checked(result(PASSED, UNIQUE), database="kiosk", app="stalls")
    sent = by_name(agent)
    assert (sent["quality.pass_rate"], sent["duplicates"]) == (100, 0)


def test_where_no_rule_on_keys_could_be_checked_nothing_is_said_of_duplicates(agent: Agent):
    senders.checked(result(PASSED, replace(UNIQUE, error="no column")), database="kiosk", app="stalls")
    assert "duplicates" not in by_name(agent)


def test_a_broken_rule_without_a_count_is_at_least_one_row(agent: Agent):
    senders.checked(result(replace(GRAIN, unexpected_count=None)), database="kiosk", app="stalls")
    assert by_name(agent)["duplicates"] == 1


def test_a_checkpoint_that_checked_nothing_has_no_rate(agent: Agent):
    senders.checked(result(SKIPPED), database="kiosk", app="stalls")
    assert "quality.pass_rate" not in by_name(agent)


def test_the_consolidated_layer_belongs_to_the_consolidation(agent: Agent):
    senders.checked(result(PASSED, layer="consolidated"), database="consolidated", app="stalls")
    assert {sent.tags["database"] for sent in agent.heard()} == {"consolidate"}


def test_a_stage_is_the_sum_of_its_tables_and_an_empty_quarantine_is_a_zero(agent: Agent):
    senders.counted("raw", {"orders": Content(12), "lines": Content(30)}, database="kiosk", app="stalls")
    senders.counted("quarantine", {}, database="kiosk", app="stalls")
    first, second = agent.heard()
    assert (first.value, first.tags) == (42, {"database": "kiosk", "app": "stalls", "stage": "raw"})
    assert (second.value, second.tags["stage"]) == (0, "quarantine")


@pytest.fixture
def bucket() -> LetterBucket:
    bucket = LetterBucket(MemoryClient(), "dumps")  # type: ignore[arg-type]
    bucket.change(make_letter().id, lambda found: make_letter(task_id="sync"))
    return bucket


def test_a_closed_dead_letter_tells_how_long_its_step_was_broken(agent: Agent, bucket: LetterBucket):
    later = T0 + timedelta(hours=2)
    bucket.change(make_letter().id, lambda found: found and found.replayed(later))
    # What is learnt of it afterwards changes the record, and nothing of that.
    late_news = make_letter("try_0", at=-5, run_id="run_0")
    bucket.change(make_letter().id, lambda found: found and found.absorb(late_news))
    (sent,) = agent.heard()
    assert (sent.name, sent.type, sent.value) == ("tributary.recovery.seconds", "d", 7200)
    assert sent.tags == {"database": "shop_eu", "step": "sync"}


def test_what_a_person_resolves_or_replays_has_not_recovered(agent: Agent, bucket: LetterBucket):
    later = T0 + timedelta(hours=2)
    bucket.change(make_letter().id, lambda found: found and found.replaying(later))
    bucket.change(make_letter().id, lambda found: found and found.resolved(later, "jo", "switched off"))
    assert agent.heard() == []


def test_a_step_that_fails_again_and_heals_again_tells_it_again(agent: Agent, bucket: LetterBucket):
    again = make_letter("try_2", at=180, run_id="run_2")
    for hours, change in ((1, None), (4, again)):
        if change is not None:
            bucket.change(again.id, lambda found, change=change: found and found.absorb(change))
        closed_at = T0 + timedelta(hours=hours)
        bucket.change(again.id, lambda found, closed_at=closed_at: found and found.replayed(closed_at))
    assert [sent.value for sent in agent.heard()] == [3600, 4 * 3600]


@pytest.mark.parametrize(
    ("task_id", "step", "model"),
    [
        ("sync", "sync", None),
        ("transform.orders_run", "transform", "orders"),
        ("transform.dbt_producer_watcher", "transform", None),
        ("dag_import", "dag_import", None),
    ],
)
def test_a_task_is_a_step_and_maybe_a_model(task_id: str, step: str, model: str | None):
    assert senders.step_of(task_id) == (step, model)


def test_a_sync_tells_the_bytes_that_airbyte_counted(agent: Agent):
    world = MemoryWorld()
    try:
        world.leave_dump(Dump(1, "2013-01-02"), replaces=False)
        run = Run("run_1", "2013-01-02")
        world.states[run.id] = "running"
        for step in ("find_dump", "preflight", "import_dump", "sync"):
            run.done[step] = world.try_step(step, run)
    finally:
        world.close()
    sent = [found for found in agent.heard() if found.tags["stage"] == "sync"]
    assert [(found.name, found.value) for found in sent] == [("tributary.bytes", 1)]
    assert {found.tags["database"] for found in sent} == {NAME}
