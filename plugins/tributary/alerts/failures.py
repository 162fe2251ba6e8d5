"""Failed steps and files that do not import, from the open dead letters. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tributary import naming
from tributary.alerts.facts import Facts, owner_of, severity_of
from tributary.alerts.finding import Finding, Kind, Severity
from tributary.alerts.words import at, listed
from tributary.dead_letters.record import DAG_IMPORT, DeadLetter, Status, newest_first
from tributary.dead_letters.redaction import one_line
from tributary.registry import Registry

# The file that shows what of the registry cannot be used: it concerns those entries, not every database.
ENTRIES_FILE = "dags.broken_databases"
# What a broken service looks like to those who call it; of one service they are one cause.
_OUTAGE = frozenset({"connection", "dns", "timeout", "unavailable", "undefined", "trigger"})
# What has to do with the rows or the dump of one database: several of them at once are so many causes.
_OF_ITS_OWN = frozenset(
    "bad_input schema too_large sql quality mismatch replaced refused exists conflict cancelled".split()
)
# How `quality.results.RuleResult` prints a rule; only names and numbers are taken.
_RULE = re.compile(
    r"(?:^|\s)- (?P<where>[\w.]+): (?P<rule>[\w.-]+) \([^()]*\)"
    r"(?:: (?P<bad>[\d,]+) of (?P<all>[\d,]+) rows|(?P<unchecked>: could not be checked))?"
)
_MOST_RULES = 5


def find(facts: Facts, registry: Registry) -> list[Finding]:
    """One finding for each failed step of a database's day; none where the records are unknown."""
    by_step: dict[tuple[str, str, str], list[DeadLetter]] = {}
    for letter in newest_first(facts.letters or ()):
        # The models of a dbt group fail together, and are run again together.
        key = (letter.subject, letter.dump_date.isoformat(), naming.step_of(letter.task_id))
        by_step.setdefault(key, []).append(letter)
    return [
        _import_error(letters[0], registry) if letters[0].task_id == DAG_IMPORT else _failed(letters, facts, registry)
        for _, letters in sorted(by_step.items())
    ]


def cause_of(letter: DeadLetter) -> str:
    """What failures of several databases have in common where they have one cause, such as `airbyte/unavailable`."""
    step = naming.step_of(letter.task_id)
    if letter.cause in _OF_ITS_OWN:
        return f"{letter.subject}/{letter.dump_date}/{step}"
    if letter.cause in _OUTAGE:
        return f"{letter.service or step}/unavailable"
    # Of an unknown error nothing is known but its class.
    known = letter.cause not in (None, "unknown")
    return f"{letter.service or step}/{letter.cause if known else letter.reason}"


def rules_of(message: str) -> list[str]:
    """The rules that a checkpoint's message names, with their counts and without any content of rows."""
    rules = []
    for match in _RULE.finditer(message):
        line = f"{match['where']}: {match['rule']}"
        if match["bad"]:
            line += f", {match['bad']} of {match['all']} rows"
        elif match["unchecked"]:
            line += ", could not be checked"
        rules.append(line)
    return rules


def _failed(letters: Sequence[DeadLetter], facts: Facts, registry: Registry) -> Finding:
    letter = letters[0]
    step = naming.step_of(letter.task_id)
    service = f"{letter.service}, " if letter.service else ""
    meaning = f" ({service}{letter.cause})" if letter.cause else ""
    return Finding(
        kind=Kind.failed,
        subject=letter.subject,
        day=letter.dump_date,
        step=step,
        cause=cause_of(letter),
        severity=severity_of(letter.subject, registry),
        owner=owner_of(letter.subject, registry),
        since=min(one.first_failed_at for one in letters),
        run_id=letter.run_id,
        headline=f"{step} failed: {letter.reason}{meaning}",
        detail=tuple(_details(letter, letters)),
        readers=facts.readers(letter.subject, registry),
        command=letter.replay,
        url=letter.log_url,
        replaying=letter.status is Status.replaying,
    )


def _details(letter: DeadLetter, letters: Sequence[DeadLetter]) -> list[str]:
    lines = _rules(letter) or [one_line(letter.message)]
    if len(letters) > 1:
        lines.append(f"{len(letters)} tasks: {listed(sorted(one.task_id for one in letters))}")
    if letter.advice:
        lines.append(letter.advice)
    tries = f"{letter.tries} {'try' if letter.tries == 1 else 'tries'}"
    lines.append(f"failed for good at {at(letter.last_failed_at)}, after {tries}")
    if letter.status is Status.replaying:
        lines.append(f"it is running again, since {at(letter.changed_at)}")
    return lines


def _rules(letter: DeadLetter) -> list[str]:
    rules = rules_of(letter.message) if letter.cause == "quality" else []
    more = len(rules) - _MOST_RULES
    return rules[:_MOST_RULES] + ([f"and {more} more rules"] if more > 0 else [])


def _import_error(letter: DeadLetter, registry: Registry) -> Finding:
    entries = letter.subject == ENTRIES_FILE
    return Finding(
        kind=Kind.dag_import,
        subject=letter.subject,
        day=letter.dump_date,
        cause=letter.subject,
        # A file of DAGs that does not import stops every database of it.
        severity=registry.defaults.severity if entries else Severity.page,
        owner=registry.defaults.owner,
        since=letter.first_failed_at,
        headline=f"{letter.subject.removeprefix('dags.').replace('.', '/')}.py does not import: {letter.reason}",
        detail=(one_line(letter.message), "its DAGs are not scheduled until it does"),
    )
