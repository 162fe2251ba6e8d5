"""Publishing on BigQuery's emulator: what is kept, what comes back, and what a kill leaves."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from google.api_core.exceptions import ServiceUnavailable
from google.cloud import bigquery
from typer.testing import CliRunner

from tests.support.killing import Killed, killed_after
from tests.support.published import DATABASES, LOCATION, TABLES, audit, publish_generation
from tributary import holds, publishing, versions
from tributary.cli import app
from tributary.errors import OvertakenError, PublishHeldError, StageMismatchError
from tributary.failures import Kind, classify
from tributary.ledger.store import OpsStore, execute

GENERATIONS = itertools.count(1)


@pytest.fixture
def store(client: bigquery.Client) -> Iterator[OpsStore]:
    """Each test begins and ends with publishing free."""
    store = OpsStore(client, LOCATION)
    yield store
    if holds.current_hold(store):
        holds.release(store, who="tests")


@pytest.fixture(autouse=True)
def client_of_the_command(monkeypatch: pytest.MonkeyPatch, client: bigquery.Client) -> None:
    monkeypatch.setattr("google.cloud.bigquery.Client", lambda **_: client)


def rollback(*arguments: str, fails: bool = False) -> str:
    result = CliRunner().invoke(app, ["rollback", *arguments])
    assert bool(result.exit_code) is fails, (result.output, result.exception)
    return str(result.exception) if fails else result.output


def rows(client: bigquery.Client, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in execute(client, sql)]


def content(client: bigquery.Client, tables: tuple[str, ...] = (*TABLES, "databases")) -> dict[str, list[Any]]:
    """Everything that readers see."""
    return {table: sorted(rows(client, f"select * from consolidated.{table}"), key=str) for table in tables}


def new_generation(client: bigquery.Client, **options: Any) -> int:
    generation = next(GENERATIONS)
    audit(client, generation, **options)
    return generation


def publish_two_versions(client: bigquery.Client) -> None:
    """A live version and one before it; what an earlier test has left will do for the latter."""
    if not any(version.content for version in versions.kept(client)):
        publish_generation(client, new_generation(client))
    publish_generation(client, new_generation(client))


def live(store: OpsStore) -> str:
    return versions.published(store)[0].version


def kept(client: bigquery.Client) -> list[str]:
    return [version.id for version in versions.kept(client)]


def test_rolled_back_tables_are_what_they_were(client: bigquery.Client, store: OpsStore):
    publish_generation(client, new_generation(client))
    before, first = content(client), live(store)
    publish_generation(client, new_generation(client))
    assert content(client) != before

    said = rollback("--why", "prices are wrong", "--by", "ann", "--yes")

    assert content(client) == before
    newest = versions.published(store)[0]
    assert (newest.version, newest.kind, newest.published_by, newest.why) == (
        first, "rollback", "ann", "prices are wrong",
    )  # fmt: skip
    assert "the next run of consolidate publishes anew" in said
    assert {version for (version,) in rows(client, "select version from consolidated.databases")} == {first}


def test_a_rollback_goes_further_back_and_forward_again(client: bigquery.Client, store: OpsStore):
    publish_two_versions(client)
    publish_generation(client, new_generation(client))
    after, newest = content(client), live(store)
    for version in reversed(kept(client)[:-1]):
        rollback("--why", "look", "--yes")
        assert live(store) == version
    rollback("--to", newest, "--why", "it was right", "--yes")
    assert content(client) == after
    assert live(store) == newest


def test_no_more_than_wanted_is_kept_and_always_the_live_one(client: bigquery.Client, store: OpsStore):
    for _ in range(3):
        publish_generation(client, new_generation(client), keep=3)
    assert len(kept(client)) == 3
    oldest = kept(client)[0]
    rollback("--to", oldest, "--why", "look", "--yes")
    versions.prune(client, store, keep=1)
    assert oldest in kept(client)
    assert len(kept(client)) == 2
    publish_generation(client, new_generation(client), keep=1)
    assert kept(client) == [live(store)]
    assert "no version before the live one" in rollback("--why", "look", "--yes", fails=True)


def test_list_says_what_is_live(client: bigquery.Client, store: OpsStore):
    publish_two_versions(client)
    rollback("--why", "look", "--by", "ann", "--yes")
    listed = json.loads(rollback("--list", "--format", "json"))
    assert [row["version"] for row in listed] == sorted(kept(client), reverse=True)
    (shown,) = [row for row in listed if row["live"]]
    assert shown["version"] == live(store) == listed[1]["version"]
    assert set(shown["as_of"]) == set(DATABASES)
    assert shown["rows"] == sum(len(found) for table, found in content(client).items() if table != "databases")
    assert (shown["kind"], shown["by"], shown["why"]) == ("rollback", "ann", "look")


def test_the_same_run_with_the_same_tables_is_one_version(client: bigquery.Client, store: OpsStore):
    generation = new_generation(client)
    publish_generation(client, generation)
    before, records = kept(client), rows(client, "select * from ops.published order by published_at")
    execute(client, "delete from consolidated.orders where n > 3")

    publish_generation(client, generation)

    assert kept(client) == before
    assert rows(client, "select * from ops.published order by published_at") == records
    assert len(content(client)["orders"]) == versions.published(store)[0].tables["orders"]
    audit(client, generation)
    publish_generation(client, generation)
    assert kept(client)[-1] not in before


def test_columns_and_tables_that_a_version_lacks(client: bigquery.Client, store: OpsStore):
    publish_generation(client, new_generation(client))
    wider = (*TABLES, "returns")
    publish_generation(client, new_generation(client, tables=wider, columns=", 'x' as note"), tables=wider)
    assert content(client, ("returns",))["returns"]

    said = rollback("--why", "look", "--yes")

    assert "their rows are removed: returns" in said
    assert "orders.note" in said
    assert content(client, ("returns",)) == {"returns": []}
    assert {note for (note,) in rows(client, "select distinct note from consolidated.orders")} == {None}
    rollback("--to", kept(client)[-1], "--why", "look", "--yes")
    assert content(client, ("returns",))["returns"]


def publish_wider(client: bigquery.Client) -> None:
    wider = (*TABLES, "returns")
    publish_generation(client, new_generation(client, tables=wider), tables=wider)
    assert content(client, ("returns",))["returns"]


def test_a_mart_that_leaves_the_project_loses_its_rows(client: bigquery.Client, store: OpsStore):
    publish_wider(client)
    execute(client, "create or replace table consolidated.somebodys as select 1 as n")
    publish_generation(client, new_generation(client))
    assert content(client, ("returns", "somebodys")) == {"returns": [], "somebodys": [(1,)]}
    assert "returns" not in versions.published(store)[0].tables
    # One that is dropped then is no table to empty.
    execute(client, "drop table consolidated.returns")
    publish_generation(client, new_generation(client))


def test_a_table_that_came_while_a_rollback_asked_loses_its_rows(
    client: bigquery.Client, store: OpsStore, monkeypatch: pytest.MonkeyPatch
):
    publish_two_versions(client)
    monkeypatch.setattr("typer.confirm", lambda *_, **__: publish_wider(client))
    rollback("--why", "look")
    assert content(client, ("returns",)) == {"returns": []}


def test_a_type_that_has_changed_publishes_nothing(client: bigquery.Client, store: OpsStore):
    publish_generation(client, new_generation(client))
    before, was = content(client), live(store)
    generation = new_generation(client)
    execute(client, "create or replace table consolidated__audit.orders as "
            "select _database, generation, cast(n as string) as n, value from consolidated__audit.orders")  # fmt: skip
    with pytest.raises(StageMismatchError, match=r"consolidated\.orders\.n is INT64"):
        publish_generation(client, generation)
    assert (content(client), live(store)) == (before, was)


def test_a_hold_refuses_every_publish_until_it_is_released(client: bigquery.Client, store: OpsStore):
    publish_two_versions(client)
    assert "publishing is on hold" in rollback("--hold", "--why", "wrong prices", "--by", "ann", "--yes")
    before, generation = content(client), new_generation(client)

    with pytest.raises(PublishHeldError, match=r"ann put publishing on hold .* wrong prices") as refusal:
        publish_generation(client, generation)

    assert classify(refusal.value).kind is Kind.permanent
    assert content(client) == before
    assert "wrong prices" in rollback("--list")
    rollback("--release")
    publish_generation(client, generation)
    assert {found for (found,) in rows(client, "select generation from consolidated.orders")} == {generation}
    assert "publishing is not on hold" in rollback("--release")


def right_before_the_transaction(patch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Let somebody act once after all that a publish asks outside its transaction."""
    script, waiting = publishing.transaction, [act]

    def late(*arguments: Any, **options: Any) -> str:
        if waiting:
            waiting.pop()()
        return script(*arguments, **options)

    patch.setattr(publishing, "transaction", late)


@pytest.mark.parametrize("goes_back", [False, True], ids=["hold", "rollback"])
def test_a_hold_at_the_last_moment_is_not_overrun(
    client: bigquery.Client, store: OpsStore, monkeypatch: pytest.MonkeyPatch, goes_back: bool
):
    publish_two_versions(client)
    generation = new_generation(client)
    held: list[dict[str, list[Any]]] = []

    def hold() -> None:
        if goes_back:
            rollback("--hold", "--why", "wrong prices", "--by", "ann", "--yes")
        else:
            holds.hold(store, who="ann", why="wrong prices")
        held.append(content(client))

    right_before_the_transaction(monkeypatch, hold)
    with pytest.raises(PublishHeldError, match=r"ann put publishing on hold .* wrong prices"):
        publish_generation(client, generation)
    assert [content(client)] == held
    # Nothing of the transaction that ended itself is left in the way of others.
    rollback("--to", live(store), "--why", "look", "--yes")
    assert content(client) == held[0]


def test_a_hold_that_is_released_at_once_lets_the_next_try_publish(
    client: bigquery.Client, store: OpsStore, monkeypatch: pytest.MonkeyPatch
):
    publish_two_versions(client)
    generation, execute_sql = new_generation(client), publishing.execute

    def released(client: bigquery.Client, sql: str, **parameters: str) -> Any:
        try:
            return execute_sql(client, sql, **parameters)
        finally:
            if "begin transaction" in sql and holds.current_hold(store):
                holds.release(store, who="ann")

    monkeypatch.setattr(publishing, "execute", released)
    right_before_the_transaction(monkeypatch, lambda: holds.hold(store, who="ann", why="look"))
    with pytest.raises(OvertakenError, match="released a moment later") as refusal:
        publish_generation(client, generation)
    assert classify(refusal.value).kind is not Kind.permanent
    publish_generation(client, generation)
    assert {found for (found,) in rows(client, "select generation from consolidated.orders")} == {generation}


def test_a_rollback_at_the_last_moment_is_replaced_by_the_next_try_only(
    client: bigquery.Client, store: OpsStore, monkeypatch: pytest.MonkeyPatch
):
    """What a publish removes and fills was found out for another live version."""
    publish_two_versions(client)
    generation = new_generation(client)
    right_before_the_transaction(monkeypatch, lambda: rollback("--why", "look", "--yes"))
    with pytest.raises(OvertakenError, match="another version became live") as refusal:
        publish_generation(client, generation)
    assert classify(refusal.value).kind is not Kind.permanent
    assert versions.published(store)[0].kind == "rollback"
    publish_generation(client, generation)
    assert {found for (found,) in rows(client, "select generation from consolidated.orders")} == {generation}


def test_a_failed_rollback_says_that_its_hold_stays(
    client: bigquery.Client, store: OpsStore, monkeypatch: pytest.MonkeyPatch
):
    publish_two_versions(client)
    before = content(client)

    def away(*_: Any, **__: Any) -> None:
        raise ServiceUnavailable("away")

    monkeypatch.setattr("tributary.rollback.roll_back", away)
    told = "publishing stays on hold"
    without = CliRunner().invoke(app, ["rollback", "--why", "look", "--yes"])
    assert (without.exit_code, told in without.output, holds.current_hold(store)) == (1, False, None)
    result = CliRunner().invoke(app, ["rollback", "--hold", "--why", "look", "--yes"])
    assert (result.exit_code, told in result.output) == (1, True)
    assert "tributary rollback --release" in result.output
    assert holds.current_hold(store) is not None
    assert content(client) == before


def test_a_publish_killed_after_any_of_its_writes(client: bigquery.Client, store: OpsStore):
    """Each try dies one write later than the one before it, and finds what that has left."""
    publish_generation(client, new_generation(client))
    old, (was,) = content(client), [live(store)]
    generation = new_generation(client)
    seen = []
    for allowed in itertools.count():
        try:
            with killed_after(client, allowed):
                publish_generation(client, generation)
        except Killed:
            pass
        else:
            break
        found = content(client)
        generations = {row[1] for table in TABLES for row in found[table]}
        assert generations == ({generation} if live(store) != was else {generation - 1})
        assert (found == old) is (live(store) == was)
        seen.append(live(store) != was)
    assert seen[0] is False
    assert seen[-1] is True
    assert len(seen) > 10
    records = rows(client, f"select count(*) from ops.published where run_id = 'run_{generation}'")
    assert records == [(1,)]
    whole = [version for version in versions.kept(client) if version.content]
    assert whole == versions.kept(client)
    assert len(whole) <= 3
