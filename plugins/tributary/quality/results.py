"""What came of a checkpoint: plain values that go into a table, a message and an exception."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from tributary.errors import TributaryError
from tributary.quality.rules import Layer

MAX_KEYS = 5
_MOST_SHOWN = 12


@dataclass(frozen=True)
class RuleResult:
    """One rule held against one table.

    `sample_keys` are primary keys of failing rows, at most five, such as `order_id=7`; no result
    holds other content of rows. `error` says why a rule could not be checked, which is not a pass.
    `skipped` says why it was not applied, which is no failure.
    """

    table: str
    rule: str
    type: str
    success: bool
    origin: str = ""
    column: str | None = None
    observed: str | None = None
    unexpected_count: int | None = None
    element_count: int | None = None
    sample_keys: tuple[str, ...] = ()
    error: str | None = None
    skipped: str | None = None

    @property
    def unexpected_percent(self) -> float | None:
        """Failing rows in percent of all rows; None where rows were not counted."""
        if self.unexpected_count is None or not self.element_count:
            return None
        return 100 * self.unexpected_count / self.element_count

    @property
    def status(self) -> str:
        """`passed`, `failed`, `error` or `skipped`."""
        if self.skipped is not None:
            return "skipped"
        if self.error is not None:
            return "error"
        return "passed" if self.success else "failed"

    def __str__(self) -> str:
        """One line for a person: where, which rule, how many of how many, which rows."""
        where = f"{self.table}.{self.column}" if self.column else self.table
        text = f"{where}: {self.rule} ({self.type}; {self.origin})"
        if self.error is not None:
            return f"{text}: could not be checked: {self.error}"
        if self.skipped is not None:
            return f"{text}: not applied: {self.skipped}"
        if self.unexpected_count is not None:
            text += f": {self.unexpected_count:,} of {self.element_count or 0:,} rows"
            if self.unexpected_percent is not None:
                text += f" ({self.unexpected_percent:.3g} %)"
        if self.observed is not None:
            text += f": found {self.observed}"
        if self.sample_keys:
            text += f"; such as {'; '.join(self.sample_keys)}"
        return text


@dataclass(frozen=True)
class CheckpointResult:
    """All rules of a layer held against one dataset. `checked_at` is in UTC."""

    dataset: str
    layer: Layer
    results: tuple[RuleResult, ...]
    checked_at: datetime
    partition: date | None = None

    @property
    def success(self) -> bool:
        """Whether rules were checked, and each of them holds."""
        return bool(self.passed) and not self.failed and not self.errors

    @property
    def passed(self) -> tuple[RuleResult, ...]:
        """The rules that hold."""
        return self._with("passed")

    @property
    def failed(self) -> tuple[RuleResult, ...]:
        """The rules that the data breaks; a retry does not help."""
        return self._with("failed")

    @property
    def errors(self) -> tuple[RuleResult, ...]:
        """The rules that could not be checked; nothing is known of the data."""
        return self._with("error")

    @property
    def skipped(self) -> tuple[RuleResult, ...]:
        """The rules that were not applied, because the run had no value for them."""
        return self._with("skipped")

    @property
    def row_counts(self) -> dict[str, int]:
        """Rows by table: what the next run is given as `previous_rows`."""
        return {
            result.table: int(result.observed)
            for result in self.results
            if result.rule == "row_count" and result.observed is not None
        }

    def _with(self, status: str) -> tuple[RuleResult, ...]:
        return tuple(result for result in self.results if result.status == status)

    def to_rows(self, *, run_id: str, database: str, date: date) -> list[dict[str, Any]]:
        """JSON-able rows of the table in `include/sql/ops/quality_results.sql`, one per rule."""
        return [
            {
                "run_id": run_id,
                "database": database,
                "dump_date": date.isoformat(),
                "checked_at": self.checked_at.isoformat(),
                "dataset": self.dataset,
                "layer": self.layer,
                "table_name": result.table,
                "column_name": result.column,
                "rule": result.rule,
                "expectation": result.type,
                "origin": result.origin,
                "status": result.status,
                "observed": result.observed,
                "unexpected_count": result.unexpected_count,
                "element_count": result.element_count,
                "unexpected_percent": result.unexpected_percent,
                "sample_keys": list(result.sample_keys),
                "message": result.error or result.skipped,
            }
            for result in self.results
        ]

    def failure_message(self) -> str:
        """What is wrong and what to do, for a person; an empty text when all is well."""
        if self.success:
            return ""
        bad = (*self.failed, *self.errors)
        day = f" of {self.partition.isoformat()}" if self.partition else ""
        if not bad:
            return (
                f"{self.dataset}{day}: no rule was checked in layer {self.layer}; expected at least one. "
                "See that the app's contract has tables and that its suite file is in include/gx."
            )
        counts = f"{len(self.failed)} failed, {len(self.errors)} could not be checked"
        lines = [f"{self.dataset}{day}: {counts} of {len(self.results)} rules ({self.layer})"]
        lines += [f"- {result}" for result in bad[:_MOST_SHOWN]]
        if len(bad) > _MOST_SHOWN:
            lines.append(f"- and {len(bad) - _MOST_SHOWN} more, see ops.quality_results")
        if self.failed:
            lines.append(
                f"What to do: look the rows up by their keys in {self.dataset}. If the data is wrong, have "
                "it corrected at the source and run the date again with a new dump. If the rule is wrong, "
                "change it where it is written (in brackets) and clear this task."
            )
        if self.errors:
            lines.append(
                "What to do about rules that could not be checked: repair what the error names (a table or "
                "column that is not there, the rule's SQL, access) and clear this task."
            )
        return "\n".join(lines)


class CheckpointFailed(TributaryError):
    """A dataset broke rules, or rules could not be checked; `result` has every one of them.

    `note` is a further line of the message: why the bad rows were not set aside.
    """

    def __init__(self, result: CheckpointResult, note: str = "") -> None:
        super().__init__("\n".join(filter(None, (result.failure_message(), note))))
        self.result = result
