"""The workspace in one SQLite file: channels and messages."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCHEMA = """
create table if not exists channels (id text primary key, name text unique not null, created integer not null);
create table if not exists messages (
    ts text not null, channel_id text not null, thread_ts text, text text not null, blocks text not null,
    metadata text, edited_ts text, primary key (channel_id, ts));
"""


@dataclass(frozen=True)
class Channel:
    """One channel; *name* is without ``#``."""

    id: str
    name: str
    created: int


@dataclass(frozen=True)
class Message:
    """One message. A reply has the *thread_ts* of its parent; a parent may have replies."""

    ts: str
    channel_id: str
    thread_ts: str | None
    text: str
    blocks: list[dict[str, Any]]
    metadata: dict[str, Any] | None
    edited_ts: str | None


class Store:
    """Safe for several threads; what is written survives a kill."""

    def __init__(self, path: Path, channels: Iterable[str] = ()) -> None:
        self._lock = threading.RLock()
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.executescript(SCHEMA)
        for name in channels:
            if self.channel(name) is None:
                self.create(name)

    def channels(self) -> list[Channel]:
        """All, by name."""
        return [Channel(*row) for row in self._rows("select id, name, created from channels order by name")]

    def channel(self, name_or_id: str) -> Channel | None:
        """A channel by its id, or its name with or without ``#``."""
        name = name_or_id.removeprefix("#")
        rows = self._rows("select id, name, created from channels where id = ? or name = ?", name_or_id, name)
        return Channel(*rows[0]) if rows else None

    def create(self, name: str) -> Channel:
        """A new channel."""
        digest = hashlib.sha256(name.encode()).hexdigest().upper()
        channel = Channel(f"C0{digest[:9]}", name, int(time.time()))
        self._rows("insert into channels values (?, ?, ?)", channel.id, channel.name, channel.created)
        return channel

    def add(
        self,
        channel: Channel,
        text: str,
        blocks: list[dict[str, Any]],
        thread_ts: str | None,
        metadata: dict[str, Any] | None,
    ) -> Message:
        """A new message; its ``ts`` is unique, and later than all before it."""
        with self._lock:
            message = Message(self._next_ts(), channel.id, thread_ts, text, blocks, metadata, None)
            self._rows(
                "insert into messages values (?, ?, ?, ?, ?, ?, ?)",
                message.ts, message.channel_id, thread_ts, text, json.dumps(blocks),
                json.dumps(metadata) if metadata else None, None,
            )  # fmt: skip
        return message

    def edit(self, message: Message, **changes: Any) -> Message:
        """Change text, blocks or metadata."""
        with self._lock:
            edited = Message(**{**vars(message), **changes, "edited_ts": self._next_ts()})
            self._rows(
                "update messages set text = ?, blocks = ?, metadata = ?, edited_ts = ? where channel_id = ? and ts = ?",
                edited.text, json.dumps(edited.blocks), json.dumps(edited.metadata) if edited.metadata else None,
                edited.edited_ts, edited.channel_id, edited.ts,
            )  # fmt: skip
        return edited

    def message(self, channel: Channel, ts: str) -> Message | None:
        """One message of a channel."""
        found = self._messages("channel_id = ? and ts = ?", channel.id, ts)
        return found[0] if found else None

    def history(self, channel: Channel) -> list[Message]:
        """A channel's messages without replies, the oldest first."""
        return self._messages("channel_id = ? and thread_ts is null", channel.id)

    def replies(self, channel: Channel, ts: str) -> list[Message]:
        """A message's replies, the oldest first."""
        return self._messages("channel_id = ? and thread_ts = ?", channel.id, ts)

    def _messages(self, condition: str, *values: Any) -> list[Message]:
        columns = "ts, channel_id, thread_ts, text, blocks, metadata, edited_ts"
        rows = self._rows(f"select {columns} from messages where {condition} order by ts", *values)  # noqa: S608
        return [
            Message(ts, channel_id, thread_ts, text, json.loads(blocks), json.loads(metadata or "null"), edited_ts)
            for ts, channel_id, thread_ts, text, blocks, metadata, edited_ts in rows
        ]

    def _next_ts(self) -> str:
        newest = self._rows("select max(max(ts), max(coalesce(edited_ts, ''))) from messages")[0][0] or "0.0"
        seconds, fraction = newest.split(".")
        after = int(seconds) * 1_000_000 + int(fraction) + 1
        moment = max(after, time.time_ns() // 1000)
        return f"{moment // 1_000_000}.{moment % 1_000_000:06d}"

    def _rows(self, sql: str, *values: Any) -> list[Any]:
        with self._lock:
            return self._database.execute(sql, values).fetchall()
