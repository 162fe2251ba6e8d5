"""Names of datasets, and what each step wrote from what."""

from __future__ import annotations

from tributary import naming
from tributary.registry import load_registry
from tributary.telemetry.lineage import (
    Dataset,
    Server,
    bigquery_table,
    consolidated_columns,
    dump_object,
    imported,
    published,
    sources_of,
    synced,
)

SHOP = load_registry().database("shop_eu")
SERVER = Server("10.1.2.3", 3307)


def test_names_are_those_of_openlineage_s_client():
    from openlineage.client.naming.dataset import GCS, BigQuery, MySQL

    dump = dump_object("dumps", "shop_eu/2013-01-02/a.sql.gz", 17)
    assert dump == Dataset(GCS("dumps", dump.name).get_namespace(), GCS("dumps", dump.name).get_name())
    mysql = MySQL("10.1.2.3", "3307", "shop_eu", "orders")
    assert SERVER.table("shop_eu", "orders") == Dataset(mysql.get_namespace(), mysql.get_name())
    table = BigQuery("p", "raw__shop_eu", "orders")
    assert bigquery_table("p", "raw__shop_eu", "orders") == Dataset(table.get_namespace(), table.get_name())


def test_a_dump_s_generation_is_no_part_of_its_name():
    one, other = (dump_object("dumps", "a.sql", generation) for generation in (1, 2))
    assert one == other
    assert (one.version, other.version) == ("1", "2")


def test_personal_columns_end_in_the_staging_database():
    dump = dump_object("dumps", "a.sql", 1)
    staging = {one.dataset.name: one for one in imported(SHOP.contract.tables, "shop_eu", dump, SERVER)}
    raw = {one.dataset.name: one for one in synced(SHOP, SERVER, "p")}
    personal = {"first_name", "last_name"}
    assert personal <= set(staging["shop_eu.customers"].columns)
    assert not personal & set(raw["p.raw__shop_eu.customers"].columns)
    assert not personal & set(raw["p.raw__shop_eu.customers"].origins)


def test_the_step_after_reads_what_the_step_before_wrote():
    written = imported(SHOP.contract.tables, naming.staging_database("shop_eu"), dump_object("d", "a", 1), SERVER)
    assert sources_of(synced(SHOP, SERVER, "p")) == [one.dataset for one in written]


def test_the_table_of_databases_comes_from_every_audited_table():
    written = published("p", {"orders": {"id": "int64"}, "flights": {}}, "databases")
    assert [one.dataset.name for one in written] == [
        "p.consolidated.orders", "p.consolidated.flights", "p.consolidated.databases"
    ]  # fmt: skip
    assert set(written[-1].sources) == {source for one in written[:-1] for source in one.sources}
    assert written[0].origins == {"id": ((bigquery_table("p", "consolidated__audit", "orders"), "id"),)}


def test_databases_whose_rows_stay_are_named_too():
    tables = {"orders": {"_database": "string", "id": "int64"}, "flights": {"id": "int64"}}
    orders, flights, databases = published("p", tables, "databases", {"orders": ["shop_eu", "shop_us"]})
    marts = [bigquery_table("p", name, "orders") for name in ("shop_eu", "shop_us")]
    audited = bigquery_table("p", "consolidated__audit", "orders")
    assert orders.sources == (audited, *marts)
    assert orders.origins == {
        "_database": ((audited, "_database"),),
        "id": ((audited, "id"), *((mart, "id") for mart in marts)),
    }
    assert flights.sources == (bigquery_table("p", "consolidated__audit", "flights"),)
    assert set(databases.sources) == {*orders.sources, *flights.sources}


def test_of_a_thousand_databases_an_event_stays_small():
    names = [f"shop_{number}" for number in range(1000)]
    for count, expected in ((100, 100), (101, 0), (1000, 0)):
        written, _ = published("p", {"orders": {"id": "int64"}}, "databases", {"orders": names[:count]})
        assert len(written.sources) == 1 + min(count, 400)
        assert len(written.origins.get("id", ())) == (1 + expected if expected else 0)


def test_consolidated_columns_are_found_by_the_name_of_the_table():
    def node(kind: str, folder: str, alias: str) -> dict[str, object]:
        columns = {"id": {"data_type": "int64"}, "name": {"data_type": None}}
        return {"resource_type": kind, "fqn": ["tributary", folder, "m"], "alias": alias, "columns": columns}

    nodes = {
        "a": node("model", "consolidated", "orders"), "b": node("model", "retail", "customers"),
        "c": node("test", "consolidated", "holds"),
    }  # fmt: skip
    assert consolidated_columns({"nodes": nodes}) == {"orders": {"id": "int64", "name": ""}}
