"""What Debian's Python makes of a dump: its `re` has faults that later ones of the same minor version do not have."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

# Every cut of a text with all that the tokenizer tells apart; what it finds must not depend on where a chunk ends.
CHILD = r"""
import random
import sys

sys.path.insert(0, sys.argv[1])
from tributary.dumps import rows
from tributary.dumps.tokenizer import tokenize

TEXT = b'''-- MySQL dump 10.13  Host: localhost    Database: shop
/*!40101 SET NAMES utf8mb4 */;
CREATE TABLE `odd name` (`id` int NOT NULL COMMENT 'it''s "quoted", \\\\ and (bracketed)', `b` text /* why */); # end
INSERT INTO `odd name` VALUES
(1,'a;b',"c'd"),
(2, 'it''s', - 5 , '--'),
(3,'back\\\\slash \\' quote',_binary 'x'),(4,'',''),(5,'plain','--');
INSERT INTO `odd name` VALUES (6,'a','b');
INSERT INTO `odd name` VALUES (7,'a','b');
DELIMITER ;;
CREATE TRIGGER t BEFORE INSERT ON `odd name` FOR EACH ROW SET NEW.b = 'x;y';;
DELIMITER ;
-- Dump completed
'''

def found(chunks):
    tokens = []
    for token in tokenize(chunks):
        kind = type(token).__name__, token.text, getattr(token, "flaws", ()), getattr(token, "delimited", None)
        count = getattr(token, "rows", 0)
        if tokens and tokens[-1][0] == kind and count:
            count += tokens.pop()[1]
        tokens.append((kind, count))
    return tokens

whole = found([TEXT])
assert sum(count for _, count in whole) == 7, whole
for cut in range(1, len(TEXT)):
    assert found([TEXT[:cut], TEXT[cut:]]) == whole, TEXT[max(0, cut - 20) : cut]
for size in (64, 65, 97):
    assert found([TEXT[start : start + size] for start in range(0, len(TEXT), size)]) == whole, size

# A row ends behind where it begins: a look back that found nothing had taken its own place for the row's end.
PIECES = b"'|,|(|)|),(|,(|1234|, |_binary '|''|;|);| - |--|a b".split(b"|")
PATTERNS = [rows._ROW_AND_END, *(pattern for kind in rows._KINDS for _, pattern in kind)]
chance = random.Random(1)
for _ in range(2000):
    text = b"".join(chance.choice(PIECES) for _ in range(chance.randrange(1, 40)))
    for pattern in PATTERNS:
        for start in range(len(text)):
            match = pattern.match(text, start)
            assert match is None or match.end() > start, (pattern, text, match)
"""


def pythons() -> list[str]:
    """This one, and the system's own, where that is one that Tributary supports."""
    system = Path("/usr/bin/python3")
    known = [command for command in (sys.executable, str(system)) if command != str(system) or system.exists()]
    ask = "import sys; print(sys.version_info >= (3, 11))"
    return [one for one in known if subprocess.run([one, "-I", "-c", ask], capture_output=True).stdout == b"True\n"]


@pytest.mark.parametrize("python", pythons())
def test_tokens_do_not_depend_on_where_a_chunk_ends(python: str):
    command = [python, "-I", "-B", "-c", CHILD, str(ROOT / "plugins")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, f"{python}\n{done.stderr}"
