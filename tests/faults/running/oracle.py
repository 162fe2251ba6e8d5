"""The invariants that hold after every fault, checked on everything that the stack has written."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery, storage

from tests.e2e.content import Content, bigquery_content, columns_of, dump_in_mysql, mysql_content
from tests.faults.running.stack import DATABASES, Stack
from tributary.registry import load_registry

_FINISHED = ("succeeded", "failed", "cancelled")
# What a finished step leaves in a raw dataset beside the contract's tables.
_LOAD_MARKER = "_tributary_load"
_LINES_TOGETHER = 500


@dataclass
class Expected:
    """What has to be seen: the day of each database's rows, and the open records by id."""

    days: Mapping[str, str]
    letters: Collection[str] = ()
    # Jobs that may have been begun for a step of a database: those of days that were loaded again.
    more_jobs: Mapping[str, int] = field(default_factory=dict)


class Oracle:
    """Knows what the dumps held, and finds what is not as it must be."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.contracts = {
            name: database.contract
            for name, database in load_registry(stack.checkout.folder / "include").databases.items()
        }
        with self.environment():
            credentials = AnonymousCredentials()
            self.warehouse = bigquery.Client(project="tributary-local", credentials=credentials, location="US")
            self.storage = storage.Client(project="tributary-local", credentials=credentials)
        self._dumps: dict[tuple[str, str], dict[str, tuple[list[str], Content]]] = {}
        self._syncs = {name: self._sync_count(name) for name in DATABASES}
        self._clean: set[bytes] = set()

    def violations(self, expected: Expected) -> list[str]:
        """One line for each invariant that does not hold; empty when all is well."""
        return [
            *self._rows(expected.days),
            *self._outside_jobs(expected),
            *self._letters(expected.letters),
            *self._leftovers(),
            *self._leaks(),
        ]

    @contextmanager
    def environment(self) -> Iterator[None]:
        """Let the clients of this process find the stack's services."""
        before = dict(os.environ)
        os.environ.update(self.stack.environment)
        yield
        os.environ.clear()
        os.environ.update(before)

    # I1, I2, I6: every database's rows are those of one dump

    def _rows(self, days: Mapping[str, str]) -> Iterator[str]:
        states = {
            row["database"]: (str(row["as_of"]), row["stale"])
            for row in self.warehouse.query("select database, as_of, stale from consolidated.databases").result()
        }
        newest = max(days.values())
        for database, day in days.items():
            if states.get(database) != (day, day != newest):
                yield f"I1 {database}: consolidated says {states.get(database)}, expected its rows of {day}"
                continue
            for table, (columns, content) in self._dump(database, day).items():
                found = bigquery_content(self.warehouse, f"consolidated.{table}", columns, f"_database = '{database}'")
                if found != content:
                    yield f"I1 consolidated.{table} of {database}: {found}, the dump of {day} has {content}"

    def _dump(self, database: str, day: str) -> dict[str, tuple[list[str], Content]]:
        if (database, day) not in self._dumps:
            name = f"{database}/{day}/{database}.sql.gz"
            content = {}
            with self.environment(), dump_in_mysql(self.stack.environment, self.stack.bucket, name) as cursor:
                for table, definition in self.contracts[database].tables.items():
                    kept = columns_of(self.warehouse, f"consolidated.{table}")
                    columns = [column for column in definition.selected_columns if column in kept]
                    content[table] = (
                        columns,
                        mysql_content(cursor, table, definition, self.stack.environment, columns),
                    )
            self._dumps[database, day] = content
        return self._dumps[database, day]

    # I3: one outside job per database, dump and step

    def _outside_jobs(self, expected: Expected) -> Iterator[str]:
        for database, day in expected.days.items():
            allowed = 1 + expected.more_jobs.get(database, 0)
            imports = self.stack.imports(database, day)
            if any(operation["status"] != "DONE" for operation in imports):
                yield f"I3 an import of {database} is still under way"
            if len(imports) > allowed:
                yield f"I3 {len(imports)} imports of {database} for {day}, expected at most {allowed}"
            jobs = self.stack.syncs(database)
            if any(job["status"] not in _FINISHED for job in jobs):
                yield f"I3 a sync of {database} is still under way"
            if len(jobs) - self._syncs[database] > allowed:
                yield f"I3 {len(jobs) - self._syncs[database]} syncs of {database} for {day}, expected {allowed}"

    def next_day(self) -> None:
        """Count the syncs from here on."""
        self._syncs = {name: self._sync_count(name) for name in DATABASES}

    def _sync_count(self, database: str) -> int:
        return len(self.stack.syncs(database))

    # I4: exactly the records that are expected

    def _letters(self, expected: Collection[str]) -> Iterator[str]:
        found = {letter["id"] for letter in self.stack.letters()}
        for letter_id in sorted(found ^ set(expected)):
            yield f"I4 dead letter {letter_id}: {'not expected' if letter_id in found else 'missing'}"

    # I8: nothing temporary is left

    def _leftovers(self) -> Iterator[str]:
        for database, contract in self.contracts.items():
            tables = {table.table_id for table in self.warehouse.list_tables(f"raw__{database}")}
            for name in sorted(tables - set(contract.tables) - {_LOAD_MARKER}):
                yield f"I8 raw__{database}.{name} is left"

    # I7: no secret and no personal data in anything that was written

    def _leaks(self) -> Iterator[str]:
        values = self._secret_values()
        for place, text in self._written():
            found = {kind for part in _parts(text) for kind in self._found(part, values)}
            yield from (f"I7 {place} holds {kind}" for kind in sorted(found))

    def _found(self, part: str, values: Mapping[str, list[str]]) -> list[str]:
        # Most of it was written on earlier days: what was clean then holds no value that came later.
        digest = hashlib.sha256(part.encode(errors="surrogatepass")).digest()
        if digest in self._clean:
            return []
        found = [kind for kind, known in values.items() if any(value in part for value in known)]
        if not found:
            self._clean.add(digest)
        return found

    def _secret_values(self) -> dict[str, list[str]]:
        environment = self.stack.environment
        passwords = [
            value
            for name, value in environment.items()
            if name.endswith(("_PASSWORD", "_SECRET", "_TOKEN")) and len(value) > 8
        ]
        tables = {
            f"{database}.{table}": [column for column, one in definition.columns.items() if one.personal]
            for database, contract in self.contracts.items()
            for table, definition in contract.tables.items()
        }
        personal = {
            value
            for table, columns in tables.items()
            for column in columns
            for value in self._production(f"select distinct `{column}` from {table}")
            # Shorter ones stand in any text by chance.
            if len(value) > 7
        }
        assert len(personal) > 20
        return {"a password": passwords, "personal data": sorted(personal)}

    def _production(self, query: str) -> list[str]:
        environment = self.stack.environment
        command = [
            "mariadb", "--no-defaults", "--batch", "--skip-column-names", "--host=127.0.0.1",
            f"--port={environment['LOCALCLOUD_PRODUCTION_PORT']}", "--user=root", f"--execute={query}",
        ]  # fmt: skip
        password = {"MYSQL_PWD": environment["LOCALCLOUD_PRODUCTION_PASSWORD"]}
        done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **password})
        return done.stdout.splitlines()

    def _written(self) -> Iterator[tuple[str, str]]:
        """All that people may read: logs, XCom, rendered templates, records, `ops`, messages, metrics, lineage."""
        for place, path in self.stack.written_files():
            yield place, path.read_text(errors="replace")
        for table in ("xcom", "rendered_task_instance_fields", "log", "task_instance_note", "dag_run"):
            yield f"Airflow's table {table}", self.stack.airflow_table(table)
        agent = f"http://127.0.0.1:{self.stack.environment['LOCALCLOUD_DOGSTATSD_PORT']}"
        yield "metrics", httpx.get(f"{agent}/metrics", timeout=30).text
        for prefix in ("_dead_letters/", "_alerts/"):
            for blob in self.storage.list_blobs(self.stack.bucket, prefix=prefix):
                yield blob.name, blob.download_as_text()
        for table in self.warehouse.list_tables("ops"):
            rows = self.warehouse.query(f"select to_json_string(t) as row from ops.{table.table_id} as t").result()
            yield f"ops.{table.table_id}", "\n".join(row["row"] for row in rows)


def _parts(text: str) -> Iterator[str]:
    """The text by some hundred lines: of a log that grows, only the last part is new."""
    lines = text.splitlines()
    for begin in range(0, len(lines), _LINES_TOGETHER):
        yield "\n".join(lines[begin : begin + _LINES_TOGETHER])
