"""The raw tables of an app, from its contract. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tributary.contracts import Contract
from tributary.dictionary.checks import rules_of
from tributary.dictionary.model import Column, Layer, Table, table_id
from tributary.quality.rules import Suites
from tributary.quality.schema import bigquery_types


def raw_tables(contract: Contract, suites: Suites) -> Iterator[Table]:
    """A table for each of production's, with the personal columns that it lacks."""
    for name, table in contract.tables.items():
        yield Table(
            id=table_id(Layer.raw, contract.app, name),
            layer=Layer.raw,
            app=contract.app,
            name=name,
            description=table.description,
            key=table.primary_key,
            columns=tuple(
                Column(
                    name=column,
                    description=said.description,
                    mysql=said.type,
                    bigquery="" if said.personal else " or ".join(sorted(bigquery_types(said.type))),
                    required=not said.nullable,
                    personal=said.personal,
                )
                for column, said in table.columns.items()
                if said.copied or said.personal
            ),
            rules=rules_of(suites, name),
        )


def types_in_production(contract: Contract, table: str) -> Mapping[str, str]:
    """By column, the MySQL types of a production table; empty where there is none of that name."""
    found = contract.tables.get(table)
    return {name: column.type for name, column in found.columns.items()} if found else {}
