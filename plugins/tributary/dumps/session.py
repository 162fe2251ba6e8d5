"""Which SET statements of a dump are harmless.

Only session variables that dump programs set are, with values that are constants or saved values: a dump
must not change the server, and must not change how the rest of it is read.
"""

from __future__ import annotations

import re

_VARIABLES = frozenset(
    """
    autocommit character_set_client character_set_connection character_set_results collation_connection
    default_storage_engine default_table_access_method foreign_key_checks group_concat_max_len
    information_schema_stats_expiry lock_wait_timeout names net_read_timeout net_write_timeout note_verbosity
    sql_auto_is_null sql_log_bin sql_mode sql_notes sql_quote_show_create storage_engine time_zone
    transaction_isolation tx_isolation unique_checks use_stat_tables wait_timeout
    """.split()
)
# In these the second byte of a character can be a backslash or a quote, so they change where strings end.
_SHIFTING_CHARACTER_SETS = frozenset("big5 cp932 gb18030 gbk sjis ucs2 utf16 utf16le utf32".split())
# The modes that change what a backslash or a double quote means, also as parts of combined modes.
_QUOTING_MODES = re.compile(
    r"\b(?:NO_BACKSLASH_ESCAPES|ANSI_QUOTES|ANSI|DB2|MAXDB|MSSQL|ORACLE|POSTGRESQL)\b", re.IGNORECASE
)

_VALUE = r"'(?:[^'\\]|\\.|'')*+'|\"(?:[^\"\\]|\\.|\"\")*+\"|[+-]?\d+(?:\.\d+)?|@{0,2}[\w.$]+"
_ASSIGNMENT = re.compile(
    r"(?:(?P<scope>session|local|global|persist|persist_only)\s+)?"
    rf"(?P<target>@{{0,2}}[\w.$`]+)\s*:?=\s*(?P<value>{_VALUE})\s*(?:,\s*|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_NAMES = re.compile(
    r"(?:names|character\s+set|charset)\s+['\"]?(?P<charset>\w+)['\"]?(?:\s+collate\s+['\"]?\w+['\"]?)?",
    re.IGNORECASE,
)
_ACCOUNTS = re.compile(r"(?:password|role|default\s+role)\b", re.IGNORECASE)
_GTID_PURGED = re.compile(r"(?:@@global\.|global\s+)gtid_purged\b", re.IGNORECASE)
_TRANSACTION = re.compile(
    r"(?:session\s+|local\s+)?transaction\s+(?:isolation\s+level\s+\w[\w ]*|read\s+(?:only|write))",
    re.IGNORECASE,
)


def character_set_of(assignments: str) -> str | None:
    """The character set of a `SET NAMES`, given as the text after SET; None for another SET."""
    names = _NAMES.fullmatch(assignments.strip())
    return names["charset"].lower() if names else None


def why_refused(assignments: str) -> tuple[str, str] | None:
    """Why a SET statement is refused, as a finding's code and a sentence; None when it is harmless.

    `assignments` is the text after the word SET, comments removed.
    """
    assignments = assignments.strip()
    if charset := character_set_of(assignments):
        return _charset_refused(charset)
    if _TRANSACTION.fullmatch(assignments):
        return None
    if _ACCOUNTS.match(assignments):
        return ("accounts", "changes accounts or privileges")
    if _GTID_PURGED.match(assignments):
        return ("gtid_purged", "changes the server's replication state; dump with --set-gtid-purged=OFF")
    position = 0
    while position < len(assignments):
        assignment = _ASSIGNMENT.match(assignments, position)
        if not assignment:
            return ("unknown_setting", "sets something that is neither a constant nor a saved value")
        refused = _assignment_refused(
            (assignment["scope"] or "").lower(),
            assignment["target"].lower().replace("`", ""),
            assignment["value"],
        )
        if refused:
            return refused
        position = assignment.end()
    return None if assignments else ("unknown_setting", "sets nothing")


def _assignment_refused(scope: str, target: str, value: str) -> tuple[str, str] | None:
    if target.startswith("@@"):
        target = target[2:]
        for written in ("session.", "local.", "global.", "persist.", "persist_only."):
            if target.startswith(written):
                scope, target = written[:-1], target[len(written) :]
    if scope in ("global", "persist", "persist_only"):
        return ("server_state", "sets a variable of the whole server")
    if target.startswith("@"):
        # A saved value is put back later, so it must be a value of the same sort.
        if not value.startswith("@@"):
            return ("unknown_setting", "gives a user variable something other than a server variable's value")
        if "sql_mode" in target and "sql_mode" not in value.lower():
            return ("quoting_mode", "saves as SQL mode something that is none")
        return None
    if target not in _VARIABLES:
        return ("unknown_setting", "sets a session variable that no dump needs")
    if target == "sql_mode":
        saved = value.startswith("@") and "sql_mode" in value.lower()
        if _QUOTING_MODES.search(value) or not (saved or value[0] in "'\""):
            return (
                "quoting_mode",
                "changes how quotes and backslashes are read, so the rest cannot be checked",
            )
    if target.startswith("character_set"):
        return _charset_refused(value.strip("'\"").lower())
    return None


def _charset_refused(charset: str) -> tuple[str, str] | None:
    if charset in _SHIFTING_CHARACTER_SETS:
        return (
            "character_set",
            f"switches to {charset}, in which quotes cannot be told apart; dump with --default-character-set=utf8mb4",
        )
    return None
