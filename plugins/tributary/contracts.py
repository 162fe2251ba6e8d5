"""Contracts: the schema that all databases of one app share, as frozen, typed models. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from tributary import naming
from tributary.dumps.column_types import column_type
from tributary.dumps.words import words_of
from tributary.privacy.ways import Personal, copied_type

# A BigQuery dataset name (letters, digits, underscores) which is also a MySQL name without quotes.
DATABASE_NAME = r"^[a-z][a-z0-9_]{0,61}$"
IDENTIFIER = r"^[A-Za-z_][A-Za-z0-9_]{0,127}$"

# What the names of columns of the warehouse may not begin with, in lower case: BigQuery's, the loader's and our own.
# https://cloud.google.com/bigquery/docs/schemas#column_names
RESERVED_COLUMNS = (
    "_table_", "_file_", "_partition", "_row_timestamp", "__root__", "_colidentifier", "_change_", "_airbyte_",
    "_dump_date", "_database", "_found_", "_unfit_", "_personal_", "_valid_", "_ended_by", "_version_",
)  # fmt: skip
# Folders of include/dbt/models that are no app's.
RESERVED_APPS = frozenset({"consolidated", "generated", "sources"})

Name = Annotated[str, StringConstraints(pattern=DATABASE_NAME)]
Identifier = Annotated[str, StringConstraints(pattern=IDENTIFIER)]


class Frozen(BaseModel):
    """Not changed, only replaced; knows all of its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class OnChange(StrEnum):
    """What is done where a dump's definitions differ from the contract (docs/drift.md)."""

    evolve = "evolve"
    freeze = "freeze"
    discard_column = "discard_column"
    quarantine_rows = "quarantine_rows"


_ON_CHANGE = (
    "What is done where the dump has it otherwise; not said: what is said above it, or else by the sort of the change."
)


class Guards(Frozen):
    """How far a table's rows may be from those in the last landed dump. What is not said is taken from above."""

    shrink: float = Field(0.5, ge=0, le=1, description="Smallest share of the rows that must be left; 0: none need be.")
    growth: float = Field(20.0, ge=1, description="Greatest multiple of the rows that there may be.")
    small: int = Field(
        1000, ge=0, description="Tables that had fewer rows may shrink and grow as they like; they may not lose all."
    )

    def changed_by(self, other: Guards | None) -> Guards:
        """These, with what the other one says itself."""
        return self.model_copy(update=other.model_dump(exclude_unset=True)) if other else self


class QuarantineLimit(Frozen):
    """How much of a table may be set aside when its rows break rules."""

    max_share: float = Field(
        0, ge=0, le=1, description="Bad rows of a table by its rows in the dump, such as 0.01; 0 sets nothing aside."
    )


class Column(Frozen):
    """One column of a production table."""

    type: str = Field(description="MySQL type as in the DDL, lower case, such as `decimal(10,2)`.")
    description: str = ""
    nullable: bool = False
    personal: Personal | None = Field(
        None,
        description="What becomes of personal data: `drop` or true: the column is never copied out of MySQL; `hash`: "
        "its keyed hash is; `mask`: what is left of a number, an address or a date; `tag`: it is copied in clear, with "
        "a policy tag. false: it is not personal.",
        json_schema_extra={"anyOf": [{"type": "boolean"}, {"enum": [*Personal]}], "default": False},
    )
    copied: bool = Field(True, description="Whether it is copied out of MySQL, where it is not dropped as personal.")
    on_change: OnChange | None = Field(None, description=_ON_CHANGE)

    @field_validator("personal", mode="before")
    @classmethod
    def _is_a_way(cls, said: Any) -> Any:
        if isinstance(said, bool):
            return Personal.drop if said else None
        if said not in [*Personal]:
            raise ValueError(f"expected true, false, or one of {', '.join(Personal)}")
        return said

    @property
    def is_selected(self) -> bool:
        """Whether it is copied to BigQuery, as it is or as what its hash or mask makes of it."""
        return self.copied and self.personal is not Personal.drop

    @property
    def is_concealed(self) -> bool:
        """Whether BigQuery gets its hash, or what is left of it by its mask."""
        return self.is_selected and self.personal in (Personal.hash, Personal.mask)

    @property
    def copied_type(self) -> str:
        """The MySQL type of what is copied: `type`, or that of its hash or mask."""
        return copied_type(self.type, self.personal) if self.is_concealed else self.type

    @field_validator("type")
    @classmethod
    def _is_a_type(cls, text: str) -> str:
        column_type(words_of(text))
        return text


class Table(Frozen):
    """One production table."""

    description: str = ""
    primary_key: tuple[Identifier, ...] = Field(
        (), description="The columns that name a row; only apps without models of their own have tables with none."
    )
    columns: dict[Identifier, Column] = Field(min_length=1)
    guards: Guards | None = None
    quarantine: QuarantineLimit | None = Field(None, description="Stands in place of the database's.")
    on_change: OnChange | None = Field(None, description=_ON_CHANGE)
    history: bool = Field(
        False, description="Whether every version that its rows had in the dumps is kept: the table `<table>__history`."
    )

    @property
    def selected_columns(self) -> tuple[str, ...]:
        """The columns that are copied to BigQuery: all but the dropped ones, and those that are not wanted."""
        return tuple(name for name, column in self.columns.items() if column.is_selected)

    @property
    def concealed_columns(self) -> tuple[str, ...]:
        """Those of them of which BigQuery gets a hash or a mask."""
        return tuple(name for name, column in self.columns.items() if column.is_concealed)


class Mart(Frozen):
    """A mart beyond the ones that mirror a production table."""

    description: str


class Membership(Frozen):
    """Which rows of a table are a subject's: those whose column has its key, or that of a row of `through` which is."""

    column: Identifier
    through: Identifier | None = Field(
        None,
        description="Another table of the subject, whose key (of one column) the column has; empty: the subject's.",
    )

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, given: Any) -> Any:
        """`customers: customer_id` is short for `customers: {column: customer_id}`."""
        return {"column": given} if isinstance(given, str) else given

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> dict[str, Any]:
        return {"anyOf": [{"type": "string"}, handler(schema)]}


class Subject(Frozen):
    """Whom a request to forget can name, and where the rows are: docs/forget.md."""

    description: str = ""
    shared: bool = Field(False, description="Whether a key names the same one in every database of the app.")
    tables: dict[Identifier, Membership] = Field(
        min_length=1,
        description="By table or mart, the column with the key, or `{column: ..., through: ...}` for rows that are "
        "reached through another table.",
    )
    kept: dict[Identifier, str] = Field(
        default_factory=dict, description="Tables with such a column whose rows stay, each with the reason."
    )


class Models(StrEnum):
    """Where an app's dbt models come from."""

    OWN = "own"
    GENERATED = "generated"
    NONE = "none"


class Contract(Frozen):
    """The schema that all databases of one app share."""

    app: Name
    description: str = ""
    models: Models = Field(
        Models.OWN,
        description="`own`: people write the app's dbt models, and it is consolidated; `generated`: they are made from "
        "this contract, one for each table, in the database's dataset alone; `none`: stop after the raw layer.",
    )
    completion_line: bool = Field(
        True, description="Whether dumps end with mysqldump's `-- Dump completed`; hand-written ones do not."
    )
    own_database_statements: bool = Field(
        False, description="Whether dumps may create, drop and USE their own database; it is then left out."
    )
    drop_definers: bool = Field(
        False, description="Whether to leave out the DEFINER of views, triggers, routines and events in the dumps."
    )
    collation: str | None = Field(
        None,
        pattern=r"^utf8mb4_\w+$",
        description="Stands in place of `utf8mb4_0900_ai_ci`, for a staging server that lacks it.",
    )
    source_name: str | None = Field(
        None, description="The database's name inside the dumps, where it differs from the registry's."
    )
    on_change: OnChange | None = Field(None, description=_ON_CHANGE)
    left_out: tuple[str, ...] = Field((), description="Tables of the dumps that are known, and not copied.")
    tables: dict[Identifier, Table] = Field(min_length=1)
    marts: dict[Name, Mart] = Field(default_factory=dict)
    subjects: dict[Name, Subject] = Field(
        default_factory=dict, description="Whose rows `tributary forget` can take out of every layer."
    )

    @property
    def raw_only(self) -> bool:
        """Whether its databases have no more than their raw layer."""
        return self.models is Models.NONE

    @property
    def is_consolidated(self) -> bool:
        """Whether the rows of its databases go to `consolidated`."""
        return self.models is Models.OWN

    @property
    def mart_names(self) -> tuple[str, ...]:
        """Every table that is built of a database: one per production table, then the further marts."""
        return () if self.raw_only else (*self.tables, *self.marts)

    def selected_as(self, way: Personal) -> tuple[str, ...]:
        """The columns that are copied in one of the ways, as `table.column`."""
        return tuple(
            f"{name}.{column}"
            for name, table in self.tables.items()
            for column, said in table.columns.items()
            if said.is_selected and said.personal is way
        )

    @property
    def histories(self) -> Mapping[str, str]:
        """By table whose rows' versions are kept, the name of its history."""
        return {name: naming.history_table(name) for name, table in self.tables.items() if table.history}

    def on_change_of(self, table: str, column: str = "") -> OnChange | None:
        """The mode of a column, a table, or of all: the nearest that says one; None where none does."""
        known = self.tables.get(table)
        described = known.columns.get(column) if known else None
        nearest = (described and described.on_change, known and known.on_change, self.on_change)
        return next((mode for mode in nearest if mode), None)


def why_unfit(name: str, what: str) -> str:
    """Why a name cannot be a `table`'s or `column`'s in the warehouse; empty where it can."""
    if not re.fullmatch(IDENTIFIER, name):
        return "its name is more than letters, digits and underscores, or begins with a digit"
    if what == "column" and name.lower().startswith(RESERVED_COLUMNS):
        return "BigQuery, the loader or Tributary has columns of that name"
    return ""
