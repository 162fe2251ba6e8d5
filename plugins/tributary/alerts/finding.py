"""What is wrong at one moment: the form that every check hands to the incidents. Pure."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict

RUNBOOKS = "docs/runbooks"
# The steps with a runbook of their own; all others have the one of their kind.
RUNBOOK_STEPS: dict[str, frozenset[str]] = {
    "failed": frozenset(
        "find_dump preflight import_dump sync reconcile validate_raw transform validate_marts "
        "await_databases validate_audit publish".split()
    ),
    "slow": frozenset({"import_dump", "sync"}),
}


class Kind(StrEnum):
    """What sort of thing is wrong; each has its runbook."""

    failed = "failed"
    """A step failed for good: one open dead letter."""
    late = "late"
    """A run is beyond its deadline and still at work, or waiting."""
    stale = "stale"
    """What readers see is older than the deadline allows, whatever the runs say."""
    slow = "slow"
    """A step takes longer than its own limit."""
    dag_import = "dag_import"
    """A file of DAGs does not import: its DAGs are not scheduled."""
    schema_changed = "schema_changed"
    """A dump was loaded that is not as its contract says."""


class Severity(StrEnum):
    """Who has to do something, and when."""

    page = "page"
    """Somebody, now."""
    ticket = "ticket"
    """Somebody, in working hours."""
    note = "note"
    """Nobody: for the record."""


class Finding(BaseModel):
    """One thing that is wrong now. The same thing found again has the same `key`.

    :param subject: the database, `consolidate`, or `dags.<file>`.
    :param day: the day of the dump that it is about.
    :param step: the task, where one is concerned; a model's task counts as `transform`.
    :param cause: what findings of several databases have in common when they have one cause, such as
        `airbyte/unavailable`; findings with the same kind and cause, within minutes, are one incident.
    :param since: when it began (UTC).
    :param headline: what is wrong, in a few words: no words of an error, no content of rows.
    :param detail: further lines of the same sort: what it waits for, what blocks that, the failing rule and
        its count, what is usual.
    :param readers: what readers of `consolidated` see now.
    :param command: what mends it, once the cause is gone.
    :param replaying: whether it is being run again; it stays a finding until that has succeeded.
    """

    model_config = ConfigDict(frozen=True)

    kind: Kind
    subject: str
    day: date
    step: str | None = None
    cause: str
    severity: Severity
    owner: str
    since: AwareDatetime
    run_id: str | None = None
    headline: str
    detail: tuple[str, ...] = ()
    readers: str | None = None
    command: str | None = None
    url: str | None = None
    replaying: bool = False

    @property
    def key(self) -> str:
        """The same for the same thing: `failed/shop_eu/2013-01-02/sync`."""
        return "/".join(filter(None, (self.kind.value, self.subject, self.day.isoformat(), self.step)))

    @property
    def runbook(self) -> str:
        """Where it says what to do, from the repository's top: `docs/runbooks/failed-sync.md`."""
        own = self.step in RUNBOOK_STEPS.get(self.kind, ())
        name = f"{self.kind}-{self.step}" if own else str(self.kind)
        return f"{RUNBOOKS}/{name.replace('_', '-')}.md"


def age(since: datetime, now: datetime) -> str:
    """`3 h 5 min`, for people; the two largest units."""
    minutes = max(int((now - since).total_seconds() // 60), 0)
    days, minutes = divmod(minutes, 24 * 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{number} {unit}" for number, unit in ((days, "d"), (hours, "h"), (minutes, "min")) if number]
    return " ".join(parts[:2]) or "less than a minute"
