"""Moves the databases through the days: each day is one transaction, then its dump is left in the bucket."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta

from simulator.apps import app_of
from simulator.breaks import DUMP_RULES, NO_DUMP, spoil_dump, turn_data_breaks
from simulator.bucket import DumpBucket, object_name
from simulator.dumps import dump
from simulator.errors import RequestError
from simulator.production import connect, create_database, query, row_counts, sql
from simulator.settings import Settings
from simulator.state import (
    Living,
    breaks_of,
    due_dumps,
    forget_break,
    remember_day,
    remember_dump,
)

FIRST_DAY = date(2013, 1, 1)
ONE_DAY = timedelta(days=1)
THREADS = 4  # the dump program and gzip run beside Python


@dataclass(frozen=True)
class Left:
    """A dump that was left; `size` in bytes is None when it was left out on purpose."""

    database: str
    day: date
    rows: int
    size: int | None

    def __str__(self) -> str:
        left = "no dump" if self.size is None else f"{self.size:,} bytes in {object_name(self.database, self.day)}"
        return f"{self.day} {self.database}: {self.rows:,} rows, {left}"


Report = Callable[[Left], None]


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Lets one command at a time change the databases; raises RequestError to a second one."""
    with connect(settings) as connection:
        if query(connection, sql("sql/lock"))[0][0] != 1:
            raise RequestError("another command of the simulator is at work on this server; wait until it has ended")
        yield


def next_day(living: Living) -> date:
    """The first day that `living` has not lived."""
    return living.simulated_day + ONE_DAY if living.simulated_day else FIRST_DAY


def advance_to(
    settings: Settings, databases: list[Living], target: date, scale: float | None, report: Report
) -> list[Living]:
    """Moves each database to `target` day by day, leaving a dump for every day; returns them moved.

    `scale` overrides the volume of these days. First leaves the dumps that an interrupted command owes. All
    databases finish a day before any begins the next. Raises SimulatorError; what was reported is done.
    """
    bucket = DumpBucket(settings.bucket)

    def owed(living: Living) -> list[Left]:
        with connect(settings) as connection:
            days = due_dumps(connection, living.name)
        return [leave_dump(settings, bucket, living, day) for day in days]

    def one_day(living: Living) -> tuple[Living, list[Left]]:
        moved = live(settings, living, scale or living.scale, dump_due=True)
        return moved, [leave_dump(settings, bucket, moved, next_day(living))]

    with ThreadPoolExecutor(THREADS) as threads:
        for left in threads.map(owed, databases):
            for each in left:
                report(each)
        behind = {living.name: living for living in databases}
        day = min(map(next_day, databases))
        while day <= target:
            turn = [living for living in behind.values() if next_day(living) == day]
            for moved, left in threads.map(one_day, turn):
                behind[moved.name] = moved
                for each in left:
                    report(each)
            day += ONE_DAY
    return list(behind.values())


def live(settings: Settings, living: Living, scale: float, *, dump_due: bool) -> Living:
    """Lives the next day of one database, as one transaction; creates the database before its first day."""
    day = next_day(living)
    app = app_of(living, settings)
    with connect(settings) as connection:
        if living.simulated_day is None:
            create_database(connection, living.name, app.schema)
        connection.select_db(living.name)
        broken = breaks_of(connection, living.name)
        turn_data_breaks(connection, broken)
        app.live(connection, day, scale)
        turn_data_breaks(connection, broken)
        remember_day(connection, living.name, day, row_counts(connection), dump_due)
    return replace(living, simulated_day=day)


def leave_dump(settings: Settings, bucket: DumpBucket, living: Living, day: date) -> Left:
    """Leaves the dump of the database as it is now under `day`; rules about dumps apply and are used up."""
    with connect(settings, living.name) as connection:
        rows = sum(row_counts(connection).values())
        broken = breaks_of(connection, living.name)
    size = None
    if NO_DUMP not in broken:
        pieces = spoil_dump(dump(settings, living.name), broken)
        size = bucket.upload(object_name(living.name, day), pieces)
    with connect(settings) as connection:
        remember_dump(connection, living.name, day, size)
        for rule in DUMP_RULES:
            forget_break(connection, living.name, rule)
    return Left(living.name, day, rows, size)
