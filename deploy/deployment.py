"""A deployment in containers: its commands, and what runs of it. `up`, `upgrade` and `rollback` use it.

Needs Python 3.11, Docker, and Compose: the plugin `docker compose`, or `docker-compose` 1.29. No package.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from settings_file import LOOPBACK, DeployError, Settings

POLL_SECONDS = 2.0


@dataclass
class Deployment:
    """Runs Compose with the settings, and asks Docker what runs."""

    settings: Settings
    version: str = ""
    say: Callable[[str], None] = field(default=lambda line: print(line, flush=True))

    def __post_init__(self) -> None:
        self.version = self.version or self.settings.version

    def command(self, *arguments: str) -> list[str]:
        """A command of Compose, for this deployment."""
        return [
            *composer(), "--project-name", self.settings.project, "--project-directory", str(self.settings.root),
            *(word for file in compose_files(self.settings) for word in ("--file", str(file))),
            "--env-file", str(self.settings.file), *arguments,
        ]  # fmt: skip

    def environment(self) -> dict[str, str]:
        """With which Compose is called; it goes before the settings' file."""
        own = {
            "TRIBUTARY_ENV_FILE": self.settings.values.get("TRIBUTARY_ENV_FILE") or str(self.settings.file),
            # What lets days pass in the demo is people. A scale of 0 would not do: Compose 1.29 waits all the same for
            # what a service depends on, and fails where one of these is not well at that moment.
            "TRIBUTARY_DEMO_PROFILE": "demo",
        }
        return {**os.environ, **own, "TRIBUTARY_VERSION": self.version}

    def compose(self, *arguments: str, check: bool = True) -> int:
        """Run a command of Compose; its output goes to the terminal. Raises DeployError where it fails and must not."""
        command = self.command(*arguments)
        done = subprocess.run(command, env=self.environment(), check=False)
        if check and done.returncode:
            raise DeployError(f"`{' '.join(command)}` ended with {done.returncode}; its words are above")
        return done.returncode

    def output(self, *arguments: str) -> str:
        """What a command of Compose prints. Raises DeployError where it fails."""
        command = self.command(*arguments)
        done = subprocess.run(
            command, env=self.environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise DeployError(f"`{' '.join(command)}` ended with {done.returncode}:\n{done.stderr.strip()}")
        return done.stdout

    def require_image(self) -> None:
        """Fetch the image where it is not here. Raises DeployError where it cannot be had."""
        name = f"{self.settings.image}:{self.version}"
        if not works("image", "inspect", name) and not works("pull", "--quiet", name):
            raise DeployError(f"there is no image {name}, here or in its registry; `make image` builds one here")

    def fetch_scripts(self) -> Path | None:
        """Where this folder came out of an image, lay the version's beside it; None in a checkout.

        `put_scripts` has it take the old one's place. Until then the old one stops the services that it has started.
        """
        scripts = self.settings.root / "deploy"
        if not (scripts / "docker-compose.yaml").exists():
            return None
        fetched = scripts.with_name("deploy.next")
        shutil.rmtree(fetched, ignore_errors=True)
        container = docker("create", f"{self.settings.image}:{self.version}").strip()
        try:
            docker("cp", f"{container}:/opt/tributary/deploy/.", str(fetched))
        finally:
            docker("rm", container)
        return fetched

    def put_scripts(self, fetched: Path) -> None:
        """Have what `fetch_scripts` fetched: its compose file is for the version's services."""
        shutil.copytree(fetched, self.settings.root / "deploy", dirs_exist_ok=True)
        shutil.rmtree(fetched)

    def start(self) -> None:
        """Start what does not run, or runs as another version, and wait until all is well."""
        workers = self.settings.values.get("TRIBUTARY_WORKERS") or "1"
        scale = ["--scale", f"worker={workers}"] if "workers" in self.settings.profiles else []
        alone = ["--no-deps", *self.settings.services] if self.settings.services else []
        self.compose("up", "--detach", "--no-build", "--remove-orphans", *scale, *alone)
        self.wait()

    def wait(self, seconds: float = 900) -> None:
        """Wait until every service is healthy. Raises DeployError with the log of one that is not."""
        end, told = time.monotonic() + seconds, ""
        while waiting := [one for one in self.containers() if not one.is_well]:
            for one in waiting:
                if one.has_failed or time.monotonic() > end:
                    log = subprocess.run(["docker", "logs", "--tail", "20", one.id], check=False, capture_output=True)
                    words = (log.stdout + log.stderr).decode(errors="replace")
                    raise DeployError(
                        f"{one.name} is {one.state}, expected it to be well within {seconds:.0f} s:\n{words}"
                    )
            line = "waiting for " + ", ".join(sorted(f"{one.service} ({one.state})" for one in waiting))
            if line != told:
                self.say(line)
                told = line
            time.sleep(POLL_SECONDS)

    def containers(self) -> list[Container]:
        """What there is of this deployment, running or not; without what commands have started."""
        labels = (f"com.docker.compose.project={self.settings.project}", "com.docker.compose.oneoff=False")
        filters = [argument for label in labels for argument in ("--filter", f"label={label}")]
        ids = docker("ps", "--all", "--quiet", *filters).split()
        return [Container(one) for one in json.loads(docker("inspect", *ids))] if ids else []

    def running(self, service: str) -> list[Container]:
        """The running containers of a service."""
        return [one for one in self.containers() if one.service == service and one.details["State"]["Running"]]


@dataclass(frozen=True)
class Container:
    """One container, as `docker inspect` tells of it."""

    details: Mapping[str, Any]

    @property
    def id(self) -> str:
        return str(self.details["Id"])

    @property
    def name(self) -> str:
        return str(self.details["Name"]).lstrip("/")

    @property
    def service(self) -> str:
        return str(self.details["Config"]["Labels"]["com.docker.compose.service"])

    @property
    def version(self) -> str:
        """The image's tag, with its digest where that was asked for."""
        # A registry's name may have a port.
        return str(self.details["Config"]["Image"]).rpartition("/")[2].partition(":")[2]

    @property
    def _ends(self) -> bool:
        """Whether it is to end by itself."""
        return str(self.details["HostConfig"]["RestartPolicy"]["Name"]) in ("", "no")

    @property
    def state(self) -> str:
        state = self.details["State"]
        if state["Running"]:
            return str(state.get("Health", {}).get("Status", "running"))
        return f"exited with {state['ExitCode']}" if state["Status"] == "exited" else str(state["Status"])

    @property
    def is_well(self) -> bool:
        return self.state in (("exited with 0",) if self._ends else ("running", "healthy"))

    @property
    def has_failed(self) -> bool:
        return self._ends and self.state.startswith("exited with") and not self.is_well


def composer() -> list[str]:
    """How Compose is called here. Raises DeployError where it is not installed."""
    if works("compose", "version"):
        return ["docker", "compose"]
    if found := shutil.which("docker-compose"):
        return [found]
    raise DeployError("Compose is not installed: expected the plugin `docker compose`, or docker-compose 1.29")


def compose_files(settings: Settings) -> list[Path]:
    """The compose file, in a checkout or as it comes out of the image, and what goes over it on this machine."""
    scripts = settings.root / "deploy"
    places = (settings.root / "docker-compose.yaml", scripts / "docker-compose.yaml")
    file = next((place for place in places if place.exists()), None)
    if file is None:
        raise DeployError(f"no docker-compose.yaml in {settings.root} or {scripts}")
    over = []
    if settings.services:
        over.append(scripts / "worker-machine.yaml")
    elif "workers" in settings.profiles and settings.values.get("TRIBUTARY_LISTEN", LOOPBACK) != LOOPBACK:
        over.append(scripts / "main-machine.yaml")
    person = file.with_name("docker-compose.override.yaml")
    return [file, *over, *([person] if person.exists() else [])]


def works(*arguments: str) -> bool:
    """Whether a docker command succeeds. Raises DeployError where there is no docker."""
    return _docker(arguments).returncode == 0


def docker(*arguments: str) -> str:
    """What a docker command prints. Raises DeployError where it fails."""
    done = _docker(arguments)
    if done.returncode:
        raise DeployError(f"`docker {' '.join(arguments)}` failed: {done.stderr.strip()}")
    return done.stdout


def _docker(arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise DeployError("docker is not installed; https://docs.docker.com/engine/install/ says how") from None


def run(command: Callable[[Sequence[str]], None], arguments: Sequence[str]) -> int:
    """Run a script's command; what goes wrong is told in a few words."""
    try:
        command(arguments)
    except DeployError as error:
        print(error, flush=True)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0
