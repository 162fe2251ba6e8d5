"""Of a consolidation in which some databases have changed, the others' rows stay, wherever they are kept."""

from __future__ import annotations

import itertools
import json
import logging
import random
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from google.cloud import bigquery

from tests.support.killing import Killed, killed_after
from tests.support.published import LOCATION, TABLES, audit_each, day, land, rows_in
from tributary import editions, publishing, versions
from tributary.consolidation import Plan
from tributary.errors import PlanOutdatedError, StageMismatchError
from tributary.ledger.store import OpsStore, execute
from tributary.publishing import publish
from tributary.rollback import plan_rollback, roll_back

GENERATIONS = itertools.count(1)
SHOPS = ("shop_a", "shop_b", "shop_c")
APPS = {"shop": SHOPS, "till": ("till_a",)}
MARTS = {"shop": TABLES, "till": ("sales",)}


class Nights:
    """Which generation of each database has landed, and `consolidate` as its tasks do it."""

    def __init__(self, client: bigquery.Client) -> None:
        self.client = client
        self.store = OpsStore(client, LOCATION)
        self.landed: dict[str, int] = {}
        self.apps: dict[str, tuple[str, ...]] = dict(APPS)
        self.definitions = {"shop": "s", "till": "t"}

    def land(self, *databases: str) -> int:
        generation = next(GENERATIONS)
        self.landed |= dict.fromkeys(databases, generation)
        for database in databases:
            land(self.store, database, day(generation), generation)
        return generation

    def plan(self, everything: bool = False) -> Plan:
        newest = day(max(self.landed.values()))
        landed = self.store.landed(date.fromisoformat(newest))
        base = None if everything else editions.held_by_readers(self.store)
        return Plan.made(newest, landed, self.apps, self.definitions, base, counted=self.landed.keys())

    def build(self, plan: Plan) -> None:
        """What dbt does: the rows of the databases that have changed, in the audited tables."""
        for app, tables in MARTS.items():
            for table in tables:
                generations = {name: self.landed[name] for name in self.apps.get(app, ()) if name in plan.changed}
                audit_each(self.client, generations, plan.as_of, (table,))

    def consolidate(self, run_id: str = "", *, everything: bool = False, keep: int = 3) -> Plan:
        plan = self.plan(everything)
        self.build(plan)
        self.publish(plan, run_id or f"run_{next(GENERATIONS)}", keep=keep)
        return plan

    def publish(self, plan: Plan, run_id: str, *, keep: int = 3) -> Any:
        return publish(self.client, LOCATION, run_id=run_id, apps=self.apps, tables=MARTS, plan=plan, keep=keep)

    @property
    def expected(self) -> dict[str, dict[str, tuple[int, int]]]:
        """By table and database, its generation and how many rows it has."""
        return {
            table: {
                name: (self.landed[name], rows_in(self.landed[name], table))
                for name in self.apps.get(app, ())
                if name in self.landed
            }
            for app, tables in MARTS.items()
            for table in tables
        }

    def found(self, dataset: str = "consolidated") -> dict[str, dict[str, tuple[int, int]]]:
        """The same of what readers see, or of a version."""
        return {
            table: {
                row["_database"]: (row["generation"], row["n"])
                for row in execute(
                    self.client,
                    f"select _database, generation, count(*) as n from {dataset}.{table} group by 1, 2",
                )
            }
            for tables in MARTS.values()
            for table in tables
        }

    @property
    def live(self) -> versions.Publication:
        return versions.published(self.store)[0]

    def databases(self) -> dict[str, dict[str, Any]]:
        return {row["database"]: dict(row) for row in execute(self.client, "select * from consolidated.databases")}


@pytest.fixture
def nights(client: bigquery.Client) -> Iterator[Nights]:
    """All databases have landed and are published."""
    nights = Nights(client)
    nights.land(*SHOPS, "till_a")
    assert nights.consolidate(everything=True).base is None
    assert nights.found() == nights.expected
    return nights


def test_only_what_has_changed_is_built_and_replaced(nights: Nights, monkeypatch: pytest.MonkeyPatch):
    nights.land("shop_b")
    scripts: list[str] = []
    execute_sql = publishing.execute
    monkeypatch.setattr(
        publishing,
        "execute",
        lambda client, sql, **more: scripts.append(sql) or execute_sql(client, sql, **more),
    )
    plan = nights.consolidate()
    assert set(plan.changed) == {"shop_b"}
    assert nights.found() == nights.expected
    assert nights.found(f"consolidated__v{nights.live.version}") == nights.expected
    (transaction,) = [sql for sql in scripts if "begin transaction" in sql]
    assert "replaced array<string> default ['shop_b'];" in transaction
    assert re.findall(r"delete from `consolidated`.`(\w+)`\s*where true", transaction) == ["databases"]


def test_what_is_said_of_the_databases_and_of_the_version(nights: Nights):
    before = nights.databases()
    nights.land("shop_b")
    nights.consolidate()
    after = nights.databases()
    rows = {name: sum(found[name][1] for found in nights.expected.values() if name in found) for name in after}
    assert {name: row["row_count"] for name, row in after.items()} == rows
    assert {name for name, row in after.items() if row["stale"]} == {"shop_a", "shop_c", "till_a"}
    assert {name for name in after if after[name]["edition"] != before[name]["edition"]} == {"shop_b"}
    assert {row["version"] for row in after.values()} == {nights.live.version}
    counted = {table: sum(rows for _, rows in found.values()) for table, found in nights.expected.items()}
    assert nights.live.tables == {**counted, "databases": 4}
    assert nights.live.row_count == sum(counted.values())


def test_nothing_has_changed(nights: Nights):
    before, content = nights.live, nights.found()
    assert nights.consolidate().changed == {}
    assert nights.live.version != before.version
    assert nights.live.tables == before.tables
    assert nights.found() == content == nights.found(f"consolidated__v{nights.live.version}")


def test_a_database_that_leaves_the_registry_loses_its_rows(nights: Nights):
    nights.apps["shop"] = SHOPS[:2]
    assert nights.consolidate().changed == {}
    assert nights.found() == nights.expected
    assert "shop_c" not in nights.databases()
    nights.apps["shop"] = SHOPS
    assert set(nights.consolidate().changed) == {"shop_c"}
    assert nights.found() == nights.expected


def test_an_app_that_leaves_the_registry_loses_its_rows(nights: Nights):
    nights.apps = {"shop": SHOPS}
    nights.consolidate()
    assert nights.found()["sales"] == {}
    assert nights.found() == nights.expected | {"sales": {}}


def test_a_rollback_s_rows_are_replaced_by_the_next_run_and_the_others_stay(nights: Nights):
    first = nights.found()
    nights.land("shop_b")
    nights.consolidate()
    roll_back(nights.store, LOCATION, plan_rollback(nights.client, nights.store, None), who="ann", why="look")
    assert nights.found() == first
    nights.land("shop_c")
    assert set(nights.consolidate().changed) == {"shop_b", "shop_c"}
    assert nights.found() == nights.expected


@pytest.mark.parametrize(
    "damage",
    [
        "delete from consolidated.orders where _database = 'shop_a' and n = 1",
        "insert into consolidated.sales (_database, generation, n) values ('till_a', 0, 0)",
        "drop table consolidated.lines",
        "drop table consolidated.databases",
    ],
)
def test_rows_that_somebody_has_changed_are_replaced(nights: Nights, caplog: pytest.LogCaptureFixture, damage: str):
    execute(nights.client, damage)
    nights.land("shop_b")
    with caplog.at_level(logging.WARNING):
        assert set(nights.consolidate().changed) == {"shop_b"}
    assert "those of all databases are replaced" in caplog.text
    assert nights.found() == nights.expected
    assert len(nights.databases()) == 4


def test_everything_on_request(nights: Nights):
    execute(nights.client, "update consolidated.orders set value = -1 where _database = 'shop_a'")
    assert set(nights.consolidate(everything=True).changed) == {*SHOPS, "till_a"}
    damaged = "select count(*) as n from consolidated.orders where value = -1"
    assert [row["n"] for row in execute(nights.client, damaged)] == [0]


def test_without_the_version_that_has_the_other_rows_nothing_is_published(nights: Nights):
    nights.land("shop_b")
    plan, was, content = nights.plan(), nights.live, nights.found()
    nights.build(plan)
    nights.client.delete_dataset(f"consolidated__v{was.version}", delete_contents=True)
    with pytest.raises(PlanOutdatedError, match=r"is no longer kept\. Nothing was published\. Clear await_databases"):
        nights.publish(plan, "run_x")
    assert (nights.live, nights.found()) == (was, content)
    assert nights.consolidate().base is None
    assert nights.found() == nights.expected


def test_versions_of_before_the_editions_are_replaced_as_a_whole(nights: Nights):
    for dataset in ("consolidated", f"consolidated__v{nights.live.version}"):
        table = f"{dataset}.databases"
        execute(nights.client, f"create or replace table {table} as select * except (edition) from {table}")
    nights.land("shop_b")
    plan = nights.consolidate()
    assert set(plan.changed) == {*SHOPS, "till_a"}
    assert nights.found() == nights.expected
    nights.land("shop_c")
    assert set(nights.consolidate().changed) == {"shop_c"}
    assert nights.found() == nights.expected


def test_two_runs_of_the_same_base(nights: Nights):
    """A backfill has planned and built before a run publishes, and publishes after it: the last one is what is seen."""
    late = nights.land("shop_a")
    planned, older = nights.plan(), dict(nights.landed)
    nights.land("shop_b")
    nights.consolidate("run_after")
    nights.landed = older
    nights.build(planned)
    nights.publish(planned, f"run_{late}")
    assert nights.found() == nights.expected


def test_what_has_landed_again_since_the_plan_is_not_published(nights: Nights):
    """The rows that dbt read may be those of either landing."""
    nights.land("shop_b")
    plan, was, content = nights.plan(), nights.live, nights.found()
    nights.build(plan)
    land(nights.store, "shop_b", plan.as_of["shop_b"], 0)
    with pytest.raises(PlanOutdatedError, match=r"shop_b landed anew .* Clear await_databases"):
        nights.publish(plan, "run_x")
    assert (nights.live, nights.found()) == (was, content)
    assert set(nights.consolidate().changed) == {"shop_b"}
    assert nights.found() == nights.expected


def test_a_database_that_stays_and_has_landed_the_same_day_again_is_not_published_as_it_was(nights: Nights):
    nights.land("shop_b")
    plan, was, content = nights.plan(), nights.live, nights.found()
    nights.build(plan)
    land(nights.store, "shop_a", plan.as_of["shop_a"], 0)
    with pytest.raises(PlanOutdatedError, match=r"await_databases has looked") as refused:
        nights.publish(plan, "run_x")
    assert str(refused.value).startswith("shop_a landed anew")
    assert (nights.live, nights.found()) == (was, content)
    nights.consolidate()
    assert nights.found() == nights.expected


def test_a_landing_that_readers_have_already_is_not_taken_back(nights: Nights):
    """Another run has published it since, of a database whose rows stay in this one."""
    nights.land("shop_b")
    nights.land("till_a")
    plan, older = nights.plan(), dict(nights.landed)
    # A day that the plan's own comes after, and shop_a's before.
    late = next(GENERATIONS)
    plan = replace(plan, day=day(late))
    nights.landed["shop_a"] = late
    land(nights.store, "shop_a", day(late), late)
    nights.consolidate()
    was, content = nights.live, nights.found()
    nights.landed, newest = older, nights.landed
    nights.build(plan)
    with pytest.raises(PlanOutdatedError, match=r"^shop_a landed anew"):
        nights.publish(plan, "run_x")
    nights.landed = newest
    assert (nights.live, nights.found()) == (was, content)
    assert nights.found() == nights.expected


def test_a_later_day_that_lands_meanwhile_waits_for_the_next_run(nights: Nights):
    late = nights.land("shop_b")
    plan, older = replace(nights.plan(), day=day(late + 1)), dict(nights.landed)
    nights.build(plan)
    nights.land("shop_a")
    nights.landed, newest = older, nights.landed
    nights.publish(plan, "run_x")
    assert nights.found() == nights.expected
    nights.landed = newest
    assert set(nights.consolidate().changed) == {"shop_a"}
    assert nights.found() == nights.expected


def test_rows_that_were_counted_before_the_day_landed_again_are_not_counted(nights: Nights):
    def counted() -> list[str]:
        landed = nights.store.landed(date.fromisoformat(day(newest)))
        wanted = [
            {"database": name, **{key: landed[name][key].isoformat() for key in ("dump_date", "landed_at")}}
            for name in ("shop_a", "shop_b")
        ]
        return [row["database"] for row in nights.store.query("ops/consolidated_counted", wanted=json.dumps(wanted))]

    newest = nights.land("shop_a", "shop_b")
    assert counted() == []
    for name in ("shop_a", "shop_b"):
        of_day = date.fromisoformat(day(newest))
        nights.store.record_counts("consolidated", {"orders": 1}, database=name, dump_date=of_day, run_id="run_x")
    assert sorted(counted()) == ["shop_a", "shop_b"]
    land(nights.store, "shop_b", day(newest), newest)
    assert counted() == ["shop_a"]


def test_without_a_base_all_is_published_where_all_was_built(nights: Nights):
    nights.land(*SHOPS, "till_a")
    plan = nights.plan()
    nights.build(plan)
    assert (plan.base, plan.staying) == (nights.live.version, set())
    nights.client.delete_dataset(f"consolidated__v{nights.live.version}", delete_contents=True)
    nights.publish(plan, "run_x")
    assert nights.found() == nights.expected


def test_many_nights_in_which_one_database_never_changes(nights: Nights):
    """BigQuery takes clones and snapshots of each other three deep; these are copies."""
    for _ in range(4):
        nights.land("shop_b")
        nights.consolidate()
    kinds = {
        nights.client.get_table(f"consolidated__v{nights.live.version}.{table}").table_type
        for tables in MARTS.values()
        for table in tables
    }
    assert kinds == {"TABLE"}
    assert nights.found() == nights.expected


def test_other_tables_of_an_app_are_built_anew_for_all_of_its_databases(nights: Nights):
    nights.definitions["shop"] = "with a column more"
    assert set(nights.consolidate().changed) == set(SHOPS)
    assert nights.found() == nights.expected


def test_a_version_that_was_altered_is_not_taken_over(nights: Nights):
    execute(nights.client, f"create or replace table consolidated__v{nights.live.version}.orders as "
            f"select * from consolidated__v{nights.live.version}.orders where _database != 'shop_a'")  # fmt: skip
    nights.land("shop_b")
    was, content = nights.live, nights.found()
    with pytest.raises(StageMismatchError, match=r"expected [\d,]+ rows of all databases, found .*`everything`"):
        nights.consolidate()
    assert (nights.live, nights.found()) == (was, content)
    nights.consolidate(everything=True)
    assert nights.found() == nights.expected


@pytest.mark.parametrize("where", ["the audited tables", "consolidated"])
def test_columns_that_differ(nights: Nights, where: str):
    """One that a deployment brought between plan and build; one that somebody has dropped."""
    if where == "consolidated":
        execute(nights.client, "create or replace table consolidated.orders as "
                "select * except (value) from consolidated.orders")  # fmt: skip
        nights.land("shop_b")
        nights.consolidate()
        empty = execute(nights.client, "select count(*) as n from consolidated.orders where value is null")
        assert [row["n"] for row in empty] == [0]
        return
    nights.land("shop_b")
    plan = nights.plan()
    nights.build(plan)
    execute(nights.client, "create or replace table consolidated__audit.orders as "
            "select *, 1 as more from consolidated__audit.orders")  # fmt: skip
    with pytest.raises(PlanOutdatedError, match=r"orders has other columns than version"):
        nights.publish(plan, "run_x")
    nights.consolidate()
    assert nights.found() == nights.expected


@pytest.mark.parametrize("keep", [1, 3])
def test_a_publish_of_some_killed_after_any_of_its_writes(nights: Nights, keep: int):
    """Each try dies one write later than the one before it, and finds what that has left."""
    nights.land("shop_b", "till_a")
    old, was = nights.found(), nights.live.version
    plan = nights.plan()
    nights.build(plan)
    seen = []
    for allowed in itertools.count():
        try:
            with killed_after(nights.client, allowed):
                nights.publish(plan, "run_killed", keep=keep)
        except Killed:
            pass
        else:
            break
        assert nights.found() == (old if nights.live.version == was else nights.expected)
        seen.append(nights.live.version != was)
    assert (seen[0], seen[-1]) == (False, True)
    assert len(seen) > 10
    records = execute(nights.client, "select count(*) as n from ops.published where run_id = 'run_killed'")
    assert [row["n"] for row in records] == [1]
    kept = versions.kept(nights.client)
    assert all(version.content for version in kept)
    assert len(kept) <= keep
    execute(nights.client, "delete from ops.published where run_id = 'run_killed'")


@pytest.mark.parametrize("seed", range(3))
def test_any_sequence_of_nights(nights: Nights, seed: int):
    """Landings, databases that come and go, rollbacks, damages and kills: what is published is what landed."""
    chance = random.Random(seed)
    for step in range(12):
        name = chance.choice([*SHOPS, "till_a"])
        match chance.choice(["land", "land", "leave", "back", "damage", "everything", "nothing"]):
            case "land":
                nights.land(name, chance.choice(SHOPS))
            case "leave":
                nights.apps = {
                    app: tuple(one for one in names if one != name or chance.random() < 0.3)
                    for app, names in APPS.items()
                }
            case "back" if len(versions.kept(nights.client)) > 1:
                kept = [version.id for version in versions.kept(nights.client) if version.id != nights.live.version]
                rollback = plan_rollback(nights.client, nights.store, chance.choice(kept))
                roll_back(nights.store, LOCATION, rollback, who="ann", why="look")
            case "damage":
                execute(nights.client, f"delete from consolidated.orders where _database = '{name}'")
        everything = chance.random() < 0.1
        plan = nights.plan(everything)
        nights.build(plan)
        if chance.random() < 0.4:
            try:
                with killed_after(nights.client, chance.randrange(16)):
                    nights.publish(plan, f"run_{seed}_{step}")
            except Killed:
                pass
        nights.publish(plan, f"run_{seed}_{step}")
        assert nights.found() == nights.expected, (seed, step)
        assert nights.found(f"consolidated__v{nights.live.version}") == nights.expected, (seed, step)
