"""Durations as people write them in YAML: `90s`, `30m`, `4h`, `1d`. Pure."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

_DURATION = re.compile(r"^(?P<number>\d+)(?P<unit>[smhd])$")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_duration(value: Any) -> Any:
    """`"4h"` -> `timedelta(hours=4)`; other types are left to pydantic to refuse or take."""
    if not isinstance(value, str):
        return value
    match = _DURATION.match(value)
    if not match:
        raise ValueError('expected a whole number and a unit, such as "90s", "30m", "4h" or "1d"')
    return timedelta(**{_UNITS[match["unit"]]: int(match["number"])})


def _positive(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise ValueError("expected a duration above zero")
    return value


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration, json_schema_input_type=str),
    AfterValidator(_positive),
    Field(examples=["4h"]),
]
