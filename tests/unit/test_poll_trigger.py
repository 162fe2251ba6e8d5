"""The one trigger: asks until it has an answer, bears passing failures, ends on lasting ones."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tributary.hooks.patience import is_patient
from tributary.triggers.poll import FAILED_POLLS_IN_A_ROW, THREADS, PollTrigger, pause, poll_with

ANSWERS: list[Any] = []


def ask(*, name: str) -> Any:
    """Give the next of ANSWERS; raise it where it is an error."""
    answer = ANSWERS.pop(0)
    if isinstance(answer, Exception):
        raise answer
    return answer and {"name": name, "answer": answer}


def fire(answers: list[Any]) -> Any:
    ANSWERS[:] = answers

    async def first() -> Any:
        return await anext(poll_with(ask, 0, name="x").run())

    return asyncio.run(asyncio.wait_for(first(), timeout=10)).payload


def test_it_asks_until_there_is_an_answer():
    assert fire([None, None, "done"]) == {"name": "x", "answer": "done"}
    assert ANSWERS == []


@pytest.mark.parametrize("failures", [1, FAILED_POLLS_IN_A_ROW - 1])
def test_passing_failures_are_borne(failures: int):
    assert fire([*[OSError("away")] * failures, "done"])["answer"] == "done"


def test_failures_count_in_a_row_only():
    almost = [OSError("away")] * (FAILED_POLLS_IN_A_ROW - 1)
    assert fire([*almost, None, *almost, "done"])["answer"] == "done"


def test_lasting_failures_end_with_the_last_one_s_words():
    event = fire([OSError("away")] * FAILED_POLLS_IN_A_ROW)
    assert event["status"] == "error"
    assert "away" in event["message"]


def test_it_survives_a_restart_of_the_triggerer():
    path, arguments = poll_with(ask, 2.5, name="x").serialize()
    assert path == "tributary.triggers.poll.PollTrigger"
    again = PollTrigger(**arguments)
    assert again.serialize() == (path, arguments)
    assert arguments["function"] == f"{__name__}.ask"


def test_what_a_wait_imports_holds_up_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "slow_to_import.py").write_text("import time\ntime.sleep(1.5)\ndef ask(): return 'done'\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    gaps: list[float] = []

    async def other() -> None:
        while True:
            begun = time.monotonic()
            await asyncio.sleep(0.01)
            gaps.append(time.monotonic() - begun)

    async def both() -> Any:
        waiting = asyncio.create_task(other())
        await asyncio.sleep(0.05)
        try:
            return await anext(PollTrigger("slow_to_import.ask", {}, 0).run())
        finally:
            waiting.cancel()

    assert asyncio.run(asyncio.wait_for(both(), timeout=10)).payload == "done"
    assert max(gaps) < 1


GATE = threading.Event()
HANGING: list[int] = []


def hang() -> dict[str, Any]:
    """As a service that accepts requests and does not answer."""
    HANGING.append(threading.get_ident())
    GATE.wait()
    return {"patient": is_patient()}


def test_a_service_that_hangs_holds_up_the_waits_for_no_other():
    async def first(trigger: PollTrigger) -> Any:
        return (await anext(trigger.run())).payload

    async def all_threads_hang() -> None:
        while len(HANGING) < THREADS:
            await asyncio.sleep(0.01)

    async def together() -> tuple[Any, list[Any]]:
        hanging = [asyncio.create_task(first(poll_with(hang, 0))) for _ in range(2 * THREADS)]
        try:
            await asyncio.wait_for(all_threads_hang(), timeout=60)
            answer = await asyncio.wait_for(first(poll_with(ask, 0, name="x")), timeout=60)
        finally:
            GATE.set()
        return answer, await asyncio.gather(*hanging)

    ANSWERS[:] = [None, "done"]
    answer, later = asyncio.run(together())
    assert answer == {"name": "x", "answer": "done"}
    # They waited for a thread, each got one in the end, and none may wait by itself.
    assert later == [{"patient": False}] * 2 * THREADS


@pytest.mark.parametrize(
    ("waited", "longest", "seconds"),
    [(0, 20, 3), (3, 20, 1), (49, 20, 1), (250, 20, 5), (3600, 20, 20), (0, 0.5, 0.5), (3600, 0.5, 0.5)],
)
def test_looks_come_soon_at_first_and_never_later_than_asked_for(waited: float, longest: float, seconds: float):
    assert pause(waited, longest) == pytest.approx(seconds)
