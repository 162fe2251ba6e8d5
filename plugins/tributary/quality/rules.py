"""Rules for the tables of one layer, as frozen models: what suite files say and contracts imply."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from tributary.errors import RegistryError

Layer = Literal["raw", "marts", "consolidated"]

UNEXPECTED_ROWS = "unexpected_rows_expectation"
_COLUMN_KWARGS = ("column", "column_A", "column_B")
_COLUMN_LIST_KWARGS = ("column_list", "column_set")
_NAME = re.compile(r"[A-Za-z_]\w*")
_PARAMETER_FUNCTIONS = frozenset({"trunc", "round", "abs"})

Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")]


class SuiteError(RegistryError):
    """A suite is not of the expected form; says file, table, rule, key and what was expected."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Meta(_Model):
    """What a rule says of itself; `why` is for a rule whose reason is not plain from its name."""

    rule: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{2,79}$")]
    why: str = ""


class Rule(_Model):
    """One expectation: GX's type and keyword arguments, and the name by which people know it."""

    type: Annotated[str, StringConstraints(pattern=r"^(expect_[a-z_]+|unexpected_rows_expectation)$")]
    kwargs: dict[str, Any] = Field(default_factory=dict)
    meta: Meta
    origin: str = Field(default="", exclude=True, description="Where the rule was written; set on loading.")

    @property
    def name(self) -> str:
        """The rule's name, unique within its table and layer."""
        return self.meta.rule

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the keyword arguments name; those inside a query are not known."""
        single = [self.kwargs[key] for key in _COLUMN_KWARGS if key in self.kwargs]
        return (*single, *(column for key in _COLUMN_LIST_KWARGS for column in self.kwargs.get(key, ())))

    @property
    def parameters(self) -> frozenset[str]:
        """The names of the run's values that the rule cannot do without."""
        expressions = [
            value["$PARAMETER"]
            for value in self.kwargs.values()
            if isinstance(value, Mapping) and "$PARAMETER" in value
        ]
        names = {name for expression in expressions for name in _NAME.findall(str(expression))}
        return frozenset(names - _PARAMETER_FUNCTIONS)


class TableSuite(_Model):
    """The rules of one table.

    `key` names a row of it to a person. `columns`, where known, maps every column that the table
    must have to the BigQuery types that it may have (an empty set: any).
    """

    key: tuple[Identifier, ...] = ()
    expectations: tuple[Rule, ...] = ()
    columns: dict[str, frozenset[str]] | None = Field(default=None, exclude=True)


class Suites(_Model):
    """The rules of one layer, table by table, in the order of the file or contract."""

    layer: Layer
    tables: dict[Identifier, TableSuite] = Field(default_factory=dict)

    def merged(self, other: Suites) -> Suites:
        """These rules followed by the other's; the other's key and column types win.

        Raises SuiteError when both have a rule of the same name for a table.
        """
        tables = dict(self.tables)
        for name, suite in other.tables.items():
            mine = tables.get(name, TableSuite())
            known = {rule.name: rule for rule in mine.expectations}
            for rule in suite.expectations:
                if rule.name in known:
                    raise SuiteError(
                        f"{rule.origin}: tables.{name}: rule {rule.name}: meta.rule: found the name of a "
                        f"rule from {known[rule.name].origin}; expected another name"
                    )
            tables[name] = TableSuite(
                key=suite.key or mine.key,
                expectations=(*mine.expectations, *suite.expectations),
                columns=mine.columns if suite.columns is None else suite.columns,
            )
        return Suites(layer=self.layer, tables=tables)
