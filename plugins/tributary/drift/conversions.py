"""SQL that brings a staging table's values back to the contract's type, and says which of them it cannot. Pure.

A value fits where it means exactly the same in the contract's type: nothing is cut, rounded or guessed. Types between
which that cannot be told for certain are not converted at all: binary and floating-point numbers, and TIMESTAMP, which
reads differently in each session's time zone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tributary.quality.schema import mysql_type

_INTEGERS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64, "year": 16}
_TEXTS = frozenset("char varchar tinytext text mediumtext longtext enum set".split())
_READABLE = frozenset({"date", "datetime", "time", "json", "uuid", "inet4", "inet6"})
_DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME = "[0-9]{2}:[0-9]{2}:[0-9]{2}"


@dataclass(frozen=True, slots=True)
class Conversion:
    """How one type becomes another one; `{}` stands for the column. `fits` is true, false, or NULL as of NULL."""

    type: str
    value: str
    fits: str = "true"

    def converted(self, column: str) -> str:
        """The value in the new type; NULL where it does not fit."""
        return f"case when {self.fits} then {self.value} end".replace("{}", column)

    def unfit(self, column: str) -> str:
        """The value as text where it does not fit; else NULL."""
        text = f"case when not coalesce({self.fits}, false) then convert(cast({{}} as char) using utf8mb4) end"
        return text.replace("{}", column)


def conversion(found: str, expected: str) -> Conversion | None:
    """How values of a type that was found become those of an expected one; None where they do not.

    Both are MySQL types in the form of contracts.
    """
    kind, wanted = _Kind.of(found), _Kind.of(expected)
    make = next((make for takes, makes, make in _MAKERS if kind.name in takes and wanted.name in makes), None)
    return make(kind, wanted) if make else None


def integer_limits(kind: str) -> tuple[int, int] | None:
    """The smallest and the greatest number of an integer type; None of any other type."""
    found = _Kind.of(kind)
    return found.limits if found.name in _INTEGERS else None


@dataclass(frozen=True, slots=True)
class _Kind:
    name: str
    arguments: tuple[int, ...]
    unsigned: bool

    @classmethod
    def of(cls, text: str) -> _Kind:
        name, arguments, rest = mysql_type(text)
        numbers = tuple(int(part) for part in arguments.split(",") if part.strip().isdigit())
        return cls(name, numbers, "unsigned" in rest)

    @property
    def digits(self) -> tuple[int, int]:
        """Of a decimal: all of them, and those behind the point."""
        precision, *scale = self.arguments or (10,)
        return precision, scale[0] if scale else 0

    @property
    def limits(self) -> tuple[int, int]:
        """The smallest and the greatest number of an integer."""
        if self.name == "year":
            return 0, 2155
        bits = _INTEGERS[self.name]
        return (0, 2**bits - 1) if self.unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def _to_text(_: _Kind, __: _Kind) -> Conversion:
    return Conversion("longtext", "convert(cast({} as char) using utf8mb4)")


def _text_to_integer(_: _Kind, wanted: _Kind) -> Conversion:
    low, high = wanted.limits
    number = "cast({} as decimal(20,0))"
    fits = f"{{}} regexp '^-?(0|[1-9][0-9]{{0,18}})$' and {number} between {low} and {high}"
    return Conversion(_integer(wanted), number, fits)


def _number_to_integer(_: _Kind, wanted: _Kind) -> Conversion:
    low, high = wanted.limits
    return Conversion(
        _integer(wanted), "cast({} as decimal(20,0))", f"{{}} = truncate({{}}, 0) and {{}} between {low} and {high}"
    )


def _text_to_decimal(_: _Kind, wanted: _Kind) -> Conversion:
    precision, scale = wanted.digits
    whole = f"[0-9]{{1,{precision - scale}}}" if precision > scale else "0"
    fraction = f"([.][0-9]{{1,{scale}}})?" if scale else ""
    size = f"decimal({precision},{scale})"
    return Conversion(size, f"cast({{}} as {size})", f"{{}} regexp '^-?{whole}{fraction}$'")


def _number_to_decimal(_: _Kind, wanted: _Kind) -> Conversion:
    size = "decimal({},{})".format(*wanted.digits)
    return Conversion(size, f"cast({{}} as {size})", f"cast({{}} as {size}) = {{}}")


def _text_to_day(_: _Kind, wanted: _Kind) -> Conversion:
    # What the calendar does not have comes back as another text, or as NULL.
    form = _DATE if wanted.name == "date" else f"{_DATE} {_TIME}"
    value = f"cast({{}} as {wanted.name})"
    fits = f"{{}} regexp '^{form}$' and left({{}}, 4) <> '0000' and cast({value} as char) = {{}}"
    return Conversion(wanted.name, value, fits)


def _moment_to_date(_: _Kind, __: _Kind) -> Conversion:
    return Conversion("date", "cast({} as date)", "time({}) = 0")


def _date_to_moment(_: _Kind, wanted: _Kind) -> Conversion:
    return Conversion(wanted.name, "cast({} as datetime)")


def _integer(kind: _Kind) -> str:
    # A year's own type has no room for what may be computed.
    name = "smallint" if kind.name == "year" else kind.name
    return f"{name} unsigned" if kind.unsigned else name


_NUMBERS = frozenset({*_INTEGERS, "decimal"})
_MAKERS: tuple[tuple[frozenset[str], frozenset[str], Callable[[_Kind, _Kind], Conversion]], ...] = (
    (_NUMBERS | _TEXTS | _READABLE, _TEXTS, _to_text),
    (_TEXTS, frozenset(_INTEGERS), _text_to_integer),
    (_NUMBERS, frozenset(_INTEGERS), _number_to_integer),
    (_TEXTS, frozenset({"decimal"}), _text_to_decimal),
    (_NUMBERS, frozenset({"decimal"}), _number_to_decimal),
    (_TEXTS, frozenset({"date", "datetime"}), _text_to_day),
    (frozenset({"datetime"}), frozenset({"date"}), _moment_to_date),
    (frozenset({"date"}), frozenset({"datetime"}), _date_to_moment),
)
