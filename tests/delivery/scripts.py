"""Running what the workflows run, with programs that stand in for those of the cloud and note how they were called."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.conftest import ROOT


class Machine:
    """A PATH with stand-ins before the real programs, and what was asked of them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.programs = directory / "bin"
        self.programs.mkdir()
        self.calls = directory / "calls"
        self.calls.touch()

    def has(self, name: str, script: str) -> None:
        """Put a program there; it is bash, and its arguments are noted, a line for each call."""
        program = self.programs / name
        program.write_text(f'#!/usr/bin/env bash\nprintf \'%s\\n\' "{name} $*" >> "{self.calls}"\n{script}\n')
        program.chmod(0o755)

    def run(
        self, command: str, *arguments: str, cwd: Path = ROOT, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": f"{self.programs}:{os.environ['PATH']}", "HOME": str(self.directory), **variables}
        return subprocess.run(
            [str(ROOT / ".ci" / command), *arguments],
            cwd=cwd,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )

    @property
    def asked(self) -> list[str]:
        return self.calls.read_text().splitlines()
