"""Publishing processes are killed at random moments while others read: nobody ever sees a mix.

Six publishes, or fifty with TRIBUTARY_FAULTS=all; a report of them goes to standard output (`-s`).
"""

from __future__ import annotations

import multiprocessing
import os
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from google.cloud import bigquery

from tests.support.bigquery import bigquery_of_its_own
from tests.support.published import DATABASES, LOCATION, TABLES, audit, client_of, publish_generation, rows_in
from tributary import versions
from tributary.ledger.store import OpsStore, execute

PUBLISHES = 50 if os.environ.get("TRIBUTARY_FAULTS") == "all" else 6
# Of the processes, those that are killed; the others show that what was left can be mended.
KILLED = 0.7
KEEP = 3

# A new process for each publish, forked off a clean one that has everything imported.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.support.published", "google.cloud.bigquery"])

ALL_TABLES = "\nunion all\n".join(
    [
        *(
            f"select '{table}' as name, _database, cast(generation as string) as seen, count(*) as row_count "
            f"from consolidated.{table} group by _database, generation"
            for table in TABLES
        ),
        "select 'databases', database, version, row_count from consolidated.databases",
    ]
)


def publish_in_child(project: str, generation: int) -> None:
    publish_generation(client_of(project), generation, keep=KEEP)


@dataclass
class Reader:
    """Reads all tables again and again, and keeps what it saw that no whole version has."""

    client: bigquery.Client
    together: int = 0
    one_by_one: int = 0
    again: int = 0
    generations: dict[str, set[int]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def read(self) -> None:
        """One query over all tables, then table by table."""
        seen = [tuple(row.values()) for row in execute(self.client, ALL_TABLES)]
        self.together += 1
        self.check({version for name, _, version, _ in seen if name == "databases"}, seen)
        for _ in range(20):
            before = self.version()
            parts = [row for table in TABLES for row in self.table(table)]
            if before == self.version():
                self.one_by_one += 1
                self.check(before, parts)
                return
            self.again += 1
        self.faults.append("no version stood still for 20 readings in a row")

    def version(self) -> set[str]:
        """What `consolidated.databases` says; the same before and after reading means that nothing changed."""
        return {row["version"] for row in execute(self.client, "select version from consolidated.databases")}

    def table(self, table: str) -> list[tuple[Any, ...]]:
        rows = execute(
            self.client,
            f"select _database, generation, count(*) as row_count from consolidated.{table} "
            "group by _database, generation",
        )
        return [(table, row["_database"], str(row["generation"]), row["row_count"]) for row in rows]

    def check(self, version: set[str], rows: list[tuple[Any, ...]]) -> None:
        generations = {int(seen) for name, _, seen, _ in rows if name != "databases"}
        if len(version) != 1 or len(generations) != 1:
            self.faults.append(f"versions {version}, generations {generations} at once")
            return
        (generation,) = generations
        self.generations.setdefault(version.copy().pop(), set()).add(generation)
        found = {(name, database): count for name, database, _, count in rows if name != "databases"}
        expected = {(table, name): rows_in(generation, table) for table in TABLES for name in DATABASES}
        if found != expected:
            self.faults.append(f"generation {generation}: rows {found}, expected {expected}")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[bigquery.Client]:
    with bigquery_of_its_own(tmp_path_factory.mktemp("cloud")) as cloud:
        yield client_of(cloud.project)


@pytest.fixture
def reader(client: bigquery.Client) -> Iterator[Reader]:
    """Reads in a thread from the first publish to the end of the test."""
    audit(client, 0)
    publish_generation(client, 0, keep=KEEP)
    reader, stop = Reader(client_of(client.project)), threading.Event()

    def read() -> None:
        while not stop.is_set():
            try:
                reader.read()
            except Exception as error:
                reader.faults.append(repr(error))

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield reader
    finally:
        stop.set()
        thread.join()


def start(client: bigquery.Client, generation: int) -> Any:
    child = PROCESSES.Process(target=publish_in_child, args=(client.project, generation))
    child.start()
    return child


@pytest.mark.case("F19", "SIGKILL in the middle of publishing", expected="readers see whole versions, no version twice")
def test_readers_never_see_a_mix(client: bigquery.Client, reader: Reader):
    chance = random.Random(19)
    store = OpsStore(client, LOCATION)
    generation, started, killed, changed = 0, 0, 0, 0
    usual = 0.0
    while started < PUBLISHES:
        generation += 1
        audit(client, generation)
        while started < PUBLISHES:
            started += 1
            child, begun = start(client, generation), time.monotonic()
            # The first runs to its end, to know how long that takes, and the last, to leave nothing to mend.
            if usual and started < PUBLISHES and chance.random() < KILLED:
                child.join(chance.uniform(0, usual))
                child.kill()
            child.join()
            if child.exitcode == 0:
                usual = max(usual, time.monotonic() - begun)
                break
            assert child.exitcode == -9
            killed += 1
            changed += versions.published(store)[0].run_id == f"run_{generation}"
    print(
        f"\n{started} publishes of {generation} days, {killed} killed, {changed} of them after the change; "
        f"{reader.together} readings of all tables at once, {reader.one_by_one} one by one, {reader.again} repeated"
    )
    assert killed
    assert reader.faults == []
    assert reader.together > 0
    assert reader.one_by_one > 0
    assert all(len(found) == 1 for found in reader.generations.values())
    # No run has two versions, and a run that was killed and repeated is published once.
    records = [tuple(row.values()) for row in execute(client, "select run_id, version from ops.published")]
    assert sorted(run for run, _ in records) == sorted(f"run_{number}" for number in range(generation + 1))
    assert len({version for _, version in records}) == len(records)
    whole = versions.kept(client)
    assert all(version.content for version in whole)
    assert [version.id for version in whole] == sorted(version for _, version in records)[-KEEP:]
