"""Kills the processes of tasks, each once, at a chosen moment."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tests.faults.running.stack import Stack
from tributary import naming
from tributary.errors import TributaryError

# How Airflow titles the process that executes a task: with the id of this one try.
_TITLE = re.compile(rb"airflow worker -- ([0-9a-f-]{36})")
_LOOK_SECONDS = 0.02


@dataclass
class Kill:
    """Ends the first process of a task, `after` seconds from when it appears; `seconds` says when that was."""

    dag_id: str
    task_id: str
    signal: signal.Signals
    after: float = 0.0
    done_at: float | None = None
    missed: bool = False

    def __str__(self) -> str:
        return f"{self.signal.name} in {self.dag_id}.{self.task_id} after {self.after:.2f} s"


class Killer(threading.Thread):
    """Looks for the processes from `start` to `stop`; a kill that came too late has `missed`."""

    def __init__(self, stack: Stack, day: str, kills: Iterable[Kill]) -> None:
        super().__init__(daemon=True, name="killer")
        self._stack = stack
        self._run_id = naming.run_id(date.fromisoformat(day))
        self._kills = list(kills)
        self._ids: dict[str, Kill] = {}
        self._seen: dict[int, tuple[float, Kill]] = {}
        self._over = threading.Event()

    def run(self) -> None:
        next_question = 0.0
        while not self._over.wait(_LOOK_SECONDS):
            if time.monotonic() > next_question and len(self._ids) < len(self._kills):
                self._ask_for_ids()
                next_question = time.monotonic() + 1
            self._look()
            self._kill_what_is_due()

    def stop(self) -> None:
        """Look no more."""
        self._over.set()
        self.join()

    @property
    def unknown(self) -> list[str]:
        """The kills whose task the run did not have."""
        return [str(kill) for kill in self._kills if kill not in self._ids.values()]

    def _ask_for_ids(self) -> None:
        for dag_id in {kill.dag_id for kill in self._kills}:
            try:
                tasks = {task["task_id"]: task for task in self._stack.airflow.tasks(dag_id, self._run_id)}
            except TributaryError:
                continue  # the run is not there yet
            for kill in self._kills:
                if kill.dag_id == dag_id and kill.task_id in tasks and kill not in self._ids.values():
                    self._ids[tasks[kill.task_id]["id"]] = kill

    def _look(self) -> None:
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) in self._seen:
                continue
            try:
                title = _TITLE.match((entry / "cmdline").read_bytes())
            except OSError:
                continue
            kill = self._ids.get(title[1].decode()) if title else None
            if kill and kill.done_at is None and not any(kill is known for _, known in self._seen.values()):
                self._seen[int(entry.name)] = (time.monotonic(), kill)

    def _kill_what_is_due(self) -> None:
        for pid, (since, kill) in self._seen.items():
            if kill.done_at is not None or kill.missed or time.monotonic() < since + kill.after:
                continue
            try:
                os.kill(pid, kill.signal)
            except ProcessLookupError:
                kill.missed = True
            else:
                kill.done_at = time.monotonic()
