"""The tokenizer reads as the mysql client does."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest

from tributary.dumps import Comment, Statement, tokenize
from tributary.dumps.tokens import Flaw


def statements(text: bytes) -> list[Statement]:
    return [token for token in tokenize([text]) if isinstance(token, Statement)]


def texts(text: bytes) -> list[bytes]:
    return [b" ".join(statement.text.split()) for statement in statements(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", []),
        (b" ;\n;; \n", []),
        (b"a; b ;c", [b"a", b"b", b"c"]),
        (rb"set 'a;\'b;\\'; b", [rb"set 'a;\'b;\\'", b"b"]),
        (b"set 'a'';b'; b", [b"set 'a'';b'", b"b"]),
        (rb'set "a;\"b;""c"; b', [rb'set "a;\"b;""c"', b"b"]),
        (rb"drop `a;\`; b", [rb"drop `a;\`", b"b"]),
        (b"drop `a``;b`; b", [b"drop `a``;b`", b"b"]),
        (b"a -- b; 'c\n d; e", [b"a d", b"e"]),
        (b"a # b; 'c\n d; e", [b"a d", b"e"]),
        (b"a /* b; 'c */ d; e", [b"a d", b"e"]),
        (b"a /**/ d; e", [b"a d", b"e"]),
        (b"a /*/ b; */ d; e", [b"a d", b"e"]),
        (b"a --b; c", [b"a --b", b"c"]),
        (b"5--3; c", [b"5--3", b"c"]),
        (b"a --\nb; c", [b"a b", b"c"]),
        (b"a */ b; c", [b"a */ b", b"c"]),
        (b"a - b / c * d; e", [b"a - b / c * d", b"e"]),
        (b"/*!40101 SET a */; b", [b"SET a", b"b"]),
        (b"/*! SET a */; b", [b"SET a", b"b"]),
        (b"/*M!100100 SET a */; b", [b"SET a", b"b"]),
        (b"/*!50003 CREATE*/ /*!50017 DEFINER=x*/ /*!50003 TRIGGER a /* b; */ c */; d", None),
        (b"DELIMITER ;;\na; b;;\nDELIMITER ;\nc; d", [b"a; b", b"c", b"d"]),
        (b"delimiter //\na; b // c; d//\nDelimiter  $$ \r\ne;f$$", [b"a; b", b"c; d", b"e;f"]),
        (b"a; DELIMITER //\nb;c//", [b"a", b"b;c"]),
        (b"\xef\xbb\xbfSET a;", [b"SET a"]),
    ],
)
def test_statements_end_where_the_client_ends_them(text: bytes, expected: list[bytes] | None) -> None:
    if expected is None:
        expected = [b"CREATE DEFINER=x TRIGGER a c", b"d"]
    assert texts(text) == expected


@pytest.mark.parametrize(
    ("values", "rows"),
    [
        (b"(1)", 1),
        (b"()", 1),
        (b"(1),(2)", 2),
        (b"(1) , \n (2)", 2),
        (b"('),('),('a')", 2),
        (rb"('\'),('),('\\'),(')')", 3),
        (b"('it''s),('),('')", 2),
        (b"('--'),('# x'),('/* y'),(\"),(\")", 4),
        (b"(NULL,-1,1.5e-3,0x00FF,_binary 'x),(',b'1'),(2)", 2),
        (b"(N'Rock', -1), (N'Don''t', - 2), (3, 4)", 3),
        (b"(1) /* ),( */, (2) -- ),(\n, (3)", 3),
        (b"(';'),('\n'),('\x00')", 3),
        (b"(1),(2,-- '),(3,')\n,4)", 2),
        (b"(1),(2,#),(\n3)", 2),
        (b"(1)" + b", (2, 3)" * 2000 + b", (4, -- 5), (6\n 7)", 2002),
    ],
)
def test_rows_are_counted(values: bytes, rows: int) -> None:
    (statement,) = statements(b"INSERT INTO `t` (`a`,`values`) VALUES " + values + b";")
    assert (statement.rows, statement.literal) == (rows, True)


def test_rows_are_counted_in_a_replace_with_odd_spelling() -> None:
    (statement,) = statements(b"/* x */ rePlace  into t\nvalue\n(1),\n(2);")
    assert (statement.rows, statement.text) == (2, b"rePlace  into t\nvalue\n")


@pytest.mark.parametrize(
    "values",
    [
        b"(1,NOW())",
        b"(1),((select password from other.users))",
        b"(1) ON DUPLICATE KEY UPDATE a = VALUES(a)",
        b"(1),(2) 'x'",
        b"(1),(2) 'x",
        b"(1)),(2)",
        b"(1 /*! , 2 */)",
        b"(1",
    ],
)
def test_rows_that_are_no_constants_are_told(values: bytes) -> None:
    (statement,) = statements(b"INSERT INTO `t` VALUES " + values + b";")
    assert not statement.literal


def test_brackets_inside_a_row_are_no_rows() -> None:
    (statement,) = statements(b"INSERT INTO `t` VALUES (1,(2),(3)),(4);")
    assert (statement.rows, statement.literal) == (2, False)


@pytest.mark.parametrize("inside", [b"/* %s */", b"-- %s\n", b"'%s'", b'"%s"', b"`%s`", b"/*! %s */"])
def test_what_is_longer_than_a_chunk(inside: bytes) -> None:
    text = b"a " + inside % (b"x*" * 100) + b" b; c;" + inside % (b"x*" * 100)
    assert list(tokenize(text[at : at + 1] for at in range(len(text)))) == list(tokenize([text]))
    assert len(statements(text)) == 2 + (inside[:1] in b"'\"`" or inside[2:3] == b"!")


@pytest.mark.parametrize("text", [b"a", b"a 'b", b"a 'b\\", b"a `b", b"a /* b", b"a /*! b", b"a -- b", b"a ("])
def test_a_statement_that_is_cut_ends_with_the_dump(text: bytes) -> None:
    (statement,) = statements(text)
    assert not statement.delimited
    assert statement.end == len(text)


def test_an_insert_keeps_no_row() -> None:
    (statement,) = statements(b"INSERT INTO `t` VALUES ('secret'),(\"secret\") /* x */ , ('secret');")
    assert b"secret" not in statement.text


@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        (rb"\! touch x;", Flaw.CLIENT_COMMAND),
        (rb"SET a = 1 \! touch x;", Flaw.CLIENT_COMMAND),
        (rb"INSERT INTO t VALUES (1,\! touch x" + b"\n2);", Flaw.CLIENT_COMMAND),
        (rb"INSERT INTO t VALUES (1),(\\!,2);", Flaw.CLIENT_COMMAND),
        (rb"INSERT INTO t VALUES (1),(\\,2);", Flaw.CLIENT_COMMAND),
        (rb"/*! \! touch x */;", Flaw.CLIENT_COMMAND),
        (b"DELIMITER abc\na; abc", Flaw.CLIENT_COMMAND),
        (b"/*!40101 SET a; DROP DATABASE x */;", Flaw.SPLIT_COMMENT),
        (b"/*!40101 SET a /*!40101 b */ */;", Flaw.NESTED_COMMENT),
        (b"/*!99999 SET a = '*/ DROP DATABASE x; -- ' */;", Flaw.COMMENT_END_IN_QUOTES),
        (b"CREATE TABLE t (" + b"a int, " * 200_000 + b"b int);", Flaw.TOO_LONG),
    ],
)
def test_what_may_be_read_in_two_ways_is_flawed(text: bytes, flaw: Flaw) -> None:
    assert flaw in statements(text)[0].flaws


def test_the_sandbox_line_is_a_comment() -> None:
    for line in (rb"/*M!999999\- enable the sandbox mode */", rb"/*!999999\- enable the sandbox mode */"):
        tokens = list(tokenize([line + b" \n-- x\nSET a;\n"]))
        assert [type(token) for token in tokens] == [Comment, Comment, Statement]
        assert [token.offset for token in tokens] == [0, len(line) + 2, len(line) + 7]


def test_what_only_some_servers_execute_is_told() -> None:
    (statement,) = statements(b"CREATE /*!50003 TRIGGER */ /*!80000 x */ y /*M!100100 z */;")
    assert b" ".join(statement.unconditional().split()) == b"CREATE TRIGGER y"


def test_places() -> None:
    text = b"-- one\n\n/* two\n */ first\n;\n-- three\nsecond 'a\nb';third"
    tokens = list(tokenize([text]))
    assert [token.line for token in tokens] == [1, 3, 4, 6, 7, 8]
    found = [token for token in tokens if isinstance(token, Statement)]
    assert [text[statement.offset : statement.end] for statement in found] == [
        b"first\n;",
        b"second 'a\nb';",
        b"third",
    ]
    assert [statement.number for statement in found] == [1, 2, 3]
    assert [statement.delimited for statement in found] == [True, True, False]


@pytest.mark.parametrize(("text", "closed"), [(b"-- x\n", True), (b"-- x", False), (b"/* x", False), (b"#", False)])
def test_a_comment_knows_whether_it_ended(text: bytes, closed: bool) -> None:
    (comment,) = tokenize([text])
    assert isinstance(comment, Comment)
    assert comment.closed is closed


ROW = b"INSERT INTO `t` VALUES (1,'a');\n"


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (ROW * 300, [300]),
        (ROW.replace(b"a", b"it\\'s; \\\\") * 300, [300]),
        (ROW.replace(b"'a'", b"_binary 'x),('") * 300, [300]),
        (ROW * 3 + ROW.replace(b"`t`", b"`u`") * 3, [3, 3]),
        (ROW * 3 + b"-- INSERT\n" + ROW * 3, [6]),
        (ROW * 3 + ROW.replace(b"(1", b"(1),(1") * 2 + ROW, [8]),
    ],
)
def test_inserts_of_one_row_that_are_alike_are_taken_together(text: bytes, rows: list[int]) -> None:
    found = statements(text)
    by_text: dict[bytes, int] = {}
    for statement in found:
        by_text[statement.text] = by_text.get(statement.text, 0) + statement.rows
    assert list(by_text.values()) == rows
    assert all(statement.literal and statement.delimited for statement in found)
    assert sum(statement.count for statement in found) == text.count(b"INSERT INTO")
    assert any(statement.count > 1 for statement in found)
    assert found[-1].number + found[-1].count - 1 == text.count(b"INSERT INTO")
    for statement in found:
        assert text[statement.offset : statement.end].startswith(b"INSERT")
        assert text[statement.offset : statement.end].endswith(b";")
        assert statement.line == text[: statement.offset].count(b"\n") + 1


@pytest.mark.parametrize(
    "last",
    [
        b"INSERT INTO `t` VALUES (1,NOW());",
        b"INSERT INTO `t` VALUES (1,'a' /*! , 2 */);",
        b"INSERT INTO `t` VALUES (1,'a') ON DUPLICATE KEY UPDATE a = 1;",
        b"INSERT INTO `t` VALUES (1,--\x01 2);",
        b"INSERT INTO `t` VALUES (1,\\! touch x\n);",
        b"DROP DATABASE x;",
    ],
)
def test_inserts_that_are_not_alike_are_looked_at(last: bytes) -> None:
    alone = [(token.text, token.rows, token.literal, token.flaws) for token in statements(last)]
    among = statements(ROW * 50 + last)
    assert [(token.text, token.rows, token.literal, token.flaws) for token in among[-len(alone) :]] == alone


def test_nothing_is_taken_together_behind_another_delimiter() -> None:
    text = ROW + b"DELIMITER $$\n" + ROW * 3 + b"$$"
    assert [statement.count for statement in statements(text)] == [1, 1]


@pytest.mark.parametrize(
    ("piece", "pieces", "is_too_long"),
    [
        (b"a int, " * 1000, 2000, True),
        (b"`" + b"x" * 10_000 + b"`", 1000, True),
        (b"x" * 10_000, 1000, True),
        (b"/* x */", 60_000, False),
        (b"-- x\n", 60_000, False),
        (b"/*!50700 */", 60_000, True),
    ],
)
def test_memory_does_not_grow_with_a_definition(piece: bytes, pieces: int, is_too_long: bool) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"CREATE TABLE `t` ("
        at_once = max(1, 100_000 // len(piece))
        for _ in range(pieces // at_once):
            yield piece * at_once
        yield b");\n"

    tracemalloc.start()
    try:
        (statement,) = tokenize(chunks())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (Flaw.TOO_LONG in statement.flaws) is is_too_long
    assert peak < 5_000_000


def test_memory_does_not_grow_with_a_statement() -> None:
    def chunks() -> object:
        yield b"INSERT INTO `t` VALUES (0)"
        row = b",(1,'" + b"x" * 90 + b"\\'),(')"
        for _ in range(200):
            yield row * 1000
        yield b",('"  # one value of 20 MB
        for _ in range(200):
            yield b"\\\\y;" * 25_000
        yield b"'),(0x"
        for _ in range(20):
            yield b"AB" * 50_000
        yield b");\n"

    tracemalloc.start()
    try:
        (statement,) = tokenize(chunks())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert statement.rows == 200_003
    assert peak < 4_000_000
