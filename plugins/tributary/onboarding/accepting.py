"""Writing into a contract what a dump says: `tributary contract accept`."""

from __future__ import annotations

import difflib
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from tributary.contracts import Column, Contract, Models, Table, why_unfit
from tributary.drift.changes import ChangeKind, SchemaChange, schema_changes
from tributary.dumps.definitions import TableDefinition
from tributary.onboarding.adding import tried, write_whole
from tributary.onboarding.inference import Rows, TableDraft, personal_columns
from tributary.registry import INCLUDE, Registry, load_registry
from tributary.strict_yaml import show, text_of

# Below these, what people wrote by hand for an app.
_WRITTEN = ("dbt/models/{app}", "dbt/models/consolidated/{app}", "gx/{app}")


@dataclass(frozen=True)
class Acceptance:
    """What a contract is to be: its file with the text before and after, and what that makes of the registry.

    `notes` are sentences that a person should read, `files` those that name a table or column which is no more.
    """

    path: Path
    before: str
    text: str
    registry: Registry
    notes: tuple[str, ...]
    files: tuple[str, ...]

    def diff(self) -> Iterator[str]:
        """What changes in the contract, as lines of a unified diff."""
        name = show(self.path)
        yield from difflib.unified_diff(self.before.splitlines(), self.text.splitlines(), name, name, lineterm="")

    def write(self) -> None:
        """Write the contract."""
        write_whole(self.path, self.text)


def acceptance(
    database: str, definitions: Mapping[str, TableDefinition], samples: Mapping[str, Rows], include: Path = INCLUDE
) -> Acceptance:
    """The contract of a database's app, changed to what the definitions in a dump of it say.

    :param samples: some rows by table, by which personal data is recognised.
    Raises RegistryError where the registry would not be whole with it, such as a suite that names a column which went.
    """
    registry = load_registry(include)
    contract = registry.database(database).contract
    path = include / "contracts" / f"{contract.app}.yaml"
    before = text_of(path)
    yaml = _round_trip()
    edit = _Edit(yaml.load(before), contract, definitions, samples)
    changes = schema_changes(contract, definitions)
    for change in changes:
        edit.take(change)
    out = io.StringIO()
    yaml.dump(edit.document, out)
    text = out.getvalue() if changes else before
    return Acceptance(
        path,
        before,
        text,
        registry=tried(include, {path: text}, database),
        notes=tuple(edit.notes),
        files=_naming(contract, changes, include),
    )


class _Edit:
    """A contract's document while it is changed; comments and order stay as they are."""

    def __init__(
        self,
        document: CommentedMap,
        contract: Contract,
        definitions: Mapping[str, TableDefinition],
        samples: Mapping[str, Rows],
    ) -> None:
        self.document = document
        self.notes: list[str] = []
        self._contract = contract
        self._definitions = definitions
        self._samples = samples
        self._kinds: dict[ChangeKind, Callable[[SchemaChange], None]] = {
            ChangeKind.TABLE_NEW: self._add_table,
            ChangeKind.TABLE_MISSING: lambda change: self.document["tables"].pop(change.table),
            ChangeKind.COLUMN_ADDED: self._add_column,
            ChangeKind.COLUMN_DROPPED: lambda change: self._columns(change).pop(change.column),
            ChangeKind.COLUMN_RENAMED: self._rename,
            ChangeKind.RETYPED: lambda change: self._column(change).update(type=change.found),
            ChangeKind.NULLABLE: lambda change: self._column(change).update(nullable=True),
            ChangeKind.REQUIRED: lambda change: self._column(change).pop("nullable", None),
            ChangeKind.KEY_CHANGED: self._set_key,
        }

    def take(self, change: SchemaChange) -> None:
        """Make the document say what the dump does in one point."""
        self._kinds[change.kind](change)

    def _columns(self, change: SchemaChange) -> CommentedMap:
        columns: CommentedMap = self.document["tables"][change.table]["columns"]
        return columns

    def _column(self, change: SchemaChange) -> CommentedMap:
        column: CommentedMap = self._columns(change)[change.column]
        return column

    def _draft(self, table: str) -> TableDraft:
        definition = self._definitions[table]
        return TableDraft(definition, personal_columns(definition, self._samples.get(table, ())))

    def _add_table(self, change: SchemaChange) -> None:
        draft = self._draft(change.table)
        reason = draft.why_left_out
        if self._contract.models is Models.OWN and not reason:
            reason = "it needs dbt models of its own; describe it by hand with them"
        if reason:
            self.document.setdefault("left_out", _flow_list([])).append(change.table)
            self.notes.append(f"left out: table {change.table[:64]!r}: {reason}")
            return
        self.notes += draft.notes()
        self._tell_personal(change.table, draft.personal)
        self.document["tables"][change.table] = _block(draft.described())

    def _add_column(self, change: SchemaChange) -> None:
        if reason := why_unfit(change.column, "column"):
            self.notes.append(f"{change.table}: column {change.column[:64]!r} is left out: {reason}")
            return
        draft = self._draft(change.table)
        there = {column.name: column for column in draft.definition.columns}
        names = list(there)
        columns = self._columns(change)
        before = [name for name in names[: names.index(change.column)] if name in columns]
        at = list(columns).index(before[-1]) + 1 if before else 0
        columns.insert(at, change.column, _line(draft.described_column(there[change.column])))
        reasons = {name: reason for name, reason in draft.personal.items() if name == change.column}
        self._tell_personal(change.table, reasons)

    def _rename(self, change: SchemaChange) -> None:
        columns = self._columns(change)
        at = list(columns).index(change.column)
        columns.insert(at, change.found, columns.pop(change.column))
        key = self.document["tables"][change.table].get("primary_key", [])
        for place, name in enumerate(key):
            if name == change.column:
                key[place] = change.found
        self.notes.append(f"{change.table}: {change.column} is taken for renamed to {change.found}: is it the same?")

    def _set_key(self, change: SchemaChange) -> None:
        key = self._draft(change.table).key
        self.document["tables"][change.table]["primary_key"] = _flow_list(list(key))

    def _tell_personal(self, table: str, reasons: Mapping[str, str]) -> None:
        self.notes += [f"personal, not copied: {table}.{column}: {reason}" for column, reason in reasons.items()]


def _naming(contract: Contract, changes: Sequence[SchemaChange], include: Path) -> tuple[str, ...]:
    """The files of the app that people wrote, and that name what went or was renamed."""
    gone = {
        change.column or change.table
        for change in changes
        if change.kind in (ChangeKind.TABLE_MISSING, ChangeKind.COLUMN_DROPPED, ChangeKind.COLUMN_RENAMED)
    }
    if not gone:
        return ()
    word = re.compile(rf"\b(?:{'|'.join(map(re.escape, sorted(gone)))})\b")
    folders = [include / folder.format(app=contract.app) for folder in _WRITTEN]
    files = [file for folder in folders for file in sorted(folder.rglob("*")) if file.is_file()]
    return tuple(show(file) for file in files if word.search(file.read_text(encoding="utf-8")))


def _round_trip() -> YAML:
    """Reads and writes a contract so that what is not changed stays as it is, to the last sign."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 10**9
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _line(column: Column) -> CommentedMap:
    """A column on one line, without what need not be said."""
    line = CommentedMap(column.model_dump(exclude_defaults=True, mode="json"))
    line.fa.set_flow_style()
    return line


def _block(table: Table) -> CommentedMap:
    block = CommentedMap({"description": table.description} if table.description else {})
    block["primary_key"] = _flow_list(list(table.primary_key))
    block["columns"] = CommentedMap({name: _line(column) for name, column in table.columns.items()})
    return block


def _flow_list(items: list[Any]) -> CommentedSeq:
    found = CommentedSeq(items)
    found.fa.set_flow_style()
    return found
