"""What Airflow calls when a task has failed for good (`on_failure_callback`).

It runs in the task's own process, after the last try and before the state is reported; not for a try
that is to be repeated. Where the task's process is gone and Airflow notices by the missing heartbeat,
it runs in the DAG processor, and without the exception. A killed process whose supervisor lives, and a
task that a person marks as failed, call nothing: `tributary dead-letters sweep` finds those.

The task's process is killed when it is not over 20 s after the task's end (`[core]
task_success_overtime`), and Airflow may then repeat a task that had failed for good. So the record is
on the disk first, and all that needs a network has BUDGET_SECONDS.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from tributary.dead_letters.record import DeadLetter, Occurrence, subject_of
from tributary.hooks.patience import without_patience

if TYPE_CHECKING:
    from airflow.sdk import Context

BUDGET_SECONDS = 8.0
_REQUEST_SECONDS = 4.0
# The rest is left to the next one: the budget is for this failure.
_DELIVERED_AT_ONCE = 10
_DAY = re.compile(r"\d{4}-\d\d-\d\d")

log = logging.getLogger(__name__)


def record_failure(context: Context) -> None:
    """Leave the record of a task that has failed for good. Never raises; what it cannot do, it logs."""
    try:
        letter = letter_of(context)
        if letter is not None:
            _keep(letter, context)
    except Exception:
        log.exception("No dead letter could be written; `tributary dead-letters sweep` makes up for it")


def letter_of(context: Context) -> DeadLetter | None:
    """The record of this one failure, from what is at hand without a network; None for foreign DAGs."""
    from tributary.dead_letters.reasons import reason_of

    ti: Any = context["ti"]
    named = subject_of(ti.dag_id)
    if named is None:
        return None
    subject, database = named
    told = "exception" in context
    error: BaseException | None = context["exception"] if told else None  # type: ignore[assignment]
    failed_at = getattr(ti, "end_date", None) or datetime.now(UTC)
    tries = _tries(ti, told)
    return DeadLetter(
        subject=subject,
        database=database,
        dump_date=day_of(context),
        task_id=ti.task_id,
        dag_id=ti.dag_id,
        run_id=ti.run_id,
        **reason_of(error),
        tries=tries,
        first_failed_at=failed_at,
        last_failed_at=failed_at,
        changed_at=failed_at,
        log_url=_log_url(ti, tries),
        occurrences=(Occurrence(key=str(ti.id), run_id=ti.run_id, try_number=tries, failed_at=failed_at),),
    )


def day_of(context: Mapping[str, Any]) -> date:
    """The day of the dump that the run is for, as in `tributary.dates.DUMP_DATE`; else the day in its id."""
    run = context.get("dag_run")
    chosen = (context.get("params") or {}).get("date")
    for found in (chosen, getattr(run, "logical_date", None), getattr(run, "run_after", None), context.get("run_id")):
        if isinstance(found, datetime):
            return found.date()
        if match := _DAY.search(str(found)):
            try:
                return date.fromisoformat(match[0])
            except ValueError:
                continue
    return datetime.now(UTC).date()


def _tries(ti: Any, told: bool) -> int:
    """How often the task was tried in this run.

    `try_number` may have been set back (`tributary.dbt.as_first_try`); a task without further tries has
    had all of them.
    """
    server = getattr(ti, "_ti_context_from_server", None)
    if told and server is not None and not server.should_retry:
        return max(int(ti.try_number), int(server.max_tries) + 1)
    return max(int(ti.try_number), 1)


def _log_url(ti: Any, tries: int) -> str | None:
    try:
        return re.sub(r"\btry_number=\d+", f"try_number={tries}", ti.log_url)
    except Exception:
        log.exception("No address of the task's log")
        return None


def _keep(letter: DeadLetter, context: Context) -> None:
    from tributary.dead_letters.spool import Spool
    from tributary.dead_letters.store import within

    spool = Spool.from_environment()
    try:
        spool.put(letter)
    except OSError:
        log.exception("The dead letter %s cannot wait on this disk", letter.id)
    recorded: list[DeadLetter] = []
    within(BUDGET_SECONDS, lambda: _bring(letter, context, recorded), f"The dead letter {letter.id}")
    if recorded:
        log.info("Dead letter %s. To run the step again: %s", letter.id, letter.replay)
    else:
        log.warning("The dead letter %s waits in %s until the bucket can be reached", letter.id, spool.folder)


def _bring(letter: DeadLetter, context: Context, recorded: list[DeadLetter]) -> None:
    from tributary.dead_letters.store import LetterStore

    with without_patience():
        store = LetterStore.for_tasks(_REQUEST_SECONDS)
        recorded.append(store.record(_with_dump(letter, context)))
        store.spool.remove(letter)
        store.deliver(limit=_DELIVERED_AT_ONCE)
        store.copy(recorded)


def _with_dump(letter: DeadLetter, context: Context) -> DeadLetter:
    """The record with the dump that the run had chosen, where it had come so far."""
    if letter.database is None or letter.task_id == "find_dump":
        return letter
    try:
        dump = context["ti"].xcom_pull(task_ids="find_dump")
        return letter.model_copy(
            update={"dump_uri": str(dump["uri"]), "dump_generation": int(dump["generation"])} if dump else {}
        )
    except Exception:
        log.exception("The dead letter %s does not say which dump it was", letter.id)
        return letter
