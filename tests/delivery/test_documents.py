"""Links in the documents lead somewhere, and the commands that they name exist."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.conftest import ROOT

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z", "--", *patterns], cwd=ROOT, capture_output=True, text=True)
    return [ROOT / name for name in listed.stdout.split("\0") if name]


# dbt's blocks are documents of their own, with links of another kind.
DOCUMENTS = [file for file in tracked("*.md") if "include/dbt/models" not in file.as_posix()]
IDS = [str(file.relative_to(ROOT)) for file in DOCUMENTS]


def prose(text: str) -> str:
    """Without blocks of code."""
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


def anchors(file: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    found: set[str] = set()
    for title in re.findall(r"^#+ (.+)$", prose(file.read_text()), re.MULTILINE):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).strip().lower()
        anchor = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        number = sum(one == anchor or re.fullmatch(rf"{re.escape(anchor)}-\d+", one) is not None for one in found)
        found.add(f"{anchor}-{number}" if number else anchor)
    return found


def test_there_are_documents():
    assert {"README.md", "docs/releasing.md", "docs/scaling.md"} <= set(IDS)


@pytest.mark.parametrize("document", DOCUMENTS, ids=IDS)
def test_every_link_into_the_repository_leads_somewhere(document: Path):
    broken = []
    for target in LINK.findall(prose(document.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = unquote(target).partition("#")
        file = (document.parent / path).resolve() if path else document
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=IDS)
def test_every_make_target_and_script_that_a_document_names_exists(document: Path):
    text = document.read_text()
    code = "\n".join([*re.findall(r"`([^`\n]+)`", text), *re.findall(r"^```(?:bash|sh)\n(.*?)^```", text, re.S | re.M)])
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {word for line in re.findall(r"\bmake ((?:[a-z][a-z-]*(?: |$))+)", code, re.M) for word in line.split()}
    assert named - targets == set()
    scripts = set(re.findall(r"(?<![\w./-])(?:\.ci|stack|deploy)/[a-z][\w.-]*", code))
    assert {script for script in scripts if not (ROOT / script).exists()} == set()


@pytest.mark.parametrize("name", ["docs/releasing.md", "docs/scaling.md"])
def test_a_file_that_a_command_takes_exists(name: str):
    blocks = "\n".join(re.findall(r"^ *```bash\n(.*?)^ *```", (ROOT / name).read_text(), re.S | re.M))
    taken = set(re.findall(r"(?:infra|include|docs)/[\w./-]+", blocks))
    assert {file for file in taken if not (ROOT / file).exists()} == set()
