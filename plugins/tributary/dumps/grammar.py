"""The allow list: one pattern for each kind of statement that dump programs write, and pieces of patterns.

The patterns see a statement with comments removed and executable comments unwrapped. Two neighbours that take
the same sign, such as `\\s*=?\\s*`, stand in none of them: they would take hours for a MiB of white space.
"""

from __future__ import annotations

import re
from enum import StrEnum


class Kind(StrEnum):
    """What a statement does."""

    ROWS = "adds rows"
    SETTING = "sets session variables"
    CREATE_TABLE = "creates a table"
    DROP_TABLE = "drops tables or views"
    CHANGE_TABLE = "adds keys to a table or switches them"
    LOCK = "locks tables"
    CONTROL = "begins or ends a transaction or a lock"
    CREATE_VIEW = "creates a view"
    CREATE_OBJECT = "creates a trigger, routine, event or sequence"
    DROP_OBJECT = "drops a trigger, routine, event or sequence"
    DATABASE = "creates, drops or uses a database"
    ALTER_DATABASE = "alters a database"
    REFUSED = "is refused"


IDENTIFIER = r"(?:`(?:[^`]|``)+`|[\w$\u0080-\uffff]+)"
NAME = rf"{IDENTIFIER}(?:\s*\.\s*{IDENTIFIER})?"
_NAMES = rf"(?P<names>{NAME}(?:\s*,\s*{NAME})*)"
_ONE_NAME = rf"(?P<names>{NAME})"
# What stands behind a name in LOCK TABLES.
LOCK_MODE = rf"(?:\s+as\s+{IDENTIFIER})?\s+(?:read(?:\s+local)?|(?:low_priority\s+)?write)"
_EXISTS = r"(?:if\s+(?:not\s+)?exists\s+)?"
_RESTRICT = r"(?:\s+(?:restrict|cascade))?"
_ACCOUNT_PART = r"(?:`[^`]*`|'[^']*'|\"[^\"]*\"|[\w.%$]+)"
_CREATE = (
    r"create\s+(?:or\s+replace\s+)?(?:algorithm\s*=\s*\w+\s+)?"
    rf"(?:definer\s*=\s*{_ACCOUNT_PART}(?:\(\)|\s*@\s*{_ACCOUNT_PART})?\s+)?(?:sql\s+security\s+\w+\s+)?"
)
_DATABASE = rf"(?:database|schema)\s+{_EXISTS}(?P<subject>{IDENTIFIER})"
_DATABASE_OPTIONS = r"(?:\s+(?:default\s+)?(?:character\s+set|charset|collate|encryption)(?:\s*+=)?+\s*+['\w]+)*"
_ADDED = r"(?:constraint|primary|foreign|unique|key|index|fulltext|spatial|check)"

_PATTERNS = {
    rf"(?:insert|replace)\s+(?:(?:low_priority|delayed|high_priority)\s+)?(?:ignore\s+)?(?:into\s+)?{_ONE_NAME}"
    rf"\s*(?:\((?:\s*{IDENTIFIER}\s*,)*\s*(?:{IDENTIFIER}\s*)?\)\s*)?values?": Kind.ROWS,
    r"set\s+(?P<settings>.+)": Kind.SETTING,
    rf"create\s+table\s+{_EXISTS}{_ONE_NAME}\s*(?P<body>\(.*)": Kind.CREATE_TABLE,
    rf"drop\s+(?:table|view)\s+{_EXISTS}{_NAMES}{_RESTRICT}": Kind.DROP_TABLE,
    rf"alter\s+table\s+{_ONE_NAME}\s+(?:disable|enable)\s+keys": Kind.CHANGE_TABLE,
    rf"alter\s+table\s+{_ONE_NAME}\s+(?P<body>(?:modify|add\s+{_ADDED})\b.*)": Kind.CHANGE_TABLE,
    rf"create\s+(?:unique\s+|fulltext\s+|spatial\s+)?index\s+{IDENTIFIER}\s+on\s+{_ONE_NAME}"
    r"\s*(?P<body>\(.*)": Kind.CHANGE_TABLE,
    rf"lock\s+tables?\s+(?P<locked>{NAME}{LOCK_MODE}(?:\s*,\s*{NAME}{LOCK_MODE})*)": Kind.LOCK,
    r"unlock\s+tables?|commit(?:\s+work)?|begin(?:\s+work)?": Kind.CONTROL,
    r"start\s+transaction(?:\s+with\s+consistent\s+snapshot|\s+read\s+(?:only|write))?": Kind.CONTROL,
    rf"do\s+setval\({_ONE_NAME}[\s,\d-]*\)": Kind.CONTROL,
    rf"{_CREATE}(?P<subject>view)\s+{_EXISTS}{_ONE_NAME}\s*(?:\([^()]*\)\s*)?as\b.*": Kind.CREATE_VIEW,
    rf"{_CREATE}(?P<subject>procedure|function)\s+{_EXISTS}{_ONE_NAME}\s*\(.*": Kind.CREATE_OBJECT,
    rf"{_CREATE}(?P<subject>trigger)\s+{_EXISTS}{_ONE_NAME}\s+(?:before|after)\s+(?:insert|update|delete)\s+on\s+"
    rf"(?P<table>{NAME})\s.*": Kind.CREATE_OBJECT,
    rf"{_CREATE}(?P<subject>event)\s+{_EXISTS}{_ONE_NAME}\s+on\s+schedule\b.*": Kind.CREATE_OBJECT,
    rf"create\s+(?P<subject>sequence)\s+{_EXISTS}{_ONE_NAME}\s[^()]*": Kind.CREATE_OBJECT,
    rf"drop\s+(?:trigger|procedure|function|event|sequence)\s+{_EXISTS}{_ONE_NAME}": Kind.DROP_OBJECT,
    rf"create\s+{_DATABASE}{_DATABASE_OPTIONS}": Kind.DATABASE,
    rf"drop\s+{_DATABASE}": Kind.DATABASE,
    rf"use\s+(?P<subject>{IDENTIFIER})": Kind.DATABASE,
    rf"alter\s+{_DATABASE}{_DATABASE_OPTIONS}": Kind.ALTER_DATABASE,
}

ALLOWED = tuple((kind, re.compile(pattern, re.IGNORECASE | re.DOTALL)) for pattern, kind in _PATTERNS.items())

# What may not stand in a table's definition, quoted parts blanked: whatever takes it from outside the dump.
OUTSIDE = re.compile(
    r"\b(?:select|table|union|rename|import|discard|exchange)\b|\A\(\s*like\b|\b(?:data|index)\s+directory\b"
    r"|\bconnection(?:\s*+=)?+\s*+'|\bengine\s+(?:federated|connect|spider|s3|merge|mrg_myisam|sphinx|oqgraph)\b"
    r"|\bengine\s*=\s*+(?!(?:innodb|myisam|aria|memory|heap|archive|csv|rocksdb)\b)",
    re.IGNORECASE,
)
# What may stand in no statement at all, quoted parts blanked.
FILES = re.compile(r"\binto\s+(?:outfile|dumpfile)\b|\bload_file\b|\bload\s+data\b|\bsoname\b", re.IGNORECASE)

# What a statement that is not on the list wants, for the message only: it is refused in any case.
REASONS = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), code, message)
    for pattern, code, message in (
        (r"(?:create|drop|alter)\s+(?:database|schema)\b|use\b", "database_statement", "acts on a database"),
        (
            r"grant\b|revoke\b|(?:create|alter|drop|rename)\s+(?:user|role)\b",
            "accounts",
            "changes accounts or privileges",
        ),
        (
            r"(?:shutdown|kill|install|uninstall|reset|purge|flush|change|stop|start|restart|clone|binlog)\b"
            r"|(?:create|drop|alter)\s+(?:server|tablespace|logfile|undo|resource|instance)\b",
            "server_state",
            "acts on the server and not on the dump's tables",
        ),
        (
            r"(?:load|import)\b|select\b.*\binto\b",
            "files",
            "reads or writes files or variables of the server",
        ),
        (
            r"(?:system|source|tee|pager|edit|connect|charset|help|print|prompt|status|delimiter)\b|[?\\]",
            "client_command",
            "is a command that the mysql client runs itself",
        ),
        (
            r"(?:prepare|execute|call|do|handler|deallocate)\b",
            "dynamic_sql",
            "runs code that cannot be checked",
        ),
        (r"(?:insert|replace)\b", "rows_from_query", "takes rows from something other than a list of values"),
    )
)
