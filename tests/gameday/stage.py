"""The running stack that a game day hurts: three databases, short deadlines, and what people get to see of it."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx

from tests.e2e.checkout import Checkout
from tests.faults.running.stack import DATABASES, Stack

HURT = "shop_us"
# How often the watch looks, in seconds: a minute in production.
EVERY = 5
_LASTED = re.compile(r"less than a minute|(?:\d+ (?:d|h|min) ?)*\d+ (?:d|h|min)\b")
_NUMBERS = re.compile(r"\d+(?:[.,:]\d+)*")


@dataclass(frozen=True)
class Said:
    """One message in Slack as people see it at the end: whether it stands in a thread, and its plain text."""

    reply: bool
    text: str
    ts: str

    @property
    def pattern(self) -> str:
        """The text with every number, and every length of time, as `#`: what is the same on every game day."""
        return _NUMBERS.sub("#", _LASTED.sub("#", self.text))


class Stage(Stack):
    """A stack with DATABASES, and the means of the five incidents."""

    @classmethod
    def open(cls, folder: Path) -> Self:
        """A fresh checkout with a first day loaded; nothing is wrong."""
        checkout = Checkout.create(folder)
        checkout.keep_only(DATABASES)
        with checkout.registry() as content:
            # Minutes in production, where something may break again right after it was mended.
            content["alerts"]["recovered_after"] = f"{EVERY}s"
        # The stack's processes take what the shell that starts them has.
        os.environ["TRIBUTARY_WATCH_SECONDS"] = str(EVERY)
        checkout.run("make", "run")
        return cls(checkout)

    @contextmanager
    def registry(self, **entry: Any) -> Iterator[None]:
        """HURT's entry in the registry, with more in it for a while."""
        path = self.checkout.folder / "include" / "databases.yaml"
        before = path.read_text()
        self.checkout.add_database(HURT, **entry)
        try:
            yield
        finally:
            path.write_text(before)

    def said(self) -> list[Said]:
        """All messages in Slack, oldest first, each followed by the replies in its thread."""
        port, token = (self.environment[f"LOCALCLOUD_SLACK_{name}"] for name in ("PORT", "TOKEN"))
        found: list[Said] = []
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}/api/", headers={"Authorization": f"Bearer {token}"}, timeout=30
        ) as slack:

            def ask(method: str, **arguments: str) -> dict[str, Any]:
                answer: dict[str, Any] = slack.post(method, data=arguments).raise_for_status().json()
                assert answer["ok"], answer
                return answer

            for channel in ask("conversations.list")["channels"]:
                for message in reversed(ask("conversations.history", channel=channel["id"], limit="200")["messages"]):
                    thread = ask("conversations.replies", channel=channel["id"], ts=message["ts"])["messages"]
                    found += [Said(one["ts"] != message["ts"], one["text"], one["ts"]) for one in thread]
        return found

    def heard(self, since: int, wanted: int, seconds: float = 240) -> list[Said]:
        """What was said after the first `since` messages, once there are `wanted` and no more came for a while."""
        self.wait_until(lambda: len(self.said()) - since >= wanted, f"{wanted} messages in Slack", seconds)
        time.sleep(3 * EVERY)
        return self.said()[since:]


def follow(command: subprocess.Popen[str], what: str, seconds: float = 600) -> int:
    """Wait for a command; its exit status."""
    output, _ = command.communicate(timeout=seconds)
    if command.returncode not in (0, 1):
        raise AssertionError(f"{what} ended with {command.returncode}:\n{output}")
    return command.returncode
