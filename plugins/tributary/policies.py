"""Retries and time limits: named constants, the retry policy and the defaults of every task."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import RetryDecision, RetryPolicy

from tributary.dead_letters.callback import record_failure
from tributary.failures import Failure, Kind, classify

if TYPE_CHECKING:
    from airflow.sdk import Context

# A quick first retry, then longer ones: 5, 10, 20, 40 and 80 seconds, each lengthened by up to as much
# again, which Airflow derives from the task's id. `True` would be a factor of 1: no back-off at all.
RETRIES = 5
RETRY_DELAY = timedelta(seconds=5)
RETRY_FACTOR = 2.0
MAX_RETRY_DELAY = timedelta(minutes=10)

# What a quick retry does not mend, and makes worse: 1, 2, 4, 8 and 10 minutes, plus jitter. BigQuery
# counts updates of a table over 10 s and API calls over 100 s; a full disk wants a person or a cleaner.
SLOW_REASONS = frozenset({"quota", "disk_full"})
SLOW_RETRY_DELAY = timedelta(minutes=1)
# At most this part of a slow delay is added to it, by chance: databases that met one quota come apart.
JITTER = 0.5

# A limit for every task; the longest steps state their own below.
TASK_LIMIT = timedelta(minutes=30)
IMPORT_LIMIT = timedelta(hours=6)
SYNC_LIMIT = timedelta(hours=6)
DBT_LIMIT = timedelta(hours=2)


class FailureRetryPolicy(RetryPolicy):
    """Fails at once on what trying again cannot mend, and waits longer where a quick retry is futile.

    Airflow asks it in the task's own process, after it has logged the error; it changes nothing in the
    error. The decision's reason is kept with the task instance, so it holds no words of the error.
    The DAG is stored without the policy, only with the fact that there is one.
    """

    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Context | None = None
    ) -> RetryDecision:
        failure = classify(exception)
        reason = shown(exception, failure)
        if failure.kind is Kind.permanent:
            return RetryDecision.fail(reason=reason)
        delay = slow_delay(try_number) if failure.reason in SLOW_REASONS else None
        return RetryDecision.retry(delay=delay, reason=reason)


def shown(error: BaseException, failure: Failure) -> str:
    """One line for a person: the error's class, what it means, what to do; none of the error's words."""
    service = f", {failure.service}" if failure.service else ""
    return f"{type(error).__name__} is {failure.kind} ({failure.reason}{service}). {failure.advice}"


def slow_delay(try_number: int) -> timedelta:
    """How long to wait after a slow failure; `try_number` counts from 1. At most MAX_RETRY_DELAY plus jitter."""
    doubled: timedelta = SLOW_RETRY_DELAY * 2 ** min(max(try_number, 1) - 1, 16)
    return min(doubled, MAX_RETRY_DELAY) * (1 + random.uniform(0, JITTER))  # noqa: S311


RETRY_POLICY = FailureRetryPolicy()

DEFAULT_ARGS: dict[str, Any] = {
    "depends_on_past": False,
    "retries": RETRIES,
    "retry_delay": RETRY_DELAY,
    "retry_exponential_backoff": RETRY_FACTOR,
    "max_retry_delay": MAX_RETRY_DELAY,
    "retry_policy": RETRY_POLICY,
    "execution_timeout": TASK_LIMIT,
    "on_failure_callback": [record_failure],
}
