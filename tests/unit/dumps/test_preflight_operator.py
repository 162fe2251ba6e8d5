"""What the operator hands to the import: the dump itself, or a copy that Cloud SQL reads right."""

from __future__ import annotations

import bz2
import gzip
import io
from collections.abc import Callable
from typing import Any

import pytest
from airflow.providers.google.cloud.hooks import gcs

from tributary.contracts import Column, Table
from tributary.dumps import DumpRefused
from tributary.operators import preflight as module
from tributary.registry import Database, load_registry

DumpWith = Callable[[bytes], bytes]


class Bucket:
    """As much of a bucket as the operator uses."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self.objects = objects

    def blob(self, name: str, generation: int | None = None) -> Blob:
        return Blob(self, name)


class Blob:
    def __init__(self, bucket: Bucket, name: str) -> None:
        self.bucket, self.name = bucket, name

    def open(self, mode: str) -> Any:
        if mode == "rb":
            return io.BytesIO(self.bucket.objects[self.name])
        out = io.BytesIO()
        close = out.close

        def keep() -> None:
            self.bucket.objects[self.name] = out.getvalue()
            close()

        out.close = keep  # type: ignore[method-assign]
        return out


class Store:
    """The dataset `ops`, in which nothing has landed yet."""

    def record_dump(self, *_: object, **__: object) -> None: ...

    def record_changes(self, *_: object, **__: object) -> None: ...

    def record_counts(self, *_: object, **__: object) -> None: ...

    def previous_counts(self, *_: object) -> dict[str, int]:
        return {}


class Dump:
    """The output of find_dump."""

    def __init__(self, name: str) -> None:
        self.name = name

    def resolve(self, context: object) -> dict[str, Any]:
        return {"bucket": "dumps", "name": self.name, "generation": 7, "uri": f"gs://dumps/{self.name}"}


@pytest.fixture
def imported(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[str, bytes]]:
    """Runs the operator on one object; returns the name and the bytes of what is to be imported."""

    def run(
        name: str, stored: bytes, *, day: str = "2026-11-21", force: bool = False, **options: object
    ) -> tuple[str, bytes]:
        known = load_registry().database("shop_eu")
        table = Table(primary_key=("a",), columns={"a": Column(type="int")})
        contract = known.contract.model_copy(update={"tables": {"t": table}, **options})
        database: Database = known.model_copy(update={"contract": contract})
        bucket = Bucket({name: stored})
        connection = type("Connection", (), {"bucket": lambda self, _: bucket})()
        monkeypatch.setattr(gcs.GCSHook, "__init__", lambda self, **_: None)
        monkeypatch.setattr(gcs.GCSHook, "get_conn", lambda self: connection)
        monkeypatch.setattr(module, "ops_store", Store)
        operator = module.PreflightOperator(task_id="preflight", database=database, dump=Dump(name))
        operator.dump_date = day
        result = operator.execute({"run_id": "r", "params": {"force": force}})  # type: ignore[typeddict-item]
        assert result["tables"] == {"t": 2}
        target = result["uri"].removeprefix("gs://dumps/")
        return target, bucket.objects[target]

    return run


def test_a_gzip_or_plain_dump_is_imported_itself(imported: Any, dump_with: DumpWith) -> None:
    for name, stored in (("a.sql.gz", gzip.compress(dump_with(b""))), ("a.sql", dump_with(b""))):
        assert imported(name, stored) == (name, stored)


@pytest.mark.parametrize(
    ("name", "pack"),
    [("a.sql.bz2", bz2.compress), ("a.sql", gzip.compress), ("a.sql.gz", bytes)],
    ids=["another compression", "gzip that is called plain", "plain that is called gzip"],
)
def test_what_cloud_sql_would_misread_is_imported_from_a_copy(
    name: str, pack: Callable[[bytes], bytes], imported: Any, dump_with: DumpWith
) -> None:
    target, stored = imported(name, pack(dump_with(b"")))
    assert target == "_cleaned/shop_eu/2026-11-21/7.sql.gz"
    assert gzip.decompress(stored) == dump_with(b"")


@pytest.mark.parametrize(
    ("options", "text", "expected"),
    [
        ({"own_database_statements": True}, b"USE `shop_eu`;", b""),
        ({"drop_definers": True}, b"CREATE DEFINER=`a`@`b` VIEW `v` AS select 1;", b"CREATE  VIEW `v` AS select 1;"),
        (
            {"collation": "utf8mb4_bin"},
            b"CREATE TABLE `u` (a text) COLLATE=utf8mb4_0900_ai_ci;",
            b"CREATE TABLE `u` (a text) COLLATE=utf8mb4_bin;",
        ),
    ],
    ids=["own database", "definers", "collation"],
)
def test_the_contract_s_changes_are_made_in_a_copy(
    options: dict[str, Any], text: bytes, expected: bytes, imported: Any, dump_with: DumpWith
) -> None:
    target, stored = imported("a.sql.gz", gzip.compress(dump_with(text)), **options)
    assert target.startswith("_cleaned/")
    assert gzip.decompress(stored) == dump_with(expected)


def test_the_command_of_mariadb_s_client_is_left_out_of_a_copy(imported: Any, dump_with: DumpWith) -> None:
    """MySQL's client, with which Cloud SQL imports, ends at it; at the later form with an `M` it does not."""
    command, comment = (rf"/*{sign}999999\- enable the sandbox mode */".encode() for sign in ("!", "M!"))
    target, stored = imported("a.sql.gz", gzip.compress(command + b" \n" + dump_with(b"")))
    assert target.startswith("_cleaned/")
    assert gzip.decompress(stored) == b" \n" + dump_with(b"")
    target, stored = imported("a.sql.gz", gzip.compress(comment + b"\n" + dump_with(b"")))
    assert target == "a.sql.gz"


@pytest.mark.case(
    "B22", "an older dump lies in the day's folder", expected="refused by its completion line; taken by force"
)
def test_a_dump_of_an_earlier_day_is_refused(imported: Any, dump_with: DumpWith) -> None:
    stored = gzip.compress(dump_with(b""))
    imported("a.sql.gz", stored, day="2026-11-22")
    with pytest.raises(DumpRefused, match=r"stale: expected a dump of 2026-11-22 or later, found .* on 2026-11-21"):
        imported("a.sql.gz", stored, day="2026-11-23")
    imported("a.sql.gz", stored, day="2026-11-23", force=True)
