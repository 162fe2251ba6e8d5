"""Reading contracts, and how their parts have to fit together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tributary import naming
from tributary.contracts import RESERVED_APPS, RESERVED_COLUMNS, Contract, Table
from tributary.errors import RegistryError
from tributary.forgetting import subjects
from tributary.privacy.ways import LONGEST_NAME, Personal, key_fault, type_fault
from tributary.strict_yaml import read_yaml, show, validated


def load_contract(path: Path) -> Contract:
    """Read one contract. Raises RegistryError for anything that is not of the expected form."""
    document = read_yaml(path).data
    if "raw_only" in document:
        raise RegistryError(f"{show(path)}: raw_only: expected `models: none` in its place, or `models: generated`")
    contract = validated(Contract, document, path, at="")
    for fault in _faults(contract, path.stem):
        raise RegistryError(f"{show(path)}: {fault}")
    return contract


def _faults(contract: Contract, name: str) -> Iterator[str]:
    """What its model cannot tell: how the parts of a contract fit together."""
    if contract.app != name:
        yield f"app: found {contract.app!r}, expected the file's name, {name!r}"
    if contract.app in RESERVED_APPS:
        yield f"app: found {contract.app!r}, which is a folder of dbt's models; expected another"
    for table_name, table in contract.tables.items():
        yield from (f"tables.{table_name}.{fault}" for fault in _table_faults(contract, table))
    if contract.raw_only and (tagged := contract.selected_as(Personal.tag)):
        found = ", ".join(tagged)
        yield f"personal: found `tag` at {found}, expected none where `models` is none: raw has no policy tags"
    if contract.marts and not contract.is_consolidated:
        yield f"marts: found some, expected none where `models` is {contract.models}"
    for both in sorted(set(contract.tables) & set(contract.left_out)):
        yield f"left_out: found {both!r}, expected no table that the contract describes"
    for clash in sorted(set(contract.tables) & set(contract.marts)):
        yield f"marts: found {clash!r}, expected a name that no table has"
    for table_name, history in contract.histories.items():
        for clash in sorted({*contract.tables, *contract.marts} & {history, naming.history_days(history)}):
            yield f"tables.{table_name}.history: found a table {clash!r}, expected none, as the history has that name"
    yield from subjects.faults(contract)


def _table_faults(contract: Contract, table: Table) -> Iterator[str]:
    copied = table.selected_columns
    if not table.primary_key and contract.is_consolidated:
        yield (
            "primary_key: found none, expected the columns that name a row; "
            "only an app without models of its own may do without"
        )
    if table.history and (contract.raw_only or not table.primary_key):
        found = "`models: none`" if contract.raw_only else "no primary_key"
        yield f"history: found {found}, expected models and the columns that name a row: its versions are told by them"
    for key in table.primary_key:
        if key not in copied:
            yield (
                f"primary_key: found {key!r}, expected columns of the table that are not personal: {', '.join(copied)}"
            )
        elif fault := key_fault(table.columns[key].personal):
            yield f"columns.{key}.personal: {fault}"
    if not copied:
        yield "columns: found personal ones alone, expected one that is copied; take the table out"
    for column, said in table.columns.items():
        if fault := type_fault(said.type, said.personal):
            yield f"columns.{column}.personal: {fault}"
        if said.is_concealed and len(column) > LONGEST_NAME:
            yield f"columns.{column[:80]}.personal: expected a name of at most {LONGEST_NAME} characters, found more"
    for column in copied:
        if column.lower().startswith(RESERVED_COLUMNS):
            yield (
                f"columns: found {column!r}, expected no name that begins with one of "
                f"{', '.join(RESERVED_COLUMNS)}; take the column out"
            )
