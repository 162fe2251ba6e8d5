"""Values that stand nowhere else, planted in personal columns: where they are found once a database was loaded."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pyarrow.parquet as pq
import pytest

from tests.faults.imports.conftest import Shop
from tests.integration.operators.conftest import DAY, NUMBERS
from tests.support.generated_dbt import build_generated
from tests.support.planted import CLEAR, PEOPLE, TAG, TAGGED, Written, contract, dump
from tests.support.services import LocalCloud
from tributary import exporting
from tributary.contracts import QuarantineLimit
from tributary.hooks.clients import bigquery_client
from tributary.quality.results import CheckpointFailed
from tributary.registry import Database
from tributary.telemetry.lineage import Server, imported, synced


class Loaded(Written):
    """What the load of a database left."""

    def __init__(self, shop: Shop) -> None:
        super().__init__()
        self.shop = shop


@pytest.fixture(scope="module")
def written(cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    folder = tmp_path_factory.mktemp("planted")
    database = Database(
        name=f"planted_{next(NUMBERS)}", contract=contract(), owner="tests", cloud_sql_instance="staging",
        dump_pattern="{database}/{date}/*", dump_wait="1h",
    )  # fmt: skip
    shop = Shop(cloud, database)
    found = Loaded(shop)
    log = logging.FileHandler(folder / "tasks.log")
    logging.getLogger().addHandler(log)
    level, _ = logging.getLogger().level, logging.getLogger().setLevel(logging.DEBUG)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRIBUTARY_PERSONAL_POLICY_TAG", TAG)
        found.add("xcom", shop.load(dump()))
        found.add("xcom", shop.step("sync"))
        found.add("xcom", shop.step("reconcile"))
        # Without room for a row that breaks a rule the run fails, and says why.
        with pytest.raises(CheckpointFailed) as failed:
            shop.validate_raw()
        found.add("error", f"{failed.value!r} {failed.value.__cause__!r}")
        shop.database = database.model_copy(update={"quarantine": QuarantineLimit(max_share=0.5)})
        found.add("xcom", shop.validate_raw())
        found.add("dbt", build_generated(database, folder, DAY))
    logging.getLogger().removeHandler(log)
    logging.getLogger().setLevel(level)
    found.add("logs", (folder / "tasks.log").read_text())
    for path in (folder / "target").rglob("*"):
        if path.is_file():
            found.add("dbt", path.read_text(errors="replace"))
    _export(found)
    server = Server("staging")
    found.add(
        "lineage",
        str([*imported(database.contract.tables, shop.name, synced(database, server, "p")[0].dataset, server)]),
    )
    client = bigquery_client()
    for dataset in client.list_datasets():
        for table in client.list_tables(dataset.reference):
            place = f"{table.dataset_id}.{table.table_id}"
            found.add(
                place, [row.values() for row in client.query(f"select * from `{table.dataset_id}`.`{table.table_id}`")]
            )
    yield found
    shop.leave_airbyte()


def _export(found: Loaded) -> None:
    """The database as files, and whatever else the bucket has beside its dumps."""
    name, bucket = found.shop.name, found.shop.bucket
    folder = f"gs://{bucket.name}/exports/{name}"
    exporting.export(bigquery_client(), bucket.client, exporting.Source(name, False, {}), folder, who="tests")
    for blob in bucket.client.list_blobs(bucket):
        content = bucket.blob(blob.name).download_as_bytes()
        if blob.name.endswith(".parquet"):
            found.add("export", pq.read_table(io.BytesIO(content)).to_pylist())
        elif not blob.name.startswith(f"{name}/"):
            found.add("bucket", content.decode(errors="replace"))


def people(written: Loaded) -> str:
    return f"{written.shop.name}.people"


@pytest.mark.parametrize("value", CLEAR)
def test_what_is_hashed_masked_or_dropped_is_nowhere_behind_staging(written: Loaded, value: str):
    assert written.with_value(value) == set()
    assert len(written.texts["logs"]) > 1000
    assert written.texts["export"].count("Ulm") == 1


def test_what_is_tagged_is_in_its_own_tables_and_their_export_alone(written: Loaded):
    name = written.shop.name
    tables = {f"raw__{name}.people", f"{name}.people", f"quarantine__{name}.people"}
    assert written.with_value(TAGGED) == {*tables, "export"}


def test_what_was_set_aside_is_concealed_like_everything_else(written: Loaded):
    query = "select id, email, phone, cast(born as string) from `quarantine__{name}`.people"
    ((id_, email, phone, born),) = written.shop.raw(query.replace("{name}", written.shop.name))
    assert (id_, len(email), phone, born) == (3, 64, "****5544", "1973-01-01")


def test_the_published_column_has_its_policy_tag_and_no_other_one_has(written: Loaded):
    fields = bigquery_client().get_table(people(written)).schema
    tags = {
        field.name: tuple(field.policy_tags.names) for field in fields if field.policy_tags and field.policy_tags.names
    }
    assert tags == {"iban": (TAG,)}


def test_what_arrives_is_of_use(written: Loaded):
    rows = written.shop.raw(f"select id, phone, iban from {people(written)} order by id")
    assert rows == [(1, "****7766", PEOPLE[0][5]), (2, "****", PEOPLE[1][5])]


def test_without_a_name_for_the_tag_nothing_is_copied(written: Loaded, monkeypatch: pytest.MonkeyPatch):
    from tributary.errors import PersonalDataError

    for found in ("", "personal"):
        monkeypatch.setenv("TRIBUTARY_PERSONAL_POLICY_TAG", found)
        before = len(written.shop.jobs("sync"))
        with pytest.raises(
            PersonalDataError, match=r"people\.iban copied in clear, with a policy tag: expected its name"
        ):
            written.shop.step("sync")
        assert len(written.shop.jobs("sync")) == before


def test_the_folder_of_dbt_was_looked_at(written: Loaded):
    assert "iban" in written.texts["dbt"]
