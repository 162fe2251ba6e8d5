"""A cinema whose table `visits` has a history, in a dbt project of its own; and what a history has to be, in Python."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import zip_longest
from pathlib import Path
from typing import Any

from dbt_raw import LOAD, replace_table
from dbt_warehouse import Outcome, Warehouse

from tributary import generated
from tributary.registry import INCLUDE, load_registry

DATABASE = "cinema_de"
# Names that are reserved words or stand in the statements, and types that BigQuery does not compare among them.
CONTRACT = """
app: cinema
models: generated
tables:
  visits:
    description: Who sat where.
    primary_key: [film, seat]
    history: true
    columns:
      film: {type: int unsigned}
      seat: {type: varchar(9)}
      order: {type: "decimal(10,2)", nullable: true}
      rows: {type: double, nullable: true}
      today: {type: json, nullable: true}
      poster: {type: longblob, nullable: true}
      at: {type: datetime, nullable: true}
"""
COLUMNS = "film:INT64 seat:STRING order:NUMERIC rows:FLOAT64 today:JSON poster:BYTES at:DATETIME"
# A column that raw has from the start, and the contract only later.
PRICE = "price:INT64"
ASIDE = "_rule:STRING _run_id:STRING _dump_date:DATE _loaded_at:TIMESTAMP"
MADE_AT = "2013-01-03 00:00:00+00"
KEYS = 2
# What the emulator's answers cannot carry.
_READ = {"BYTES": "to_base64({})", "JSON": "to_json_string({})"}

Key = tuple[Any, ...]
Row = tuple[Any, ...]
Versions = set[tuple[Any, ...]]


@dataclass(frozen=True)
class Dump:
    """A day's rows of `visits`, and the keys of the rows that were set aside of it."""

    day: date
    rows: tuple[Row, ...] = ()
    aside: frozenset[Key] = frozenset()


def history_of(dumps: Iterable[Dump]) -> Versions:
    """The versions that dumps tell of; of a day's dumps the last one counts. Each: from, to, ended by, columns."""
    days = {dump.day: dump for dump in dumps}
    found: Versions = set()
    current: dict[Key, tuple[date, Row]] = {}
    for day in sorted(days):
        rows = {row[:KEYS]: row for row in days[day].rows}
        for key, (since, was) in list(current.items()):
            if rows.get(key) != was:
                why = "change" if key in rows else "quarantine" if key in days[day].aside else "deletion"
                found.add((since, day, why, *was))
                del current[key]
        for key, row in rows.items():
            current.setdefault(key, (day, row))
    return found | {(since, None, None, *row) for since, row in current.values()}


@dataclass(repr=False)
class Cinema:
    """The cinema in a warehouse.

    :param first: the statements that dbt has sent to make a history where there was none; `each` those of every run.
    """

    warehouse: Warehouse
    include: Path
    table: str = f"{DATABASE}.visits__history"
    columns: str = COLUMNS
    first: list[str] = field(default_factory=list)
    each: list[str] = field(default_factory=list)

    @classmethod
    def made(cls, warehouse: Warehouse, folder: Path) -> Cinema:
        """A copy of the project with the cinema's models alone."""
        include = folder / "include"
        left_out = shutil.ignore_patterns("target", "logs", "retail", "flights", "sources", "*every_database.sql")
        shutil.copytree(INCLUDE / "dbt", include / "dbt", ignore=left_out)
        (include / "contracts").mkdir()
        (include / "databases.yaml").write_text(f"databases: {{{DATABASE}: {{app: cinema}}}}\n")
        (folder / "docs").mkdir()
        shutil.copy(INCLUDE.parent / "docs" / "metrics.md", folder / "docs")
        for dataset in ("raw", "quarantine"):
            warehouse.client.create_dataset(f"{warehouse.client.project}.{dataset}__{DATABASE}", exists_ok=True)
        cinema = cls(replace(warehouse, project=include / "dbt", directory=folder), include)
        cinema.accept(CONTRACT)
        return cinema

    @property
    def named_types(self) -> list[tuple[str, str]]:
        """The columns of raw with their types."""
        return [(name, kind) for name, _, kind in (column.partition(":") for column in self.columns.split())]

    def accept(self, contract: str) -> None:
        """Let the contract be that from now on."""
        (self.include / "contracts" / "cinema.yaml").write_text(contract)
        generated.write(load_registry(self.include), self.include)

    def sync(self, dump: Dump) -> None:
        """Leave a dump in raw."""
        client, raw = self.warehouse.client, f"raw__{DATABASE}"
        columns = [*self.named_types, *([] if PRICE in self.columns else [("price", "INT64")])]
        # The first one is left out; it gives the others their types.
        rows = " union all ".join(
            "select "
            + ", ".join(f"{_literal(value, kind)} as `{name}`" for value, (name, kind) in zip_longest(row, columns))
            for row in ((), *dump.rows)
        )
        self.query(f"create or replace table {raw}.visits as select * from ({rows}) where film is not null")
        loaded = (DATABASE, str(dump.day), "run", "gs://dumps/d.sql.gz", 1, MADE_AT)
        replace_table(client, f"{client.project}.{raw}._tributary_load", LOAD, [loaded])

    def set_aside(self, dumps: Mapping[date, Dump]) -> None:
        """Let quarantine have what was set aside of these dumps."""
        client, content = self.warehouse.client, [None] * (len(self.columns.split()) - KEYS)
        rows = [
            (*key, *content, "a_rule", "run", str(dump.day), MADE_AT)
            for dump in dumps.values()
            for key in dump.aside
            for _ in range(2)  # Rows with the same key go aside together.
        ]
        replace_table(client, f"{client.project}.quarantine__{DATABASE}.visits", f"{self.columns} {ASIDE}", rows)

    def build(self, dump: Dump, *options: str) -> Outcome:
        """Sync a dump and have dbt build the history."""
        self.sync(dump)
        select = ("build", "--select", "cinema__visits__history", *options)
        return self.warehouse.dbt(DATABASE, *select, database=DATABASE, dump_date=str(dump.day))

    def record(self, dump: Dump) -> None:
        """Build the first history, and keep what dbt has sent."""
        outcome = self.build(dump)
        assert outcome.code == 0, outcome.text
        jobs = [job for job in self.warehouse.client.list_jobs() if job.job_type == "query"]
        sent = [
            job.query
            for job in reversed(jobs)
            if "create or replace table" in job.query and "visits__history" in job.query
        ]
        every = f"date '{dump.day}'"
        self.each = [text.replace(every, "date '{day}'") for text in sent if every in text]
        self.first = [text for text in sent if every not in text]
        assert (len(self.first), len(self.each)) == (2, 2), sent

    def replay(self, dump: Dump, *, anew: bool) -> None:
        """Sync a dump and send what dbt has sent, for its day; `anew` as if there were no history yet."""
        self.sync(dump)
        rows, script = (text.replace("{day}", str(dump.day)) for text in self.each)
        for statement in (rows, *(self.first if anew else ()), script):
            self.query(statement)

    def query(self, sql: str) -> None:
        """Run statements in the warehouse, as a job: the emulator's short way loses the error of one."""
        self.warehouse.client.query(sql).result()

    def begin_anew(self) -> None:
        """Drop the history; what is known of its days stays."""
        client = self.warehouse.client
        client.delete_table(f"{client.project}.{self.table}", not_found_ok=True)
        self.set_aside({})

    def history(self) -> Versions:
        """The versions that the warehouse has, as `history_of` says them."""
        columns = ", ".join(_READ.get(kind, "{}").format(f"`{name}`") for name, kind in self.named_types)
        rows = self.warehouse.rows(f"select _valid_from, _valid_to, _ended_by, {columns} from {self.table}")
        assert len(set(rows)) == len(rows)
        return set(rows)


def _literal(value: Any, kind: str) -> str:
    """A value as GoogleSQL writes it."""
    if value is None:
        return f"cast(null as {kind.lower()})"
    match kind:
        case "BYTES":
            return f"from_base64('{value}')"
        case "JSON":
            return f"parse_json('{value}')"
    return f"cast('{value}' as {kind.lower()})"
