"""What an agent has heard, added up and bounded."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Any

from localcloud.dogstatsd.protocol import MalformedError, Sample, is_event, is_service_check, parse

MAX_SERIES = 20_000
"""More would be a mistake in some tag; they are counted and not kept."""
MAX_MALFORMED = 100


@dataclass
class Series:
    """What was heard under one name, type and set of tags. `count` and `sum` make up for the sample rate."""

    name: str
    type: str
    tags: tuple[str, ...]
    count: float = 0
    sum: float = 0
    min: float | None = None
    max: float | None = None
    last: float | str | None = None
    heard_at: float = 0


@dataclass
class Heard:
    """All that was heard since the start, bounded."""

    datagrams: int = 0
    samples: int = 0
    events: int = 0
    service_checks: int = 0
    dropped: int = 0
    malformed: deque[dict[str, str]] = field(default_factory=lambda: deque(maxlen=MAX_MALFORMED))
    series: dict[tuple[str, str, tuple[str, ...]], Series] = field(default_factory=dict)

    def datagram(self, data: bytes) -> None:
        """Take one datagram, which may hold several lines; a bad line does not spoil the others."""
        self.datagrams += 1
        for line in data.decode("utf-8", "replace").split("\n"):
            try:
                if line:
                    self._line(line)
            except MalformedError as error:
                self.malformed.append({"line": line[:500], "error": str(error)})

    def _line(self, line: str) -> None:
        if is_event(line):
            self.events += 1
        elif is_service_check(line):
            self.service_checks += 1
        else:
            self._add(parse(line))

    def _add(self, sample: Sample) -> None:
        key = (sample.name, sample.type, sample.tags)
        if key not in self.series and len(self.series) >= MAX_SERIES:
            self.dropped += 1
            return
        series = self.series.setdefault(key, Series(*key))
        for text in sample.values:
            self.samples += 1
            series.heard_at = time.time()
            series.count += 1 / sample.rate
            if sample.type == "set":
                series.last = text
                continue
            value = float(text)
            series.last = value
            series.sum += value / sample.rate
            series.min = value if series.min is None else min(series.min, value)
            series.max = value if series.max is None else max(series.max, value)

    def forget(self) -> None:
        """As at the start."""
        vars(self).update(vars(Heard()))

    def report(self) -> dict[str, Any]:
        """What `GET /metrics` answers."""
        counters = ("datagrams", "samples", "events", "service_checks", "dropped")
        ordered = sorted(self.series.values(), key=lambda series: (series.name, series.tags))
        return {
            **{name: getattr(self, name) for name in counters},
            "malformed": list(self.malformed),
            "series": [asdict(series) for series in ordered],
        }
