"""The Pipeline page: every database as a row, the worst first. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from statistics import median
from typing import Any

from tributary import naming
from tributary.dead_letters.record import Status
from tributary.registry import Registry
from tributary.ui.expected import Calendar, Standing, State, badness, standing
from tributary.ui.facts import Letter, Quality, Snapshot, Timing, dag_of
from tributary.ui.strip import STRIP_DAYS, Strip, strip

PAGE_ROWS = 200


_BROKEN = Standing(State.broken)


@dataclass(frozen=True)
class DatabaseRow:
    """One database, or a broken entry of the registry."""

    name: str
    app: str = ""
    owner: str = ""
    severity: str = ""
    standing: Standing = _BROKEN
    strip: Strip | None = None
    rows: int | None = None
    trend: Sequence[int] = ()
    quality: Quality | None = None
    seconds: float | None = None
    usual_seconds: float | None = None
    open_letters: int = 0
    problem: str = ""

    @property
    def state(self) -> State:
        return self.standing.state


@dataclass(frozen=True)
class Consolidated:
    """What readers of `consolidated` see."""

    day: date
    version: str
    at: datetime
    rows: int
    databases: int
    stale: int
    late: bool
    severity: str
    held: str | None
    open_letters: int


@dataclass(frozen=True)
class Wish:
    """What somebody wants to see of the list: filters, order and page."""

    text: str = ""
    app: str = ""
    state: str = ""
    sort: str = "state"
    page: int = 1
    size: int = PAGE_ROWS

    def query(self, **changes: Any) -> dict[str, str]:
        """As parameters of an address, without those that are as usual."""
        wished = {**self.__dict__, "page": 1, **changes}
        usual = Wish()
        return {name: str(value) for name, value in wished.items() if value != getattr(usual, name)}


@dataclass(frozen=True)
class Pipeline:
    """The page as a whole; `shown` is what the wish leaves of `total` rows, on its page."""

    consolidated: Consolidated | None
    shown: Sequence[DatabaseRow]
    matching: int
    total: int
    states: Mapping[State, int]
    apps: Sequence[str]
    wish: Wish
    pages: int


# By column: what it is sorted by. What is not known comes last.
_SORTS: Mapping[str, Callable[[DatabaseRow], Any]] = {
    "state": lambda row: (badness(row.state), _moment(row.standing.due), row.name),
    "name": lambda row: row.name,
    "rows": lambda row: row.rows if row.rows is not None else -1,
    "quality": lambda row: row.quality.rate if row.quality else 2.0,
    "duration": lambda row: row.seconds if row.seconds is not None else -1.0,
    "letters": lambda row: row.open_letters,
    "landed": lambda row: row.standing.landed or date.min,
}
SORTS = tuple(_SORTS)


def pipeline(snapshot: Snapshot, now: datetime, wish: Wish, readable: Collection[str]) -> Pipeline:
    """The page for somebody who may read those DAGs."""
    registry = snapshot.registry
    rows = database_rows(snapshot, registry, now, readable) if registry else []
    matching = [row for row in rows if _matches(row, wish)]
    key = wish.sort.removeprefix("-")
    matching.sort(key=_SORTS.get(key, _SORTS["state"]), reverse=wish.sort.startswith("-"))
    size = max(wish.size, 1)
    pages = max(-(-len(matching) // size), 1)
    page = min(max(wish.page, 1), pages)
    return Pipeline(
        consolidated=consolidated(snapshot, registry, now, readable) if registry else None,
        shown=matching[(page - 1) * size : page * size],
        matching=len(matching),
        total=len(rows),
        states=Counter(row.state for row in rows),
        apps=sorted({row.app for row in rows if row.app}),
        wish=Wish(**{**wish.__dict__, "page": page}),
        pages=pages,
    )


def database_rows(
    snapshot: Snapshot, registry: Registry, now: datetime, readable: Collection[str]
) -> list[DatabaseRow]:
    """A row for each database whose DAG may be read, in the registry's order, and each broken entry."""
    calendar = Calendar.at(now, registry.defaults.schedule)
    letters: dict[str, list[Letter]] = {}
    for letter in snapshot.letters:
        letters.setdefault(letter.subject, []).append(letter)
    rows = []
    for name, database in registry.databases.items():
        if naming.dag_id(name) not in readable:
            continue
        runs = snapshot.runs.get(name, {})
        timings = snapshot.timings.get(dag_of(name), {})
        of_database = letters.get(name, [])
        deadline = database.deadline
        landed = sorted(run.day for run in runs.values() if run.landed)
        open_days = {letter.dump_date for letter in of_database if letter.status is Status.open}
        recent = [runs[day].rows or 0 for day in landed[-STRIP_DAYS:]]
        last, before = _durations(timings)
        rows.append(
            DatabaseRow(
                name=name,
                app=database.app,
                owner=database.owner,
                severity=database.severity.value,
                standing=standing(calendar, deadline, landed[-1] if landed else None, open_days),
                strip=strip(calendar, runs, timings, of_database, deadline),
                rows=recent[-1] if recent else None,
                trend=recent,
                quality=snapshot.quality.get(name),
                seconds=last,
                usual_seconds=before,
                open_letters=sum(not letter.closed for letter in of_database),
            )
        )
    return rows + [DatabaseRow(broken.name, problem=broken.error) for broken in registry.broken]


def consolidated(
    snapshot: Snapshot, registry: Registry, now: datetime, readable: Collection[str]
) -> Consolidated | None:
    """What readers see; None where nothing was published, or where the DAG may not be read."""
    live = snapshot.live
    if live is None or naming.CONSOLIDATE_DAG not in readable:
        return None
    calendar = Calendar.at(now, registry.defaults.schedule)
    due = calendar.due_after(live.day, registry.consolidation.deadline)
    hold = snapshot.hold
    return Consolidated(
        day=live.day,
        version=live.version,
        at=live.at,
        rows=live.rows,
        databases=len(live.as_of),
        stale=len(stale_databases(live.day, live.as_of)),
        late=live.day < calendar.day and due <= now,
        severity=registry.consolidation.severity.value,
        held=(hold["why"] or "no reason was given") if hold and hold["state"] == "held" else None,
        open_letters=sum(not letter.closed for letter in snapshot.letters if letter.subject == naming.CONSOLIDATE_DAG),
    )


def stale_databases(day: date, as_of: Mapping[str, str | None]) -> dict[str, str | None]:
    """The databases whose rows are older than the day of publishing, and of which day they are."""
    return {name: of for name, of in as_of.items() if of is None or of < day.isoformat()}


def _durations(timings: Mapping[date, Timing]) -> tuple[float | None, float | None]:
    """Seconds of the newest day's run, and the median of those before."""
    seconds = [timings[day].seconds for day in sorted(timings)]
    if not seconds:
        return None, None
    return seconds[-1], median(seconds[:-1]) if len(seconds) > 1 else None


def _matches(row: DatabaseRow, wish: Wish) -> bool:
    text = wish.text.strip().lower()
    return (
        (not text or text in f"{row.name} {row.app} {row.owner}".lower())
        and (not wish.app or row.app == wish.app)
        and (not wish.state or row.state == wish.state)
    )


def _moment(due: datetime | None) -> float:
    return due.timestamp() if due else 0.0
