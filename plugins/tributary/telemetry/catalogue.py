"""Every metric that is sent: the one list that senders, documentation and Datadog's files are held against. Pure.

A metric that is not listed here, or with a tag that is not listed for it, is never sent: each further value
of a tag is a further time series, and those are paid for.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from tributary.errors import TributaryError

# What Datadog sees before every name.
PREFIX = "tributary"


class Kind(StrEnum):
    """How Datadog adds values up. Source: https://docs.datadoghq.com/metrics/types/"""

    counter = "count"
    """Values of an interval are added."""
    gauge = "gauge"
    """The last value of an interval counts."""
    distribution = "distribution"
    """All values of an interval are kept, from all machines."""


@dataclass(frozen=True)
class Metric:
    """One metric: its name without the prefix, and the tags that it may have."""

    name: str
    kind: Kind
    unit: str
    tags: tuple[str, ...]
    meaning: str
    sent: str


class UnknownMetricError(TributaryError):
    """A metric, or a tag of it, that the catalogue does not have; or a value that is no number."""


_ALL = (
    Metric(
        "task.duration",
        Kind.distribution,
        "second",
        ("database", "app", "step", "model", "state"),
        "From the start of a try to its end, deferred time included; after stepping back, from the latest start. "
        "With a model: dbt's own seconds for it.",
        "when a try has ended",
    ),
    Metric(
        "task.failures",
        Kind.counter,
        "failure",
        ("database", "app", "step", "reason", "state"),
        "Tries that failed: `state:failed` for good, `state:up_for_retry` to be tried again.",
        "when a try has failed",
    ),
    Metric(
        "runs.finished",
        Kind.counter,
        "run",
        ("database", "app", "state"),
        "Runs that have come to an end. A run that is cleared and ends again counts again.",
        "when a run has ended",
    ),
    Metric(
        "rows",
        Kind.gauge,
        "row",
        ("database", "app", "stage"),
        "Rows of all tables at a stage, as in `ops.ledger`.",
        "when a stage was counted",
    ),
    Metric(
        "bytes",
        Kind.gauge,
        "byte",
        ("database", "app", "stage"),
        "Size of the dump as stored (`stage:stored`) and as SQL (`stage:dump`); what Airbyte moved (`stage:sync`).",
        "when it is known",
    ),
    Metric(
        "freshness_seconds",
        Kind.gauge,
        "second",
        ("database", "app"),
        "Age of what readers see; `database:consolidate` for all together. No value at all: the watch is gone.",
        "by the watch, every round",
    ),
    Metric(
        "quality.pass_rate",
        Kind.gauge,
        "percent",
        ("database", "app", "layer"),
        "Rules that hold, of all that were checked or could not be.",
        "after every checkpoint, before it fails",
    ),
    Metric(
        "quality.rules",
        Kind.counter,
        "rule",
        ("database", "app", "layer", "rule", "state"),
        "The same as numbers, which can be added: `state:passed`, `failed`, `error`; `rule:unique` are those on keys.",
        "after every checkpoint, before it fails",
    ),
    Metric(
        "duplicates",
        Kind.gauge,
        "row",
        ("database", "app", "layer"),
        "Rows that share their key with another row, by the rules on unique keys.",
        "after every checkpoint, before it fails",
    ),
    Metric(
        "dead_letters.open",
        Kind.gauge,
        "record",
        ("database", "app"),
        "Dead letters that wait for somebody; 0 is sent, too.",
        "by the watch, every round",
    ),
    Metric(
        "recovery.seconds",
        Kind.distribution,
        "second",
        ("database", "step"),
        "From the first failure of a step to the success that closed its dead letter.",
        "when a dead letter is closed",
    ),
    Metric(
        "deadline.missed",
        Kind.counter,
        "run",
        ("database", "app"),
        "Runs that went past their deadline, each once.",
        "by the watch, once a run",
    ),
    Metric(
        "cost.bytes_billed",
        Kind.counter,
        "byte",
        ("database", "step"),
        "Bytes that BigQuery has billed for queries.",
        "by `housekeeping`, once a job",
    ),
)

METRICS = MappingProxyType({metric.name: metric for metric in _ALL})


def check(name: str, kind: Kind, value: float, tags: Iterable[str]) -> None:
    """Raise UnknownMetricError unless it is in METRICS, with these tags, and the value is a finite number."""
    metric = METRICS.get(name)
    if metric is None:
        raise UnknownMetricError(f"metric {name!r} is unknown; expected one of METRICS: {', '.join(METRICS)}")
    if kind is not metric.kind:
        raise UnknownMetricError(f"metric {name} is a {metric.kind}; it was sent as a {kind}")
    if unknown := sorted(set(tags) - set(metric.tags)):
        raise UnknownMetricError(f"metric {name} has no tag {unknown[0]!r}; expected {', '.join(metric.tags)}")
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UnknownMetricError(f"metric {name}: found {value!r}, expected a finite number")


def markdown() -> str:
    """The table of docs/metrics.md."""
    return "\n".join(_rows()) + "\n"


def _rows() -> Iterator[str]:
    yield "| metric | type | unit | tags | what it says | sent |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for metric in METRICS.values():
        tags = ", ".join(f"`{tag}`" for tag in metric.tags)
        name = f"`{PREFIX}.{metric.name}`"
        yield f"| {name} | {metric.kind} | {metric.unit} | {tags} | {metric.meaning} | {metric.sent} |"
