"""What an error means: whether trying again can mend it, why, and what a person has to do. Pure.

`failures.yaml` holds the knowledge; this holds the order in which an error is asked:

1. its class, where the class alone is certain (Tributary's own, Airflow's);
2. words that tell more than a number does;
3. its number: MySQL's, Google's reason, the HTTP status, the system's;
4. its words;
5. its class, as the last resort.

The outermost error that has an answer gives it; then those that it was made from (`__cause__`,
`__context__`). One that only holds another, as AirflowException(error), is asked after it. An
error that carries several (dbt's models) is as bad as its worst.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import yaml

TABLES = Path(__file__).with_suffix(".yaml")

# `ERROR 1064 (42000) at line 3`: how the mysql client, and so a Cloud SQL import, says it.
_MYSQL_WORDS = re.compile(r"\bERROR (\d{1,4}) \((?:HY|\d)\w{3,4}\)")
# `503 GET https://...`: how Google's libraries say it, and dbt after them.
_HTTP_WORDS = re.compile(r"(?:^|\s)([45]\d\d) (?:GET|POST|PUT|PATCH|DELETE) http")
# How `described` passes an answer on to where only the words arrive.
_ANSWERED = re.compile(r"\[(?:passing|permanent): (\w+)\]")


class Kind(StrEnum):
    """Whether trying again can mend it; unknown errors are tried again as well."""

    passing = "passing"
    permanent = "permanent"
    unknown = "unknown"


@dataclass(frozen=True)
class Failure:
    """What an error means.

    `reason` is a key of `reasons` in failures.yaml, `service` one of its services or empty, and
    `advice` a sentence for whoever has to mend it. None of them holds words of the error.
    """

    kind: Kind
    reason: str
    service: str
    advice: str


def classify(error: BaseException) -> Failure:
    """The meaning of an error, from it and the errors it was made from. Never raises."""
    chain = list(_chain(error))
    found = next((reason for link in chain if (reason := _reason(link))), "unknown")
    service = next((name for link in chain if (name := _service(link))), "")
    return _failure(found, service)


def described(error: BaseException) -> str:
    """One line with the error's class, its words and its meaning, which `classify` can read again.

    For where an error cannot travel itself, as from a trigger to its task.
    """
    failure = classify(error)
    words = f"{type(error).__name__}: {error}"
    return words if failure.kind is Kind.unknown else f"{words} [{failure.kind}: {failure.reason}]"


def _failure(reason: str, service: str) -> Failure:
    row = _tables()["reasons"][reason]
    return Failure(Kind(row["kind"]), reason, service, row["advice"])


@cache
def _tables() -> dict[str, Any]:
    tables: dict[str, Any] = yaml.safe_load(TABLES.read_text(encoding="utf-8"))
    for name in ("mysql", "google", "http", "errno"):
        tables[name] = {value: reason for reason, values in tables[name].items() for value in values}
    for name in ("sharper_words", "words"):
        tables[name] = [(re.compile(pattern, re.MULTILINE), reason) for pattern, reason in tables[name]]
    words = [(re.compile(pattern, re.IGNORECASE), service) for pattern, service in tables["services"]["words"]]
    tables["services"]["words"] = words
    return tables


def _chain(error: Any, seen: set[int] | None = None) -> Iterator[BaseException]:
    """The error and those it was made from, the most telling first, each once."""
    seen = set() if seen is None else seen
    if not isinstance(error, BaseException) or id(error) in seen:
        return
    seen.add(id(error))
    if not _certain(error):
        # AirflowException(error), SQLAlchemy's `orig`, urllib3's `reason`, google.api_core's `cause`: their
        # holders repeat the words of the one that knows more.
        held = [*error.args[:1], *(getattr(error, name, None) for name in ("orig", "reason", "cause"))]
        for one in held:
            yield from _chain(one, seen)
    yield error
    yield from _chain(error.__cause__, seen)
    if not error.__suppress_context__:
        yield from _chain(error.__context__, seen)


def _reason(error: BaseException) -> str | None:
    several = getattr(error, "failures", None) or getattr(error, "exceptions", None)
    if isinstance(several, (list, tuple)) and (worst := _worst(several)):
        return worst
    tables, words = _tables(), _words(error)
    otherwise = tables["classes"]["otherwise"]
    if certain := _certain(error):
        return certain
    if (answered := _ANSWERED.search(words)) and answered[1] in tables["reasons"]:
        return answered[1]
    return (
        _first(tables["sharper_words"], words)
        or _by_number(error)
        or _by_number_in(words)
        or _first(tables["words"], words)
        or (tables["http"].get(int(status[1])) if (status := _HTTP_WORDS.search(words)) else None)
        or next((otherwise[name] for name in _names(error) if name in otherwise), None)
    )


def _worst(several: Iterable[Any]) -> str | None:
    """Of several errors: a permanent one decides, for trying again cannot mend it."""
    answers = [classify(item if isinstance(item, BaseException) else Exception(item)) for item in several]
    for kind in (Kind.permanent, Kind.passing):
        for answer in answers:
            if answer.kind is kind:
                return answer.reason
    return None


def _words(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - an error that cannot even be printed is judged by its class
        return ""


def _by_number(error: BaseException) -> str | None:
    tables = _tables()
    if _from(error, "MySQLdb", "pymysql"):
        return _look_up(tables["mysql"], next(iter(error.args), None))
    if isinstance(error, OSError) and error.errno:
        return _look_up(tables["errno"], errno.errorcode.get(error.errno or 0))
    reasons = (_look_up(tables["google"], word) for word in _google_words(error))
    return next(filter(None, reasons), None) or _look_up(tables["http"], _http_status(error))


def _by_number_in(words: str) -> str | None:
    found = _MYSQL_WORDS.search(words)
    return _look_up(_tables()["mysql"], int(found[1])) if found else None


def _google_words(error: BaseException) -> Iterator[str]:
    """What the service says beside the status: `reason` of the errors in its answer's body."""
    for name in ("errors", "error_details"):
        details = getattr(error, name, None)
        for detail in details if isinstance(details, (list, tuple)) else ():
            if isinstance(detail, Mapping) and isinstance(detail.get("reason"), str):
                yield detail["reason"]


def _http_status(error: BaseException) -> int | None:
    if _from(error, "airflow"):
        # Airflow gives all its errors a status, for its own web pages.
        return None
    response = getattr(error, "response", None)
    for holder, name in ((error, "status_code"), (error, "code"), (error, "status"), (response, "status_code")):
        status = getattr(holder, name, None)
        if isinstance(status, int) and 400 <= status <= 599:
            return int(status)
    return None


def _certain(error: BaseException) -> str | None:
    classes = _tables()["classes"]
    listed = next((name for name in _names(error) if name in classes["certain"] or name in classes["otherwise"]), "")
    return _look_up(classes["certain"], listed)


def _from(error: BaseException, *packages: str) -> bool:
    return any(name.split(".")[0] in packages for name in _names(error))


def _names(error: BaseException) -> list[str]:
    return [f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__]


def _service(error: BaseException) -> str | None:
    services = _tables()["services"]
    words = _first(services["words"], _words(error))
    for name in _names(error):
        for prefix, service in services["classes"].items():
            if name.startswith(prefix):
                # Several of Google's services raise the same classes; the address tells them apart.
                return words if words and service == "google" else str(service)
    return words


def _look_up(table: Mapping[Any, str], value: Any) -> str | None:
    return table.get(value) if isinstance(value, (int, str)) else None


def _first(patterns: Iterable[tuple[re.Pattern[str], str]], words: str) -> str | None:
    return next((answer for pattern, answer in patterns if pattern.search(words)), None)
