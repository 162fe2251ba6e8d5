"""What of an error's words may be kept: one line without secrets and without content of rows. Pure.

Airflow's masker knows the secrets that this process has read; the patterns know what the others, and
what the values of rows look like. They rather take too much: the log has the words, for those who may
read it.
"""

from __future__ import annotations

import re

MAX_LENGTH = 500
# More is not looked at: patterns cost time, which grows faster than the text, and a line holds far less.
_MOST_READ = 4_000
GONE = "<redacted>"

_TELLING_NAMES = (
    r"[\w.-]*(?:passw(?:or)?d|passwort|pwd|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key"
    r"|credentials?|authorization|signature|cookie)[\w.-]*"
)
_SECRETS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), replacement)
    for pattern, replacement in (
        (r"-----BEGIN [A-Z ]+-----.*?(?:-----END [A-Z ]+-----|$)", GONE),
        # scheme://user:password@host; a password may hold an @ itself, so up to the last one.
        (r"\b([a-z][a-z0-9+.-]*://)[^\s/]*@", rf"\1{GONE}@"),
        (r"(\bhttps?://[^\s?'\"]+)\?[^\s'\"]+", rf"\1?{GONE}"),
        (r"\b(Bearer|Basic)\s+[\w.~+/=-]+", rf"\1 {GONE}"),
        (r"\beyJ[\w-]+\.[\w.-]+", GONE),
        (r"\b(identified\s+(?:by|with)(?:\s+password)?)\s+\S+", rf"\1 {GONE}"),
        (
            rf"(?<![\w.-])({_TELLING_NAMES})(['\"]?\s*(?:[=:]|\bis\b)\s*)"
            r"(?!YES\b|NO\b)('[^'\n]*'|\"[^\"\n]*\"|[^\s,;&)\]}]+)",
            rf"\1\2{GONE}",
        ),
        (r"(?<=\s)(-p|--password[= ])\S+", rf"\1{GONE}"),
        (r"\bAIza[\w-]{20,}|\bya29\.[\w.-]+|\bGOOG1?[A-Z0-9]{20,}\b|\bAKIA[A-Z0-9]{12,}\b|\bxox[a-z]-[\w-]+", GONE),
        # Long mixtures of letters and digits, but no UUIDs: those name jobs and connections.
        (
            r"\b(?![0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b)"
            r"(?=[\w-]*\d)(?=[\w-]*[a-z])[a-z0-9_-]{32,}\b={0,2}",
            GONE,
        ),
    )
)

_PERSONAL: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"[^\s@<>'\"(),;:=]+@[^\s@<>'\"(),;:=]+\.[^\W\d_]{2,}", "<e-mail>"),
        (r"\+\d[\d ().-]{6,}\d", "<number>"),
        (r"\b\d(?:[ -]?\d){12,18}\b", "<number>"),
        (r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b", "<number>"),
    )
)

# What the databases and Great Expectations say of rows. Before quotes in general: values hold quotes, too.
_ROWS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        (r"\[(?:SQL|parameters): [\s\S]*", GONE),
        (r"(Duplicate entry) '.*' (?=for key)", rf"\1 {GONE} "),
        (r"(\bvalue:?) '.*' (?=for (?:column|function))", rf"\1 {GONE} "),
        (r"(\bnear) '[\s\S]*'(?= at line)", rf"\1 {GONE}"),
        (r"(Key \([^)]*\)=)\(.*?\)(?= (?:already|is|conflicts))", rf"\1{GONE}"),
        (r"(Failing row contains )\(.*\)?", rf"\1{GONE}"),
        (r"\bvalues\s*\([\s\S]*", f"values {GONE}"),
        (r"; such as [^\n]*", ""),
        (r"(?<=\)): found [^\n]*", ""),
        (
            r"(\b(?:value|input_value|literal)\s*[:=]\s*)(?!<)[^;\n\]]+?(?=\s+(?:for|at|in|of|to)\b|[;,\n\]]|$)",
            rf"\1{GONE}",
        ),
    )
)  # fmt: skip

# A quoted word stays after one of these: it is the name of something, not the content of a row.
_NAMED = (
    "key|index|column|field|table|view|database|dataset|schema|constraint|variable|setting|connection|pool|bucket"
    "|object|file|task|dag|job|operation|instance|role|permission|function|procedure|trigger|model|rule|mart|module"
    "|attribute|name|named|option|engine|collation|character set"
)
_QUOTED = re.compile(
    rf"(?P<named>\b(?:{_NAMED})s?:?\s+)?"
    r"(?P<quoted>(?<!\w)'[^\n]*?'(?!\w)|(?<!\w)\"[^\n]*?\"(?!\w)|(?<!\w)['\"][^\n]*)",
    re.IGNORECASE,
)
# `(1146, "Table 'a.b' doesn't exist")`: how MySQL's client prints its errors, quotes around quotes.
_MYSQL = re.compile(r"\((\d{4}), (['\"])(.*)\2\)", re.DOTALL)
_BRACES = re.compile(r"\{[^{}]*:[^{}]*\}")


def one_line(text: str) -> str:
    """The words that may be kept, in one line of at most MAX_LENGTH characters."""
    return shorten(_without_rows(without_secrets(text)))


def without_secrets(text: str) -> str:
    """The text without secrets and personal data; content of rows without either stays."""
    text = _masked(_beginning(text))
    for pattern, replacement in (*_SECRETS, *_PERSONAL):
        text = pattern.sub(replacement, text)
    return text


def _beginning(text: str) -> str:
    """As much as is looked at, in whole words: no pattern knows half a secret."""
    if len(text) <= _MOST_READ:
        return text
    words = text[:_MOST_READ].rsplit(maxsplit=1)
    return words[0] if len(words) == 2 else ""


def shorten(text: str) -> str:
    """In one line of at most MAX_LENGTH characters."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= MAX_LENGTH else line[: MAX_LENGTH - 1] + "…"


def _without_rows(text: str) -> str:
    text = _MYSQL.sub(lambda match: f"{match[1]} {match[3]}".replace("\\'", "'"), text)
    for pattern, replacement in _ROWS:
        text = pattern.sub(replacement, text)
    while (inner := _BRACES.sub(GONE, text)) != text:
        text = inner
    return _QUOTED.sub(lambda match: match[0] if match["named"] else GONE, text)


def _masked(text: str) -> str:
    try:
        from airflow.sdk._shared.secrets_masker import redact
    except ImportError:  # it is no public name of Airflow's
        return text
    return str(redact(text))
