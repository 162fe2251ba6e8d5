"""The catalogue of what goes wrong, in short, and which of its cases no test tries yet."""

from __future__ import annotations

import ast
import re
from pathlib import Path

CASES = {
    "F1": "SIGKILL of the task's process in every step",
    "F2": "SIGTERM of the task's process in every step",
    "F4": "Airflow's API server away while tasks run",
    "F5": "scheduler killed and restarted in the middle of a run",
    "F6": "metadata database restarted in the middle of a run",
    "F8": "a running and a failed task cleared by hand",
    "F9": "the MySQL server dies in the middle of an import",
    "F10": "connection resets and a slow network",
    "F11": "disk full in the database, the worker's temporary directory, the warehouse",
    "F12": "Cloud SQL answers 409, 429, 503; an operation never ends",
    "F13": "an operation is DONE with errors",
    "F14": "an Airbyte job hangs, is cancelled, a sync is already running",
    "F15": "one stream fails, the others are committed",
    "F16": "the second attempt duplicates rows",
    "F18": "BigQuery answers rateLimitExceeded, quotaExceeded, backendError",
    "F19": "a kill in the middle of publishing",
    "F22": "the checkpoint raises instead of failing",
    "F23": "a dbt model fails, dbt is killed, the partial-parse file or manifest is corrupt",
    "F24": "Datadog, Slack or DNS away; a password is rotated in the middle of a run",
    "F25": "a backfill with some dumps missing; the dead-letter store is away",
    "B1": "an empty object; a compressed file of nothing; comments only",
    "B2": "cut and damaged files; several members; names that contradict the content; other formats",
    "B3": "no completion line; cut inside an INSERT",
    "B5": "another database in the header, created, used, dropped; all databases",
    "B6": "DEFINER on views, triggers, routines, events; the word inside a value",
    "B8": "triggers, events and routines with DELIMITER",
    "B9": "zero dates, impossible dates, year 10000, times beyond a day",
    "B10": "latin1 bytes, emoji, byte order mark, NUL bytes",
    "B11": "a collation that the server does not have",
    "B12": "commands of the client, files, accounts, privileges, variables; the sandbox line",
    "B15": "foreign-key cycles; orphans",
    "B16": "GTID lines, LOCK TABLES, version comments",
    "B17": "columns added, dropped, renamed, retyped, made nullable; tables missing or new; another key",
    "B19": "numbers, bits, enums, sets, years and generated columns at their ends",
    "B22": "newest by name and by time; a future date; a partial upload; a stale newest dump",
    "B24": "several files for one database; definitions only; REPLACE",
    "B25": "errors in the registry",
}
"""Every case that the suite claims, with its text in short."""

NOT_AUTOMATED: frozenset[str] = frozenset()
"""The cases without a test. A case that gets one leaves this set."""


_IDS = re.compile(r"[BF]\d+(?:, ?[BF]\d+)*")


def automated(folder: Path) -> set[str]:
    """The ids that the test files below a folder give to their tests: words of their own, also several in one."""
    return {
        name.strip()
        for file in sorted(folder.rglob("test_*.py"))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _IDS.fullmatch(node.value)
        for name in node.value.split(",")
    }
