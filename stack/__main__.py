"""`python -m stack up|run|down|clean`: what the Makefile's targets call."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable

from stack import environment, postgres
from stack.environment import executable
from stack.state import LOCAL, ROOT, PortTakenError, State
from stack.supervisor import (
    StackError,
    Supervisor,
    airflow_programs,
    database_programs,
    later_programs,
    localcloud_programs,
)


def up() -> None:
    """Start whatever does not run yet, and wait until it is ready."""
    supervisor = _start()
    _ready(supervisor)
    supervisor.wait(later_programs())
    _tributary("setup")
    _say_where(supervisor.state)


def run() -> None:
    """The main job: start everything, let one more day pass in production, load it."""
    started = time.monotonic()
    supervisor = _start()
    supervisor.wait(localcloud_programs())
    # Airflow takes longer to start, so the day passes meanwhile.
    with _advancing(supervisor.state) as simulator:
        _ready(supervisor)
        day = _day_of(simulator)
    _say_where(supervisor.state)
    print(f"ready after {time.monotonic() - started:.0f} s", flush=True)
    status = _tributary("run", "--date", day, check=False)
    supervisor.wait(later_programs())
    port = supervisor.state.ports["airflow"]
    print(f"Airflow stays up: http://127.0.0.1:{port} (stop it with `make stop`)", flush=True)
    if status:
        sys.exit(status)


def down() -> None:
    """Stop every process of this checkout; what they wrote stays."""
    stopped = Supervisor(State.load()).stop()
    print("stopped" if stopped else "nothing was running", flush=True)


def clean() -> None:
    """Stop, and remove what runs left behind. The Python environments stay; they cost time, not state."""
    down()
    keep = {"envs", "uv"}
    for path in LOCAL.iterdir() if LOCAL.exists() else ():
        if path.name not in keep:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    shutil.rmtree(ROOT / "include" / "dbt" / "target", ignore_errors=True)


def _start() -> Supervisor:
    """Start whatever does not run yet."""
    state = State.load()
    supervisor = Supervisor(state)
    if supervisor.is_up():
        supervisor.start(database_programs())
        supervisor.wait(database_programs())
        supervisor.start(localcloud_programs())
        supervisor.start(airflow_programs())
        return supervisor
    for line in state.complete():
        print(f"note: {line}", flush=True)
    state.save()
    supervisor = Supervisor(state)
    variables = environment.build(state)
    environment.write(variables)
    _start_all(state, supervisor, variables)
    return supervisor


def _ready(supervisor: Supervisor) -> None:
    """Wait until everything is ready."""
    supervisor.wait(localcloud_programs())
    supervisor.wait(airflow_programs(), seconds=180)
    supervisor.start(later_programs())


def _say_where(state: State) -> None:
    print(
        f"Airflow: http://127.0.0.1:{state.ports['airflow']}  "
        f"user {environment.ADMIN}  password {state.secrets['airflow_admin']}",
        flush=True,
    )


def _start_all(state: State, supervisor: Supervisor, variables: dict[str, str]) -> None:
    """The local cloud starts while Airflow's database is made and dbt's manifest is written."""
    home = LOCAL / "airflow"
    for folder in (home, LOCAL / "tmp", environment.LINEAGE.parent):
        folder.mkdir(parents=True, exist_ok=True)
    supervisor.launch(variables)
    supervisor.start(database_programs())
    supervisor.start(localcloud_programs())
    descriptor = os.open(home / "passwords.json", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump({environment.ADMIN: state.secrets["airflow_admin"]}, file)
    artifacts = subprocess.Popen(
        [str(ROOT / "stack" / "dbt-artifacts"), executable("dbt", "dbt")],
        cwd=ROOT,
        env={**os.environ, **variables},
    )
    supervisor.wait(database_programs())
    _migrate(variables)
    if artifacts.wait() != 0:
        raise StackError("dbt could not read the project; its words are above")
    supervisor.start(airflow_programs())


def _migrate(variables: dict[str, str]) -> None:
    """Give Airflow's database the tables of the installed packages.

    Where those have not changed since there is nothing to do, for which Airflow takes four seconds. The note of it lies
    in the data directory, so that it goes with that.
    """
    note, packages = postgres.DATA / "migrated_by", (ROOT / "requirements.txt").read_bytes()
    if note.exists() and note.read_bytes() == packages:
        return
    _checked([executable("airflow", "airflow"), "db", "migrate"], variables, "airflow-db-migrate")
    note.write_bytes(packages)


def _advancing(state: State) -> subprocess.Popen[str]:
    """Let one day pass in the production databases; what it does is printed while it goes on."""
    print("A day passes in production:", flush=True)
    command = [executable("localcloud", "python"), "-m", "simulator", "advance", "--json"]
    variables = {**os.environ, **environment.build(state)}
    return subprocess.Popen(command, cwd=ROOT, env=variables, stdout=subprocess.PIPE, text=True)


def _day_of(simulator: subprocess.Popen[str]) -> str:
    """The day that has passed. The dumps lie in the bucket then."""
    said, _ = simulator.communicate()
    if simulator.returncode:
        raise StackError("the simulator failed; its words are above")
    day: str = json.loads(said)["date"]
    return day


def _tributary(*arguments: str, check: bool = True) -> int:
    done = subprocess.run([str(ROOT / "tributary"), *arguments], check=False)
    if check and done.returncode:
        raise StackError(f"`tributary {' '.join(arguments)}` failed; its words are above")
    return done.returncode


def _checked(command: list[str], variables: dict[str, str], name: str) -> None:
    """Run a command with its output in a log; StackError with the log's end where it fails."""
    log = LOCAL / "logs" / f"{name}.log"
    with log.open("w") as file:
        done = subprocess.run(
            command, cwd=ROOT, env={**os.environ, **variables}, stdout=file, stderr=subprocess.STDOUT, check=False
        )
    if done.returncode:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
        raise StackError(f"{name} failed; its log: {log}\n{tail}")


def main(arguments: list[str]) -> int:
    """Run one command; what goes wrong is told in a few words."""
    commands: dict[str, Callable[[], None]] = {"up": up, "run": run, "down": down, "clean": clean}
    if len(arguments) != 1 or arguments[0] not in commands:
        print(f"usage: python -m stack {'|'.join(commands)}", file=sys.stderr)
        return 2
    try:
        commands[arguments[0]]()
    except (StackError, PortTakenError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
