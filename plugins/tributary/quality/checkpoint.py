"""Hold the tables of a dataset against their rules."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from tributary.dead_letters.redaction import shorten
from tributary.naming import DATABASE_COLUMN
from tributary.quality import engine
from tributary.quality.contract_rules import PARTITION_COLUMN
from tributary.quality.results import MAX_KEYS, CheckpointResult, RuleResult
from tributary.quality.rules import UNEXPECTED_ROWS, Rule, Suites, TableSuite
from tributary.quality.schema import schema_faults
from tributary.quality.suites import PLACEHOLDER
from tributary.sqlfiles import names_sql
from tributary.versions import Base

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

_METADATA_TIMEOUT = 60.0
_LONGEST_KEY = 120

Parameters = Mapping[str, Mapping[str, Any]]


def run_checkpoint(
    *,
    client: Client,
    suites: Suites,
    dataset: str,
    partition: date | None = None,
    parameters: Parameters | None = None,
    unchanged: Base | None = None,
) -> CheckpointResult:
    """Check every table of `suites` in `dataset` of the client's project, in this process.

    With a `partition`, only rows with that `_dump_date` are looked at. `parameters` are the run's
    values by table, such as `{"orders": {"previous_rows": 812}}`; rules that need one which is
    not given are reported as skipped. `unchanged` is what queries see as `{unchanged}`; without it,
    no rows. A table that is missing and a rule that raises are results with an error, never passes.
    Raises only when BigQuery does not tell about a table at all.
    """
    datasource = engine.open_datasource(client)
    results: list[RuleResult] = []
    for name, suite in suites.tables.items():
        values = (parameters or {}).get(name, {})
        results += _TableCheck(client, dataset, name, suite, partition, values, unchanged).run(datasource)
    return CheckpointResult(dataset, suites.layer, tuple(results), datetime.now(UTC), partition)


class _TableCheck:
    def __init__(
        self,
        client: Client,
        dataset: str,
        table: str,
        suite: TableSuite,
        partition: date | None,
        parameters: Mapping[str, Any],
        unchanged: Base | None,
    ) -> None:
        self.client = client
        self.dataset = dataset
        self.table = table
        self.suite = suite
        self.partition = partition
        self.parameters = parameters
        self.unchanged = unchanged

    def run(self, datasource: Any) -> list[RuleResult]:
        columns = self._columns()
        if columns is None:
            return [self._table_error("table_exists", f"table {self.dataset}.{self.table} does not exist")]
        if self.partition is not None and PARTITION_COLUMN not in columns:
            return [self._table_error("partition_exists", f"column {PARTITION_COLUMN} is missing")]
        results = self._schema(columns)
        expectations: dict[str, Any] = {}
        rules: dict[str, Rule] = {}
        for rule in self.suite.expectations:
            ready = self._prepare(rule, columns)
            if isinstance(ready, RuleResult):
                results.append(ready)
            else:
                expectations[rule.name], rules[rule.name] = ready, rule
        if not expectations:
            return results
        batch = engine.open_batch(datasource, self.dataset, self.table)
        return results + self._validate(batch, expectations, rules)

    def _columns(self) -> dict[str, str] | None:
        """The table's columns and their BigQuery types; None when there is no such table."""
        from google.api_core.exceptions import NotFound

        try:
            table = self.client.get_table(
                f"{self.client.project}.{self.dataset}.{self.table}", timeout=_METADATA_TIMEOUT
            )
        except NotFound:
            return None
        return {field.name: field.field_type for field in table.schema}

    def _schema(self, columns: Mapping[str, str]) -> list[RuleResult]:
        if self.suite.columns is None:
            return []
        faults = schema_faults(self.suite.columns, columns)
        origin = self.suite.expectations[0].origin if self.suite.expectations else ""
        return [
            RuleResult(self.table, "schema", "schema", not faults, origin=origin, observed="; ".join(faults) or None)
        ]

    def _prepare(self, rule: Rule, columns: Mapping[str, str]) -> Any:
        """GX's expectation for a rule, or the result of a rule that cannot or need not run."""
        missing_values = sorted(rule.parameters - self.parameters.keys())
        if missing_values:
            reason = f"the run has no value for {', '.join(missing_values)}"
            return self._result(rule, success=True, skipped=reason)
        missing_columns = [column for column in rule.columns if column not in columns]
        if missing_columns:
            reason = f"column {', '.join(missing_columns)} does not exist"
            return self._result(rule, success=False, error=reason)
        try:
            return engine.expectation(self._qualified(rule), self.partition)
        except Exception as error:  # noqa: BLE001 - whatever GX raises, the other rules are checked
            return self._result(rule, success=False, error=shorten(str(error)))

    def _qualified(self, rule: Rule) -> Rule:
        """The rule with the placeholders of its query replaced by the rows that the run looks at."""
        if rule.type != UNEXPECTED_ROWS:
            return rule
        where = f" where {PARTITION_COLUMN} = date '{self.partition.isoformat()}'" if self.partition else ""

        def rows(match: Any) -> str:
            name = match[1]
            if name == "unchanged":
                return self._unchanged_rows()
            source = "{batch}" if name == "batch" else f"`{self.client.project}.{self.dataset}.{name}`"
            return f"(select * from {source}{where})"  # noqa: S608 - names are the registry's, the date is one

        query = PLACEHOLDER.sub(rows, rule.kwargs["unexpected_rows_query"])
        return rule.model_copy(update={"kwargs": {**rule.kwargs, "unexpected_rows_query": query}})

    def _unchanged_rows(self) -> str:
        base, dataset, condition = self.unchanged, self.dataset, "false"
        if base and self.table in base.tables:
            dataset, condition = base.dataset, f"{DATABASE_COLUMN} not in unnest({names_sql(base.replaced)})"
        return f"(select * from `{self.client.project}.{dataset}.{self.table}` where {condition})"  # noqa: S608 - as above

    def _validate(self, batch: Any, expectations: dict[str, Any], rules: dict[str, Rule]) -> list[RuleResult]:
        on_rows = {name: it for name, it in expectations.items() if engine.is_row_rule(it)}
        on_table = [it for name, it in expectations.items() if name not in on_rows]
        outcomes = engine.validate(batch, map(engine.without_rows, on_table), "COMPLETE", self.parameters)
        total = _number(outcomes.get("row_count"))
        outcomes |= engine.validate(batch, on_rows.values(), "BOOLEAN_ONLY", self.parameters)
        results = []
        for name, rule in rules.items():
            outcome = outcomes.get(name)
            error = "Great Expectations gave no result" if outcome is None else engine.error_of(outcome)
            if outcome is None or error is not None:
                results.append(self._result(rule, success=False, error=error))
                continue
            success = outcome.success is True
            if name in on_rows and (not success or "mostly" in rule.kwargs):
                outcome = engine.details(batch, on_rows[name], self.suite.key, self.parameters)
            elif rule.type == UNEXPECTED_ROWS and not success:
                outcome = engine.validate(batch, [expectations[name]], "COMPLETE", self.parameters)[name]
            results.append(self._measured(rule, expectations[name], outcome, success, total, name in on_rows))
        return results

    def _measured(
        self, rule: Rule, expectation: Any, outcome: Any, success: bool, total: int | None, on_rows: bool
    ) -> RuleResult:
        content = outcome.result or {}
        observed = _presentable(rule, content)
        counted: int | None = content.get("unexpected_count", 0 if success else None) if on_rows else None
        if rule.type == UNEXPECTED_ROWS:
            counted, observed = content.get("observed_value"), None
        keys = dict.fromkeys(map(self._key_text, engine.keys_of(content, expectation, self.suite.key)))
        return self._result(
            rule,
            success=success,
            observed=observed,
            unexpected_count=counted,
            element_count=content.get("element_count", total) if counted is not None else None,
            sample_keys=tuple(keys)[:MAX_KEYS],
        )

    def _result(self, rule: Rule, *, success: bool, **values: Any) -> RuleResult:
        column = ", ".join(rule.columns) or None
        return RuleResult(self.table, rule.name, rule.type, success, rule.origin, column, **values)

    def _key_text(self, values: tuple[Any, ...]) -> str:
        pairs = zip(self.suite.key, values, strict=True)
        return ", ".join(f"{column}={value}" for column, value in pairs)[:_LONGEST_KEY]

    def _table_error(self, rule: str, error: str) -> RuleResult:
        return RuleResult(self.table, rule, "schema", False, error=error)


def _presentable(rule: Rule, content: Mapping[str, Any]) -> str | None:
    """What was observed, for people: numbers, and names of databases.

    Nothing else: it could be the content of a row, such as the last name in the alphabet.
    """
    observed = content.get("observed_value")
    if isinstance(observed, int | float):
        return str(observed)
    if rule.columns != (DATABASE_COLUMN,):
        return None
    lists = {
        "missing": content.get("partial_missing_list"),
        "unexpected": content.get("partial_unexpected_list"),
    }
    return "; ".join(f"{word} {', '.join(map(str, names))}" for word, names in lists.items() if names) or None


def _number(outcome: Any) -> int | None:
    value = (outcome.result or {}).get("observed_value") if outcome is not None else None
    return value if isinstance(value, int) else None
