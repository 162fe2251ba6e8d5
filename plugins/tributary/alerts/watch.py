"""The watch: goes round beside Airflow, finds what is wrong and has it told.

It needs neither the scheduler nor a task, so it sees when those are what is wrong. A round that goes wrong is
logged, and the next one comes.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tributary import clock
from tributary.alerts import freshness, lateness
from tributary.alerts.facts import Facts
from tributary.alerts.finding import Finding, Kind
from tributary.alerts.findings import findings_of
from tributary.alerts.memory import MemoryFile
from tributary.registry import Registry

if TYPE_CHECKING:
    from tributary.alerts.gathering import Gathering

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Round:
    """What one round has found: `found` is wrong now, `before` was a moment ago."""

    facts: Facts
    registry: Registry
    found: Sequence[Finding]
    before: Sequence[Finding] = ()


Tell = Callable[[Round], object]
"""Is handed each round, such as to send what is new of it."""


class NowAndThen:
    """Does something that asks Airflow itself: while that answers, and once in `interval` at most."""

    def __init__(self, interval: timedelta, call: Callable[[], object]) -> None:
        self.interval = interval
        self.call = call
        self._done_at: datetime | None = None

    def __call__(self, seen: Round) -> None:
        now = seen.facts.at
        if seen.facts.runs is None or (self._done_at and now - self._done_at < self.interval):
            return
        self._done_at = now
        self.call()


class Watch:
    """Goes round: what is known, what is wrong, who has to know.

    :param registry: is asked for the registry as it is now, in every round.
    :param tells: are handed each round, one after the other; one that raises does not keep the others from it.
    """

    def __init__(
        self,
        *,
        registry: Callable[[], Registry],
        gathering: Gathering,
        memory: MemoryFile,
        tells: Iterable[Tell] = (),
    ) -> None:
        self.registry = registry
        self.gathering = gathering
        self.memory = memory
        self.tells = tuple(tells)
        self.stopping = threading.Event()
        self._rounds = 0
        self._faults: tuple[str, ...] = ()

    def run(self, every: float) -> None:
        """Go round every so many seconds until `stopping` is set; the round at hand is ended first."""
        log.info("The watch begins, every %g s", every)
        while not self.stopping.is_set():
            begun = time.monotonic()
            try:
                self.round()
            except Exception:
                log.exception("A round of the watch failed; the next one comes in %g s", every)
            self.stopping.wait(max(every - (time.monotonic() - begun), 0))
        log.info("The watch ends")

    def round(self) -> Round:
        """Look once, remember, and tell."""
        begun, used = time.monotonic(), time.process_time()
        registry = self._current_registry()
        seen = self.look(registry)
        facts, found = seen.facts, seen.found
        for tell in self.tells:
            try:
                tell(seen)
            except Exception:
                log.exception("What is done with a round failed; it is tried again with a later one")
        self._rounds += 1
        log.info(
            "Round %d: %s; %d databases, %.1f s, %.2f s of CPU%s",
            self._rounds,
            _counted(found),
            len(registry.databases),
            time.monotonic() - begun,
            time.process_time() - used,
            f"; without {', '.join(facts.unknown)}" if facts.unknown else "",
        )
        return seen

    def look(self, registry: Registry, *, remember: bool = True) -> Round:
        """What is known and what is wrong now."""
        memory = self.memory.load().seen(freshness.subjects(registry), clock.now())
        facts = self.gathering.facts(registry, memory.first_seen)
        found = findings_of(facts, registry, memory.findings)
        if remember:
            self.memory.save(memory.model_copy(update={"findings": tuple(found)}))
        return Round(facts, registry, found, memory.findings)

    def _current_registry(self) -> Registry:
        registry = self.registry()
        if registry.faults != self._faults:
            for fault in registry.faults:
                log.warning("%s; it is left out", fault)
            self._faults = registry.faults
        return registry


def send_metrics(seen: Round) -> None:
    """How old the data is, open dead letters, and deadlines that were missed since. Unknown ones are left out."""
    from tributary.telemetry import metrics

    facts, registry = seen.facts, seen.registry
    letters = Counter(letter.subject for letter in facts.letters or ())
    for subject in freshness.subjects(registry):
        tags = _tags(subject, registry)
        age = freshness.age_seconds(subject, facts, registry)
        if age is not None:
            metrics.gauge("freshness_seconds", age, **tags)
        if facts.letters is not None:
            metrics.gauge("dead_letters.open", letters[subject], **tags)
    for subject, number in Counter(subject for subject, _ in newly_missed(seen)).items():
        metrics.increment("deadline.missed", number, **_tags(subject, registry))


def newly_missed(seen: Round) -> set[lateness.Day]:
    """The subjects and days whose deadline was missed since the round before, each once, whichever kind tells it."""
    kinds = (Kind.late, Kind.stale)
    found, before = (
        {(one.subject, one.day) for one in findings if one.kind in kinds} for findings in (seen.found, seen.before)
    )
    return found - before


def _tags(subject: str, registry: Registry) -> dict[str, str]:
    database = registry.databases.get(subject)
    return {"database": subject, **({"app": database.app} if database else {})}


def _counted(found: Sequence[Finding]) -> str:
    counts = Counter(one.kind.value for one in found)
    return ", ".join(f"{number} {kind}" for kind, number in sorted(counts.items())) or "all is well"
