"""Records, and as much of Cloud Storage and BigQuery as their store needs, in memory."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from google.api_core.exceptions import NotFound, PreconditionFailed, ServiceUnavailable

from tributary.dead_letters.record import DeadLetter, Occurrence

T0 = datetime(2013, 1, 2, 3, 0, tzinfo=UTC)


def make_letter(key: str = "try_1", at: float = 0, tries: int = 1, run_id: str = "run_1", **changes: Any) -> DeadLetter:
    """A failure of `sync`, `at` minutes after T0."""
    failed_at = T0 + timedelta(minutes=at)
    values: dict[str, Any] = {
        "subject": "shop_eu", "database": "shop_eu", "dump_date": date(2013, 1, 2), "task_id": "sync",
        "dag_id": "elt__shop_eu", "run_id": run_id, "reason": "SyncError", "message": "the job failed", "tries": tries,
        "first_failed_at": failed_at, "last_failed_at": failed_at, "changed_at": failed_at,
        "occurrences": (Occurrence(key=key, run_id=run_id, try_number=tries, failed_at=failed_at),),
    }  # fmt: skip
    return DeadLetter(**{**values, **changes})


class MemoryBlob:
    def __init__(self, client: MemoryClient, name: str, generation: int | None) -> None:
        self._client = client
        self._objects = client.objects
        self.name = name
        self.generation = generation
        self.metadata: dict[str, str] | None = None

    def upload_from_string(self, text: str, if_generation_match: int, **_: Any) -> None:
        self._client.before_write()
        there = self._objects.get(self.name)
        if (there.generation if there else 0) != if_generation_match:
            raise PreconditionFailed("generation")
        self._objects[self.name] = SimpleNamespace(
            name=self.name, text=text.encode(), generation=if_generation_match + 1, metadata=self.metadata
        )

    def download_as_bytes(self, **_: Any) -> bytes:
        there = self._objects.get(self.name)
        if there is None or there.generation != self.generation:
            raise NotFound("generation")
        return bytes(there.text)


class MemoryClient:
    """As much of Cloud Storage as the store of records needs; `away` makes it fail."""

    def __init__(self) -> None:
        self.objects: dict[str, Any] = {}
        self.away = False
        self.reads = 0
        self.before_read: Callable[[], None] = lambda: None
        self.before_write: Callable[[], None] = lambda: None

    def bucket(self, name: str) -> MemoryClient:
        return self

    def blob(self, name: str, generation: int | None = None) -> MemoryBlob:
        return MemoryBlob(self, name, generation)

    def get_blob(self, name: str, **_: Any) -> Any:
        if self.away:
            raise ServiceUnavailable("away")
        self.reads += 1
        found = self.objects.get(name)
        self.before_read()
        return found

    def touch(self) -> None:
        """Somebody else writes every object again."""
        for name, there in self.objects.items():
            self.objects[name] = SimpleNamespace(**{**vars(there), "generation": there.generation + 1})

    def list_blobs(self, bucket: Any, prefix: str, **_: Any) -> list[Any]:
        if self.away:
            raise ServiceUnavailable("away")
        return [self.objects[name] for name in sorted(self.objects) if name.startswith(prefix)]


class MemoryOps:
    """The log behind `ops.dead_letters`, and its newest rows."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.away = False

    def append_all(self, table: str, rows: list[dict[str, Any]]) -> None:
        assert table == "dead_letters_log"
        if self.away:
            raise ServiceUnavailable("away")
        self.rows += rows

    def query(self, name: str) -> list[dict[str, Any]]:
        if self.away:
            raise ServiceUnavailable("away")
        newest = {row["id"]: datetime.fromisoformat(row["updated_at"]) for row in self.rows}
        return [{"id": letter_id, "updated_at": at} for letter_id, at in newest.items()]
