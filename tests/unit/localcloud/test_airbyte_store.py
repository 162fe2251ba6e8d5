"""Airbyte's state."""

from __future__ import annotations

from pathlib import Path

import pytest

from localcloud.airbyte.jobs import answer, duration, timestamp
from localcloud.airbyte.models import masked, merged
from localcloud.airbyte.store import Store, StreamState


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "airbyte.db"


def test_a_connection_has_one_open_job(file: Path) -> None:
    store = Store(file)
    job = store.open_job("c", "sync")
    assert job is not None

    assert store.open_job("c", "sync") is None
    assert store.open_job("other", "sync") is not None
    assert store.move_job(job.id, "succeeded", 5, 99)
    assert not store.move_job(job.id, "cancelled"), "what is over stays as it is"
    assert store.open_job("c", "sync") is not None


def test_everything_survives_a_restart(file: Path) -> None:
    before = Store(file)
    source = before.create("source", {"name": "s"})
    gone = before.create("source", {"name": "gone"})
    before.delete(gone.id)
    before.move_stream("c", "t", StreamState(3, "2013-01-01"))
    job = before.open_job("c", "sync")

    after = Store(file)

    assert after.get("source", source.id) == source
    assert (after.get("source", gone.id), after.get("destination", source.id)) == (None, None)
    assert [found.id for found in after.all("source")] == [source.id]
    assert len(after.all("source", include_deleted=True)) == 2
    assert after.stream("c", "t") == StreamState(3, "2013-01-01")
    assert after.stream("c", "new") == StreamState(0, None)
    assert after.jobs("c") == [job]


def test_the_state_is_for_its_owner_only(file: Path) -> None:
    Store(file)

    assert file.stat().st_mode & 0o777 == 0o600


def test_a_job_is_shown_as_airbyte_shows_it(file: Path) -> None:
    store = Store(file)
    job = store.open_job("c", "sync")
    assert job is not None
    assert "rowsSynced" not in answer(job)
    store.move_job(job.id, "running", 7, 70)
    moved = store.job(job.id)
    assert moved is not None

    assert answer(moved)["rowsSynced"] == 7
    assert (duration(0.2), duration(59.7), duration(61)) == ("PT0S", "PT1M0S", "PT1M1S")
    assert timestamp(0) == "1970-01-01T00:00:00Z"


def test_secrets_are_masked_at_any_depth_and_a_mask_changes_nothing() -> None:
    configuration = {"host": "h", "password": "p", "tunnel": [{"ssh_key": "k"}], "credentials_json": ""}
    shown = masked(configuration)

    assert shown == {
        "host": "h",
        "password": "*" * 10,
        "tunnel": [{"ssh_key": "*" * 10}],
        "credentials_json": "",
    }
    assert merged(configuration, {"host": "new", "password": shown["password"]})["password"] == "p"
    assert merged(configuration, {"password": "q"})["password"] == "q"
