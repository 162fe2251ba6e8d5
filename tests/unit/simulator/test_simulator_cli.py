"""What the command line refuses, and how it says so."""

from pathlib import Path

import pytest

from simulator.apps import new_database
from simulator.cli import main
from simulator.errors import RequestError, SettingsError
from simulator.settings import Settings

ENVIRONMENT = {
    "LOCALCLOUD_PRODUCTION_HOST": "127.0.0.1",
    "LOCALCLOUD_PRODUCTION_PORT": "9",  # the discard port: nothing listens there
    "LOCALCLOUD_PRODUCTION_USER": "company",
    "LOCALCLOUD_PRODUCTION_PASSWORD": "top secret",
    "TRIBUTARY_DUMPS_BUCKET": "dumps",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return ENVIRONMENT


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["advance", "--days", "0"], "1 or more"),
        (["advance", "--days", "2", "--date", "2013-01-02"], "not allowed with"),
        (["advance", "--date", "yesterday"], "YYYY-MM-DD"),
        (["advance", "--scale", "0"], "above 0"),
        (["advance", "--scale", "nan"], "above 0"),
        (["break", "shop_eu", "no_such_rule"], "invalid choice"),
        (["add", "shop_uk"], "--app"),
        ([], "COMMAND"),
    ],
)
def test_malformed_arguments(arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert expected in capsys.readouterr().err


@pytest.mark.parametrize("name", [name for name in ENVIRONMENT if not name.endswith("PASSWORD")])
def test_a_missing_variable_is_named(name: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.from_environment({**ENVIRONMENT, name: ""})


def test_a_port_is_a_number() -> None:
    with pytest.raises(SettingsError, match="expected a port number, found 'x'"):
        Settings.from_environment({**ENVIRONMENT, "LOCALCLOUD_PRODUCTION_PORT": "x"})


def test_settings() -> None:
    settings = Settings.from_environment({**ENVIRONMENT, "LOCALCLOUD_STATE_DIR": "/somewhere"})
    assert (settings.host, settings.port, settings.bucket) == ("127.0.0.1", 9, "dumps")
    assert settings.state_dir == Path("/somewhere/simulator")


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("command", ["date", "counts", "advance"])
def test_a_server_that_is_away(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command]) == 1
    output = capsys.readouterr()
    assert "127.0.0.1:9" in output.err
    assert "make run" in output.err
    assert "top secret" not in output.err
    assert output.out == ""


@pytest.mark.parametrize("name", ["Shop", "1shop", "shop-eu", "mysql", "simulator", "x" * 64, "", "shop\n"])
def test_names_that_no_database_can_have(name: str) -> None:
    with pytest.raises(RequestError, match="expected lower-case"):
        new_database(name, "retail", 1, 1)


@pytest.mark.parametrize("app", ["", "flights", "flights:XXX", "flights:ewr", "bank", "retail:EWR"])
def test_unknown_applications(app: str) -> None:
    with pytest.raises(RequestError, match="expected retail, or flights:XXX"):
        new_database("shop_uk", app, 1, 1)


def test_new_databases() -> None:
    assert new_database("airport_x", "flights:EWR", 1, 1).origin == "EWR"
    assert new_database("shop_uk", "retail", 1, 1).origin is None


def test_a_password_may_lie_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("secret\n")
    variable = "LOCALCLOUD_PRODUCTION_PASSWORD"
    without = {name: value for name, value in ENVIRONMENT.items() if name != variable}
    settings = Settings.from_environment({**without, f"{variable}_FILE": str(tmp_path / "password")})
    assert settings.password == "secret"
    with pytest.raises(SettingsError, match=f"{variable}_FILE: .*expected a file with it"):
        Settings.from_environment({**without, f"{variable}_FILE": "/nowhere"})
