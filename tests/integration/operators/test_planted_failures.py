"""Values planted in dumps at which a step fails for good: what of them reaches people, metrics and dead letters."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from airflow.sdk.listener import get_listener_manager
from google.cloud import storage
from slack_sdk import WebClient

from tests.faults.imports.conftest import Shop
from tests.integration.dead_letters.conftest import TaskRun, run_task, spool, store
from tests.integration.operators.conftest import NUMBERS
from tests.support.planted import CLEAR, PEOPLE, TAG, TAGGED, Written, contract, dump
from tests.support.services import LocalCloud
from tributary import naming
from tributary.alerts import failures
from tributary.alerts.facts import Facts
from tributary.alerts.policy import AlertPolicy
from tributary.alerts.slack import Slack
from tributary.alerts.store import IncidentStore
from tributary.alerts.telling import tell
from tributary.dead_letters.record import DeadLetter
from tributary.dead_letters.store import LetterStore
from tributary.hooks.clients import bigquery_client
from tributary.registry import Consolidation, Database, Defaults, Registry
from tributary.telemetry import listener

__all__ = ["run_task", "spool", "store"]

ONE, TWO, _ = PEOPLE
WITH_A_QUOTE = "Planteddrop O'Neilplanted"
# What of a value stands alone where it ends its text.
SIGNS = ("Neilplanted",)


def same_address() -> bytes:
    return dump([ONE, (2, ONE[1], *TWO[2:])])


def day_that_is_none() -> bytes:
    return dump([ONE, (2, *TWO[1:4], "plantedmask", *TWO[5:])])


def name_that_ends_its_text() -> bytes:
    return dump([ONE, (2, TWO[1], "Planteddrop", *TWO[3:])]).replace(b"'Planteddrop'", f"'{WITH_A_QUOTE}'".encode())


def too_few_values() -> bytes:
    return dump([ONE, TWO[:5]])


# A dump, the step that fails at it, and why, in words that everybody may read.
FAILURES: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "an address twice": (same_address, "import_dump", "ERROR 1062 (23000) at line 2"),
    "a day that is none": (day_that_is_none, "import_dump", "ERROR 1292 (22007) at line 2"),
    "a name that ends its text": (
        name_that_ends_its_text,
        "preflight",
        "expected rows of constants for table 'people'",
    ),
    "too few values": (too_few_values, "import_dump", "ERROR 1136 (21S01) at line 2"),
    "a row that breaks a rule": (dump, "validate_raw", "city_not_null"),
}


@pytest.fixture
def shop(cloud: LocalCloud) -> Iterator[Shop]:
    for name in ("slack", "dogstatsd"):
        if name not in cloud.processes:
            cloud.start(name)
    database = Database(
        name=f"planted_{next(NUMBERS)}", contract=contract(), owner="tests", cloud_sql_instance="staging",
        dump_pattern="{database}/{date}/*", dump_wait="1h",
    )  # fmt: skip
    shop = Shop(cloud, database)
    yield shop
    shop.leave_airbyte()
    # Others look for the same values.
    for blob in shop.bucket.client.list_blobs(shop.bucket):
        blob.delete()
    bigquery_client().delete_dataset(naming.raw_dataset(shop.name), delete_contents=True, not_found_ok=True)


def steps_before(shop: Shop, failing: str) -> Callable[[Any], Any]:
    """The step that fails, once those before it are done."""
    if failing == "preflight":
        return lambda _: shop.preflight().execute({"run_id": "run_1", "params": {"force": False}})
    shop.checked = shop.preflight().execute({"run_id": "run_1", "params": {"force": False}})
    if failing == "import_dump":
        return lambda _: shop.step("import_dump")
    for step in ("import_dump", "sync", "reconcile"):
        shop.step(step)
    return lambda _: shop.validate_raw()


def tell_of(letter: DeadLetter, shop: Shop, found: Written, folder: Path) -> None:
    """As the watch does: its messages, as Slack shows them."""
    cloud, now = shop.cloud, datetime.now(UTC)
    registry = Registry(
        defaults=Defaults(), consolidation=Consolidation(), databases={shop.name: shop.database},
        alerts=AlertPolicy.model_validate({"owners": {"tests": {"channel": f"#{shop.name}"}}}),
    )  # fmt: skip
    address = f"http://127.0.0.1:{cloud.ports['slack']}/api/"
    client = WebClient(token=cloud.slack_token, base_url=address)
    channel = client.conversations_create(name=shop.name)["channel"]["id"]
    findings = failures.find(Facts(at=now, clock=now, letters=(letter,)), registry)
    connection = {"conn_type": "slack", "password": cloud.slack_token, "extra": {"base_url": address}}
    with cloud.as_environment(slack_default=connection):
        incidents = IncidentStore(storage.Client(), cloud.bucket, folder)
        slack = Slack.from_connection("https://git.example.com/docs")
        record: list[Any] = []
        tell(findings, now, store=incidents, slack=slack, policy=registry.alerts, record=record.extend)
    found.add("slack", client.conversations_history(channel=channel)["messages"])
    found.add("alerts", record)


@pytest.mark.parametrize("failure", FAILURES)
def test_of_a_row_at_which_a_step_fails_nobody_is_told_what_it_holds(
    shop: Shop,
    failure: str,
    run_task: TaskRun,
    store: LetterStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> None:
    content, step, known = FAILURES[failure]
    agent = f"http://127.0.0.1:{shop.cloud.ports['dogstatsd']}/metrics"
    httpx.delete(agent).raise_for_status()
    manager = get_listener_manager()
    manager.add_listener(listener)
    request.addfinalizer(manager.clear)
    monkeypatch.setenv("TRIBUTARY_PERSONAL_POLICY_TAG", TAG)
    monkeypatch.setenv("DD_AGENT_HOST", "127.0.0.1")
    monkeypatch.setenv("DD_DOGSTATSD_PORT", str(shop.cloud.ports["dogstatsd"]))
    found = Written()
    shop.leave(content())
    fails = steps_before(shop, step)
    with caplog.at_level(logging.DEBUG):
        assert run_task(fails, dag_id=naming.dag_id(shop.name), task_id=step) == "failed"
    (letter,) = store.bucket.list()
    tell_of(letter, shop, found, tmp_path / "incidents")
    found.add("reported", str(run_task.sent))
    output = capfd.readouterr()
    found.add("log", caplog.text + output.out + output.err)
    found.add("letter", letter.model_dump_json())
    rows = store._ops().client.query("select * from ops.dead_letters_log").result()
    found.add("ops.dead_letters_log", [row.values() for row in rows])
    found.add("metrics", httpx.get(agent).raise_for_status().text)
    for blob in shop.bucket.client.list_blobs(shop.bucket):
        if not blob.name.startswith(f"{shop.name}/"):
            found.add("bucket", shop.bucket.blob(blob.name).download_as_text())
    assert found.with_value(known) >= {"letter", "slack", "log", "ops.dead_letters_log", "bucket"}
    assert found.with_value(step) >= {"metrics", "alerts"}
    assert "failed" in found.texts["reported"]
    assert {value: where for value in (*CLEAR, TAGGED, *SIGNS) if (where := found.with_value(value))} == {}
