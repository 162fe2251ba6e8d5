"""Removes what the dataset `ops` has kept for long enough."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowSkipException

from tributary.hooks.clients import ops_store
from tributary.ops_records.expiry import expire

if TYPE_CHECKING:
    from airflow.sdk import Context


class ExpireOpsOperator(BaseOperator):
    """Removes rows of `ops` that are older than `keep`, once a day: a scheduled run of a later hour skips it.

    A day on which no run came at its hour is made good by the next one; a run that a person starts always does it.

    :param until: how long after midnight (UTC) scheduled runs do it: the time between two of them.
    """

    template_fields: Sequence[str] = ()
    ui_color = "#eeeeee"

    def __init__(self, *, keep: timedelta, until: timedelta, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.keep = keep
        self.until = until

    def execute(self, context: Context) -> None:
        run: Any = context["dag_run"]
        if not is_due(run.run_type, run.logical_date or run.run_after, self.until):
            raise AirflowSkipException(f"only in the first {self.until} of a day (UTC), and in runs that people start")
        expire(ops_store(), self.keep)
        self.log.info("Removed what is older than %d days", self.keep.days)


def is_due(run_type: str, moment: datetime, until: timedelta) -> bool:
    """Whether a run of that time (UTC) is one of the day's first `until`, or not a scheduled one."""
    midnight = datetime.combine(moment.date(), time(), moment.tzinfo)
    return run_type != "scheduled" or moment - midnight < until
