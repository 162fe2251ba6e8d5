"""dbt, imported once, and a fork of it for each command: `python -P dbt_server.py FD`, by dbt's own Python.

A third of what a small build costs are dbt's imports. For each command a message comes on the socket FD, with three
file descriptors: of a file that holds `command`, `env` and `cwd` as JSON; of the output; and of a socket. On that comes
the process id of the fork, which begins only when it is told to: who has given up waiting may have started dbt
otherwise. When it has ended, its exit code comes there. The server ends when nobody is left who could ask. It is
started, and asked, by `tributary.dbt_process`; nothing of Airflow's is here, or of this project's.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
from contextlib import suppress

# dbt imports its adapter and its tasks when it has read what it is to do.
MODULES = ("dbt.cli.main", "dbt.adapters.bigquery", "dbt.task.build", "setproctitle")


def serve(requests: socket.socket) -> list[str] | None:
    """Fork for each request. Returns in the fork, with the command that it is to run; and None when all are gone."""
    # By the file descriptor of each fork: its id, and who asked for it.
    running: dict[int, tuple[int, socket.socket]] = {}
    with selectors.DefaultSelector() as ready:
        ready.register(requests, selectors.EVENT_READ)
        while True:
            for key, _ in ready.select():
                if key.fd in running:
                    ready.unregister(key.fd)
                    told_of(key.fd, *running.pop(key.fd))
                    continue
                asked, files, _, _ = socket.recv_fds(requests, 1, 3)
                if not asked:
                    return None
                if len(files) < 3:  # the system leaves out those that this process may not open
                    complain(f"the limit of open files, as {len(files)} of 3 came")
                    for file in files:
                        os.close(file)
                    continue
                request, output, answer = files
                asker = socket.socket(fileno=answer)
                try:
                    pid, ended = forked()
                except OSError as error:
                    complain(error)
                    for file in (request, output, asker.detach()):
                        os.close(file)
                    continue
                if pid == 0:
                    requests.close()
                    for other, (_, its_asker) in running.items():
                        os.close(other)
                        its_asker.close()
                    return become(request, output, asker)
                os.close(request)
                os.close(output)
                tell(asker, "began", pid)
                running[ended] = (pid, asker)
                ready.register(ended, selectors.EVENT_READ)


def forked() -> tuple[int, int]:
    """The id of a fork, and a file descriptor that is ready when it has ended; zeros in the fork.

    It leads a process group, so that a signal can reach what it starts, and nothing else.
    Raises OSError where there is no room for another process or file; then there is no fork.
    """
    pid = os.fork()
    if pid == 0:
        return 0, 0
    try:
        os.setpgid(pid, pid)
        return pid, os.pidfd_open(pid)
    except OSError:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise


def complain(why: object) -> None:
    """In the log of who started this process: `tributary.dbt_process` starts dbt as a program instead."""
    print(f"no fork for dbt: {why}", file=sys.stderr, flush=True)


def told_of(ended: int, pid: int, asker: socket.socket) -> None:
    """Let who asked for a fork know how it ended."""
    os.close(ended)
    tell(asker, "ended", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    asker.close()


def tell(asker: socket.socket, what: str, number: int) -> None:
    """Who asked may be gone."""
    with suppress(OSError):
        asker.send(f"{what} {number}".encode())


def told_to_begin(asker: socket.socket) -> bool:
    """False when who asked has closed its end."""
    with suppress(OSError):
        return bool(asker.recv(1))
    return False


def become(request: int, output: int, asker: socket.socket) -> list[str]:
    """Be the process that was asked for; returns its command."""
    if not told_to_begin(asker):
        os._exit(1)  # nobody waits for it any more
    asker.close()
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    with open(request, "rb") as file:
        asked = json.load(file)
    os.environ.clear()
    os.environ.update(asked["env"])
    os.chdir(asked["cwd"])
    entitle(" ".join(asked["command"]))
    return list(asked["command"])


def entitle(title: str) -> None:
    """Have `ps` and `pkill -f` see that. The first title is to be set while the environment is the one of the start."""
    sys.modules["setproctitle"].setproctitle(title)


def main(number: int) -> None:
    """Serve until nobody is left; in a fork, run dbt's command line as its own script does."""
    # Those of who started it are inherited, and Airflow ignores some.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    os.close(os.pidfd_open(os.getpid()))  # better fail now than once there is a fork that nobody waits for
    with socket.socket(fileno=number) as requests:
        for name in MODULES:
            importlib.import_module(name)
        entitle(" ".join(sys.orig_argv))
        gc.freeze()  # or the first collection in each fork would write to, and so copy, all of it
        command = serve(requests)
    if command is not None:
        sys.argv = command
        sys.exit(sys.modules[MODULES[0]].cli())


if __name__ == "__main__":
    main(int(sys.argv[1]))
