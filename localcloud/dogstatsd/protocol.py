"""DogStatsD's datagrams, line by line. Pure.

https://docs.datadoghq.com/extend/dogstatsd/datagram_shell (protocol 1.0 to 1.5)
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

TYPES = {"c": "count", "g": "gauge", "d": "distribution", "h": "histogram", "ms": "timer", "s": "set"}
SAMPLED = frozenset({"c", "d", "h", "ms"})
TIMESTAMPED = frozenset({"c", "g"})

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,199}")
_TAG = re.compile(r"[^\W\d_][\w./:-]{0,199}")
_EVENT = re.compile(r"_e\{\d+,\d+\}:.")
_SERVICE_CHECK = re.compile(r"_sc\|[^|]+\|[0-3](\||$)")
_CARDINALITIES = frozenset({"none", "low", "orchestrator", "high"})


class MalformedError(ValueError):
    """A line is not of the protocol's form; says what was expected."""


@dataclass(frozen=True)
class Sample:
    """One line of a datagram. `rate` is the share of what happened that was sent."""

    name: str
    type: str
    values: tuple[str, ...]
    tags: tuple[str, ...]
    rate: float = 1.0


def is_event(line: str) -> bool:
    """Whether it is an event: `_e{<title length>,<text length>}:...`."""
    return _EVENT.match(line) is not None


def is_service_check(line: str) -> bool:
    """Whether it is a service check: `_sc|<name>|<status>|...`."""
    return _SERVICE_CHECK.match(line) is not None


def parse(line: str) -> Sample:
    """Read one metric. Raises MalformedError."""
    name, colon, rest = line.partition(":")
    if not colon or not _NAME.fullmatch(name):
        raise MalformedError("expected <name>:<value>, a letter first, then letters, digits, _ and .")
    packed, *fields = rest.split("|")
    if not fields or fields[0] not in TYPES:
        raise MalformedError(f"expected a type: {', '.join(TYPES)}")
    type_ = fields[0]
    # Protocol 1.1 packs several values; a set's values may hold colons.
    values = (packed,) if type_ == "s" else tuple(packed.split(":"))
    for value in values:
        _check_value(value, type_)
    tags: tuple[str, ...] = ()
    rate = 1.0
    for text in fields[1:]:
        if text.startswith("#"):
            tags = tuple(sorted(map(_tag, text[1:].split(","))))
        elif text.startswith("@"):
            rate = _rate(text[1:], type_)
        else:
            _check_field(text, type_)
    return Sample(name, TYPES[type_], values, tags, rate)


def _check_value(value: str, type_: str) -> None:
    if type_ == "s" and value:
        return
    try:
        finite = math.isfinite(float(value))
    except ValueError:
        finite = False
    if not finite:
        raise MalformedError(f"found the value {value!r}, expected a number")


def _tag(text: str) -> str:
    if not _TAG.fullmatch(text):
        raise MalformedError(f"found the tag {text!r}, expected a letter first, then letters, digits and _ - : . /")
    return text


def _rate(text: str, type_: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0
    if not 0 < rate <= 1 or type_ not in SAMPLED:
        raise MalformedError(
            f"found the sample rate {text!r} of a {TYPES[type_]}, expected above 0, at most 1, no gauge"
        )
    return rate


def _check_field(text: str, type_: str) -> None:
    """Fields of protocol 1.2 to 1.5: container, timestamp, external data, cardinality."""
    if text.startswith("T") and text[1:].isdigit() and type_ in TIMESTAMPED:
        return
    if text.startswith("card:") and text[5:] in _CARDINALITIES:
        return
    if text.startswith(("c:", "e:")):
        return
    raise MalformedError(f"found the field {text!r}, expected @, #, c:, e:, card: or a count's or gauge's T")
