"""What Airbyte's own client, ``airbyte-api``, says of a request and its answer.

It is made from Airbyte's OpenAPI document and has models of bodies and queries. Which operation has which is in the
client's code alone, so that is read.
"""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import pkgutil
import re
import textwrap
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from types import FunctionType
from typing import Any
from urllib.parse import parse_qs

import airbyte_api
import pydantic
from airbyte_api import models
from airbyte_api.basesdk import BaseSDK
from airbyte_api.utils import FieldMetadata

from localcloud.airbyte.config import PREFIX
from localcloud.airbyte.models import published
from localcloud.discovery import Mismatch
from localcloud.recording import Exchange
from tests.support.wire import allowed
from tests.support.wire.found import Found, unchecked


@dataclass(frozen=True)
class Operation:
    """One published operation: its parameters by their names on the wire, and the types of its bodies or None."""

    id: str
    verb: str
    path: re.Pattern[str]
    query: Mapping[str, pydantic.fields.FieldInfo]
    request: Any
    response: Any


@functools.cache
def operations() -> tuple[Operation, ...]:
    """All of the client's."""
    return tuple(_operations())


def _operations() -> Iterator[Operation]:
    for found in pkgutil.iter_modules(airbyte_api.__path__, "airbyte_api."):
        if found.ispkg:
            continue
        for kind in vars(importlib.import_module(found.name)).values():
            if isinstance(kind, type) and issubclass(kind, BaseSDK) and kind.__module__ == found.name:
                for function in vars(kind).values():
                    if isinstance(function, FunctionType) and not inspect.iscoroutinefunction(function):
                        yield from _operation(function)


def _operation(function: FunctionType) -> Iterator[Operation]:
    """The operation that a method of the client calls, or none where it calls none."""
    calls: dict[str, ast.Call] = {}
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(function)))):
        if isinstance(node, ast.Call):
            calls.setdefault(ast.unparse(node.func).rpartition(".")[2], node)
    if "_build_request" not in calls:
        return
    said = {keyword.arg: keyword.value for keyword in calls["_build_request"].keywords}
    context = {keyword.arg: keyword.value for keyword in calls["HookContext"].keywords}
    verb, path, name = (ast.literal_eval(node) for node in (said["method"], said["path"], context["operation_id"]))
    asked = typing.get_type_hints(function).get("request")
    model = next(iter(typing.get_args(asked)), None)
    sent = calls["serialize_request_body"].args[-1] if "serialize_request_body" in calls else None
    answered = calls["unmarshal_json_response"].args[0] if "unmarshal_json_response" in calls else None
    yield Operation(
        name, verb, re.compile(PREFIX + re.sub(r"{.+?}", "[^/]+", path)), _query(model),
        _type(function, sent), _type(function, answered),
    )  # fmt: skip


def _query(model: Any) -> dict[str, pydantic.fields.FieldInfo]:
    fields = getattr(model, "model_fields", {})
    return {
        field.alias or name: field
        for name, field in fields.items()
        if any(isinstance(note, FieldMetadata) and note.query for note in field.metadata)
    }


def _type(function: FunctionType, written: ast.expr | None) -> Any:
    """The type that is *written* in the client's code."""
    if written is None:
        return None
    kind = eval(ast.unparse(written), function.__globals__)
    if typing.get_origin(kind) is typing.Union:
        (kind,) = (one for one in typing.get_args(kind) if one is not type(None))
    return kind


@functools.cache
def _adapter(kind: Any) -> pydantic.TypeAdapter[Any]:
    """What checks a body of that type, of connectors the ones that are served here."""
    name = getattr(kind, "__name__", "")
    narrow: Any = published(name) if hasattr(models, name) else kind
    if name in ("SourcesResponse", "DestinationsResponse"):
        one: Any = published(name.replace("sR", "R"))
        narrow = pydantic.create_model(name, __base__=narrow, data=(list[one], ...))
    return pydantic.TypeAdapter(narrow)


def find(exchange: Exchange) -> Found:
    """The published operation that a request calls, or what the client asks beside them; else raises Mismatch."""
    path = exchange.target.partition("?")[0]
    for one in operations():
        if one.verb == exchange.method and one.path.fullmatch(path):
            return Found(f"airbyte.{one.id}", partial(check_request, one), partial(check_answer, one))
    if (exchange.method, path.removeprefix(PREFIX)) in allowed.AIRBYTE:
        return Found(f"airbyte.{path.removeprefix(PREFIX)}", unchecked, unchecked)
    raise Mismatch(f"no published operation is {exchange.method} {path}")


def check_request(operation: Operation, exchange: Exchange) -> None:
    """Raise Mismatch unless parameters and body are the operation's."""
    query = parse_qs(exchange.target.partition("?")[2], keep_blank_values=True)
    for name, values in query.items():
        if name not in operation.query:
            raise Mismatch(f"{operation.id} has no parameter {name!r}")
        kind: Any = operation.query[name].annotation
        is_list = any(typing.get_origin(one) is list for one in (kind, *typing.get_args(kind)))
        try:
            if is_list:
                pydantic.TypeAdapter(kind).validate_python(values)
            else:
                pydantic.TypeAdapter(kind).validate_strings(values[0] if len(values) == 1 else values)
        except pydantic.ValidationError as error:
            raise Mismatch(f"the parameter {name!r}: {_first(error)}") from None
    for name, field in operation.query.items():
        if field.is_required() and name not in query:
            raise Mismatch(f"the required parameter {name!r} is not there")
    _check(operation.request, f"{operation.id}'s body", exchange.sent)


def check_answer(operation: Operation, exchange: Exchange) -> None:
    """Raise Mismatch unless the answer is the operation's; of errors the published models say nothing."""
    if exchange.status < 400:
        _check(operation.response, f"{operation.id}'s answer", exchange.answered)


def _check(kind: Any, what: str, body: str | None) -> None:
    if kind is None and body is not None:
        raise Mismatch(f"{what}: expected nothing, found a body")
    if kind is not None:
        try:
            # Strict as JSON is: no text for a number, no field's name but the one on the wire.
            _adapter(kind).validate_json(body or "", strict=True, extra="forbid", by_alias=True, by_name=False)
        except pydantic.ValidationError as error:
            raise Mismatch(f"{what}: {_first(error)}") from None


def _first(error: pydantic.ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
