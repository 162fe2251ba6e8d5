"""What the steps share that let another service work: they step back, and wait for a job's end."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.sdk import timezone
from airflow.sdk.exceptions import AirflowRescheduleException, TaskDeferralError, TaskDeferralTimeout

from tributary.errors import WaitedTooLongError
from tributary.settings import Settings
from tributary.triggers.poll import poll_with
from tributary.waiting import look_shortly

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, Context

    class _Operator(BaseOperator):
        def execute_complete(self, context: Context, event: Any) -> Any: ...
else:
    # Airflow gives every class below BaseOperator an __init__ of its own, which would hide the provider's.
    _Operator = object

# Long enough for the scheduler to see that the task stepped back before it comes again.
STEP_BACK_SECONDS = 15
# By then the next night's run waits for this one.
STEP_BACK_LIMIT = timedelta(hours=24)
# The polled function ends a wait at its limit. What comes later is a call that hangs, or no triggerer.
DEFERRAL_MARGIN = timedelta(minutes=30)


class OutsideJobMixin(_Operator):
    """For operators whose `execute_complete(context, event)` takes the answer of a polled function."""

    def step_back(self, context: Context, reason: str) -> NoReturn:
        """Free the worker and come again soon, as the same try.

        Raises WaitedTooLongError once the try has done so for STEP_BACK_LIMIT.
        """
        since = context["ti"].get_first_reschedule_date(context)
        if since and timezone.utcnow() - since > STEP_BACK_LIMIT:
            raise WaitedTooLongError(f"{reason}, and has for {STEP_BACK_LIMIT}. See why, then clear this task.")
        seconds = max(Settings.from_environment().poll_seconds, STEP_BACK_SECONDS)
        self.log.info("Coming again in %s s: %s", seconds, reason)
        raise AirflowRescheduleException(timezone.utcnow() + timedelta(seconds=seconds))

    def wait_for_end(
        self, context: Context, ask: Callable[..., dict[str, Any] | None], limit: timedelta, **job: Any
    ) -> Any:
        """What `execute_complete` makes of the answer of `ask(**job, deadline=...)`; deferred where it takes longer.

        `deadline` is a time stamp, `limit` from now; `ask` has to answer once it is past.
        """
        waiting = {**job, "deadline": time.time() + limit.total_seconds()}
        answer = look_shortly(ask, **waiting)
        if answer is not None:
            return self.execute_complete(context, answer)
        self.defer(
            trigger=poll_with(ask, Settings.from_environment().poll_seconds, **waiting),
            method_name="execute_complete",
            timeout=limit + DEFERRAL_MARGIN,
        )
        raise AssertionError("defer() does not return")

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except TaskDeferralTimeout:
            # Otherwise for good, as a wait for something that never came. Here nobody could look: the job may
            # well have ended, and the next try goes on with it.
            raise TaskDeferralError("the triggerer gave no answer, not even that the time was up") from None
