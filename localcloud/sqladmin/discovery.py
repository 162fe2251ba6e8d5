"""Checking requests and answers against Google's own description of the API.

The discovery document's schemas are nearly JSON Schema. What is turned: references become ``#/$defs/...``,
objects are closed against unknown fields as Google closes them, and 64-bit integers may be strings or
numbers as in protobuf's JSON form.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import googleapiclient
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from localcloud.sqladmin.errors import ApiError

DOCUMENTS = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents"
VERSIONS = ("v1", "v1beta4")


def _convert(schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        return {"$ref": f"#/$defs/{schema['$ref']}"}
    kind = schema.get("type")
    if kind == "any":
        return {}
    if kind == "array":
        return {"type": "array", "items": _convert(schema["items"])}
    if kind == "object":
        extra = schema.get("additionalProperties")
        fields = {name: _convert(field) for name, field in schema.get("properties", {}).items()}
        return {
            "type": "object",
            "properties": fields,
            "additionalProperties": _convert(extra) if extra else not fields and "properties" not in schema,
        }
    if schema.get("format") in ("int64", "uint64"):
        return {"type": ["integer", "string"], "pattern": r"^-?\d+$"}
    result: dict[str, Any] = {"type": kind}
    if "enum" in schema:
        result["enum"] = schema["enum"]
    return result


@functools.cache
def _definitions(version: str) -> dict[str, Any]:
    document = json.loads((DOCUMENTS / f"sqladmin.{version}.json").read_text(encoding="utf-8"))
    return {name: _convert(schema) for name, schema in document["schemas"].items()}


@functools.cache
def _validator(version: str, schema: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/$defs/{schema}", "$defs": _definitions(version)})


def _describe(error: ValidationError) -> str:
    where = ".".join(str(part) for part in error.absolute_path) or "(root)"
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        unknown = sorted(set(error.instance) - set(error.schema["properties"]))
        return f"Invalid JSON payload received. Unknown name {unknown[0]!r} at {where!r}: Cannot find field."
    return f"Invalid value at {where!r}: {error.message}"


def check_request(version: str, schema: str, payload: Any) -> None:
    """Raise ApiError 400 unless *payload* is a *schema* of API *version*."""
    error = next(iter(_validator(version, schema).iter_errors(payload)), None)
    if error is not None:
        raise ApiError(400, _describe(error))


def checked_answer(version: str, schema: str, payload: dict[str, Any]) -> dict[str, Any]:
    """*payload* itself; raises RuntimeError when this service was about to send something Google does not."""
    error = next(iter(_validator(version, schema).iter_errors(payload)), None)
    if error is not None:
        raise RuntimeError(f"answer does not follow {schema} of sqladmin {version}: {_describe(error)}")
    return payload
