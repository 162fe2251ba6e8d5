"""The retry policy, the patience inside calls, and what a person sees of an error in the end."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import MySQLdb
import pytest
import tenacity.nap
from airflow.sdk import BaseHook, RetryAction
from airflow.sdk.exceptions import AirflowNotFoundException, ErrorType
from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.comms import ErrorResponse
from airflow.sdk.execution_time.task_runner import _handle_current_task_failed
from google.api_core.exceptions import Forbidden, ServiceUnavailable

from tributary import policies
from tributary.errors import PermanentError
from tributary.hooks.patience import CALL_ATTEMPTS, CALL_SECONDS, riding_out, without_patience
from tributary.policies import (
    DEFAULT_ARGS,
    JITTER,
    MAX_RETRY_DELAY,
    RETRIES,
    RETRY_DELAY,
    RETRY_POLICY,
    SLOW_RETRY_DELAY,
    slow_delay,
)
from tributary.triggers import poll
from tributary.triggers.poll import FAILED_POLLS_IN_A_ROW, poll_with

QUOTA = Forbidden("Quota exceeded: your table", errors=[{"reason": "quotaExceeded"}])
DENIED = Forbidden("Access Denied: Project p", errors=[{"reason": "accessDenied"}])
AWAY = ServiceUnavailable("try later", errors=[{"reason": "backendError"}])


def decide(error: BaseException, try_number: int = 1, context: Any = None) -> Any:
    return RETRY_POLICY.evaluate(error, try_number, RETRIES, context)


# The policy


def test_a_permanent_error_fails_at_the_first_try():
    decision = decide(DENIED)
    assert decision.action is RetryAction.FAIL
    assert "Forbidden is permanent (auth" in decision.reason


@pytest.mark.parametrize("answer", ["none", "error"])
def test_a_connection_that_airflow_cannot_look_up_is_looked_up_again(monkeypatch: pytest.MonkeyPatch, answer: str):
    """Airflow says that it is not defined, also where only the API server is away."""

    def send(message: Any) -> ErrorResponse:
        if answer == "none":
            raise ConnectionRefusedError
        return ErrorResponse(error=ErrorType.API_SERVER_ERROR, detail={"status_code": 503})

    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", SimpleNamespace(send=send), raising=False)
    with pytest.raises(AirflowNotFoundException) as error:
        BaseHook.get_connection("cloud_sql__staging")
    assert decide(error.value).action is RetryAction.RETRY


def test_an_unknown_error_is_tried_again_and_says_so():
    decision = decide(ValueError("no idea"))
    assert (decision.action, decision.retry_delay) == (RetryAction.RETRY, None)
    assert "ValueError is unknown (unknown)" in decision.reason


def test_a_passing_error_waits_as_the_task_says():
    decision = decide(AWAY)
    assert (decision.action, decision.retry_delay) == (RetryAction.RETRY, None)


@pytest.mark.parametrize("error", [QUOTA, MySQLdb.OperationalError(1114, "The table 'orders' is full")])
def test_a_quota_and_a_full_disk_wait_longer(error: Exception):
    decision = decide(error)
    assert decision.action is RetryAction.RETRY
    assert decision.retry_delay >= SLOW_RETRY_DELAY > RETRY_DELAY


def test_the_decision_holds_none_of_the_error_s_words():
    error = MySQLdb.IntegrityError(1062, "Duplicate entry 'somebody@example.com' for key 'email'")
    assert "example.com" not in decide(error).reason


@pytest.mark.parametrize(("try_number", "minutes"), [(0, 1), (1, 1), (2, 2), (4, 8), (5, 10), (1000, 10)])
def test_slow_delays_double_up_to_a_limit(monkeypatch: pytest.MonkeyPatch, try_number: int, minutes: int):
    monkeypatch.setattr(policies, "random", SimpleNamespace(uniform=lambda low, high: low))
    assert slow_delay(try_number) == timedelta(minutes=minutes)
    monkeypatch.setattr(policies, "random", SimpleNamespace(uniform=lambda low, high: high))
    assert slow_delay(try_number) == timedelta(minutes=minutes) * (1 + JITTER)
    assert slow_delay(try_number) <= MAX_RETRY_DELAY * (1 + JITTER)


def test_slow_delays_are_not_all_alike():
    assert len({slow_delay(3) for _ in range(20)}) > 1


def test_delays_grow_in_airflow_s_own_arithmetic():
    """Airflow 3.3 takes the setting as a factor; `True` would be a factor of one."""
    from airflow.models.taskinstance import TaskInstance

    task = SimpleNamespace(**{key: DEFAULT_ARGS[key] for key in ("retry_delay", "max_retry_delay")})
    task.retry_exponential_backoff = DEFAULT_ARGS["retry_exponential_backoff"]
    start = timedelta(0)
    instance = SimpleNamespace(
        task=task, dag_id="d", task_id="t", logical_date=None, end_date=start, retry_delay_override=None
    )
    delays = []
    for instance.try_number in range(1, RETRIES + 1):
        delays.append(TaskInstance.next_retry_datetime(instance).total_seconds())
    for number, delay in enumerate(delays):
        assert 5 * 2**number <= delay < 10 * 2**number


# What Airflow makes of it, in the task's process


@pytest.mark.parametrize(
    ("error", "may_retry", "message"),
    [
        (DENIED, True, "TaskState"),
        (AWAY, True, "RetryTask"),
        (AWAY, False, "TaskState"),
        (QUOTA, True, "RetryTask"),
    ],
)
def test_airflow_does_as_the_policy_says(
    monkeypatch: pytest.MonkeyPatch, error: Exception, may_retry: bool, message: str
):
    monkeypatch.setattr(task_runner.stats, "incr", lambda *args, **kwargs: None)
    instance: Any = SimpleNamespace(
        task=SimpleNamespace(retry_policy=RETRY_POLICY),
        try_number=1,
        stats_tags={},
        rendered_map_index=None,
        _failure_metrics_emitted=False,
        _ti_context_from_server=SimpleNamespace(max_tries=RETRIES, should_retry=may_retry),
    )
    heard: list[Any] = []
    log: Any = SimpleNamespace(
        info=lambda *args, **kwargs: heard.append(kwargs), exception=lambda *args, **kwargs: pytest.fail(args[0])
    )
    words = (type(error), str(error), error.__cause__)
    sent, _ = _handle_current_task_failed(instance, error, log)
    assert type(sent).__name__ == message
    assert type(error).__name__ in heard[0]["reason"]
    # The error that Airflow has logged and hands to callbacks is the one that was raised, as it was.
    assert (type(error), str(error), error.__cause__) == words
    if message == "RetryTask":
        assert (sent.retry_delay_seconds is not None) == (error is QUOTA)


# Patience inside a call


class Service:
    """Raises the errors, one a call, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self, **arguments: Any) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that somebody wanted to sleep, instead of the sleep."""
    seconds: list[float] = []

    async def note(duration: float) -> None:
        seconds.append(duration)

    # The names in the two modules, not the functions themselves: threads that other tests left asleep are not meant.
    monkeypatch.setattr(tenacity.nap, "time", SimpleNamespace(sleep=seconds.append))
    monkeypatch.setattr(poll, "asyncio", SimpleNamespace(sleep=note))
    return seconds


def ridden(service: Service) -> str:
    def call() -> str:
        return service()

    return riding_out(call)()


@pytest.mark.parametrize("failures", [0, 1, CALL_ATTEMPTS - 1])
def test_a_call_rides_out_passing_errors(slept: list[float], failures: int):
    service = Service(*[AWAY] * failures)
    assert ridden(service) == "answer"
    assert (service.calls, len(slept)) == (failures + 1, failures)


def test_a_call_gives_up_with_the_error_itself(slept: list[float]):
    service = Service(*[AWAY] * CALL_ATTEMPTS, ServiceUnavailable("never reached"))
    with pytest.raises(ServiceUnavailable, match="try later") as error:
        ridden(service)
    assert error.value is AWAY
    assert service.calls == CALL_ATTEMPTS


def test_waits_grow_and_have_a_limit(slept: list[float]):
    ridden(Service(*[AWAY] * (CALL_ATTEMPTS - 1)))
    assert slept == sorted(slept)
    assert slept[0] >= 1
    assert sum(slept) < CALL_SECONDS


def test_a_slow_service_is_not_waited_for_beyond_the_limit(slept: list[float], monkeypatch: pytest.MonkeyPatch):
    clock = [0.0]
    monkeypatch.setattr("tenacity.time.monotonic", lambda: clock[0])

    def slow() -> None:
        clock[0] += CALL_SECONDS
        raise AWAY

    with pytest.raises(ServiceUnavailable):
        riding_out(slow)()
    assert clock[0] == CALL_SECONDS
    assert slept == []


@pytest.mark.parametrize("error", [DENIED, PermanentError("wrong"), ValueError("no idea"), KeyboardInterrupt()])
def test_what_is_not_known_to_pass_passes_through_at_once(slept: list[float], error: Any):
    service = Service(error)
    with pytest.raises(type(error)) as raised:
        ridden(service)
    assert raised.value is error
    assert (service.calls, slept) == (1, [])


def test_without_patience_a_call_does_not_wait(slept: list[float]):
    with without_patience(), pytest.raises(ServiceUnavailable):
        ridden(Service(AWAY))
    assert slept == []
    assert ridden(Service(AWAY)) == "answer"


def test_a_call_keeps_its_name_and_its_arguments():
    @riding_out
    def double(value: int, *, by: int = 2) -> int:
        """Doubles."""
        return value * by

    assert (double(3), double(3, by=3)) == (6, 9)
    assert (double.__name__, double.__doc__) == ("double", "Doubles.")


# Patience of the trigger

SERVICE = Service()


@riding_out
def ask() -> Any:
    """What the trigger below polls; patient by itself, so that it shows whether it waits."""
    return {"status": SERVICE()}


def polled(*errors: Exception, interval: float = 20) -> dict[str, Any]:
    SERVICE.__init__(*errors)

    async def first() -> Any:
        return await anext(poll_with(ask, interval).run())

    payload: dict[str, Any] = asyncio.run(first()).payload
    return payload


def test_a_trigger_rides_out_an_outage_at_growing_intervals(slept: list[float]):
    assert polled(*[AWAY] * (FAILED_POLLS_IN_A_ROW - 1)) == {"status": "answer"}
    outage = slept[1:]
    assert outage == sorted(outage)
    assert len(outage) == FAILED_POLLS_IN_A_ROW - 1
    # An outage of minutes is ridden out; one of an hour is not.
    assert timedelta(minutes=5) < timedelta(seconds=sum(outage)) < timedelta(minutes=15)


def test_a_trigger_does_not_give_up_for_a_connection_that_it_cannot_look_up(slept: list[float]):
    assert polled(AirflowNotFoundException("The conn_id `airbyte_default` isn't defined")) == {"status": "answer"}


def test_a_trigger_passes_a_permanent_error_on_at_once(slept: list[float]):
    event = polled(DENIED)
    assert (event["status"], SERVICE.calls) == ("error", 1)
    assert "Forbidden: 403 Access Denied" in event["message"]


@pytest.mark.parametrize("errors", [[DENIED], [QUOTA] * FAILED_POLLS_IN_A_ROW])
def test_the_task_decides_on_a_trigger_s_error_as_on_the_error_itself(slept: list[float], errors: list[Exception]):
    event = polled(*errors)
    assert decide(RuntimeError(event["message"])).action is decide(errors[0]).action
    assert type(errors[0]).__name__ in event["message"]


def test_a_trigger_tries_unknown_errors_again(slept: list[float], caplog: pytest.LogCaptureFixture):
    assert polled(ValueError("half an answer")) == {"status": "answer"}
    assert SERVICE.calls == 2
    assert "half an answer" in caplog.text
