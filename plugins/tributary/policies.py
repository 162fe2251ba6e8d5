"""Retries and time limits: named constants, and the defaults of every task."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

# A quick first retry, then longer ones: 5, 10, 20, 40 and 80 seconds, with Airflow's jitter.
RETRIES = 5
RETRY_DELAY = timedelta(seconds=5)
MAX_RETRY_DELAY = timedelta(minutes=10)

# A limit for every task; the longest steps state their own below.
TASK_LIMIT = timedelta(minutes=30)
IMPORT_LIMIT = timedelta(hours=6)
SYNC_LIMIT = timedelta(hours=6)
DBT_LIMIT = timedelta(hours=2)

RETRY_POLICY = ExceptionRetryPolicy(
    rules=[
        RetryRule(
            exception=[
                "tributary.errors.PermanentError",
                "tributary.dumps.errors.DumpError",
                "tributary.quality.results.CheckpointFailed",
            ],
            action=RetryAction.FAIL,
            reason="the same input fails again: a person has to look at it",
        )
    ]
)

DEFAULT_ARGS: dict[str, Any] = {
    "depends_on_past": False,
    "retries": RETRIES,
    "retry_delay": RETRY_DELAY,
    "retry_exponential_backoff": True,
    "max_retry_delay": MAX_RETRY_DELAY,
    "retry_policy": RETRY_POLICY,
    "execution_timeout": TASK_LIMIT,
}
