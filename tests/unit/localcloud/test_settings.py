"""Where the services find their configuration."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from localcloud.settings import SettingError, text


def test_a_value_may_lie_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("secret\n")
    monkeypatch.delenv("LOCALCLOUD_SLACK_TOKEN", raising=False)
    monkeypatch.setenv("LOCALCLOUD_SLACK_TOKEN_FILE", str(tmp_path / "token"))
    assert text("LOCALCLOUD_SLACK_TOKEN") == "secret"


def test_the_variable_itself_goes_before_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALCLOUD_SLACK_TOKEN_FILE", "/nowhere")
    monkeypatch.setenv("LOCALCLOUD_SLACK_TOKEN", "plain")
    assert text("LOCALCLOUD_SLACK_TOKEN") == "plain"


def test_a_file_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCALCLOUD_SLACK_TOKEN", raising=False)
    monkeypatch.setenv("LOCALCLOUD_SLACK_TOKEN_FILE", "/nowhere")
    with pytest.raises(SettingError, match=r"LOCALCLOUD_SLACK_TOKEN_FILE: .*'/nowhere'; expected a file"):
        text("LOCALCLOUD_SLACK_TOKEN")


@pytest.mark.parametrize(("bind", "host", "accounts"), [("", "127.0.0.1", "127.0.0.1"), ("0.0.0.0", "0.0.0.0", "%")])
def test_services_and_their_accounts_are_for_this_machine_unless_told_otherwise(
    bind: str, host: str, accounts: str
) -> None:
    program = "from localcloud import mysql, settings; print(settings.HOST); print(mysql.accounts_sql('x'))"
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, env={"LOCALCLOUD_BIND": bind}
    )
    assert done.stdout.splitlines()[0] == host
    assert f"alter user 'root'@'{accounts}' identified by 'x';" in done.stdout
