"""The raw tables of an app, from its contract. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tributary.contracts import Column as Described
from tributary.contracts import Contract
from tributary.dictionary.checks import rules_of
from tributary.dictionary.model import Column, Layer, Table, table_id
from tributary.privacy.ways import Personal
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
                    bigquery=" or ".join(sorted(bigquery_types(said.copied_type))) if said.is_selected else "",
                    required=not said.nullable,
                    personal=said.personal is Personal.drop,
                    copied_as=copied_as(said),
                )
                for column, said in table.columns.items()
                if said.is_selected or said.personal is Personal.drop
            ),
            rules=rules_of(suites, name),
        )


def copied_as(said: Described) -> str:
    """In a word, how a personal column is copied; empty for one that is not, and one that is not personal."""
    words = {Personal.hash: "hashed", Personal.mask: "masked", Personal.tag: "tagged"}
    return words.get(said.personal, "") if said.is_selected and said.personal else ""


def types_in_production(contract: Contract, table: str) -> Mapping[str, str]:
    """By column, the MySQL types of a production table; empty where there is none of that name."""
    found = contract.tables.get(table)
    return {name: column.type for name, column in found.columns.items()} if found else {}
