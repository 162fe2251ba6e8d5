"""dbt as a fork of a server: what is asked for is what runs, once, and where there is no server it is a program."""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tributary import dbt_process
from tributary.dbt_process import Forked, Running
from tributary.dbt_server import serve

# In place of dbt: does what its arguments say.
CLI = """
import json, os, pathlib, signal, sys, time
print("imported", os.getpid(), file=open(os.environ["IMPORTED"], "a"))
def cli():
    print("as a fork")
    for what in sys.argv[1:]:
        name, _, value = what.partition("=")
        if name == "show":
            files = len(os.listdir("/proc/self/fd"))
            leads = os.getpgrp() == os.getpid()
            signals = [str(signal.getsignal(one)) for one in (signal.SIGINT, signal.SIGTERM)]
            blocked = list(signal.pthread_sigmask(signal.SIG_BLOCK, []))
            print(json.dumps([sys.argv[0], os.getcwd(), dict(os.environ), leads, files, signals, blocked]))
        elif name == "complain":
            print(value, file=sys.stderr)
        elif name == "bytes":
            sys.stdout.flush(); os.write(1, bytes.fromhex(value) + b"\\n")
        elif name == "touch":
            pathlib.Path(value).touch()
        elif name == "until":
            end = time.monotonic() + 20
            while not os.path.exists(value) and time.monotonic() < end: time.sleep(0.01)
        elif name == "die":
            sys.stdout.flush(); os.kill(os.getpid(), int(value))
        elif name == "exit":
            return int(value)
"""


@pytest.fixture
def dbt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The program of an environment that has it, with the Python beside it."""
    for module in ("cli/main", "adapters/bigquery", "task/build"):
        path = tmp_path / "lib" / "dbt" / f"{module}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(CLI if module == "cli/main" else "")
    scripts = {
        "python": f'PYTHONPATH="{tmp_path}/lib" exec "{sys.executable}" "$@"',
        "dbt": 'echo "as a program"; exit 3',
    }
    for name, script in scripts.items():
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
    monkeypatch.setenv("TRIBUTARY_DBT_EXECUTABLE", str(tmp_path / "bin" / "dbt"))
    monkeypatch.setenv("IMPORTED", str(tmp_path / "imported"))
    return str(tmp_path / "bin" / "dbt")


@pytest.fixture
def server(dbt: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[dbt_process.Server]:
    monkeypatch.setattr(dbt_process, "_server", None)
    dbt_process.start_server()
    server = dbt_process._server
    assert server
    yield server
    server._process.kill()
    server._process.wait()


def said(process: Running) -> list[str]:
    assert process.stdout
    with process.stdout as output:
        return output.read().splitlines()


def until(done: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not done():
        assert time.monotonic() < end
        time.sleep(0.01)


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_a_fork_is_what_was_asked_for(server: dbt_process.Server, dbt: str, tmp_path: Path):
    def shown(env: Mapping[str, str]) -> list[object]:
        process = dbt_process.start([dbt, "show", "complain=a warning", "exit=2"], env, str(tmp_path))
        assert isinstance(process, Forked)
        first, what, complaint = said(process)
        assert (first, complaint, process.wait()) == ("as a fork", "a warning", 2)
        found: list[object] = json.loads(what)
        return found

    first = shown({"A": "1", "PATH": "/nowhere"})
    assert first[:4] == [dbt, str(tmp_path), {"A": "1", "PATH": "/nowhere"}, True]
    # Neither the environment of another one is there, nor its files.
    second = shown({"B": "ü\udcff", "C": "x" * 300_000})
    assert second[2:5] == [{"B": "ü\udcff", "C": "x" * 300_000}, True, first[4]]
    # What was imported once was imported by the server.
    assert (tmp_path / "imported").read_text().split() == ["imported", str(server._process.pid)]


def test_signals_mean_to_it_what_they_mean_to_a_new_process(dbt: str, tmp_path: Path, request: pytest.FixtureRequest):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN), signal.signal(signal.SIGTERM, signal.SIG_IGN)
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGUSR1])
    try:
        request.getfixturevalue("server")
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        signal.signal(signal.SIGINT, before[0])
        signal.signal(signal.SIGTERM, before[1])
    shown = json.loads(said(dbt_process.start([dbt, "show"], {}, str(tmp_path)))[1])
    assert shown[5:] == [["<built-in function default_int_handler>", "0"], []]


def test_without_an_environment_it_has_ours(
    server: dbt_process.Server, dbt: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("LATER", "than the server")
    assert any("than the server" in line for line in said(dbt_process.start([dbt, "show"], None, str(tmp_path))))


def test_output_that_is_no_utf_8_is_shown(server: dbt_process.Server, dbt: str, tmp_path: Path):
    process = dbt_process.start([dbt, "bytes=c3bcff"], {}, str(tmp_path))
    assert said(process) == ["as a fork", "ü\\xff"]
    assert process.wait() == 0


def test_several_run_at_once_and_a_signal_reaches_one_group(server: dbt_process.Server, dbt: str, tmp_path: Path):
    wait = f"until={tmp_path}/go"
    one, other = (dbt_process.start([dbt, wait, "exit=4"], {}, str(tmp_path)) for _ in range(2))
    until(lambda: dbt in Path(f"/proc/{one.pid}/cmdline").read_text())
    os.killpg(os.getpgid(one.pid), signal.SIGTERM)
    assert one.wait() == -signal.SIGTERM
    (tmp_path / "go").touch()
    assert (said(other), other.wait()) == (["as a fork"], 4)
    assert said(dbt_process.start([dbt, "die=9"], {}, str(tmp_path))) == ["as a fork"]


def test_who_has_given_up_gets_no_fork(
    server: dbt_process.Server, dbt: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    server._process.send_signal(signal.SIGSTOP)
    monkeypatch.setattr(dbt_process, "ANSWER_SECONDS", 0.1)
    with pytest.raises(OSError, match="timed out"):
        server.start([dbt, f"touch={tmp_path}/given-up"], {}, str(tmp_path))
    server._process.send_signal(signal.SIGCONT)
    monkeypatch.setattr(dbt_process, "ANSWER_SECONDS", 20.0)
    process = server.start([dbt, "exit=0"], {}, str(tmp_path))
    assert (said(process), process.wait()) == (["as a fork"], 0)
    children = Path(f"/proc/{server._process.pid}/task/{server._process.pid}/children")
    until(lambda: not children.read_text().strip())
    assert not (tmp_path / "given-up").exists()


def test_a_server_that_has_ended_is_done_without(
    server: dbt_process.Server, dbt: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    running = server.start([dbt, f"until={tmp_path}/go"], {}, str(tmp_path))
    server._process.kill()
    server._process.wait()
    process = dbt_process.start([dbt, "show"], {}, str(tmp_path))
    assert (said(process), process.wait()) == (["as a program"], 3)
    assert "dbt's server does not answer" in caplog.text
    (tmp_path / "go").touch()
    assert said(running) == ["as a fork"]
    with pytest.raises(RuntimeError, match="found its end"):
        running.wait()


def test_another_file_with_the_socket_s_number_is_not_asked(
    server: dbt_process.Server, dbt: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        os.dup2(ours.fileno(), server._requests.fileno())
        assert said(dbt_process.start([dbt], {}, str(tmp_path))) == ["as a program"]
    assert "another file has the number" in caplog.text


def test_the_server_ends_with_those_who_could_ask(dbt: str, tmp_path: Path):
    code = """
import os, sys
from tributary import dbt_process
dbt_process.start_server()
print(dbt_process._server._process.pid, flush=True)
if not os.fork():
    sys.stdin.read()
    print(dbt_process.start([sys.argv[1]], {}, "/").stdout.read(), flush=True)
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(dbt_process.__file__).parents[1])}
    command = [sys.executable, "-c", code, dbt]
    errors = tmp_path / "errors"
    with (
        errors.open("w") as to,
        subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=to, text=True
        ) as forker,
    ):
        assert forker.stdin
        assert forker.stdout
        pid = int(forker.stdout.readline())
        forker.wait()
        # Its child may still ask.
        forker.stdin.close()
        assert forker.stdout.read().splitlines()[0] == "as a fork"
    until(lambda: gone(pid))
    assert errors.read_text() == ""


def test_another_program_is_no_business_of_the_server_s(server: dbt_process.Server, tmp_path: Path):
    assert said(dbt_process.start(["/bin/echo", "hello"], {}, str(tmp_path))) == ["hello"]


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def fails(*_: object) -> NoReturn:
    raise OSError(errno.EMFILE, "no room")


@pytest.mark.parametrize(
    ("what", "complaint"),
    [
        ("os.fork", "[Errno 24] no room"),
        ("os.pidfd_open", "[Errno 24] no room"),
        # What the system does where the receiver may not open so many.
        ("socket.recv_fds", "the limit of open files, as 1 of 3 came"),
    ],
)
def test_no_room_is_told_and_ends_nothing(
    what: str, complaint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    received = socket.recv_fds

    def one_comes(*arguments: Any) -> Any:
        asked, files, flags, address = received(*arguments)
        for file in files[1:]:
            os.close(file)
        return asked, files[:1], flags, address

    monkeypatch.setattr(f"tributary.dbt_server.{what}", one_comes if what == "socket.recv_fds" else fails)
    # The fork itself: this process has threads.
    killed: list[int] = []
    if what == "os.pidfd_open":
        monkeypatch.setattr("tributary.dbt_server.os.fork", lambda: 4_000_000)
        monkeypatch.setattr("tributary.dbt_server.os.setpgid", lambda *_: None)
        monkeypatch.setattr("tributary.dbt_server.os.kill", lambda pid, _: killed.append(pid))
        monkeypatch.setattr("tributary.dbt_server.os.waitpid", lambda pid, _: killed.append(pid))
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    server = dbt_process.Server.__new__(dbt_process.Server)
    server._requests, server._inode = ours, os.fstat(ours.fileno()).st_ino
    files = open_files()
    with ThreadPoolExecutor() as pool, theirs:
        served = pool.submit(serve, theirs)
        with ours:
            for _ in range(2):
                with pytest.raises(RuntimeError, match="found its end"):
                    server.start(["dbt"], {}, str(tmp_path))
            until(lambda: open_files() == files + 1)  # that of its selector
        assert served.result(20) is None
    assert capsys.readouterr().err == f"no fork for dbt: {complaint}\n" * 2
    assert killed == ([4_000_000] * 4 if what == "os.pidfd_open" else [])


def test_a_link_to_dbt_has_the_python_beside_dbt_itself(dbt: str, tmp_path: Path, request: pytest.FixtureRequest):
    link = tmp_path / "elsewhere" / "dbt"
    link.parent.mkdir()
    link.symlink_to(dbt)
    (link.parent / "python").write_text("not this one")
    request.getfixturevalue("monkeypatch").setenv("TRIBUTARY_DBT_EXECUTABLE", str(link))
    request.getfixturevalue("server")
    assert said(dbt_process.start([str(link)], {}, str(tmp_path))) == ["as a fork"]


def test_without_a_python_beside_dbt_there_is_no_server(dbt: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(dbt_process, "_server", None)
    (tmp_path / "bin" / "python").unlink()
    dbt_process.start_server()
    assert dbt_process._server is None
    assert said(dbt_process.start([dbt], {}, str(tmp_path))) == ["as a program"]
