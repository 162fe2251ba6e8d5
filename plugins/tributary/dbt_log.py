"""What dbt says while it runs, a line of JSON for each event: the errors that it had, and how each model ended."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, cast

from cosmos.hooks.subprocess import FullOutputSubprocessHook, FullOutputSubprocessResult
from cosmos.operators._watcher.state import is_dbt_node_status_terminal

from tributary.dbt_process import start
from tributary.errors import DbtError

# The events of dbt's log that say what is broken: which model or test, and why; or why nothing was built
# at all. Source: dbt-core, dbt/events/types.py and dbt/task/printer.py.
_WHICH = "RunResultFailure"
_WHY = frozenset({"RunResultError", "RunResultErrorNoMessage", "MainEncounteredError"})
# What is shown of a dbt that ended without one of them.
_LAST_LINES = 5

log = logging.getLogger(__name__)


def raise_with_last_words(result: Any) -> None:
    """Raise DbtError with what dbt said, where Cosmos would only tell the exit code; nothing after a success.

    `result` is Cosmos' FullOutputSubprocessResult: `exit_code` and the lines of the log, as JSON or text.
    """
    if result.exit_code:
        words = list(last_words(result.full_output)) or ["\n".join(result.full_output[-_LAST_LINES:])]
        raise DbtError(result.exit_code, words)


def last_words(lines: Sequence[str]) -> Iterator[str]:
    """The errors in dbt's log, one text for each model, test or command that failed."""
    which = ""
    for line in lines:
        try:
            info = json.loads(line)["info"]
            name, level, text = info["name"], info["level"], info["msg"].strip()
        except (ValueError, TypeError, KeyError):
            continue
        if name == _WHICH:
            which = f"{text}: "
        elif name in _WHY and level == "error":
            yield which + text
            which = ""


class ModelsLog(FullOutputSubprocessHook):
    """Runs dbt, passes its log on to the task's own, and tells how each of the group's models ends, as soon as it does.

    Cosmos would keep XComs of every node, views and tests included, and dbt has to wait for these requests to Airflow;
    nobody reads them here, so it gets each event without its node and without the task instance.

    :param models: dbt's names of the models that have a task.
    :param ended: is called with such a name, dbt's word for how the model ended, and the seconds that it took.
    """

    def __init__(self, models: Iterable[str], ended: Callable[[str, str, float], None]) -> None:
        super().__init__()
        self.models = frozenset(models)
        self._ended = ended
        self._seen: dict[str, str] = {}
        self._killed = False

    def run_command(
        self,
        command: list[str],
        env: dict[str, str] | None = None,
        output_encoding: str = "utf-8",
        cwd: str | None = None,
        process_log_line: Callable[[str, Any], None] | None = None,
        **kwargs: Any,
    ) -> FullOutputSubprocessResult:
        """As Cosmos', but what it starts may be a fork (`tributary.dbt_process`), and the output is UTF-8."""
        folder, lines = cwd or ".", []
        log.info("Running %s in %s", command, folder)
        environment = os.environ if env is None else env
        process = start(command, {name: os.fsdecode(value) for name, value in environment.items()}, folder)
        self.sub_process = cast("Any", process)
        if self._killed:
            self.send_sigterm()
        assert process.stdout
        with process.stdout as output:
            for line in output:
                lines.append(line.rstrip("\n"))
                if process_log_line:
                    self._read(process_log_line, lines[-1], {"project_dir": folder, **kwargs})
                else:
                    log.info("%s", lines[-1])
        code = process.wait()
        self.sub_process = None  # another process may get its id
        log.info("dbt ended with exit code %s", code)
        return FullOutputSubprocessResult(code, lines[-1] if lines else "", lines)

    def send_sigterm(self) -> None:
        """Have dbt end; also one that is about to start, or may just have ended by itself."""
        self._killed = True
        with suppress(ProcessLookupError):
            super().send_sigterm()

    def send_sigint(self) -> None:
        """As `send_sigterm`, but dbt cancels its queries first."""
        self._killed = True
        with suppress(ProcessLookupError):
            super().send_sigint()

    def _read(self, tell: Callable[[str, Any], None], line: str, arguments: Any) -> None:
        event = _event(line)
        if not event:
            log.info("%s", line)  # Cosmos would end the task for a line of JSON that is no object
            return
        node = event["data"].pop("node_info", None)
        tell(json.dumps(event) if node else line, {**arguments, "context": None})
        model, status = (node.get("unique_id", ""), node.get("node_status", "")) if node else ("", "")
        # dbt tells some ends in two events.
        if model in self.models and self._seen.get(model) != status and is_dbt_node_status_terminal(status):
            self._seen[model] = status
            self._ended(model, status, float(event["data"].get("execution_time") or 0.0))


def _event(line: str) -> dict[str, Any]:
    """What a line of the log says; nothing where it is none of dbt's, such as a warning of Python's."""
    try:
        event: dict[str, Any] = json.loads(line)
        return {**event, "info": {**event["info"]}, "data": {**event["data"]}}
    except (ValueError, TypeError, KeyError):
        return {}
