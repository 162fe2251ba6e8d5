"""In which tables of a dataset a person's rows are, and the SQL condition that tells them. Pure.

What a dataset has says BigQuery itself, so that tables which nobody has told of are found, too: those of people's own
models, and histories (`orders__history` counts as `orders`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tributary.contracts import Contract, Subject
from tributary.forgetting.subjects import depths

Columns = Mapping[str, Mapping[str, str]]

_DAY = "_dump_date"
_OWN = "_tributary"


@dataclass(frozen=True)
class Target:
    """A table with the column by which rows are the subject's.

    `known_as` is the contract's table that it is or derives from, empty for others; `through` the table whose rows'
    keys the column has, where it is not the subject's own. `state` is SQL for what tells apart the rows that belong
    together, the day of the dump: the lines of an order are those of its own day. Empty: all of the table do.
    """

    table: str
    column: str
    data_type: str
    known_as: str
    through: str | None
    depth: int
    state: str

    def condition(self, only: str = "true") -> str:
        """True of the subject's rows among those of which `only` is; takes parameters of `Links.parameters`."""
        if self.through is None:
            own = f"`{self.column}` = safe_cast(@key as {self.data_type})"
        elif self.state:
            key = f"concat({self.state}, ' ', cast(`{self.column}` as string))"
            own = f"{key} in unnest(json_value_array(@{self._links}))"
        else:
            own = f"cast(`{self.column}` as string) in unnest(json_value_array(@{self._links}_of_any_day))"
        return f"{only} and {own}" if only != "true" else own

    @property
    def _links(self) -> str:
        return f"keys_of_{self.through}"


class Links:
    """The keys of the subject's rows by table, each with the state that it was found in.

    Collected before anything is removed, so that rows which are reached by them can be found afterwards, too.
    """

    def __init__(self, key: str) -> None:
        self.key = key
        self._found: dict[str, set[tuple[str, str]]] = {}

    def add(self, table: str, keys: Iterable[tuple[str, str]]) -> None:
        """Keys of rows of a table of the contract, as pairs of state and key."""
        self._found.setdefault(table, set()).update(keys)

    def merge(self, other: Links) -> None:
        """Add the keys that others hold."""
        for table, keys in other._found.items():
            self.add(table, keys)

    def keys_of(self, table: str) -> list[str]:
        """Those of any state, sorted."""
        return sorted({key for _, key in self._found.get(table, ())})

    def parameters(self, target: Target) -> dict[str, str]:
        """What the target's condition asks for."""
        if target.through is None:
            return {"key": self.key}
        name = f"keys_of_{target.through}"
        if target.state:
            pairs = sorted(f"{state} {key}" for state, key in self._found.get(target.through, ()))
            return {name: json.dumps(pairs)}
        return {f"{name}_of_any_day": json.dumps(self.keys_of(target.through))}


def targets(contract: Contract, subject: Subject, columns: Columns, state: str = "") -> list[Target]:
    """The tables in which rows of the subject may be, those that are reached through others first.

    :param columns: of the dataset's tables, the type of each column.
    :param state: SQL for the state of tables without the day of their dump.
    """
    rules = {rule.column: rule for rule in reversed(subject.tables.values())}
    # A column with the subject's own key says it at once; the way through another table is the longer one.
    rules = dict(sorted(rules.items(), key=lambda pair: pair[1].through is not None))
    depth_of = depths(subject)
    found = []
    for table, types in columns.items():
        known_as = _known_as(table, {**subject.tables, **subject.kept})
        if table.startswith(_OWN) or known_as in subject.kept:
            continue
        if known_as in subject.tables and subject.tables[known_as].column in types:
            rule = subject.tables[known_as]
        else:
            found_rule = next((rule for column, rule in rules.items() if column in types), None)
            if found_rule is None:
                continue
            rule = found_rule
        depth = depth_of[rule.through] + 1 if rule.through else 0
        where = f"cast({_DAY} as string)" if _DAY in types else state
        data_type = types[rule.column].partition("(")[0]
        found.append(Target(table, rule.column, data_type, known_as, rule.through, depth, where))
    return sorted(found, key=lambda one: (-one.depth, one.table))


def without_column(subject: Subject, columns: Columns) -> Iterator[str]:
    """The tables of the subject that lack the column by which its rows are told: nobody can look into them."""
    for table, rule in subject.tables.items():
        if table in columns and rule.column not in columns[table]:
            yield f"{table}.{rule.column}"


def _known_as(table: str, names: Iterable[str]) -> str:
    """The table of the contract that a table is or derives from: `orders__history` -> `orders`; else empty."""
    base = table.partition("__")[0]
    return next((name for name in (table, base) if name in set(names)), "")
