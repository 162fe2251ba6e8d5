"""What docs/gameday.md says that people are told: the one place where it is written."""

from __future__ import annotations

import re

from tests.conftest import ROOT

PAGE = ROOT / "docs" / "gameday.md"
_BLOCK = re.compile(r"^## [^\n]+ \(`(?P<name>[\w-]+)`\)$.*?^```text\n(?P<lines>.*?)^```$", re.MULTILINE | re.DOTALL)


def documented(name: str) -> list[str]:
    """The messages of an incident in their order, numbers as `#`; a reply begins with `↳ `."""
    for block in _BLOCK.finditer(PAGE.read_text(encoding="utf-8")):
        if block["name"] == name:
            return block["lines"].splitlines()
    raise LookupError(f"{PAGE} has no section of {name} with a block of messages")
