"""The incidents in a real bucket, on this disk, and as the command shows them."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from google.cloud import storage
from typer.testing import CliRunner

from tests.support.services import LocalCloud
from tests.unit.alerts.alert_world import World, finding
from tributary.alerts.incidents import Incidents
from tributary.alerts.store import OBJECT, UNKNOWN, IncidentStore, WrittenElsewhereError
from tributary.cli import app


def incidents(*subjects: str, rounds: int = 1) -> Incidents:
    """As many incidents as subjects, each told."""
    world = World()
    for _ in range(rounds):
        told = world.round(*(finding(subject, cause=subject) for subject in subjects))
    return told


def away(store: IncidentStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bucket refuses everything, as for a service that is down."""

    def refuse(*arguments: Any, **options: Any) -> None:
        raise ConnectionError("away")

    monkeypatch.setattr(store._bucket, "get_blob", refuse)
    monkeypatch.setattr(storage.Blob, "upload_from_string", refuse)


def test_what_is_written_is_read_again(store: IncidentStore) -> None:
    nothing, generation = store.load()
    assert (nothing, generation) == (Incidents(), 0)
    written = incidents("shop_eu", "shop_us")
    after = store.save(written, generation)
    assert store.load() == (written, after)


def test_who_writes_second_is_told_so(store: IncidentStore) -> None:
    store.save(incidents("shop_eu"), 0)
    with pytest.raises(WrittenElsewhereError):
        store.save(incidents("shop_us"), 0)


def test_while_the_bucket_is_away_this_disk_goes_on_where_it_was(
    store: IncidentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = incidents("shop_eu")
    store.save(first, 0)
    with monkeypatch.context() as patch:
        away(store, patch)
        assert store.load() == (first, UNKNOWN)
        second = incidents("shop_eu", "shop_us")
        assert store.save(second, UNKNOWN) == UNKNOWN
        assert store.load() == (second, UNKNOWN)
    found, generation = store.load()
    assert found == second
    store.save(found, generation)
    assert store.load()[0] == second


def test_what_two_machines_wrote_apart_comes_together(store: IncidentStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.save(incidents("shop_eu"), 0)
    with monkeypatch.context() as patch:
        away(store, patch)
        store.save(incidents("shop_eu", "shop_us"), UNKNOWN)
    other = IncidentStore(storage.Client(), store._bucket.name, store._file.parent / "other")
    other.save(incidents("shop_eu", "shop_br"), other.load()[1])
    together = store.load()[0]
    assert sorted(one.cause for one in together.told) == ["shop_br", "shop_eu", "shop_us"]


def test_the_copy_is_its_owners_alone(store: IncidentStore) -> None:
    store.save(incidents("shop_eu"), 0)
    assert stat.S_IMODE(store._file.stat().st_mode) == 0o600
    assert [path.name for path in store._file.parent.iterdir()] == ["incidents.json"]


def test_an_object_that_cannot_be_read_keeps_nobody_from_being_told(store: IncidentStore) -> None:
    store._bucket.blob(OBJECT).upload_from_string('{"schema": 7}')
    found, generation = store.load()
    assert found == Incidents()
    store.save(incidents("shop_eu"), generation)
    assert len(store.load()[0].told) == 1


def test_a_copy_that_cannot_be_read_is_put_aside(store: IncidentStore) -> None:
    store._file.parent.mkdir(parents=True)
    store._file.write_text("{")
    assert store.load() == (Incidents(), 0)
    assert store._file.with_suffix(".bad").exists()


def test_the_command_lists_what_is_open_and_what_is_silenced(
    cloud: LocalCloud, store: IncidentStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silence = {"databases": ["shop_us"], "until": "2013-02-01T00:00:00Z", "reason": "the server moves"}
    world = World(silences=[silence])
    world.round(finding("shop_eu", cause="one"), finding("shop_us", cause="two"), finding("shop_br", cause="three"))
    world.rounds(finding("shop_eu", cause="one"), finding("shop_us", cause="two"), minutes=20)
    store.save(world.store.load()[0], 0)
    monkeypatch.setenv("TRIBUTARY_SPOOL_DIR", str(tmp_path))

    def listed(*words: str) -> dict[str, str]:
        result = CliRunner().invoke(app, ["alerts", "list", "--format", "json", *words])
        assert result.exit_code == 0, result.output
        return {row["databases"]: row["state"] for row in json.loads(result.stdout)}

    assert listed() == {"shop_eu": "open", "shop_us": "silenced: the server moves"}
    assert listed("--all")["shop_br"] == "recovered"
    table = CliRunner().invoke(app, ["alerts", "list"]).output
    assert "shop_eu: sync failed" in table
