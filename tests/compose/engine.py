"""Docker's engine and the images to begin with, on a machine that may have neither and can fetch no image."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.conftest import ROOT

FOLDER = ROOT / ".local" / "docker"
IMAGES = Path(__file__).parent / "images"
# Names of our own: what is made here must not pass for the official images.
DEBIAN = "tributary-test/debian:bookworm-slim"
POSTGRES = "tributary-test/postgres:17-bookworm"
REDIS = "tributary-test/redis:7-bookworm"
# Of a proxy that opens TLS, as some networks have; a build reads it as a secret.
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
_START_SECONDS = 60


@dataclass
class Engine:
    """A running engine, and its process where it was started here."""

    process: subprocess.Popen[bytes] | None = None

    @classmethod
    def start(cls) -> Engine:
        """The engine that runs, or one of our own with its data below .local/."""
        if _works():
            return cls()
        FOLDER.mkdir(parents=True, exist_ok=True)
        with (FOLDER / "dockerd.log").open("wb") as log:
            command = [_program("dockerd"), "--data-root", str(FOLDER / "data")]
            engine = cls(subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True))
        end = time.monotonic() + _START_SECONDS
        while not _works():
            if (engine.process and engine.process.poll() is not None) or time.monotonic() > end:
                engine.stop()
                words = "\n".join((FOLDER / "dockerd.log").read_text().splitlines()[-15:])
                raise AssertionError(
                    f"dockerd does not start; it needs root. {FOLDER / 'dockerd.log'} ends with\n{words}"
                )
            time.sleep(0.5)
        _remove_leftovers()
        return engine

    def stop(self) -> None:
        """End what was started here."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)


def prepare() -> None:
    """Have the images to begin with; made once, and kept."""
    if not _has(DEBIAN):
        _bootstrap()
    for name, image in (("postgres", POSTGRES), ("redis", REDIS)):
        if not _has(image):
            build(IMAGES, image, "--file", str(IMAGES / f"{name}.Dockerfile"))


def build(context: Path, image: str, *options: str) -> None:
    """Build an image on DEBIAN, with the host's network and its certificates."""
    secret = ["--secret", f"id=ca_bundle,src={CERTIFICATES}"] if CERTIFICATES.exists() else []
    command = [
        _builder(), "build", "--quiet", "--network", "host", "--build-arg", f"BASE_IMAGE={DEBIAN}", "--tag", image,
        *secret, *options, str(context),
    ]  # fmt: skip
    environment = {**os.environ, "DOCKER_BUILDKIT": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"


def docker(*arguments: str, check: bool = True) -> str:
    """What a docker command prints."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0 or not check, f"docker {' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
    return done.stdout.strip()


def megabytes(image: str) -> int:
    """How much an image holds."""
    return round(int(docker("image", "inspect", "--format", "{{.Size}}", image)) / 1e6)


def _remove_leftovers() -> None:
    """An engine of our own starts what a run that was cut off has left, and holds nothing of anybody else."""
    for kind, listed in (("container", ["--all"]), ("volume", []), ("network", ["--filter", "type=custom"])):
        for one in docker(kind, "ls", "--quiet", *listed).split():
            docker(kind, "rm", "--force", one) if kind != "network" else docker(kind, "rm", one)


def _bootstrap() -> None:
    """Debian's smallest system, as an image."""
    root = FOLDER / "debian"
    shutil.rmtree(root, ignore_errors=True)
    root.parent.mkdir(parents=True, exist_ok=True)
    made = [_program("debootstrap"), "--variant=minbase", "bookworm", str(root)]
    done = subprocess.run(made, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(made)}\n{done.stdout[-3000:]}\n{done.stderr}"
    # As in `-slim`, no documentation.
    left_out = [
        f"--exclude=./{path}" for path in ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/man")
    ]
    tar = subprocess.Popen(["tar", "--create", "--directory", str(root), *left_out, "."], stdout=subprocess.PIPE)
    subprocess.run(["docker", "import", "-", DEBIAN], stdin=tar.stdout, check=True, capture_output=True)
    assert tar.wait() == 0
    shutil.rmtree(root)


@cache
def _builder() -> str:
    """A client that can build with BuildKit: up to version 22 by itself, later ones with the plugin buildx."""
    for client in (shutil.which("docker"), "/usr/bin/docker"):
        if client and Path(client).exists():
            version = subprocess.run([client, "--version"], check=True, capture_output=True, text=True).stdout
            plugin = subprocess.run([client, "buildx", "version"], check=False, capture_output=True)
            if int(version.split("version ")[1].split(".")[0]) < 23 or plugin.returncode == 0:
                return client
    raise AssertionError("docker cannot build with BuildKit here: expected the plugin buildx, or Debian's docker.io")


def _works() -> bool:
    return subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0


def _has(image: str) -> bool:
    return bool(docker("image", "ls", "--quiet", image))


def _program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    assert found, f"{name} is not installed; `make test-compose` installs it"
    return found
