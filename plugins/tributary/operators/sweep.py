"""Looks for failures that no task could tell itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from airflow.sdk import BaseOperator

from tributary.dead_letters.steps import FailedSteps
from tributary.dead_letters.store import LetterStore
from tributary.dead_letters.sweep import Sweep
from tributary.settings import AIRFLOW_CONNECTION

if TYPE_CHECKING:
    from airflow.sdk import Context

_REQUEST_SECONDS = 60.0


class SweepOperator(BaseOperator):
    """What `tributary dead-letters sweep` does, by the clock. Returns the number of records it made."""

    template_fields: Sequence[str] = ()
    ui_color = "#eeeeee"

    def execute(self, context: Context) -> int:
        store = LetterStore.for_tasks(_REQUEST_SECONDS)
        done = Sweep(store, FailedSteps.from_connection(AIRFLOW_CONNECTION)).run()
        for what, ids in (("Recorded", done.recorded), ("Opened again", done.reopened), ("Closed", done.closed)):
            if ids:
                self.log.info("%s: %s", what, ", ".join(ids))
        return len(done.recorded)
