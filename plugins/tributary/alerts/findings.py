"""All findings of one moment, each thing told by one of them. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from tributary.alerts import failures, freshness, lateness, schemas
from tributary.alerts.facts import Facts
from tributary.alerts.finding import Finding, Kind
from tributary.registry import Registry


def findings_of(facts: Facts, registry: Registry, before: Sequence[Finding] = ()) -> list[Finding]:
    """What is wrong now.

    Of a database's day at most one kind is told of failed, late and stale: the failure before all, and of the others
    the one that was told first.

    :param before: the findings of a moment ago. Those of a service that could not be asked stay as they are:
        unknown is neither healed nor broken.
    """
    unseen = blind(facts)
    kept = [one for one in before if one.kind in unseen]
    failed = [] if Kind.failed in unseen else failures.find(facts, registry)
    failed_days = _days(failed + kept, Kind.failed)
    late = lateness.find(facts, registry, failed_days)
    late_days = _days(late + kept, Kind.late)
    keys = {one.key for one in before if one.kind is Kind.stale}
    stale = freshness.find(facts, registry, failed=failed_days, late=late_days, before=keys)
    told = {(one.subject, one.run_id) for one in stale if one.run_id}
    late = [one for one in late if (one.subject, one.run_id) not in told]
    changed = schemas.find(facts, registry)
    return [*failed, *late, *lateness.slow(facts, registry), *stale, *changed, *kept]


def blind(facts: Facts) -> set[Kind]:
    """The kinds that could not be looked for: of them nothing is known but what was."""
    kinds: set[Kind] = set()
    if facts.letters is None:
        kinds |= {Kind.failed, Kind.dag_import}
    if facts.runs is None:
        kinds |= {Kind.late, Kind.slow}
    if facts.landed is None:
        kinds |= {Kind.stale}
    if facts.schemas is None:
        kinds |= {Kind.schema_changed}
    return kinds


def _days(found: Sequence[Finding], kind: Kind) -> set[lateness.Day]:
    return {(one.subject, one.day) for one in found if one.kind is kind}
