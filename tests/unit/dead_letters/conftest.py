"""A store of records without any service."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.dead_letters.letters_in_memory import MemoryClient, MemoryOps, make_letter
from tributary.dead_letters.bucket import LetterBucket
from tributary.dead_letters.record import DeadLetter
from tributary.dead_letters.spool import Spool
from tributary.dead_letters.store import LetterStore


@pytest.fixture
def client() -> MemoryClient:
    return MemoryClient()


@pytest.fixture
def ops() -> MemoryOps:
    return MemoryOps()


@pytest.fixture
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Spool:
    monkeypatch.setenv("TRIBUTARY_SPOOL_DIR", str(tmp_path / "spool"))
    return Spool.from_environment()


@pytest.fixture
def store(client: MemoryClient, ops: MemoryOps, spool: Spool) -> LetterStore:
    return LetterStore(LetterBucket(client, "dumps"), spool, lambda: ops)  # type: ignore[arg-type]


@pytest.fixture
def letter() -> Callable[..., DeadLetter]:
    return make_letter
