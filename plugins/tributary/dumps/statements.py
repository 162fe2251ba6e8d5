"""What a statement of a dump does. Whatever is not on the allow list is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tributary.dumps import session
from tributary.dumps.grammar import ALLOWED, FILES, IDENTIFIER, LOCK_MODE, NAME, OUTSIDE, REASONS, Kind
from tributary.dumps.tokens import Statement


@dataclass(frozen=True, slots=True)
class Name:
    """A table's or object's name, quotes removed; `database` is None when the dump does not qualify it."""

    database: str | None
    table: str


@dataclass(frozen=True, slots=True)
class Action:
    """What one statement does.

    `names` are the tables and objects that it names, the one it is about first. `subject` is the database
    of a statement about databases, the variables of a SET, the kind of object (`view`, `trigger`, ...) that
    is created. `code` and `message` say why a statement is refused, when it is.
    """

    kind: Kind
    names: tuple[Name, ...] = ()
    subject: str = ""
    has_definer: bool = False
    code: str = ""
    message: str = ""


_NAME = re.compile(NAME)
_IDENTIFIER = re.compile(IDENTIFIER)
_LOCKED = re.compile(rf"({NAME}){LOCK_MODE}", re.IGNORECASE)
_REFERENCES = re.compile(rf"\breferences\s+({NAME})", re.IGNORECASE)
_DEFINER = re.compile(r"\bdefiner\s*=", re.IGNORECASE)
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*+'|\"(?:[^\"\\]|\\.)*+\"|`[^`]*+`", re.DOTALL)


def classify(statement: Statement) -> Action:
    """What `statement` does, on servers that execute its conditional comments and on those that do not."""
    action = _classify(_decoded(statement.text))
    if not statement.conditional or action.kind is Kind.REFUSED:
        return action
    without = _decoded(statement.unconditional())
    is_all_conditional = not without and len(statement.conditional) == 1
    if is_all_conditional or _classify(without).kind is action.kind:
        return action
    return _refused("conditional_code", "does different things on different server versions")


def _decoded(text: bytes) -> str:
    # Backslashes for bytes that are not UTF-8 keep different names different, and printable.
    return text.decode("utf-8", "backslashreplace").strip()


def _refused(code: str, message: str) -> Action:
    return Action(Kind.REFUSED, code=code, message=message)


def _classify(text: str) -> Action:
    for kind, pattern in ALLOWED:
        match = pattern.fullmatch(text)
        if match:
            return _checked(kind, match)
    for pattern, code, message in REASONS:
        if pattern.match(text):
            return _refused(code, message)
    return _refused("unknown_statement", "is none of the statements that dumps consist of")


def _checked(kind: Kind, match: re.Match[str]) -> Action:
    groups = {key: text for key, text in match.groupdict().items() if text}
    code = _without_strings(match.string)
    if FILES.search(_blanked(code)):
        return _refused("files", "reads or writes files of the server")
    names = [*_NAME.findall(groups.get("names", "")), *_NAME.findall(groups.get("table", ""))]
    names += _LOCKED.findall(groups.get("locked", ""))
    if "settings" in groups:
        refusal = session.why_refused(groups["settings"])
        return _refused(*refusal) if refusal else Action(kind, subject=groups["settings"])
    if "body" in groups:
        body = _without_strings(groups["body"])
        if OUTSIDE.search(_blanked(body)):
            return _refused("table_definition", "defines a table by something outside the dump")
        names += _REFERENCES.findall(body)
    subject = groups.get("subject", "").lower()
    if kind in (Kind.DATABASE, Kind.ALTER_DATABASE):
        subject = _unquoted(groups["subject"])
    return Action(kind, tuple(map(_name, names)), subject, bool(_DEFINER.search(_blanked(code))))


def _without_strings(text: str) -> str:
    return _QUOTED.sub(lambda quoted: quoted[0] if quoted[0].startswith("`") else "''", text)


def _blanked(text: str) -> str:
    return _QUOTED.sub(lambda quoted: "``" if quoted[0].startswith("`") else "''", text)


def _name(written: str) -> Name:
    parts = [_unquoted(part) for part in _IDENTIFIER.findall(written)]
    return Name(parts[0], parts[1]) if len(parts) == 2 else Name(None, parts[0])


def _unquoted(identifier: str) -> str:
    return identifier[1:-1].replace("``", "`") if identifier.startswith("`") else identifier
