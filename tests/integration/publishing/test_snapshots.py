"""What a model was trained on: read again after everything that changes `consolidated`, and exported."""

from __future__ import annotations

import base64
import io
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import google_crc32c
import pyarrow.parquet as pq
import pytest
from google.cloud import bigquery, storage
from typer.testing import CliRunner

from tests.support.published import DATABASES, LOCATION, TABLES, audit, client_of, publish_generation
from tests.support.services import LocalCloud
from tributary import exporting, rollback, snapshots, versions
from tributary.cli import app
from tributary.errors import TributaryError
from tributary.ledger.store import OpsStore, execute
from tributary.registry import load_registry

EVERY_TABLE = (*TABLES, "databases")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    python = Path(os.environ.get("TRIBUTARY_BQEMULATOR", sys.executable)).with_name("python")
    cloud = LocalCloud(tmp_path_factory.mktemp("cloud"), python=str(python))
    with cloud.running("metadata", "storage", "bigquery"), cloud.as_environment():
        yield cloud


@pytest.fixture(scope="module")
def client(cloud: LocalCloud) -> bigquery.Client:
    return client_of(cloud.project)


@pytest.fixture(scope="module")
def store(client: bigquery.Client) -> OpsStore:
    return OpsStore(client, LOCATION)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, client: bigquery.Client) -> CliRunner:
    monkeypatch.setattr("google.cloud.bigquery.Client", lambda **_: client)
    return CliRunner()


def next_run(client: bigquery.Client, generation: int) -> None:
    audit(client, generation)
    publish_generation(client, generation)


def rows_of(client: bigquery.Client, dataset: str) -> dict[str, list[tuple[Any, ...]]]:
    query = "select * from `{}`.`{}`"
    return {
        table: sorted((tuple(row.values()) for row in execute(client, query.format(dataset, table))), key=str)
        for table in EVERY_TABLE
    }


@pytest.fixture(scope="module")
def kept(client: bigquery.Client, store: OpsStore) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of the snapshot `training` when it was made; since then: ten runs, a backfill and a rollback."""
    next_run(client, 1)
    next_run(client, 2)
    made = snapshots.create(client, store, "training", version=None, who="tests", why="a model")
    assert made.publication.version == versions.published(store)[0].version
    rows = rows_of(client, made.dataset)
    for generation in range(3, 13):
        next_run(client, generation)
    next_run(client, 2)  # the day again
    plan = rollback.plan_rollback(client, store, None)
    rollback.roll_back(store, LOCATION, plan, who="tests", why="tests")
    return rows


def test_a_snapshot_reads_exactly_as_it_was(
    client: bigquery.Client, store: OpsStore, kept: dict[str, list[tuple[Any, ...]]]
):
    (found,) = snapshots.snapshots(client, store)
    assert (found.name, found.publication.day) == ("training", "2013-01-03")
    assert found.why == "tests: a model"
    assert rows_of(client, found.dataset) == kept
    assert rows_of(client, "consolidated") != kept
    # It is one more than the three that are kept anyway.
    assert len(versions.kept(client)) == 4


def test_an_export_has_the_rows_of_its_manifest_to_the_checksum(
    client: bigquery.Client, cloud: LocalCloud, kept: dict[str, list[tuple[Any, ...]]], command: CliRunner
):
    target = f"gs://{cloud.bucket}/exports/training"
    result = command.invoke(app, ["export", "training", "--to", target, "--by", "tests"])
    assert result.exit_code == 0, (result.output, result.exception)
    bucket = storage.Client().bucket(cloud.bucket)
    manifest = json.loads(bucket.blob("exports/training/manifest.json").download_as_bytes())
    assert manifest["about"]["snapshot"] == "training"
    assert manifest["about"]["as_of"] == dict.fromkeys(DATABASES, "2013-01-03")
    assert list(manifest["tables"]) == sorted(EVERY_TABLE)
    for name, table in manifest["tables"].items():
        rows: list[tuple[Any, ...]] = []
        for file in table["files"]:
            data = bucket.blob(file["name"]).download_as_bytes()
            assert (len(data), crc32c(data)) == (file["bytes"], file["crc32c"])
            rows += [tuple(row.values()) for row in pq.read_table(io.BytesIO(data)).to_pylist()]
        assert len(rows) == table["rows"] > 0
        if name != "databases":
            assert sorted(rows, key=str) == kept[name]
    again = exporting.export(
        client, storage.Client(), source(client), f"gs://{cloud.bucket}/exports/again", who="somebody else"
    )
    assert {name: (one.rows, one.checksum) for name, one in again.tables.items()} == {
        name: (one["rows"], one["checksum"]) for name, one in manifest["tables"].items()
    }
    assert all(one.checksum for one in again.tables.values())


def crc32c(data: bytes) -> str:
    return base64.b64encode(google_crc32c.Checksum(data).digest()).decode()


def source(client: bigquery.Client, name: str = "training") -> exporting.Source:
    return exporting.source_of(name, client, OpsStore(client, LOCATION), load_registry())


@pytest.mark.usefixtures("kept")
def test_names_mean_the_snapshot_the_live_version_or_a_database(client: bigquery.Client, store: OpsStore):
    live = versions.published(store)[0].version
    assert source(client, "consolidated").about["version"] == live
    assert source(client, live) == source(client, "consolidated")
    assert source(client, "shop_eu") == exporting.Source("shop_eu", False, {"database": "shop_eu", "app": "retail"})
    with pytest.raises(TributaryError, match="found 'nothing'"):
        source(client, "nothing")


@pytest.mark.usefixtures("kept")
def test_what_cannot_be_exported_is_refused_before_anything_is_written(client: bigquery.Client, cloud: LocalCloud):
    bucket = storage.Client()
    for target in (f"gs://{cloud.bucket}", "exports/x", f"gs://{cloud.bucket}/a b", f"gs://{cloud.bucket}/x'y"):
        with pytest.raises(TributaryError, match="expected a folder such as"):
            exporting.export(client, bucket, source(client), target, who="tests")
    bucket.bucket(cloud.bucket).blob("exports/full/x").upload_from_string("x")
    with pytest.raises(TributaryError, match="expected an empty folder"):
        exporting.export(client, bucket, source(client), f"gs://{cloud.bucket}/exports/full", who="tests")
    assert [blob.name for blob in bucket.list_blobs(cloud.bucket, prefix="exports/full/")] == ["exports/full/x"]


@pytest.mark.usefixtures("kept")
def test_a_dataset_that_changes_meanwhile_gets_no_manifest(
    client: bigquery.Client, cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
):
    execute(client, "create schema if not exists shop_eu; create or replace table shop_eu.t as select 1 as n")
    run = exporting.execute

    def meanwhile(client: bigquery.Client, sql: str, **parameters: str) -> Any:
        done = run(client, sql, **parameters)
        if sql.startswith("export data"):
            run(client, "insert into shop_eu.t (n) values (2)")
        return done

    monkeypatch.setattr(exporting, "execute", meanwhile)
    with pytest.raises(TributaryError, match="shop_eu changed while it was exported"):
        exporting.export(
            client, storage.Client(), source(client, "shop_eu"), f"gs://{cloud.bucket}/exports/moving", who="tests"
        )
    names = [blob.name for blob in storage.Client().list_blobs(cloud.bucket, prefix="exports/moving/")]
    assert names
    assert not any(name.endswith(exporting.MANIFEST) for name in names)


@pytest.mark.usefixtures("kept")
def test_names_are_checked_and_given_once(client: bigquery.Client, store: OpsStore):
    def made(name: str, version: str | None = None) -> snapshots.Snapshot:
        return snapshots.create(client, store, name, version=version, who="tests", why="tests")

    with pytest.raises(TributaryError, match="expected a name of lower-case"):
        made("Training 1")
    with pytest.raises(TributaryError, match="is the snapshot 'training' already"):
        made("training")
    with pytest.raises(TributaryError, match="no version 20990101T000000000 is kept"):
        made("later", "20990101T000000000")


@pytest.mark.usefixtures("kept")
def test_a_version_whose_name_is_taken_away_goes_with_the_next_publish(
    client: bigquery.Client, store: OpsStore, command: CliRunner
):
    (found,) = snapshots.snapshots(client, store)
    listed = command.invoke(app, ["snapshot", "list", "--format", "json"])
    assert json.loads(listed.output)[0]["name"] == "training"
    result = command.invoke(app, ["snapshot", "remove", "training", "--yes"])
    assert result.exit_code == 0, (result.output, result.exception)
    assert snapshots.snapshots(client, store) == []
    next_run(client, 13)
    assert found.publication.version not in {version.id for version in versions.kept(client)}
    with pytest.raises(TributaryError, match="no snapshot 'training'"):
        snapshots.remove(client, "training")
