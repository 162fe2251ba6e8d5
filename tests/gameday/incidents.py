"""The five incidents of a game day: what breaks, what is repaired, and what people are told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from tests.gameday.stage import DATABASES, HURT, Stage, follow


@dataclass(frozen=True)
class Incident:
    """One incident.

    :param name: as in docs/gameday.md, which has its messages; also the name of its pictures.
    :param what: what happens, in a sentence.
    :param told: how many messages there are before anything is repaired.
    :param play: breaks, calls what it is given to look at the pages, repairs.
    :param page: which page of Airflow to look at; `{hurt}` is the database.
    """

    name: str
    what: str
    told: int
    play: Callable[[Stage, Callable[[], None]], None]
    page: str | None = None


def dump_late(stage: Stage, look: Callable[[], None]) -> None:
    """The dump comes after the deadline."""
    day = stage.next_day()
    dump = _dump(stage, day)
    content = dump.download_as_bytes()
    dump.delete()
    with stage.registry(deadline="30s"):
        command = stage.load(day)
        look()
        dump.upload_from_string(content)
        assert follow(command, "the load") == 0


def dump_broken(stage: Stage, look: Callable[[], None]) -> None:
    """The dump is cut at half; it is left again, and the record replayed."""
    day = stage.next_day()
    dump = _dump(stage, day)
    content = dump.download_as_bytes()
    dump.upload_from_string(content[: len(content) // 2])
    assert follow(stage.load(day), "the load") == 1
    look()
    stage.checkout.simulator("dump", "--databases", HURT)
    _replay(stage, f"{HURT}/{day}/preflight")
    stage.consolidate(day)


def airbyte_hangs(stage: Stage, look: Callable[[], None]) -> None:
    """A sync never ends; somebody cancels it in Airbyte, and the task's next try brings the rows."""
    day = stage.next_day()
    stage.order("airbyte", kind="job_hang")
    with stage.registry(limits={"sync": "30s"}):
        command = stage.load(day, f"--database={HURT}")
        look()
        assert stage.cancel_a_sync(HURT)
        assert follow(command, "the load") == 0
    others = (f"--database={name}" for name in DATABASES if name != HURT)
    assert follow(stage.load(day, *others), "the load of the others") == 0
    stage.consolidate(day)


def bad_data(stage: Stage, look: Callable[[], None]) -> None:
    """A product costs less than nothing; the source is corrected, and the day loaded again."""
    day = stage.next_day()
    stage.checkout.simulator("break", HURT, "negative_price")
    stage.checkout.simulator("dump", "--databases", HURT)
    assert follow(stage.load(day), "the load") == 1
    look()
    stage.checkout.simulator("break", HURT, "negative_price", "--undo")
    stage.checkout.simulator("dump", "--databases", HURT)
    assert follow(stage.load(day, f"--database={HURT}"), "the second load") == 0
    stage.consolidate(day)


def bigquery_refuses(stage: Stage, look: Callable[[], None]) -> None:
    """BigQuery refuses everything: every database fails for one cause; access is given back, all is replayed."""
    day = stage.next_day()
    stage.order("bigquery", kind="http", status=403, code="accessDenied", count=100_000, path="/projects/")
    command = stage.load(day, *(f"--database={name}" for name in DATABASES))
    assert follow(command, "the load") == 1
    look()
    stage.withdraw()
    _replay(stage, "--all")
    stage.consolidate(day)


def _replay(stage: Stage, letter_id: str) -> None:
    stage.checkout.run("./tributary", "dead-letters", "replay", letter_id, "--wait")


def _dump(stage: Stage, day: str) -> storage.Blob:
    client = storage.Client(
        project=stage.environment["GOOGLE_CLOUD_PROJECT"], credentials=AnonymousCredentials(),
        client_options={"api_endpoint": stage.environment["STORAGE_EMULATOR_HOST"]},
    )  # fmt: skip
    return client.bucket(stage.bucket).blob(f"{HURT}/{day}/{HURT}.sql.gz")


INCIDENTS = (
    Incident("dump-late", "a dump comes after the deadline", 1, dump_late, "/tributary/databases/{hurt}"),
    Incident("dump-broken", "a dump is cut at half", 1, dump_broken, "/tributary/dead-letters"),
    Incident("airbyte-hangs", "a sync never ends", 1, airbyte_hangs, "/tributary/databases/{hurt}"),
    Incident("bad-data", "a price is below zero", 1, bad_data, "/tributary/"),
    Incident("bigquery-refuses", "BigQuery refuses every database", 1, bigquery_refuses, "/tributary/"),
)
