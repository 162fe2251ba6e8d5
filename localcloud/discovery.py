"""JSON against the discovery documents in which Google publishes its APIs.

They come with ``google-api-python-client``, one for each version of an API. Objects are closed against unknown fields,
as Google closes them, and 64-bit integers may be strings or numbers, as in protobuf's JSON form.
https://developers.google.com/discovery/v1/type-format and https://protobuf.dev/programming-guides/json
"""

from __future__ import annotations

import base64
import binascii
import functools
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import googleapiclient

DOCUMENTS = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents"

Check = Callable[[Any], None]
"""Returns where a value is of the published form, and raises Mismatch where it is not."""

RANGES = {
    "int32": (-(1 << 31), (1 << 31) - 1),
    "uint32": (0, (1 << 32) - 1),
    "int64": (-(1 << 63), (1 << 63) - 1),
    "uint64": (0, (1 << 64) - 1),
}
_DATE = r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
_MOMENT = _DATE + r"T([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d{1,9})?(Z|[+-]\d\d:\d\d)"
_TEXTS = {
    "date": re.compile(_DATE),
    "date-time": re.compile(_MOMENT),
    "google-datetime": re.compile(_MOMENT),
    "google-duration": re.compile(r"-?\d+(\.\d{1,9})?s"),
    "google-fieldmask": re.compile(r"[\w.,]*"),
}
_INTEGER = re.compile(r"-?\d{1,20}")
_NAMES = {dict: "an object", list: "a list", str: "text", bool: "a boolean", int: "a number", float: "a number"}


class Mismatch(ValueError):
    """What was found is not of the published form; `where` leads to it, `unknown` names a field that there is not."""

    def __init__(self, reason: str, unknown: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.unknown = unknown
        self.where: list[str] = []

    def __str__(self) -> str:
        where = ".".join(self.where) or "(root)"
        if self.unknown is not None:
            return f"Invalid JSON payload received. Unknown name {self.unknown!r} at {where!r}: Cannot find field."
        return f"Invalid value at {where!r}: {self.reason}"

    @classmethod
    def of(cls, expected: str, found: Any) -> Mismatch:
        """Another kind of value than *expected*."""
        return cls(f"expected {expected}, found {_NAMES.get(type(found), 'null')}")


@functools.cache
def document(name: str) -> Document:
    """The document *name*, such as ``sqladmin.v1``."""
    return Document(json.loads((DOCUMENTS / f"{name}.json").read_text(encoding="utf-8")))


class Document:
    """One version of an API: `content` is its document, and `check` holds a value against one of its schemas.

    With *null_is_absent* a known field may be null.
    """

    def __init__(self, content: dict[str, Any], null_is_absent: bool = False) -> None:
        self.content = content
        self._null_is_absent = null_is_absent
        self._checks: dict[str, Check] = {}

    def check(self, schema: str, value: Any) -> None:
        """Raise Mismatch unless *value* is a *schema* by the document."""
        if schema not in self._checks:
            self._checks[schema] = self.compiled(self.content["schemas"][schema])
        self._checks[schema](value)

    def compiled(self, node: dict[str, Any]) -> Check:
        """The check that a schema, or a part of one, stands for."""
        if "$ref" in node:
            return functools.partial(self.check, node["$ref"])
        kind = node.get("type")
        if kind == "any":
            return lambda value: None
        if kind == "object":
            fields = {name: self.compiled(field) for name, field in node.get("properties", {}).items()}
            more = node.get("additionalProperties", None if "properties" in node else {"type": "any"})
            return functools.partial(_object, fields, self.compiled(more) if more else None, self._null_is_absent)
        if kind == "array":
            return functools.partial(_array, self.compiled(node["items"]))
        if kind == "boolean":
            return functools.partial(_one_of, "a boolean", (bool,))
        if kind == "number":
            return _number
        if node.get("format") in RANGES:
            return functools.partial(_integer, node["format"], is_text_taken=kind == "string")
        if kind == "integer":
            return functools.partial(_integer, "int64", is_text_taken=False)
        return functools.partial(_text, text(node))


def text(node: dict[str, Any]) -> Check | None:
    """What a schema of type ``string`` asks of a text beyond being one, or None."""
    if "enum" in node:
        return functools.partial(_named, tuple(node["enum"]))
    if node.get("format") == "byte":
        return _bytes
    pattern = _TEXTS.get(node.get("format", ""))
    if pattern is not None:
        return functools.partial(_formed, pattern, node["format"])
    return functools.partial(_formed, re.compile(node["pattern"]), "pattern") if "pattern" in node else None


def integer_of_text(kind: str, value: str) -> None:
    """Raise Mismatch unless *value* is an integer of *kind*, one of RANGES, in decimal digits."""
    low, high = RANGES[kind]
    if not _INTEGER.fullmatch(value) or not low <= int(value) <= high:
        raise Mismatch(f"{value[:40]!r} is no {kind}")


def _object(fields: dict[str, Check], more: Check | None, null_is_absent: bool, value: Any) -> None:
    if not isinstance(value, dict):
        raise Mismatch.of("an object", value)
    for name, item in value.items():
        check = fields.get(name, more)
        if check is None:
            raise Mismatch("unknown", unknown=name)
        if item is None and null_is_absent:
            continue
        try:
            check(item)
        except Mismatch as mismatch:
            mismatch.where.insert(0, name)
            raise


def _array(check: Check, value: Any) -> None:
    if not isinstance(value, list):
        raise Mismatch.of("a list", value)
    for position, item in enumerate(value):
        try:
            check(item)
        except Mismatch as mismatch:
            mismatch.where.insert(0, str(position))
            raise


def _one_of(expected: str, kinds: tuple[type, ...], value: Any) -> None:
    if not isinstance(value, kinds):
        raise Mismatch.of(expected, value)


def _number(value: Any) -> None:
    if isinstance(value, bool) or not (isinstance(value, int | float) or value in ("NaN", "Infinity", "-Infinity")):
        raise Mismatch.of("a number", value)


def _integer(kind: str, value: Any, *, is_text_taken: bool) -> None:
    if isinstance(value, str) and is_text_taken:
        integer_of_text(kind, value)
    elif isinstance(value, bool) or not isinstance(value, int):
        raise Mismatch.of("a number", value)
    elif not RANGES[kind][0] <= value <= RANGES[kind][1]:
        raise Mismatch(f"{value} is no {kind}")


def _text(check: Check | None, value: Any) -> None:
    if not isinstance(value, str):
        raise Mismatch.of("text", value)
    if check:
        check(value)


def _named(names: tuple[str, ...], value: str) -> None:
    if value not in names:
        raise Mismatch(f"{value[:40]!r} is not one of {', '.join(names)}")


def _formed(pattern: re.Pattern[str], name: str, value: str) -> None:
    if not pattern.fullmatch(value):
        raise Mismatch(f"{value[:40]!r} is not of the form {name}")


def _bytes(value: str) -> None:
    try:
        base64.b64decode(value.replace("-", "+").replace("_", "/") + "=" * (-len(value) % 4), validate=True)
    except binascii.Error:
        raise Mismatch("expected base64") from None
