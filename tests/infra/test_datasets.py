"""The datasets that Terraform makes are those that the pipeline uses, by its own names."""

from tests.infra.plan import plan
from tributary import naming
from tributary.registry import load_registry

DAY_MS = 24 * 60 * 60 * 1000


def _datasets():
    return {one["dataset_id"]: one for one in plan().of("google_bigquery_dataset")}


def test_there_is_a_dataset_for_everything_that_naming_names():
    expected = {naming.CONSOLIDATED, naming.CONSOLIDATED_AUDIT, naming.OPS, "airbyte_internal"}
    for database in load_registry().databases:
        expected |= {naming.dataset(database), naming.raw_dataset(database), naming.quarantine_dataset(database)}
    assert set(_datasets()) == expected


def test_there_is_a_cloud_sql_instance_for_each_that_the_registry_names():
    instances = {database.cloud_sql_instance for database in load_registry().databases.values()}
    made = {one["name"] for one in plan().of("google_sql_database_instance")}
    assert made == {*instances, "tributary-airflow"}


def test_rows_of_raw_expire_that_no_sync_renews():
    for name, dataset in _datasets().items():
        expected = 30 * DAY_MS if name.startswith("raw__") else None
        assert dataset.get("default_partition_expiration_ms") == expected, name


def test_tables_of_raw_and_audit_expire_and_no_others_that_people_read():
    expiring = {name for name, dataset in _datasets().items() if dataset.get("default_table_expiration_ms")}
    raw = {naming.raw_dataset(database) for database in load_registry().databases}
    assert expiring == {*raw, naming.CONSOLIDATED_AUDIT, "airbyte_internal"}


def test_every_dataset_says_what_it_is():
    for name, dataset in _datasets().items():
        assert dataset["description"], name
        assert {"service", "env", "layer"} <= dataset["labels"].keys(), name
        assert dataset["location"] == "US"


def test_no_dataset_goes_with_its_rows_when_terraform_removes_it():
    assert not [name for name, dataset in _datasets().items() if dataset.get("delete_contents_on_destroy")]


def test_dumps_are_imported_into_a_mysql_that_google_still_supports():
    """8.0 costs extra since July 2026: https://cloud.google.com/sql/docs/mysql/db-versions (extended support)."""
    versions = {one["database_version"] for one in plan().of("google_sql_database_instance")}
    (mysql,) = (version for version in versions if version.startswith("MYSQL"))
    assert tuple(map(int, mysql.split("_")[1:])) >= (8, 4)
