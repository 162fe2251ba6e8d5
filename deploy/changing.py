"""Another version in place of the one that runs: drain, migrate, start. `upgrade` and `rollback` use it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from dataclasses import replace as changed

from deployment import Deployment, docker
from settings_file import DeployError, Settings, read, replace

REVISIONS = "/opt/tributary/deploy/revisions"
# Whose tables have migrations of their own, and the command that brings them back.
TABLES = {"AIRFLOW": ("airflow", "db"), "FAB": ("airflow", "fab-db")}
# In this order: nothing new begins, then what runs ends, and only then goes what tasks report to.
DRAINED = ("scheduler", "worker")
STOPPED = ("watch", "triggerer", "dag-processor", "api-server")


@dataclass(frozen=True)
class Noted:
    """What ran before: its version, the revisions that it left Airflow's database at, and what came in its place."""

    version: str
    revisions: dict[str, str]
    replaced_by: str = ""

    @classmethod
    def running(cls, deployment: Deployment) -> Noted:
        """What runs now, or on a machine of workers ran last. Raises DeployError where there is nothing."""
        servers = deployment.running("api-server")
        workers = [one for one in deployment.containers() if one.service == "worker"]
        if not servers and workers and deployment.settings.services:
            # Running or not: people drain them before the main machine, which has the tables, gets the new version.
            return cls(workers[0].version, {})
        if not servers:
            settings = deployment.settings
            back = f", deploy/rollback goes back to {cls.read(settings).version}" if settings.previous.exists() else ""
            raise DeployError(f"nothing runs that could be changed; deploy/up starts {settings.version}{back}")
        return cls(servers[0].version, _revisions(docker("exec", servers[0].id, REVISIONS)))

    @classmethod
    def read(cls, settings: Settings) -> Noted:
        """What was noted by the last change. Raises DeployError where there was none."""
        if not settings.previous.exists():
            raise DeployError(f"{settings.previous} is not there: no upgrade has noted a version to go back to")
        values = read(settings.previous)
        version, replaced_by = values.pop("TRIBUTARY_VERSION"), values.pop("REPLACED_BY", settings.version)
        return cls(version, values, replaced_by)

    def write(self, settings: Settings) -> None:
        """Note it, for a rollback."""
        values = {"TRIBUTARY_VERSION": self.version, "REPLACED_BY": self.replaced_by, **self.revisions}
        replace(settings.previous, "".join(f"{name}={value}\n" for name, value in values.items()))

    def replacement(self, deployment: Deployment) -> Noted:
        """What came in its place, whether it runs or never did: the tables are where it left them."""
        if not self.revisions:
            return Noted(self.replaced_by, {})  # a machine of workers, whose main machine has the tables
        output = deployment.output("run", "--rm", "--no-deps", "-T", "migrate", REVISIONS)
        return Noted(self.replaced_by, _revisions(output))


def _revisions(output: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in output.splitlines())
    return {name: revision for name, _, revision in pairs if name in TABLES}


def drain(deployment: Deployment) -> None:
    """Begin nothing new, let running tasks end, and stop Airflow. Tasks that wait deferred go on waiting afterwards."""
    begun = time.monotonic()
    for service in DRAINED:
        if deployment.running(service):
            deployment.say(f"{service}: waits for running tasks, at most TRIBUTARY_DRAIN")
            deployment.compose("stop", service)
    deployment.say(f"drained after {time.monotonic() - begun:.0f} s")
    if others := [service for service in STOPPED if deployment.running(service)]:
        deployment.compose("stop", *others)


def change(settings: Settings, version: str, before: Noted | None = None) -> None:
    """Run that version from now on. Raises DeployError, which says how to go on.

    :param before: what ran, where it has been drained already.
    """
    deployment = Deployment(settings, version)
    deployment.require_image()
    before = before or Noted.running(deployment)
    deployment.say(f"from {before.version} to {version}")
    # Nothing that may fail for want of a registry or of room comes after the point where Airflow stands still.
    scripts = deployment.fetch_scripts()
    drain(deployment)
    changed(before, replaced_by=version).write(settings)
    if scripts:
        deployment.put_scripts(scripts)
    try:
        deployment.start()
    except DeployError as error:
        raise DeployError(f"{error}\n{version} does not start; deploy/rollback goes back to {before.version}") from None
    settings.keep_version(version)
    deployment.say(f"{version} runs; deploy/rollback goes back to {before.version}")
