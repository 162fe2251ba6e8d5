"""What Google's discovery documents say of a request and of its answer."""

from __future__ import annotations

import copy
import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import parse_qs, unquote

from localcloud.discovery import RANGES, Document, Mismatch, document, integer_of_text, text
from localcloud.recording import BODY_BYTES, Exchange
from tests.support.wire import allowed
from tests.support.wire.found import Found

DOCUMENTS = {
    "bigquery": ("bigquery.v2",),
    "sqladmin": ("sqladmin.v1", "sqladmin.v1beta4"),
    "storage": ("storage.v1",),
}
"""The documents of a service of the local cloud, which serves these versions."""

# https://cloud.google.com/apis/design/errors and, with `errors`, https://cloud.google.com/bigquery/docs/error-messages
_DETAIL = {"message", "domain", "reason", "location", "locationType", "debugInfo"}
_ERROR = Document({"schemas": {"Error": {"type": "object", "properties": {"error": {"type": "object", "properties": {
    "code": {"type": "integer", "format": "int32"}, "message": {"type": "string"}, "status": {"type": "string"},
    "errors": {"type": "array", "items": {
        "type": "object", "properties": {name: {"type": "string"} for name in _DETAIL}}},
    "details": {"type": "array", "items": {"type": "any"}},
}}}}}})  # fmt: skip


@dataclass(frozen=True)
class Method:
    """One way to call a method of the document `api`: `flow` is ``plain``, ``upload`` or ``download``."""

    id: str
    verb: str
    path: re.Pattern[str]
    flow: str
    query: Mapping[str, Mapping[str, Any]]
    request: str | None
    response: str | None
    api: str


@functools.cache
def methods(service: str) -> Mapping[tuple[str, int], Sequence[Method]]:
    """All that the service's documents have, by verb and number of the path's segments, the most literal path first."""
    found: dict[tuple[str, int], list[Method]] = {}
    for name in DOCUMENTS[service]:
        for one, template in _methods(name):
            found.setdefault((one.verb, template.count("/")), []).append(one)
    for several in found.values():
        several.sort(key=lambda one: -len(re.sub(r"\[\^/]\+", "", one.path.pattern)))
    return found


def _methods(api: str) -> Iterator[tuple[Method, str]]:
    content = document(api).content

    def below(part: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield from part.get("methods", {}).values()
        for resource in part.get("resources", {}).values():
            yield from below(resource)

    for one in below(content):
        query = {name: node for name, node in one.get("parameters", {}).items() if node["location"] == "query"}
        # `path` has reserved expansions ({+name}) that stand for several segments; `flatPath` says for how many.
        plain = f"/{content['servicePath']}{one.get('flatPath', one['path'])}"
        paths = [(plain, "plain")]
        paths += [(way["path"], "upload") for way in one.get("mediaUpload", {}).get("protocols", {}).values()]
        if one.get("useMediaDownloadService"):
            paths.append((f"/download{plain}", "download"))
        for template, flow in paths:
            yield Method(
                one["id"], one["httpMethod"], _pattern(template), flow, {**content["parameters"], **query},
                one.get("request", {}).get("$ref"), one.get("response", {}).get("$ref"), api,
            ), template  # fmt: skip
            # The session's address, which a resumable upload was answered with.
            if flow == "upload":
                yield Method(
                    one["id"], "PUT", _pattern(template), flow, {**content["parameters"], **query},
                    None, one.get("response", {}).get("$ref"), api,
                ), template  # fmt: skip


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(
        "".join("[^/]+" if part.startswith("{") else re.escape(part) for part in re.split(r"({.+?})", template))
    )


def find(service: str, exchange: Exchange) -> Found:
    """The published method that a request calls; raises Mismatch where there is none."""
    path = exchange.target.partition("?")[0]
    for one in methods(service).get((exchange.method, path.count("/")), ()):
        if one.path.fullmatch(path):
            return Found(one.id, partial(check_request, one), partial(check_answer, one))
    raise Mismatch(f"no published method is {exchange.method} {unquote(path)}")


def check_request(method: Method, exchange: Exchange) -> None:
    """Raise Mismatch unless parameters and body are the method's."""
    query = parse_qs(exchange.target.partition("?")[2], keep_blank_values=True)
    for name, values in query.items():
        _check_parameter(method, name, values)
    for name, node in method.query.items():
        if node.get("required") and name not in query:
            raise Mismatch(f"the required parameter {name!r} is not there")
    if exchange.sent is not None:
        if method.request is None:
            raise Mismatch(f"{method.id} has no body, found one")
        body = _json(exchange.sent)
        _as_sent(method.api).check(method.request, body)
        _check_required(method, body)
    elif method.request and method.flow == "plain" and exchange.size <= BODY_BYTES and exchange.status < 400:
        raise Mismatch(f"{method.id} has a {method.request} as its body, found {exchange.type or 'nothing'}")


def check_answer(method: Method, exchange: Exchange) -> None:
    """Raise Mismatch unless the answer is the method's, or an error in Google's envelope."""
    answered = _json(exchange.answered) if exchange.answered else None
    if exchange.status >= 400:
        # What refuses to send an object's content says why as text.
        if "alt=media" not in exchange.target:
            _ERROR.check("Error", answered)
    elif answered is not None:
        if method.response is None:
            raise Mismatch(f"{method.id} is answered with nothing, found a body")
        document(method.api).check(method.response, answered)
    elif method.response and method.flow == "plain" and not exchange.answer_size and exchange.status < 300:
        raise Mismatch(f"{method.id} is answered with a {method.response}, found nothing")


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise Mismatch(f"the body is no JSON: {error}") from None


@functools.cache
def _as_sent(api: str) -> Document:
    """The document, with what is allowed in requests beyond it."""
    content = copy.deepcopy(document(api).content)
    for (name, schema, field), node in allowed.FIELDS.items():
        if name == api:
            content["schemas"][schema]["properties"][field] = node
    return Document(content, allowed.NULL_IS_ABSENT)


def _check_parameter(method: Method, name: str, values: list[str]) -> None:
    node = method.query.get(name)
    if node is None:
        if (method.flow, name) in allowed.PARAMETERS:
            return
        raise Mismatch(f"{method.id} has no parameter {name!r}")
    if len(values) > 1 and not node.get("repeated"):
        raise Mismatch(f"the parameter {name!r} is there {len(values)} times")
    try:
        for value in values:
            _check_text(node, value)
    except Mismatch as mismatch:
        raise Mismatch(f"the parameter {name!r}: {mismatch.reason}") from None


def _check_text(node: Mapping[str, Any], value: str) -> None:
    kind = node.get("format", "int64" if node["type"] == "integer" else "")
    if kind in RANGES:
        integer_of_text(kind, value)
    elif node["type"] == "boolean":
        if value not in allowed.BOOLEANS:
            raise Mismatch(f"{value[:40]!r} is not true or false")
    elif check := text(dict(node)):
        check(value)


def _check_required(method: Method, body: Any) -> None:
    """Of a document's notes on what a method needs, those on the body's own fields."""
    fields = document(method.api).content["schemas"][method.request].get("properties", {})
    for name, node in fields.items():
        if method.id in node.get("annotations", {}).get("required", ()) and name not in body:
            raise Mismatch(f"{method.id} needs the field {name!r}")
