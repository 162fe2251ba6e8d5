"""What the command line offers, as functions: each opens its own connections and returns plain values."""

from datetime import date, timedelta

from simulator.advance import FIRST_DAY, Report, advance_to, alone, leave_dump, live, next_day
from simulator.apps import DEFAULT_DATABASES, new_database
from simulator.breaks import break_database, undo_break
from simulator.bucket import DumpBucket
from simulator.clock import tell_time
from simulator.errors import RequestError
from simulator.production import connect, row_counts
from simulator.settings import Settings
from simulator.state import Living, counts_on, create_state, living_databases, remember_database

DEFAULT_SEED = 2013
DEFAULT_SCALE = 1.0


def advance(
    settings: Settings,
    report: Report,
    *,
    until: date | None = None,
    days: int = 1,
    databases: list[str] | None = None,
    scale: float | None = None,
    seed: int | None = None,
) -> date:
    """Moves the databases (default: all) to `until`, or `days` beyond the furthest; returns the day reached.

    One that lags behind catches up and leaves a dump for each of its days. Raises RequestError for an unknown
    database, a day that has passed, or another seed than the one the databases were born with.
    """
    with alone(settings):
        chosen = _chosen(settings, databases, seed, scale)
        furthest = max((living.simulated_day for living in chosen if living.simulated_day), default=None)
        target = until or (furthest or FIRST_DAY - timedelta(days=1)) + timedelta(days=days)
        if target < (furthest or FIRST_DAY):
            raise RequestError(f"{target} has passed: the databases are at {furthest}, the first day is {FIRST_DAY}")
        advance_to(settings, chosen, target, scale, report)
        tell_time(target)
    return target


def add(
    settings: Settings,
    report: Report,
    name: str,
    app: str,
    seed: int | None = None,
    scale: float | None = None,
) -> date | None:
    """A further database, at the current simulated day, which is returned; only that day's dump is left."""
    bucket = DumpBucket(settings.bucket)
    with alone(settings):
        with connect(settings) as connection:
            create_state(connection)
            known = living_databases(connection)
            if name in known or name in DEFAULT_DATABASES:
                raise RequestError(f"database {name!r} lives already, or will from the first `advance` on")
            living = new_database(name, app, _seed(known, seed), scale or DEFAULT_SCALE)
            remember_database(connection, living)
        today = _furthest(known)
        while today and next_day(living) <= today:
            living = live(settings, living, living.scale, dump_due=next_day(living) == today)
        if today:
            report(leave_dump(settings, bucket, living, today))
    return today


def dump_again(settings: Settings, report: Report, databases: list[str] | None = None) -> None:
    """Leaves the dump of each database's current day once more: a new generation of the object."""
    bucket = DumpBucket(settings.bucket)
    with alone(settings):
        for living in _known(settings, databases):
            if living.simulated_day:
                report(leave_dump(settings, bucket, living, living.simulated_day))


def current_date(settings: Settings) -> date | None:
    """The last simulated day, of the furthest database; None when nothing has lived."""
    with connect(settings) as connection:
        return _furthest(living_databases(connection))


def change_break(settings: Settings, name: str, rule: str, *, undo: bool) -> str:
    """Breaks a database, or undoes it; says what was done."""
    with alone(settings):
        living = _known(settings, [name])[0]
        with connect(settings, name if living.simulated_day else None) as connection:
            return (undo_break if undo else break_database)(connection, living, rule)


def counts(settings: Settings, day: date | None = None) -> dict[str, dict[str, int]]:
    """Rows per database and table: as of now, or as they were at the end of a simulated `day`."""
    if day:
        with connect(settings) as connection:
            found = counts_on(connection, day) if living_databases(connection) else {}
        if not found:
            raise RequestError(f"no database has lived {day}")
        return found
    found = {}
    for living in _known(settings, None):
        if living.simulated_day:
            with connect(settings, living.name) as connection:
                found[living.name] = row_counts(connection)
    return found


def _chosen(settings: Settings, databases: list[str] | None, seed: int | None, scale: float | None) -> list[Living]:
    """The databases to move; default ones that are not there yet are born now."""
    with connect(settings) as connection:
        create_state(connection)
        known = living_databases(connection)
        seed = _seed(known, seed)
        for name in databases or DEFAULT_DATABASES:
            if name not in known and name in DEFAULT_DATABASES:
                born = new_database(name, DEFAULT_DATABASES[name], seed, scale or DEFAULT_SCALE)
                remember_database(connection, born)
    return _known(settings, databases)


def _known(settings: Settings, databases: list[str] | None) -> list[Living]:
    with connect(settings) as connection:
        known = living_databases(connection)
    unknown = sorted(set(databases or []) - known.keys())
    if unknown:
        raise RequestError(
            f"no database {', '.join(unknown)}; there are: {', '.join(known) or 'none'}; `add` makes one"
        )
    return [known[name] for name in databases or known]


def _seed(known: dict[str, Living], seed: int | None) -> int:
    """The seed that all databases share, so that one number stands for the whole company."""
    born_with = next((living.seed for living in known.values()), None)
    if None not in (seed, born_with) and seed != born_with:
        raise RequestError(f"the databases were born with seed {born_with}, not {seed}; start from an empty server")
    return next((value for value in (born_with, seed) if value is not None), DEFAULT_SEED)


def _furthest(known: dict[str, Living]) -> date | None:
    return max((living.simulated_day for living in known.values() if living.simulated_day), default=None)
