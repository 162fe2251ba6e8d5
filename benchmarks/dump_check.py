"""How fast pre-flight reads a dump, and in how much memory: `python -m benchmarks.dump_check [MB] [REPETITIONS]`.

Makes dumps of one table in a temporary folder, checks each in a process of its own, and prints a table in
Markdown: seconds and CPU seconds as median (range), MB of SQL text (10^6 bytes) per second of one core by the
median of the CPU seconds, and the largest resident memory of any of the processes.
"""

from __future__ import annotations

import bz2
import functools
import gzip
import json
import lzma
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

HEADER = b"""-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)
--
-- Host: localhost    Database: bench
-- ------------------------------------------------------
CREATE TABLE `orders` (
  `id` int, `customer` int, `status` varchar(9), `total` decimal(10,2), `note` text, `at` datetime);
LOCK TABLES `orders` WRITE;
"""
FOOTER = b"UNLOCK TABLES;\n-- Dump completed on 2026-11-21  3:00:12\n"
INSERT = b"INSERT INTO `orders` VALUES "
NOTES = [b"NULL", b"'left at the door'", b"'it\\'s; a \\\\ \\\"gift\\\"'", b"''", b"'" + "Grüße ".encode() * 9 + b"'"]
STATUSES = [b"'open'", b"'paid'", b"'shipped'"]

CHILD = """
import json, re, sys, time
from tributary.dumps import preflight
with open(sys.argv[1], "rb") as stream:
    start, cpu = time.perf_counter(), time.process_time()
    report = preflight(stream, "bench")
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
assert report.ok, report.to_text()
peak = int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024
print(json.dumps({"seconds": seconds, "cpu": cpu, "peak": peak, "bytes": report.sql_bytes, "rows": report.rows}))
"""


def rows(seed: int = 0) -> Iterator[bytes]:
    """Rows without end; the same ones each time."""
    some = random.Random(seed)  # noqa: S311 - nothing secret
    number = 0
    while True:
        number += 1
        yield b"(%d,%d,%s,%d.%02d,%s,'2026-%02d-%02d 12:00:00')" % (
            number,
            some.randrange(10**6),
            some.choice(STATUSES),
            some.randrange(1000),
            some.randrange(100),
            some.choice(NOTES),
            some.randrange(1, 13),
            some.randrange(1, 29),
        )


def statements(extended: bool) -> Iterator[bytes]:
    """INSERTs of 1 MB, mysqldump's default, or of one row."""
    source = rows()
    while True:
        if not extended:
            yield INSERT + next(source) + b";\n"
            continue
        values, size = [], 0
        while size < 10**6:
            values.append(next(source))
            size += len(values[-1]) + 1
        yield INSERT + b",".join(values) + b";\n"


def write(path: Path, megabytes: int, extended: bool) -> None:
    """A plain dump of about that size."""
    size = 0
    with path.open("wb") as out:
        out.write(HEADER)
        for statement in statements(extended):
            out.write(statement)
            size += len(statement)
            if size >= megabytes * 10**6:
                break
        out.write(FOOTER)


def compress(plain: Path, name: str) -> Path:
    """A compressed copy, by the usual level of each format's own command."""
    from backports import zstd

    target = plain.with_name(plain.name + "." + name)
    openers = {
        "gzip": functools.partial(gzip.open, compresslevel=6),
        "zstd": zstd.open,
        "bzip2": bz2.open,
        "xz": lzma.open,
    }
    with plain.open("rb") as source, openers[name](target, "wb") as out:
        while data := source.read(2**20):
            out.write(data)
    return target


def measure(path: Path, repetitions: int) -> str:
    """One row of the table."""
    results = []
    for _ in range(repetitions):
        done = subprocess.run([sys.executable, "-c", CHILD, str(path)], capture_output=True, check=True)
        results.append(json.loads(done.stdout))
    seconds = [result["seconds"] for result in results]
    cpu = [result["cpu"] for result in results]
    size = results[0]["bytes"] / 10**6
    peak = max(result["peak"] for result in results)
    cells = [f"{size:,.0f}", f"{results[0]['rows']:,}", str(repetitions), _spread(seconds), _spread(cpu)]
    return " | ".join([*cells, f"{size / statistics.median(cpu):,.0f}", f"{peak:.0f}"])


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def main() -> None:
    """Print the table."""
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    repetitions = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    print("| dump | MB of SQL | rows | n | seconds | CPU seconds | MB/s | peak MiB |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "dump.sql"
        write(path, megabytes, extended=True)
        print(f"| plain, extended INSERTs | {measure(path, repetitions)} |", flush=True)
        packed = compress(path, "gzip")
        print(f"| gzip, extended INSERTs | {measure(packed, repetitions)} |", flush=True)
        # The others say how fast their decompression is; a tenth of the size is enough for that.
        write(path, megabytes // 10, extended=True)
        for name in ("zstd", "bzip2", "xz"):
            print(f"| {name}, extended INSERTs | {measure(compress(path, name), repetitions)} |", flush=True)
        write(path, megabytes, extended=False)
        print(f"| plain, one row an INSERT | {measure(path, repetitions)} |", flush=True)


if __name__ == "__main__":
    main()
