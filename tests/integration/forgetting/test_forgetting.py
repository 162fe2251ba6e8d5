"""A person is taken out of every layer, by tries that are killed and one that is not, and does not come back.

One file and one story: each test goes on where the one before it has ended.
"""

from __future__ import annotations

import itertools
import json
import re
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest
from google.cloud import bigquery, storage
from typer.testing import CliRunner

from tests.integration.forgetting.conftest import OWN, PERSON, Shops
from tests.support import recorded_sql
from tributary import exporting, naming, rollback, snapshots, versions
from tributary.cli import app
from tributary.errors import ForgottenMeanwhileError, OvertakenError
from tributary.forgetting import forgetting, requests
from tributary.forgetting.cli import request_about
from tributary.forgetting.forgetting import Forgetting
from tributary.ledger.store import OpsStore

NAMES = re.compile(rf"\b(?:{'|'.join(OWN)})\b")
# Where the key is on record, so that nobody brings the person back.
ON_RECORD = {"ops.forgotten"}
COMMAND = ["forget", "--app", "retail", "--subject", "customer", "--key", str(PERSON), "--database", "shop_eu"]

Everything = dict[str, list[str]]

# What a try is killed at, before the call with that number: while rows go, while a snapshot is replaced by a copy,
# before readers have the rest, before the receipt.
MOMENTS = (
    (forgetting.records, "record_what_will_be_left", 1),
    (forgetting.Area, "remove", 4),
    (forgetting.kept, "copy_table", 2),
    (forgetting.kept, "copy_table", 3),
    (forgetting.kept, "recount_database", 2),
    (forgetting.kept, "republish", 1),
    (forgetting.kept, "recount", 2),
    (forgetting.Forgetting, "_record", 1),
)


class Killed(BaseException):
    """The process ends here, as under SIGKILL: nothing in between may handle it."""


def kill_at(patch: pytest.MonkeyPatch, place: Any, name: str, calls: int) -> None:
    call, numbers = getattr(place, name), itertools.count(1)

    def killed(*arguments: Any, **options: Any) -> Any:
        if next(numbers) == calls:
            raise Killed
        return call(*arguments, **options)

    patch.setattr(place, name, killed)


def is_the_person(table: str, row: str) -> bool:
    """Whether a row of any table is of customer 4711 of shop_eu: that of shop_us is somebody else."""
    if NAMES.search(row):
        return True
    return bool(re.search(rf"\b{PERSON}\b", row)) and ("shop_eu" in table or "'shop_eu'" in row)


def traces(found: Everything) -> dict[str, list[str]]:
    by_table = {
        table: [row for row in rows if is_the_person(table, row)]
        for table, rows in found.items()
        if table not in ON_RECORD
    }
    return {table: rows for table, rows in by_table.items() if rows}


def in_staging(shops: Shops, shop: str = "shop_eu") -> int:
    return int(shops.mysql.get_first(f"select count(*) from {shop}.customers where customer_id = {PERSON}")[0])


@pytest.fixture(scope="module")
def loaded(shops: Shops) -> Shops:
    """Three loads, two versions of which the first is a snapshot, and tables that no contract tells of."""
    for shop in ("shop_eu", "shop_us"):
        shops.load(shop, 1)
    shops.consolidate(1)
    snapshots.create(shops.client, shops.store, "training", version=None, who="tests", why="a model")
    shops.load("shop_eu", 2)
    shops.consolidate(2)
    for statement in (
        "create table shop_eu.orders__history as"
        " select order_id, customer_id, status, current_timestamp() as valid_from"
        " from shop_eu.orders where _dump_date = date '2013-01-02'",
        "create table shop_eu.order_items__history as select order_id, line_number, current_timestamp() as valid_from"
        " from shop_eu.order_items where _dump_date = date '2013-01-02'",
        # Its lines stay: as where an order is set aside and they are not.
        "delete from consolidated__audit.orders where _database = 'shop_eu' and order_id = 770002",
        "create table shop_eu.big_spenders as select customer_id, lifetime_revenue from shop_eu.customers",
    ):
        shops.sql(statement)
    decision = {
        "database": "shop_eu", "table_name": "order_items", "rule": "r", "decision": "drop", "decided_by": "ann",
        "why": "test",
    }  # fmt: skip
    keys = [f'{{"order_id":{order},"line_number":1}}' for order in (1, 770001)]
    shops.store.append("quarantine_decisions", [{**decision, "row_key": key} for key in keys])
    return shops


@pytest.fixture(scope="module")
def before(loaded: Shops) -> Everything:
    return loaded.everything()


@pytest.fixture
def command(loaded: Shops, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    client = loaded.client
    monkeypatch.setattr("google.cloud.bigquery.Client", lambda *_, **__: client)
    return CliRunner()


def request_of(
    shops: Shops, database: str = "shop_eu", key: str = str(PERSON), client: bigquery.Client | None = None
) -> Forgetting:
    client = client or shops.client
    described = shops.databases[database]
    request = request_about(described, "customer", key, by="tests", why="a ticket")
    return Forgetting(OpsStore(client, "US"), client, shops.mysql, described, request)


def test_the_person_is_everywhere_at_first(loaded: Shops, before: Everything):
    everywhere = {table.partition(".")[0] for table in traces(before)}
    kept = {version.dataset for version in versions.kept(loaded.client)}
    assert everywhere >= {
        "raw__shop_eu",
        "quarantine__shop_eu",
        "shop_eu",
        "consolidated",
        "consolidated__audit",
        *kept,
    }
    assert {loaded.client.get_table(f"{name}.orders").table_type for name in kept} == {"SNAPSHOT", "TABLE"}
    assert {"shop_eu.orders__history", "shop_eu.big_spenders", "ops.quarantine_decisions"} <= set(traces(before))
    assert in_staging(loaded) == 1


def test_what_is_found_is_shown_and_nothing_changes_without_a_yes(
    loaded: Shops, before: Everything, command: CliRunner
):
    result = command.invoke(app, [*COMMAND, "--why", "ticket 1"], input="n\n")
    assert result.exit_code == 1
    assert "order_items__history" in result.output
    assert loaded.everything() == {**before, "ops.forgotten": []}


def test_somebody_who_is_not_there_is_on_record_all_the_same(loaded: Shops, command: CliRunner):
    nobody = ["forget", "--app", "retail", "--subject", "customer", "--key", "999", "--database", "shop_us"]
    result = command.invoke(app, [*nobody, "--why", "ticket 2"], input="y\n")
    assert result.exit_code == 0, (result.output, result.exception)
    assert "nobody is found by that key" in result.output
    assert [(one.key, one.event) for one in requests.on_record(loaded.store, "shop_us")] == [("999", "done")]


@pytest.mark.usefixtures("before")
def test_tries_that_are_killed_leave_the_request_open_and_nothing_is_published(
    loaded: Shops, monkeypatch: pytest.MonkeyPatch
):
    plan = loaded.plan(2)
    for place, name, calls in MOMENTS:
        with monkeypatch.context() as patch:
            kill_at(patch, place, name, calls)
            with pytest.raises(Killed):
                request_of(loaded).run()
        if name == "republish":
            # Readers see all of it or nothing.
            assert loaded.sql("select count(*) from consolidated.order_items where order_id = 770001") == [(2,)]
    assert [one.event for one in requests.on_record(loaded.store, "shop_eu")] == [requests.REQUESTED]
    with pytest.raises(OvertakenError, match="rows of a customer of shop_eu are being taken out"):
        loaded.publish(plan)
    with pytest.raises(OvertakenError, match="are being taken out"):
        rollback.roll_back(
            loaded.store, "US", rollback.plan_rollback(loaded.client, loaded.store, None), who="tests", why="tests"
        )


@pytest.mark.usefixtures("before")
def test_while_rows_are_left_the_request_is_open_and_no_other_one_begins(
    loaded: Shops, command: CliRunner, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as patch:
        # As where somebody writes while the command looks again.
        counts, came_back = forgetting._counts, {("marts", "shop_eu", "orders"): {"2013-01-02": 1}}
        patch.setattr(forgetting, "_counts", lambda pools: counts(pools) | came_back)
        patch.setattr(forgetting, "read_marker", lambda *_: SimpleNamespace(whole=False, run_id="run_9"))
        receipt = request_of(loaded).run()
    assert receipt.remaining > 0
    assert receipt.under_way[0] == "the import of run_9"
    (own,) = requests.on_record(loaded.store, "shop_eu")
    assert own.event == requests.REQUESTED
    other = ["forget", "--app", "retail", "--subject", "customer", "--key", "998", "--database", "shop_us"]
    refused = command.invoke(app, [*other, "--why", "ticket 3", "--yes"])
    assert refused.exit_code != 0
    assert f"request {own.id}, about a customer of shop_eu, is open" in str(refused.output) + str(refused.exception)
    assert [one.key for one in requests.on_record(loaded.store, "shop_us")] == ["999"]


@pytest.fixture(scope="module")
def receipt(loaded: Shops, before: Everything) -> dict[str, Any]:
    """The receipt of the command that was not killed."""
    client = loaded.client
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("google.cloud.bigquery.Client", lambda *_, **__: client)
        result = CliRunner().invoke(app, [*COMMAND, "--why", "ticket 1", "--yes", "--format", "json"])
    assert result.exit_code == 0, (result.output, result.exception)
    found: dict[str, Any] = json.loads(result.stdout)[0]
    return found


def test_no_table_of_any_dataset_names_the_person_any_more(loaded: Shops, receipt: dict[str, Any]):
    assert traces(loaded.everything()) == {}
    assert in_staging(loaded) == 0
    assert receipt["remaining"] == 0


def test_the_rows_of_all_others_are_there(loaded: Shops, before: Everything, receipt: dict[str, Any]):
    counts = re.compile(r"'(?:row_count|published_at|valid_from)': [^,}]+")
    after = loaded.everything()
    for table, rows in before.items():
        if not table.startswith("ops.") and not table.endswith(("._tributary_publication", ".databases")):
            others = [counts.sub("", row) for row in rows if not is_the_person(table, row)]
            assert sorted(counts.sub("", row) for row in after[table]) == sorted(others), table
    assert len(after["ops.quarantine_decisions"]) == 1


def test_the_receipt_says_what_was_done_and_what_remains(loaded: Shops, receipt: dict[str, Any]):
    places = [one["place"] for one in receipt["remains"]]
    assert any(place.startswith("BigQuery's time travel of") for place in places)
    assert receipt["dumps"] == [f"gs://{loaded.bucket.name}/shop_eu/2013-01-0{day}/shop_eu.sql" for day in (1, 2)]
    layers = {line["layer"] for line in receipt["tables"]}
    assert layers == {"raw", "quarantine", "marts", "audit", "version", "consolidated", "ops", "staging"}
    recorded = loaded.sql("select sum(removed), sum(remaining) from ops.forget_receipts where layer <> 'dump'")
    assert recorded[0][0] >= receipt["removed"]
    assert "eve@" not in str(loaded.everything())


def test_versions_say_how_many_rows_they_have(loaded: Shops, receipt: dict[str, Any]):
    for one in versions.published(loaded.store):
        for table, rows in one.tables.items():
            found = loaded.sql(f"select count(*) from consolidated__v{one.version}.{table}")
            assert found == [(rows,)], (one.version, table)
        of_databases = loaded.sql(f"select sum(row_count) from consolidated__v{one.version}.databases")
        assert of_databases == [(one.row_count,)]
    live = versions.published(loaded.store)[0]
    assert (live.kind, live.published_by, live.why) == ("forget", "tests", "a ticket")
    assert [one.name for one in snapshots.snapshots(loaded.client, loaded.store)] == ["training"]


def test_a_snapshot_is_exported_without_the_person(loaded: Shops, receipt: dict[str, Any]):
    source = exporting.source_of("training", loaded.client, loaded.store, loaded.registry)
    target = f"gs://{loaded.bucket.name}/exports/training"
    done = exporting.export(loaded.client, storage.Client(), source, target, who="tests")
    assert done.tables["customers"].rows == 5


def test_again_nothing_is_found(loaded: Shops, receipt: dict[str, Any], command: CliRunner):
    again = command.invoke(app, [*COMMAND, "--why", "ticket 1", "--yes", "--format", "json"])
    assert again.exit_code == 0, (again.output, again.exception)
    assert json.loads(again.stdout)[0]["removed"] == 0
    listed = json.loads(command.invoke(app, ["forget", "--list", "--format", "json"]).stdout)
    assert [(one["subject_key"], one["state"], one["last_seen_in"]) for one in listed] == [
        ("999", "done", None),
        (str(PERSON), "done", None),
    ]


def test_a_rollback_a_late_production_and_an_old_dump_do_not_bring_the_person_back(
    loaded: Shops, receipt: dict[str, Any], command: CliRunner
):
    back = rollback.plan_rollback(loaded.client, loaded.store, None)
    rollback.roll_back(loaded.store, "US", back, who="tests", why="tests")
    assert traces(loaded.everything()) == {}
    loaded.load("shop_eu", 3)
    old = loaded.load("shop_eu", 1)
    plan = loaded.consolidate(3)
    assert set(plan.changed) == {"shop_eu"}
    assert traces({**loaded.everything(), "ops.forget_receipts": []}) == {}
    ledger = dict(
        loaded.sql(
            "select stage, row_count from ops.ledger where database = 'shop_eu' and dump_date = date '2013-01-03'"
            " and table_name = 'payments'"
        )
    )
    assert ledger["dump"] == ledger["staging"] + ledger["forgotten"] == ledger["raw"] + 2
    (seen,) = loaded.sql("select count(*) from consolidated.payments where _database = 'shop_eu'")
    assert (ledger["raw"],) == (ledger["marts"],) == seen
    assert old.ti.xcom_pull("import_dump")["requests"] == 1
    listed = json.loads(command.invoke(app, ["forget", "--list", "--format", "json"]).stdout)
    assert [(one["last_seen_in"], one["dumps_with_rows"]) for one in listed] == [(None, 0), ("2013-01-03", 2)]


def test_days_that_were_loaded_before_count_in_the_ledger_without_the_person(loaded: Shops, receipt: dict[str, Any]):
    ledger = loaded.sql(
        "select table_name, stage, row_count from ops.ledger"
        " where database = 'shop_eu' and dump_date = date '2013-01-02'"
    )
    rows = {(table, stage): count for table, stage, count in ledger}
    for table in loaded.databases["shop_eu"].contract.subjects["customer"].tables:
        assert rows[table, "marts"] + rows.get((table, "quarantine"), 0) == rows[table, "raw"], table
        assert rows[table, "raw"] + rows[table, "forgotten"] == rows[table, "dump"], table
    assert loaded.store.previous_counts("raw", "shop_eu", date(2013, 1, 3))["customers"] == 2


def test_a_load_that_is_under_way_does_not_land_what_it_has_read_before(loaded: Shops, receipt: dict[str, Any]):
    run = loaded.run("shop_us", 2)
    for step in ("preflight", "import_dump", "sync", "reconcile", "validate_raw", "transform"):
        run.step(step)
    assert request_of(loaded, "shop_us").run().under_way == (f"2013-01-02 ({run.id})",)
    with pytest.raises(ForgottenMeanwhileError, match=r"asked to forget rows of shop_us .* Clear import_dump"):
        run.step("validate_marts")
    for step in ("import_dump", "sync", "reconcile", "validate_raw", "transform", "validate_marts"):
        run.step(step)
    assert loaded.sql(f"select count(*) from shop_us.orders where customer_id = {PERSON}") == [(0,)]


def test_a_publish_that_was_prepared_before_does_not_bring_the_person_back(
    loaded: Shops, receipt: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    plan = loaded.plan(3)
    loaded.audit(plan)
    make, other = versions.make, request_of(loaded, "shop_us", "3")

    def meanwhile(*arguments: Any, **options: Any) -> Any:
        made = make(*arguments, **options)
        other.run()
        return made

    monkeypatch.setattr("tributary.versions.make", meanwhile)
    with pytest.raises(OvertakenError, match="somebody was asked to be forgotten while this was prepared"):
        loaded.publish(plan)
    assert loaded.sql(
        "select count(*) from consolidated.customers where _database = 'shop_us' and customer_id = 3"
    ) == [(0,)]
    assert naming.CONSOLIDATED in {line.dataset for line in other.run().lines}


def test_all_that_was_sent_is_googlesql(loaded: Shops, receipt: dict[str, Any]):
    recorded_sql.check(loaded.client)
