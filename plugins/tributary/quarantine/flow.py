"""What becomes of a raw layer that broke rules: its bad rows go aside, or the run fails as it would without."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import NamedTuple

from tributary import naming
from tributary.errors import TributaryError
from tributary.ledger.store import OpsStore
from tributary.quality.results import CheckpointFailed, CheckpointResult, RuleResult
from tributary.quality.rules import UNEXPECTED_ROWS, Rule, Suites, TableSuite
from tributary.quarantine import moving
from tributary.quarantine.conditions import UntranslatableError, broken_rows
from tributary.quarantine.finding import MAX_ROUNDS, FailedRules, Findings
from tributary.quarantine.limits import BadRows, too_many
from tributary.raw import require_load
from tributary.registry import Database

# Rules on a table's own figures are held against the whole dump, before anything is set aside.
_TABLE_TYPES = ("expect_table_", "schema")

Recheck = Callable[[Suites], CheckpointResult]


class SetAside(NamedTuple):
    """What came of it: the checkpoint's result, and rows set aside by table (only tables with any)."""

    result: CheckpointResult
    rows: dict[str, int]


class Quarantine:
    """One database's bad rows of one day.

    :param suites: the rules of its raw layer.
    """

    def __init__(self, store: OpsStore, database: Database, suites: Suites, day: date) -> None:
        self.store = store
        self.database = database
        self.suites = suites
        self.day = day

    def restore(self) -> list[str]:
        """Put back what an earlier try set aside, so that every try judges the whole dump; see `moving.restore`."""
        return moving.restore(self.store.client, self.database.name, self.day, self.suites.tables)

    def may_help(self, result: CheckpointResult) -> bool:
        """Whether rules are broken, all could be checked, and rows may be set aside or were decided about."""
        if not result.failed or result.errors:
            return False
        if any(self.database.max_share(table) for table in self.suites.tables):
            return True
        decided = self.store.query("ops/quarantine_decided", database=self.database.name)
        return any(row["decisions"] for row in decided)

    def set_aside(self, result: CheckpointResult, recheck: Recheck) -> SetAside:
        """Move the bad rows, if they are few enough, and hold what is left against the rules.

        :param recheck: runs a checkpoint of these rules on raw.
        Raises CheckpointFailed, with raw untouched, where the rows are too many or a broken rule is not about rows;
        with raw made whole again where rules are still broken without them.
        """
        failed = self._row_rules(result)
        require_load(self.store.client, self.database.name, day=self.day)
        # The search reads the decisions, whose table may not be there yet.
        self.store.create_tables()
        with self._findings() as findings:
            if not findings.collect(failed):
                raise CheckpointFailed(result, f"Nothing was set aside: {MAX_ROUNDS} rounds did not end it.")
            named = [table for table, suite in self.suites.tables.items() if suite.key]
            bad = findings.bad_rows(named)
            if faults := too_many(bad, self.database.max_share):
                raise CheckpointFailed(result, f"Nothing was set aside: {'; '.join(faults)}.")
            checked = self._move(findings, bad, result, recheck)
            after = _released(checked, findings.released_rows(named))
        if after.failed or after.errors:
            self.restore()
            raise CheckpointFailed(after, "These rules are broken without the bad rows, too; all rows were put back.")
        return SetAside(after, {table.table: table.bad for table in bad})

    def confirm(self, aside: Mapping[str, int]) -> None:
        """Raise TributaryError, which is tried again, unless exactly these rows of the day are set aside, by table.

        BigQuery ends a statement that it has begun, also for a try that was killed: it may set rows aside while the
        next try looks at them.
        """
        found = moving.counted(self.store.client, self.database.name, self.day, self.suites.tables)
        if found != dict(aside):
            raise TributaryError(
                f"{naming.quarantine_dataset(self.database.name)} has {found or 'no rows'} of {self.day}, this try set "
                f"aside {dict(aside) or 'none'}: one before it has gone on. The next try puts all back and begins anew."
            )

    @contextmanager
    def _findings(self) -> Iterator[Findings]:
        moving.prepare(self.store.client, self.store.location, self.database.name)
        findings = Findings(self.store.client, self.database.name, self.suites)
        try:
            yield findings
        finally:
            findings.drop()

    def _move(
        self, findings: Findings, bad: list[BadRows], result: CheckpointResult, recheck: Recheck
    ) -> CheckpointResult:
        """What the rules say of the rows that are left: the new results, and the old ones of rules on whole tables."""
        if not bad:
            # The newest record of a rule counts, and this one may say that only released rows break it.
            return replace(result, checked_at=datetime.now(UTC))
        moving.move(self.store.client, self.store.location, findings, [table.table for table in bad])
        checked = recheck(rules_on_rows(self.suites))
        whole = [it for it in result.results if it.type.startswith(_TABLE_TYPES)]
        return replace(checked, results=(*whole, *checked.results))

    def _row_rules(self, result: CheckpointResult) -> FailedRules:
        """The broken rules by table. Raises CheckpointFailed where one has no rows that could be set aside."""
        failed: dict[str, list[Rule]] = {}
        for it in result.failed:
            suite = self.suites.tables[it.table]
            rule = next((rule for rule in suite.expectations if rule.name == it.rule), None)
            try:
                if rule is None or it.type.startswith(_TABLE_TYPES):
                    raise UntranslatableError("it is about the table, not about rows")
                broken_rows(rule, table=it.table, key=suite.key, rows=str)
            except UntranslatableError as error:
                raise CheckpointFailed(result, f"Nothing was set aside: {it.table}: {it.rule}: {error}.") from None
            failed.setdefault(it.table, []).append(rule)
        return failed


def rules_on_rows(suites: Suites) -> Suites:
    """The rules without those on a table's own figures, which would count the missing rows as lost."""
    tables = {}
    for name, suite in suites.tables.items():
        rules = tuple(rule for rule in suite.expectations if not rule.type.startswith(_TABLE_TYPES))
        if rules:
            tables[name] = TableSuite(key=suite.key, expectations=rules)
    return Suites(layer=suites.layer, tables=tables)


def _released(result: CheckpointResult, released: Mapping[tuple[str, str], int]) -> CheckpointResult:
    """The result with rules passed that only released rows break: Great Expectations knows of no release."""
    results = tuple(_forgiven(it, released.get((it.table, it.rule), 0)) for it in result.results)
    return replace(result, results=results)


def _forgiven(result: RuleResult, released: int) -> RuleResult:
    if result.status != "failed" or not released:
        return result
    # What is left are released rows. A higher count would be rows that the SQL of this package does not see; the
    # query of such a rule is the rule's own, and may give a row twice.
    if result.type != UNEXPECTED_ROWS and result.unexpected_count != released:
        return result
    return replace(result, success=True, observed=f"{released:,} released")
