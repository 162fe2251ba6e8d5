"""Two runs of `consolidate` at once, as a run and a backfill, on BigQuery's emulator: a whole version, or none."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from google.cloud import bigquery

from tests.support.published import LOCATION, TABLES, audit, publish_generation
from tributary import publishing, versions
from tributary.errors import OvertakenError
from tributary.failures import Kind, classify
from tributary.ledger.store import OpsStore, execute

# Even ones are published, odd ones are the other run's.
GENERATIONS = itertools.count(2, 2)


@pytest.fixture
def store(client: bigquery.Client) -> OpsStore:
    return OpsStore(client, LOCATION)


@pytest.fixture
def generation(client: bigquery.Client) -> int:
    """The generation that is to be published; the one before it is live."""
    first, second = next(GENERATIONS), next(GENERATIONS)
    audit(client, first)
    publish_generation(client, first)
    audit(client, second)
    return second


def generations(client: bigquery.Client) -> set[int]:
    """What readers see."""
    sql = "\nunion distinct\n".join(f"select generation from consolidated.{table}" for table in TABLES)
    return {row["generation"] for row in execute(client, sql)}


def whole(client: bigquery.Client) -> list[str]:
    return [version.id for version in versions.kept(client) if version.content]


def before(patch: pytest.MonkeyPatch, module: Any, name: str, act: Callable[[], object]) -> None:
    """Let the other run act once, right before this run's step."""
    step, waiting = getattr(module, name), [act]

    def overtaken(*arguments: Any, **options: Any) -> Any:
        if waiting:
            waiting.pop()()
        return step(*arguments, **options)

    patch.setattr(module, name, overtaken)


def refused(client: bigquery.Client, generation: int) -> OvertakenError:
    with pytest.raises(OvertakenError) as refusal:
        publish_generation(client, generation)
    # So that the task is tried again.
    assert classify(refusal.value).kind is not Kind.permanent
    return refusal.value


@pytest.mark.parametrize("step", ["make", "_snapshot"])
@pytest.mark.parametrize("rebuilt", [TABLES, TABLES[:1]], ids=["all", "one"])
def test_tables_rebuilt_after_their_check_are_no_version(
    client: bigquery.Client, generation: int, monkeypatch: pytest.MonkeyPatch, step: str, rebuilt: tuple[str, ...]
):
    was = whole(client)
    # One snapshot after the other: the first is of the checked tables, the others are of the other run's.
    monkeypatch.setattr(versions, "_AT_ONCE", 1)
    snapshot = versions._snapshot

    def overtaken(client: bigquery.Client, version: versions.Version, table: str) -> None:
        snapshot(client, version, table)
        if table == TABLES[0]:
            audit(client, generation + 1, tables=rebuilt)

    if step == "make":
        before(monkeypatch, versions, "make", lambda: audit(client, generation + 1, tables=rebuilt))
    else:
        monkeypatch.setattr(versions, "_snapshot", overtaken)

    assert str(refused(client, generation)).startswith(", ".join(rebuilt))

    assert generations(client) == {generation - 2}
    assert whole(client) == was
    monkeypatch.undo()
    audit(client, generation)
    publish_generation(client, generation)
    assert generations(client) == {generation}
    # What the overtaken try has left is gone.
    assert [version.id for version in versions.kept(client)] == whole(client)


def test_a_version_that_waits_to_be_published_is_not_removed(
    client: bigquery.Client, store: OpsStore, generation: int, monkeypatch: pytest.MonkeyPatch
):
    """The other run has published before this one's version was made, and cleans up after that."""
    before(monkeypatch, publishing, "make_live", lambda: versions.prune(client, store, keep=1))
    publish_generation(client, generation)
    assert generations(client) == {generation}


def test_a_version_that_is_being_made_is_not_removed(
    client: bigquery.Client, store: OpsStore, generation: int, monkeypatch: pytest.MonkeyPatch
):
    before(monkeypatch, versions, "_snapshot", lambda: versions.prune(client, store, keep=1))
    publish_generation(client, generation)
    assert generations(client) == {generation}


@pytest.mark.parametrize("step", ["_prepare", "transaction"])
def test_a_version_that_another_run_has_overtaken_is_tried_again(
    client: bigquery.Client, generation: int, monkeypatch: pytest.MonkeyPatch, step: str
):
    """The other run's version is newer and live, so this one's looks like what a killed try has left."""

    def other_run() -> None:
        audit(client, generation + 1)
        publish_generation(client, generation + 1)

    before(monkeypatch, publishing, "make_live" if step == "_prepare" else step, other_run)
    refused(client, generation)
    assert generations(client) == {generation + 1}
    audit(client, generation)
    publish_generation(client, generation)
    assert generations(client) == {generation}
