"""The rules of pre-flight, applied to the tokens of one dump."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from tributary.dumps.definitions import Definitions
from tributary.dumps.findings import Findings
from tributary.dumps.formats import Compression
from tributary.dumps.grammar import Kind
from tributary.dumps.header import Header
from tributary.dumps.report import SAMPLED_BYTES, SANDBOX_LINE, DumpReport, Finding, Severity
from tributary.dumps.session import character_set_of
from tributary.dumps.statements import Action, classify
from tributary.dumps.tokens import Comment, Flaw, Statement, Token
from tributary.dumps.words import DefinitionError
from tributary.naming import LOAD_MARKER

# More than any server keeps in one database, and a bound on what pre-flight keeps in memory.
_MAX_TABLES = 100_000
# In characters, MySQL's and MariaDB's own limit.
_MAX_NAME = 64
_MAX_NAMED_DATABASES = 100

_SQL_LOG_BIN = re.compile(r"(?<!@)(?:@@)?(?:session\.|session\s+)?sql_log_bin\s*=", re.IGNORECASE)
# The words of a refused statement that are shown. None of them can be somebody's data.
_SHOWN = re.compile(
    rb"\s*(alter|call|change|clone|create|data|database|delete|do|drop|event|execute|flush|function|global|grant"
    rb"|handler|infile|insert|install|into|kill|load|local|persist|plugin|prepare|procedure|purge|rename|replace|reset"
    rb"|revoke|role|schema|select|server|set|shutdown|source|start|stop|system|table|tablespace|trigger|truncate"
    rb"|update|use|user|view)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Rules:
    """What is asked of a dump; see `preflight`. Without `database` any will do, and `own_names` is empty."""

    database: str | None
    own_names: frozenset[str]
    expected_tables: frozenset[str] | None
    allow_own_database: bool
    require_completion: bool
    not_before: date | None
    describe: bool = False


class Inspection:
    """Takes a dump's tokens in order, then gives the report."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._header = Header()
        self._findings = Findings()
        self._tables: dict[str, int] = {}
        self._definitions = Definitions() if rules.describe else None
        self._rows_at: dict[str, tuple[int, int]] = {}
        self._named_databases: set[str] = set()
        self._with_data: set[str] = set()
        self._character_set: str | None = None
        self._statements = 0
        self._after_completion = False
        self._last: tuple[bytes, Action] | None = None

    def take(self, tokens: Iterable[Token]) -> None:
        """Judge the next tokens."""
        for token in tokens:
            if isinstance(token, Statement):
                self._statement(token)
            else:
                self._comment(token)

    def report(self, *, compression: Compression, compressed_bytes: int, sql_bytes: int, sha256: str) -> DumpReport:
        """The report, after the last token."""
        self._judge_ends()
        self._judge_tables()
        return DumpReport(
            expected_database=self._rules.database,
            database=self._header.database,
            server=self._header.server,
            server_version=self._header.server_version,
            character_set=self._character_set,
            compression=compression,
            compressed_bytes=compressed_bytes,
            sql_bytes=sql_bytes,
            statements=self._statements,
            complete=self._header.completed,
            sha256=sha256,
            tables=dict(self._tables),
            findings=self._findings.all(),
            definitions=self._definitions.of(self._tables) if self._definitions is not None else {},
            rows_at=dict(self._rows_at),
            named_databases=frozenset(self._named_databases),
        )

    def _error(self, code: str, message: str, at: Statement | None = None, table: str | None = None) -> None:
        self._find(Severity.ERROR, code, message, at, table)

    def _find(
        self,
        severity: Severity,
        code: str,
        message: str,
        at: Statement | None = None,
        table: str | None = None,
    ) -> None:
        line, number = (at.line, at.number) if at else (None, None)
        self._findings.add(Finding(severity, code, message, line, number, table))

    def _comment(self, comment: Comment) -> None:
        if not comment.closed and comment.text.startswith(b"/*"):
            message = "expected the end of a comment, found the end of the dump; repeat the dump"
            self._findings.add(Finding(Severity.ERROR, "cut", message, comment.line))
        if comment.is_command:
            message = "a command of MariaDB's client, at which MySQL's ends; it is left out of what is imported"
            self._findings.add(Finding(Severity.NOTE, SANDBOX_LINE, message, comment.line))
        table = self._header.read(comment)
        if table is not None and len(table) <= _MAX_NAME and len(self._with_data) < _MAX_TABLES:
            self._with_data.add(table)

    def _statement(self, statement: Statement) -> None:
        self._statements += statement.count
        if self._header.completed:
            self._header.completed = False
            self._after_completion = True
        for flaw in statement.flaws:
            self._error(flaw.name.lower(), f"expected plain statements, found {flaw}", statement)
        if not statement.delimited:
            self._error(
                "cut",
                "expected the end of a statement, found the end of the dump; repeat the dump",
                statement,
            )
        if Flaw.TOO_LONG in statement.flaws:  # what is known of it is not enough to say what it does
            return
        if self._last and self._last[0] == statement.text and not statement.conditional:
            action = self._last[1]  # the next INSERT of the same table
        else:
            action = classify(statement)
            self._last = (statement.text, action) if not statement.conditional else None
        self._judge(action, statement)

    def _judge(self, action: Action, statement: Statement) -> None:
        own = self._rules.database or self._header.database
        for name in action.names:
            if max(len(name.table), len(name.database or "")) > _MAX_NAME:
                # Nothing keeps such a name: a dump of many of them must not fill the memory.
                found = f"found one that begins with {name.table[:20]!r}; it is no dump of a server"
                self._error("long_name", f"expected names of at most {_MAX_NAME} characters, {found}", statement)
                return
            if name.table.lower() == LOAD_MARKER:
                self._error(
                    "reserved_table",
                    f"expected tables of production, found {name.table!r}, the note of an import; "
                    "dump the production database and not the staging one",
                    statement,
                    name.table,
                )
            if name.database not in (None, own):
                self._error(
                    "other_database",
                    f"expected names in database {own!r}, "
                    f"found {name.database!r}.{name.table!r}; dump one database alone",
                    statement,
                    name.table,
                )
        if action.kind is Kind.REFUSED:
            shown = _shown_words(statement.text)
            self._error(
                action.code,
                f"expected plain dump statements, found one that {action.message}{shown}",
                statement,
            )
        elif action.kind in (Kind.DATABASE, Kind.ALTER_DATABASE):
            self._judge_database(action, statement)
        elif action.kind is Kind.SETTING:
            self._judge_setting(action, statement)
        else:
            self._follow(action, statement)
        if action.has_definer:
            message = "runs as the account that DEFINER names; Cloud SQL refuses accounts that it does not have"
            self._find(Severity.NOTE, "definer", f"a {action.subject} {message}", statement)

    def _judge_database(self, action: Action, statement: Statement) -> None:
        database = action.subject
        if len(self._named_databases) < _MAX_NAMED_DATABASES:
            self._named_databases.add(database[:_MAX_NAME])
        own = frozenset({self._rules.database}) if action.kind is Kind.ALTER_DATABASE else self._rules.own_names
        found = f"found a statement that {action.kind}: {database[:_MAX_NAME]!r}"
        if database in own and self._rules.allow_own_database:
            self._find(Severity.NOTE, "own_database", f"{found}, which is the dump's own", statement)
        else:
            self._error(
                "database_statement",
                f"expected statements inside {self._rules.database or 'one database'!r} only, {found}; "
                "it overrides the database that an import names: dump without --databases",
                statement,
            )

    def _judge_setting(self, action: Action, statement: Statement) -> None:
        charset = character_set_of(action.subject)
        if charset and not self._character_set:
            self._character_set = charset
        if _SQL_LOG_BIN.match(action.subject):
            message = "sets sql_log_bin, for which Cloud SQL has no privilege; dump with --set-gtid-purged=OFF"
            self._find(Severity.WARNING, "sql_log_bin", message, statement)

    def _follow(self, action: Action, statement: Statement) -> None:
        """Keep track of which tables there are and how many rows they have."""
        table = action.names[0].table if action.names else ""
        match action.kind:
            case Kind.CREATE_TABLE:
                if len(self._tables) < _MAX_TABLES:
                    self._tables.setdefault(table, 0)
                else:
                    self._error("too_many_tables", f"expected at most {_MAX_TABLES:,} tables, found more", statement)
                self._define(table, statement)
            case Kind.CHANGE_TABLE:
                self._define(table, statement)
            case Kind.DROP_TABLE:
                for name in action.names:
                    self._tables.pop(name.table, None)
                    if self._definitions is not None:
                        self._definitions.forget(name.table)
            case Kind.ROWS:
                self._count_rows(table, statement)
            case Kind.LOCK:
                self._with_data.update(name.table for name in action.names if name.table in self._tables)
            case Kind.CREATE_VIEW | Kind.CREATE_OBJECT:
                if action.kind is Kind.CREATE_VIEW:  # older programs leave a table in its place at first
                    self._tables.pop(table, None)
                message = f"the {action.subject} {table!r} goes to the staging database, not to the warehouse"
                self._find(Severity.NOTE, "ignored_object", message, statement, table)

    def _define(self, table: str, statement: Statement) -> None:
        # What is cut, or too long to be kept whole, is refused anyway.
        if self._definitions is None or not statement.delimited:
            return
        try:
            self._definitions.take(table, statement.text.decode("utf-8", "backslashreplace"))
        except DefinitionError as error:
            self._find(Severity.WARNING, "unread_definition", str(error), statement, table)

    def _count_rows(self, table: str, statement: Statement) -> None:
        if not statement.literal:
            message = f"expected rows of constants for table {table!r}, found an expression; dump with mysqldump"
            self._error("expression", message, statement, table)
        if table not in self._tables:
            message = f"expected CREATE TABLE before rows, found rows for table {table!r}"
            self._error("rows_without_table", f"{message}; dump without --no-create-info", statement, table)
            return
        if self._definitions is not None:
            start, end = self._rows_at.get(table, (statement.offset, statement.end))
            # Some dumps have a statement for each row.
            self._rows_at[table] = (start, statement.end if statement.end <= start + SAMPLED_BYTES else end)
        self._tables[table] += statement.rows
        self._with_data.add(table)

    def _judge_ends(self) -> None:
        rules, header = self._rules, self._header
        own_names = rules.own_names or set(filter(None, header.databases[:1]))
        for name in header.databases:
            if name not in own_names:
                expected = " or ".join(sorted(map(repr, own_names))) or "one database"
                self._error(
                    "wrong_database",
                    f"expected a dump of {expected}, found one of {name or 'all databases'!r} by its header; "
                    "check what is uploaded under this name",
                )
        day = header.completed_on
        if day and rules.not_before and day < rules.not_before:
            self._error(
                "stale",
                f"expected a dump of {rules.not_before} or later, found one that was completed on {day}; look whether "
                "the dump job ran and uploaded what it had made",
            )
        if not rules.require_completion:
            return
        if not header.databases:
            self._error(
                "no_header",
                "expected the header line `-- Host: ... Database: ...`, found none; dump with --comments",
            )
        if not header.completed:
            found = "statements after it" if self._after_completion else "none"
            self._error(
                "incomplete",
                "expected `-- Dump completed` and a line feed as the last line of the dump, "
                f"found {found}; the dump or the upload broke off: repeat it",
            )

    def _judge_tables(self) -> None:
        tables, expected = self._tables, self._rules.expected_tables
        if not tables:
            self._error("no_tables", "expected tables, found a dump without any; look at the log of the dump job")
        for table in sorted((expected or frozenset()) - tables.keys()):
            message = f"expected table {table!r} by the contract, found none; restore it or change the contract"
            self._error("missing_table", message, table=table)
        for table in sorted(tables.keys() - expected) if expected is not None else ():
            self._find(Severity.NOTE, "unexpected_table", f"table {table!r} is not in the contract", table=table)
        without_data = sorted(tables.keys() - self._with_data) if self._header.databases else []
        if tables and len(without_data) == len(tables):
            self._error("no_data", "expected rows, found definitions only; dump without --no-data")
        else:
            for table in without_data:
                message = f"table {table!r} has a definition but no data section, not even an empty one"
                self._find(Severity.WARNING, "table_without_data", message, table=table)


def _shown_words(text: bytes) -> str:
    """The first words of a statement, as far as they are SQL's and not somebody's."""
    words: list[str] = []
    position = 0
    while len(words) < 3 and (word := _SHOWN.match(text, position)):
        words.append(word[1].decode().upper())
        position = word.end()
    return f": {' '.join(words)} ..." if words else ""
