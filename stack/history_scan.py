"""`python -m stack.history_scan [FOLDER]`: no secret in any line that a commit ever added, or that waits for one.

detect-secrets looks at files as they are, but a secret that was removed is still in the history, for everybody to read.
Its detectors are asked here about every added line, each distinct line once. What was looked at and is none stands in
`.ci/known-strings.yaml`, with a reason. A line is named by a hash: the log of this check is public, too.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import yaml
from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.core.scan import get_plugins
from detect_secrets.settings import transient_settings

ROOT = Path(__file__).resolve().parents[1]
KNOWN = Path(".ci/known-strings.yaml")
# Hashes of packages are what lock files are made of; these detectors take each for a key.
LOCK_FILE = re.compile(r"requirements(/\w+)?\.txt")
NOISY_THERE = frozenset({"Base64HighEntropyString", "HexHighEntropyString"})
# An address is no secret.
UNASKED = frozenset({"IPPublicDetector"})
# `@@ -12,3 +12,4 @@`: how many lines follow that were removed and added.
HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")
DIFF = ("--unified=0", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames")


class ScanError(Exception):
    """The history cannot be read, or the list of known strings is malformed; the message says what to do."""


@dataclass(frozen=True)
class Line:
    """An added line, where it was seen first."""

    text: str
    path: str
    commit: str

    @property
    def hash(self) -> str:
        return sha256(self.text.strip().encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Hit:
    """A line that looks like a secret to one of the detectors."""

    line: Line
    detector: str


def added_lines(diff: Iterable[str]) -> Iterator[Line]:
    """The added lines of `git log --patch --format=commit:%H`, or of `git diff`."""
    path, commit, left = "", "uncommitted", 0
    for text in diff:
        if left:
            left -= not text.startswith("\\")  # "\ No newline at end of file" is none of the hunk's lines
            if text.startswith("+"):
                yield Line(text[1:], path, commit)
        elif found := HUNK.match(text):
            left = sum(int(count or 1) for count in found.groups())
        elif text.startswith("+++ "):
            path = text[4:].removeprefix("b/")
        elif text.startswith("commit:"):
            commit = text.removeprefix("commit:")


def hits(lines: Iterable[Line]) -> Iterator[Hit]:
    """The distinct lines that look like secrets."""
    seen: set[str] = set()
    names = sorted({one.__name__ for one in get_mapping_from_secret_type_to_class().values()} - UNASKED)
    with transient_settings({"plugins_used": [{"name": name} for name in names]}):
        plugins = [(type(plugin).__name__, plugin) for plugin in get_plugins()]
        for line in lines:
            if line.text in seen:
                continue
            seen.add(line.text)
            lock_file = LOCK_FILE.fullmatch(line.path)
            for name, plugin in plugins:
                if lock_file and name in NOISY_THERE:
                    continue
                if any(plugin.analyze_line(filename=line.path, line=line.text, line_number=0)):
                    yield Hit(line, name)
                    break


def known(path: Path) -> set[str]:
    """The hashes of lines that were looked at. Raises ScanError."""
    found = (yaml.safe_load(path.read_text()) or []) if path.exists() else []
    for entry in found:
        if set(entry) != {"why", "lines"} or not entry["why"] or not isinstance(entry["lines"], dict):
            raise ScanError(f"{path}: expected entries with `why` and `lines` (hash: path), found {entry}")
    return {str(line) for entry in found for line in entry["lines"]}


def history(root: Path) -> Iterator[str]:
    """Everything that git knows to have been added, and what is not committed. Raises ScanError."""
    if next(_git(root, "rev-parse", "--is-shallow-repository"), "").strip() != "false":
        print(
            "history_scan: this clone has not the whole history, so what came before is not looked at; get it with "
            "`git fetch --unshallow` (in a workflow: actions/checkout with `fetch-depth: 0`)",
            file=sys.stderr,
        )
    yield from _git(root, "diff", *DIFF, "HEAD")
    # A merge may bring lines that neither side had.
    yield from _git(root, "log", "--patch", "--diff-merges=first-parent", "--format=commit:%H", *DIFF, "HEAD")


def _git(root: Path, *arguments: str) -> Iterator[str]:
    command = ["git", "-C", str(root), "-c", "core.quotePath=off", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as git:
        assert git.stdout
        assert git.stderr
        for line in git.stdout:
            yield line.decode(errors="replace").rstrip("\n")
        complaint = git.stderr.read().decode(errors="replace")
    if git.returncode:
        raise ScanError(
            f"`git {arguments[0]}` failed in {root}: {complaint.strip()}; expected a clone of the repository"
        )


def main() -> None:
    """Look, and tell. Ends with 1 where something looks like a secret."""
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT
    try:
        reviewed = known(root / KNOWN)
        found = [hit for hit in hits(added_lines(history(root))) if hit.line.hash not in reviewed]
    except ScanError as error:
        sys.exit(f"history_scan: {error}")
    for hit in found:
        print(f"{hit.line.commit[:12]} {hit.line.path}: looks like a secret ({hit.detector})  {hit.line.hash}")
    if found:
        sys.exit(
            f"{len(found)} lines look like secrets. A real one: make it worthless first (docs/security.md#rotation), "
            f"then take it out. A harmless one: add its hash to {KNOWN}, with the reason."
        )


if __name__ == "__main__":
    main()
