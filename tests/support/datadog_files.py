"""What the files of infra/datadog ask for, and what an agent has heard."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tributary.telemetry.catalogue import METRICS, PREFIX, Kind

FILES = Path(__file__).resolve().parents[2] / "infra" / "datadog"
# Tags that Datadog's client adds by itself.
OF_CLIENT = frozenset({"env", "service", "version"})
AGGREGATORS = {
    Kind.counter: {"sum"},
    Kind.gauge: {"avg", "max", "min", "sum"},
    Kind.distribution: {"avg", "count", "max", "min"},
}
# Gauges that one process sends, every round: only such may be summed.
OF_WATCH = frozenset({"dead_letters.open"})

# `sum:tributary.x{a:b,$c} by {d}.as_count().rollup(sum, 3600)`, and `count(v: v<=5):...` of distributions.
_QUERY = re.compile(
    r"(?P<aggregator>[a-z]+)(?P<values>\(v: v<=\d+\))?:(?P<metric>[\w.]+)"
    r"\{(?P<scope>[^{}]*)\}(?: by \{(?P<by>[\w,]+)\})?"
    r"(?P<count>\.as_count\(\))?(?:\.rollup\((?P<rollup>[a-z]+), \d+\))?"
)
# What may be left around the queries of a monitor: arithmetic, a window and a threshold.
_MONITOR = re.compile(
    r"(?P<over>avg|max|min|sum)\(last_\d+[mhd]\):(?P<rest>.+) (?P<comparator>[<>]=?) (?P<threshold>-?[\d.]+)"
)
_ARITHMETIC = re.compile(r"(?:q|\d+(?:\.\d+)?|[-+*/() ]|default_zero|week_before)+")


@dataclass(frozen=True)
class Query:
    """One metric as one file asks for it; `tags` without those of Datadog's client."""

    file: str
    text: str
    aggregator: str
    metric: str
    tags: frozenset[str]
    values: dict[str, str]
    as_count: bool
    rollup: str | None


def files(kind: str) -> dict[str, dict[str, Any]]:
    """The files of a kind (`dashboards`, `monitors`, `slos`) by name."""
    return {f"{kind}/{path.name}": json.loads(path.read_text()) for path in sorted((FILES / kind).glob("*.json"))}


def queries() -> list[Query]:
    """Every query of every file. ValueError where one is not of the form that is known."""
    found = []
    for name, dashboard in files("dashboards").items():
        variables = {variable["name"]: variable["prefix"] for variable in dashboard["template_variables"]}
        for widget in widgets(dashboard["widgets"]):
            for request in widget.get("requests", ()):
                asked = request.get("queries", ())
                found += [_query(name, query["query"], variables) for query in asked]
                _check_formulas(name, request, {query["name"] for query in asked})
    for name, monitor in files("monitors").items():
        found += _in_expression(name, _monitor(name, monitor)["rest"])
    for name, slo in files("slos").items():
        found += [_query(name, text) for text in slo.get("query", {}).values()]
        if slo["type"] == "time_slice":
            asked = slo["sli_specification"]["time_slice"]["query"]
            found += [_query(name, query["query"]) for query in asked["queries"]]
            _check_formulas(name, asked, {query["name"] for query in asked["queries"]})
    return found


def widgets(listed: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The definitions of widgets, those in groups too."""
    for widget in listed:
        yield widget["definition"]
        yield from widgets(widget["definition"].get("widgets", ()))


def threshold(name: str, monitor: dict[str, Any]) -> tuple[str, float]:
    """A monitor's comparator and the number that its query ends with."""
    match = _monitor(name, monitor)
    return match["comparator"], float(match["threshold"])


def metrics_used() -> dict[str, frozenset[str]]:
    """By name, without the prefix: every tag that some file wants of the metric."""
    used: dict[str, frozenset[str]] = {}
    for query in queries():
        used[query.metric] = used.get(query.metric, frozenset()) | query.tags
    return used


def missing(heard: dict[str, Any], only: Iterable[str] = METRICS) -> list[str]:
    """What the files want and an agent has not heard: `heard` is its `/metrics`, `only` limits the metrics.

    A metric is there when each tag that is wanted is on some series of it; `model` and `app` are not on all.
    """
    types: dict[str, set[str]] = {}
    tags: dict[str, set[str]] = {}
    for series in heard["series"]:
        types.setdefault(series["name"], set()).add(series["type"])
        tags.setdefault(series["name"], set()).update(tag.partition(":")[0] for tag in series["tags"])
    found = []
    for metric, wanted in metrics_used().items():
        name = f"{PREFIX}.{metric}"
        if metric not in only:
            continue
        if types.get(name) != {str(METRICS[metric].kind)}:
            found.append(f"{name}: heard as {types.get(name) or 'nothing'}, expected {METRICS[metric].kind}")
        elif lacking := sorted(wanted - tags[name]):
            found.append(f"{name}: heard without {', '.join(lacking)}")
    return found


def _monitor(name: str, monitor: dict[str, Any]) -> re.Match[str]:
    match = _MONITOR.fullmatch(monitor["query"])
    if match is None:
        raise ValueError(f"{name}: {monitor['query']}: expected <over>(last_<window>):<queries> <comparator> <number>")
    return match


def _in_expression(name: str, text: str) -> list[Query]:
    found = [_query(name, match[0]) for match in _QUERY.finditer(text)]
    rest = _QUERY.sub("q", text)
    if not found or not _ARITHMETIC.fullmatch(rest):
        raise ValueError(f"{name}: {text}: expected arithmetic over queries, found {rest}")
    return found


def _check_formulas(name: str, request: dict[str, Any], known: set[str]) -> None:
    used: set[str] = set()
    for formula in request["formulas"] if known else ():
        words = set(re.findall(r"[a-z_]\w*", formula["formula"])) - {"default_zero", "week_before"}
        if words - known:
            raise ValueError(f"{name}: {formula['formula']}: no query has the name {', '.join(words - known)}")
        used |= words
    if known - used:
        raise ValueError(f"{name}: no formula shows {', '.join(known - used)}")


def _query(name: str, text: str, variables: dict[str, str] | None = None) -> Query:
    match = _QUERY.fullmatch(text)
    if match is None or not match["metric"].startswith(f"{PREFIX}."):
        raise ValueError(f"{name}: {text}: expected <aggregator>:{PREFIX}.<metric>{{<scope>}} by {{<tags>}}")
    tags = set((match["by"] or "").split(",")) - {""}
    values = {}
    for part in match["scope"].split(","):
        if part.startswith("$"):
            tags.add((variables or {})[part[1:]])
            continue
        tag, _, value = part.partition(":")
        values[tag] = value
    return Query(
        file=name,
        text=text,
        aggregator=match["aggregator"],
        metric=match["metric"].removeprefix(f"{PREFIX}."),
        tags=frozenset(tags | set(values)) - OF_CLIENT,
        values={tag: value for tag, value in values.items() if tag not in OF_CLIENT},
        as_count=bool(match["count"]),
        rollup=match["rollup"],
    )
