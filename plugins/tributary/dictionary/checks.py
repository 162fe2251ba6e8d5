"""The rules of a suite and the tests of dbt, as the dictionary tells them. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from tributary.dictionary.manifest import Model, ModelTest
from tributary.dictionary.model import Check
from tributary.dictionary.wording import rule_in_words, test_in_words
from tributary.quality.rules import Suites

STOPS = "stops the run"
_SCHEMA = "The columns are those above, of these types; any other one is refused, so that no personal one slips in."


def rules_of(suites: Suites, table: str) -> tuple[Check, ...]:
    """What Great Expectations asks of a table. Every rule stops the run: none of them only warns."""
    suite = suites.tables.get(table)
    if suite is None:
        return ()
    rules = [
        Check(
            name=rule.name,
            words=rule_in_words(rule),
            by="Great Expectations",
            stops=STOPS,
            origin=rule.origin,
            why=rule.meta.why,
            columns=rule.columns,
            sql=str(rule.kwargs.get("unexpected_rows_query", "")),
        )
        for rule in suite.expectations
    ]
    if suite.columns:
        origin = suite.expectations[0].origin if suite.expectations else ""
        rules.insert(0, Check("schema", _SCHEMA, "Tributary", STOPS, origin))
    return tuple(rules)


def tests_of(model: Model, name_of: Mapping[str, str]) -> tuple[Check, ...]:
    """What dbt asks of a model's rows, then what its unit tests say of its SQL.

    :param name_of: by model, the table as readers know it.
    """
    return tuple(_test(test, name_of) for test in model.tests)


def _test(test: ModelTest, name_of: Mapping[str, str]) -> Check:
    if test.kind == "unit":
        words = test.description or f"{test.name.replace('_', ' ').capitalize()}."
        return Check(test.name, words, "dbt unit test", "stops a change", f"include/dbt/{test.file}")
    return Check(
        name=test.name,
        words=test_in_words(test.kind, test.given, name_of),
        by="dbt",
        stops=STOPS if test.severity == "error" else "warns",
        origin=f"include/dbt/{test.file}",
    )
