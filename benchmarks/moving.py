"""How fast data moves: `python -m benchmarks.moving [MEGABYTES ...] [--runs N]`.

Makes a dump of a table like TPC-H's `lineitem` of each size (100 and 2,000 MB), packed by gzip as the registry's
default pattern has them, and plain for the first size. In turns, N (5) times each: the bare `mariadb` client reads it;
the local Cloud SQL imports it from the bucket. Then as many syncs into the local BigQuery. Prints MB (unpacked), rows,
rows by CPU second of all processes, and the peak memory of the importer and of the mover. Needs `TRIBUTARY_BQEMULATOR`,
the emulator's program.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from google.api_core.client_options import ClientOptions
from google.cloud import storage
from googleapiclient.discovery import build

from benchmarks.measuring import Cost, Peak, compared, cost, keep_figures, row
from tests.integration.localcloud.clients import Airbyte, MySQL
from tests.support.services import LocalCloud

SERVICES = ("metadata", "storage", "bigquery", "cloud_sql", "sqladmin", "airbyte")
COLUMNS = ("MB", "rows", "way", "n", "s", "MB/s", "rows/s", "rows by CPU second", "peak MiB")
# A job that takes longer has hung.
JOB_SECONDS = 1800.0
# What a way's name says of the dump, and how its file's name ends.
KINDS = {"": ".sql.gz", ", plain": ".sql"}
# A row takes about so many bytes in a dump.
ROW = 134
LINEITEM = """
create table lineitem (
    l_orderkey bigint not null, l_partkey int not null, l_suppkey int not null, l_linenumber int not null,
    l_quantity decimal(15,2) not null, l_extendedprice decimal(15,2) not null, l_discount decimal(15,2) not null,
    l_tax decimal(15,2) not null, l_returnflag char(1) not null, l_linestatus char(1) not null,
    l_shipdate date not null, l_commitdate date not null, l_receiptdate date not null, l_shipinstruct char(25) not null,
    l_shipmode char(10) not null, l_comment varchar(44) not null, primary key (l_orderkey, l_linenumber)
)
"""
FILL = """
insert into lineitem select
    seq div 4, seq * 7919 % 200000, seq * 104729 % 10000, seq % 4, 1 + seq % 50, 900 + seq * 31 % 100000 / 100,
    seq % 11 / 100, seq % 9 / 100, elt(1 + seq % 3, 'A', 'N', 'R'), elt(1 + seq % 2, 'F', 'O'),
    date '1992-01-01' + interval seq % 2500 day, date '1992-02-01' + interval seq % 2500 day,
    date '1992-01-15' + interval seq % 2500 day,
    elt(1 + seq % 4, 'DELIVER IN PERSON', 'COLLECT COD', 'NONE', 'TAKE BACK RETURN'),
    elt(1 + seq % 7, 'AIR', 'FOB', 'MAIL', 'RAIL', 'REG AIR', 'SHIP', 'TRUCK'), substr(md5(seq), 1, 10 + seq % 22)
from seq_1_to_{rows}
"""


class Mover:
    """The local cloud, and a dump of each size in its bucket."""

    def __init__(self, cloud: LocalCloud, folder: Path) -> None:
        self.cloud = cloud
        self.folder = folder
        self.mysql = MySQL(cloud)
        self.login = ["--host=127.0.0.1", f"--port={cloud.ports['cloud_sql']}", "--user=root"]
        self.environment = {**os.environ, "MYSQL_PWD": cloud.password}
        self.api = ClientOptions(api_endpoint=f"http://127.0.0.1:{cloud.ports['sqladmin']}")

    def pid(self, service: str) -> int:
        return self.cloud.processes[service].popen.pid

    def make(self, megabytes: int, *, plain: bool) -> tuple[int, int]:
        """Leave a dump of that size in the bucket, a plain one too if so; returns its rows, and its bytes unpacked."""
        rows = megabytes * 1_000_000 // ROW
        self.mysql.fresh("made")
        self.mysql.run(LINEITEM, FILL.format(rows=rows))
        file = self.folder / f"{megabytes}.sql"
        with file.open("wb") as target:
            command = ["mariadb-dump", *self.login, "--single-transaction", "made"]
            subprocess.run(command, env=self.environment, stdout=target, check=True)
        self.mysql.run("drop database made")
        size = file.stat().st_size
        subprocess.run(["gzip", "--keep", file], check=True)
        if not plain:
            file.unlink()
        for dump in self.folder.glob(f"{file.name}*"):
            storage.Client().bucket(self.cloud.bucket).blob(dump.name).upload_from_filename(dump, timeout=600)
        return rows, size

    def bare(self, dump: str) -> None:
        """The dump into the server by its client alone."""
        self.mysql.fresh("bare")
        client = ["mariadb", *self.login, "bare"]
        with (self.folder / dump).open("rb") as file:
            if dump.endswith(".gz"):
                with subprocess.Popen(["gzip", "--decompress", "--stdout"], stdin=file, stdout=subprocess.PIPE) as gzip:
                    subprocess.run(client, env=self.environment, stdin=gzip.stdout, check=True)
            else:
                subprocess.run(client, env=self.environment, stdin=file, check=True)

    def imported(self, dump: str) -> None:
        """The same through Cloud SQL's API, out of the bucket."""
        self.mysql.fresh("imported")
        # A client of its own: the service hangs up on one that was silent while the bare client had its turn.
        sqladmin = build("sqladmin", "v1", client_options=self.api, cache_discovery=False)
        body = {"importContext": {"uri": f"gs://{self.cloud.bucket}/{dump}", "database": "imported"}}
        where = {"project": self.cloud.project, "instance": "staging"}
        operation = sqladmin.instances().import_(**where, body=body).execute()
        get = sqladmin.operations().get(project=self.cloud.project, operation=operation["name"])
        begin = time.monotonic()
        while (found := get.execute())["status"] != "DONE":
            wait(begin)
        if "error" in found:
            raise RuntimeError(str(found["error"]))

    def synced(self) -> Callable[[], None]:
        """A sync of what was imported last, into BigQuery."""
        airbyte = Airbyte(self.cloud)
        connection = airbyte.connection("imported")

        def sync() -> None:
            job, begin = airbyte.start(connection), time.monotonic()
            while (status := airbyte.job(job).status) not in ("succeeded", "failed", "cancelled"):
                wait(begin)
            if status != "succeeded":
                raise RuntimeError(airbyte.log(job))

        return sync


def main(arguments: list[str]) -> None:
    """Measure, print, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("megabytes", nargs="*", type=int, default=[100, 2_000])
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args(arguments)
    python = str(Path(os.environ["TRIBUTARY_BQEMULATOR"]).with_name("python"))
    lines: list[dict[str, Any]] = []
    singles: dict[int, Any] = {}
    notes: list[str] = []
    print(row(COLUMNS), row(["---"] * len(COLUMNS)), sep="\n")
    with tempfile.TemporaryDirectory() as folder:
        cloud = LocalCloud(Path(folder) / "cloud", python=python)
        with cloud.running(*SERVICES), cloud.as_environment():
            mover = Mover(cloud, Path(folder))
            roots = [mover.pid(service) for service in SERVICES]
            for number, megabytes in enumerate(options.megabytes):
                rows, size = mover.make(megabytes, plain=number == 0)
                found, peaks = moved(mover, megabytes, options.runs, roots, plain=number == 0)
                for way, taken in found.items():
                    lines.append(line(megabytes, rows, size, way, taken, peaks.get(way)))
                    print(row(lines[-1].values()))
                singles[megabytes] = {way: [asdict(one) for one in taken] for way, taken in found.items()}
                # How much faster the import is, so the other way round.
                pairs = [(f"mariadb{kind}", f"import{kind}") for kind in KINDS if f"import{kind}" in found]
                notes += [
                    f"- {megabytes:,} MB: {said.removeprefix('- ')}" for said in compared(found, pairs).split("\n")
                ]
                print("", *notes[-len(pairs) :], "", sep="\n", flush=True)
    print(keep_figures("moving", lines=lines, singles=singles, notes=["\n".join(notes)]))


def moved(
    mover: Mover, megabytes: int, runs: int, roots: list[int], *, plain: bool
) -> tuple[dict[str, list[Cost]], dict[str, Peak]]:
    """What each way cost in each of the runs, and the peak memory of the services that did it."""
    peaks: dict[str, Peak] = {}
    ways: dict[str, tuple[Callable[[], object], Peak | None]] = {}
    for kind, suffix in list(KINDS.items())[: 2 if plain else 1]:
        dump = f"{megabytes}{suffix}"
        peaks[f"import{kind}"] = Peak(mover.pid("sqladmin"))
        ways[f"mariadb{kind}"] = (partial(mover.bare, dump), None)
        ways[f"import{kind}"] = (partial(mover.imported, dump), peaks[f"import{kind}"])
    found: dict[str, list[Cost]] = {way: [] for way in ways}
    for turn in range(runs):
        for way in ways if turn % 2 == 0 else reversed(ways):
            found[way].append(measured(*ways[way], roots))
    sync, peaks["sync"] = mover.synced(), Peak(mover.pid("airbyte"))
    found["sync"] = [measured(sync, peaks["sync"], roots) for _ in range(runs)]
    return found, peaks


def wait(begin: float) -> None:
    """Wait for a hundredth of the time since `begin`, as each look costs CPU. Raises TimeoutError at last."""
    since = time.monotonic() - begin
    if since > JOB_SECONDS:
        raise TimeoutError(f"not done within {JOB_SECONDS:.0f} s")
    time.sleep(min(max(since / 100, 0.05), 0.5))


def measured(work: Callable[[], object], peak: Peak | None, roots: list[int]) -> Cost:
    """Its cost, while the peak is watched."""
    if peak is None:
        return cost(work, roots)
    with peak.watched():
        return cost(work, roots)


def line(megabytes: int, rows: int, size: int, way: str, taken: list[Cost], peak: Peak | None) -> dict[str, Any]:
    """A line of the table: medians."""
    wall, cpu = statistics.median(one.wall for one in taken), statistics.median(one.cpu for one in taken)
    cells = (
        megabytes, rows, way, len(taken), round(wall, 2), round(size / 1e6 / wall, 1), round(rows / wall),
        round(rows / cpu), round(peak.mebibytes) if peak else None,
    )  # fmt: skip
    return dict(zip(COLUMNS, cells, strict=True))


if __name__ == "__main__":
    main(sys.argv[1:])
