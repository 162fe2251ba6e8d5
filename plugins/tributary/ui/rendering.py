"""Templates, and how values are written in them."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from tributary.alerts.finding import age
from tributary.dictionary.model import Layer, app_page
from tributary.dictionary.wording import ready_by, span, starts_at
from tributary.ui.charts import sparkline
from tributary.ui.expected import State
from tributary.ui.strip import IN_WORDS

HERE = Path(__file__).parent
STATIC = HERE / "static"
NOTHING = "\N{EN DASH}"
_CODE = re.compile(r"`([^`]+)`")
_JOINTS = re.compile(r"(_+|/)(?=\w)")


def number(value: float | None) -> str:
    """`12,345`."""
    return NOTHING if value is None else f"{value:,.0f}"


def short_number(value: float) -> str:
    """`1.2 M`, for axes."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.3g}"


def duration(seconds: float | None) -> str:
    """`45 s`, `3 min 20 s`, `1 h 5 min`."""
    if seconds is None:
        return NOTHING
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"


def moment(value: datetime | None) -> str:
    """`2013-01-02 03:04 UTC`."""
    return NOTHING if value is None else f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def seconds_of_day(value: datetime) -> str:
    """`03:04:05`."""
    return f"{value.astimezone(UTC):%H:%M:%S}"


def size(value: float | None) -> str:
    """`12.3 MB`."""
    if value is None:
        return NOTHING
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} TB"


def percent(share: float) -> str:
    """`100 %` only for all; `99.9 %`."""
    return "100 %" if share == 1 else f"{min(share * 100, 99.9):.1f} %"


def shown(value: Any) -> str:
    """A field of any type."""
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def code(text: str) -> Markup:
    """Text in which what stands between backticks is code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped just here


def breaks(text: str) -> Markup:
    """A name or a path, which may be broken behind its underscores and slashes."""
    return Markup(_JOINTS.sub(r"\1<wbr>", str(escape(text))))  # noqa: S704 - escaped just here


def prose(text: str) -> Markup:
    """The same, with a paragraph for each part that an empty line ends."""
    parts = (part.strip() for part in re.split(r"\n\s*\n", text))
    return Markup("").join(Markup("<p>{}</p>").format(code(part)) for part in parts if part)


def first_sentence(text: str) -> str:
    """`Orders with their totals.`, for lists."""
    return re.split(r"(?<=[.!?])\s", text.strip(), maxsplit=1)[0]


def segment(value: str) -> str:
    """A part of a path: run ids have signs that would end it."""
    return quote(value, safe="")


def address(path: str, **parameters: str) -> str:
    """A path with parameters."""
    return f"{path}?{urlencode(parameters)}" if parameters else path


@cache
def version(name: str) -> str:
    """Changes with the content of a static file, so that browsers may keep it."""
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]


def environment() -> Environment:
    """Jinja's, with everything escaped and nothing undefined."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {
        "number": number, "duration": duration, "moment": moment, "seconds_of_day": seconds_of_day, "size": size,
        "percent": percent, "shown": shown, "segment": segment, "zip": zip,
        "code": code, "breaks": breaks, "prose": prose, "first_sentence": first_sentence, "span": span,
    }  # fmt: skip
    made.globals |= {
        "sparkline": sparkline, "age": age, "address": address, "version": version, "State": State,
        "NOTHING": NOTHING, "words": IN_WORDS,
        "Layer": Layer, "app_page": app_page, "ready_by": ready_by, "starts_at": starts_at,
    }  # fmt: skip
    return made
